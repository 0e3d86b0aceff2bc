"""The replaced parts of moto's launch templates: their tags, and versions that are based on another one."""

from __future__ import annotations

import importlib
from typing import Any


def adjust() -> None:
    """Replace what is named here, once moto's EC2 is loaded."""
    models = importlib.import_module("moto.ec2.models.launch_templates")
    _tell_tags(models.LaunchTemplate, models.LaunchTemplateVersion)
    _inherit(importlib.import_module("moto.ec2.responses.launch_templates").LaunchTemplates)


def _tell_tags(template_class: Any, version_class: Any) -> None:
    """Have launch templates tell their tags as they are now, and the tags that are their own in no version's data.

    EC2 API, CreateLaunchTemplate: its TagSpecifications are of the template; those of what is launched are in
    LaunchTemplateData. moto keeps the template's as they were at first, and has them in the data as well.
    """
    original = version_class.__init__

    def make(version: Any, template: Any, number: int, data: dict[str, Any], description: str) -> None:
        kept = [one for one in data.pop("TagSpecifications", ()) if one["ResourceType"] != "launch-template"]
        original(version, template, number, {**data, "TagSpecifications": kept} if kept else data, description)

    version_class.__init__ = make
    template_class.tags = property(lambda template: template.get_tags(), lambda _template, _tags: None)


def _inherit(responses: Any) -> None:
    """Have a version inherit the launch parameters of its SourceVersion, which moto does not look at.

    EC2 API, CreateLaunchTemplateVersion: "the new version inherits the same launch parameters as the source version,
    except for parameters that you specify in LaunchTemplateData".
    """
    original = responses.create_launch_template_version

    def create(response: Any) -> Any:
        given, backend = response.params, response.ec2_backend
        if source := given.get("SourceVersion"):
            name, own = given.get("LaunchTemplateName"), given.get("LaunchTemplateData") or {}
            found = backend.get_launch_template_by_name(name) if name else None
            template = found or backend.get_launch_template(given.get("LaunchTemplateId"))
            given["LaunchTemplateData"] = {**template.get_version(source).data, **own}
        return original(response)

    responses.create_launch_template_version = create

"""The replaced parts of moto's launch templates: their tags, their pages, and versions based on another one."""

from __future__ import annotations

import importlib
from typing import Any, Final

from locum.core.markers import key_in, marker_of

_MOST: Final = 200
"""EC2 API, DescribeLaunchTemplates, MaxResults: "This value can be between 1 and 200"."""


def adjust() -> None:
    """Replace what is named here, once moto's EC2 is loaded."""
    models = importlib.import_module("moto.ec2.models.launch_templates")
    _tell_tags(models.LaunchTemplate, models.LaunchTemplateVersion)
    responses = importlib.import_module("moto.ec2.responses.launch_templates").LaunchTemplates
    _inherit(responses)
    _page(responses)


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


def _page(responses: Any) -> None:
    """Have DescribeLaunchTemplates answer page by page, in the order of the ids. moto has the first fifteen alone."""
    errors = importlib.import_module("moto.ec2.exceptions")
    original = responses.describe_launch_templates

    def describe(response: Any) -> Any:
        size, token = int(response.params.pop("MaxResults", _MOST)), response.params.pop("NextToken", "")
        if not 1 <= size <= _MOST:
            bound = "greater than 1" if size < 1 else f"less than {_MOST}"
            text = f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value {bound}."
            raise errors.EC2ClientError("InvalidParameterValue", text)
        after = key_in(token) if token else ""
        if after is None:
            text = "The specified pagination token is not valid or is expired."
            raise errors.EC2ClientError("InvalidPaginationToken", text)
        response.params["MaxResults"] = len(response.ec2_backend.launch_templates)
        answered = original(response)
        found = sorted(answered.result["LaunchTemplates"], key=lambda one: one["LaunchTemplateId"])
        rest = [one for one in found if one["LaunchTemplateId"] > after]
        answered.result["LaunchTemplates"] = rest[:size]
        if len(rest) > size:
            answered.result["NextToken"] = marker_of(rest[size - 1]["LaunchTemplateId"])
        return answered

    responses.describe_launch_templates = describe

"""Launch templates in RunInstances: a launch has the parameters of its template, but for those of the request.

EC2 API, RunInstances, LaunchTemplate: "Any additional parameters that you specify for the new instance overwrite the
corresponding parameters included in the launch template." EC2 User Guide, "Launch instances from a launch template":
the instances get the tags `aws:ec2launchtemplate:id` and `aws:ec2launchtemplate:version`.

The template is read before the call is decided on, so that everything in it (the image, the subnet, the role of its
instance profile) takes the caller's permission like a parameter of the request.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.services.ec2.faults import invalid_combination
from locum.services.ec2.held import Answer, held
from locum.services.verbs import Context, Params

FROM_TEMPLATE: Final = "FromTemplate"
"""The member of `LaunchTemplate` with the names of the parameters that only the template has; sorted."""

_RENAMED: Final = {"RamDiskId": "RamdiskId"}
_NOT_FOR_LAUNCH: Final = frozenset({"ElasticGpuSpecifications", "InstanceRequirements"})
_DEFAULT: Final = "$Default"


def with_template(ctx: Context, params: Params) -> Generator[Ask, Answer, Params]:
    """`params` of RunInstances with those of their launch template. Raises Fault where there is no such version."""
    template = params.get("LaunchTemplate")
    if not template or FROM_TEMPLATE in template:
        return params
    version = yield from version_of(ctx, template)
    data = {_RENAMED.get(name, name): value for name, value in version.get("LaunchTemplateData", {}).items()}
    added = {name: value for name, value in data.items() if name not in params and name not in _NOT_FOR_LAUNCH}
    merged = {**params, **added}
    if "TagSpecifications" in params:
        merged["TagSpecifications"] = [*data.get("TagSpecifications", ()), *params["TagSpecifications"]]
    merged["LaunchTemplate"] = {
        "LaunchTemplateId": version["LaunchTemplateId"],
        "LaunchTemplateName": version["LaunchTemplateName"],
        "Version": str(version["VersionNumber"]),
        FROM_TEMPLATE: sorted(added),
    }
    return merged


def version_of(ctx: Context, template: Mapping[str, Any]) -> Generator[Ask, Answer, Mapping[str, Any]]:
    """The `LaunchTemplateVersion` that a `LaunchTemplateSpecification` names. Raises Fault where there is none."""
    named = {name: template[name] for name in ("LaunchTemplateId", "LaunchTemplateName") if template.get(name)}
    if not named:
        raise Fault("MissingParameter", "Either the launch template ID or the launch template name must be specified.")
    if len(named) > 1:
        raise invalid_combination("The launch template ID and the launch template name cannot both be specified.")
    wanted = str(template.get("Version") or _DEFAULT)
    answer = yield held(ctx, "DescribeLaunchTemplateVersions", {**named, "Versions": [wanted]})
    found = answer["LaunchTemplateVersions"]
    if not found:
        text = f"Could not find the specified version {wanted} for the launch template."
        raise Fault("InvalidLaunchTemplateId.VersionNotFound", text)
    version: Mapping[str, Any] = found[0]
    return version


def template_tags(params: Params) -> dict[str, str]:
    """The tags that tell an instance's template; `params` are those of `with_template`."""
    template = params.get("LaunchTemplate") or {}
    if not template:
        return {}
    return {
        "aws:ec2launchtemplate:id": template["LaunchTemplateId"],
        "aws:ec2launchtemplate:version": template["Version"],
    }

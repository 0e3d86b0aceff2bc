"""ValidateTemplate: the parameters of a template, and the capabilities that making a stack of it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.core.identifiers import request_id
from locum.services.asking import Asking
from locum.services.cloudformation.templates import decoded, invalid, template_text
from locum.services.verbs import Context, Outcome, Params

_NAMES: Final = {
    "AWS::IAM::AccessKey": None,
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": None,
}
"""CloudFormation API Reference, CreateStack, Capabilities: the types that take CAPABILITY_IAM, and the property by
which one has a custom name and takes CAPABILITY_NAMED_IAM."""

_CALCULATOR: Final = "https://calculator.aws/#/estimate?key=cloudformation/"


def validate_template(ctx: Context, params: Params) -> Asking:
    """cloudformation:ValidateTemplate. Asks S3 for a template that is named by a URL, as the caller."""
    template = decoded((yield from template_text(ctx, params)))
    resources = _section(template, "Resources")
    if not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        if not isinstance(resource, Mapping) or not isinstance(resource.get("Type"), str):
            raise invalid(f"Template format error: Every Resources object must contain a Type member: [{name}]")
    declared = _section(template, "Parameters")
    answer: dict[str, Any] = {"Parameters": [_parameter(name, value) for name, value in declared.items()]}
    if isinstance(template.get("Description"), str):
        answer["Description"] = template["Description"]
    return Outcome(answer | capabilities_shown(resources) | _transforms(template))


def estimate_template_cost(ctx: Context, params: Params) -> Asking:
    """cloudformation:EstimateTemplateCost: the address of a calculator, which is AWS's and knows nothing of it."""
    template = decoded((yield from template_text(ctx, params)))
    if not _section(template, "Resources"):
        raise invalid("Template format error: At least one Resources member must be defined.")
    return Outcome({"Url": f"{_CALCULATOR}{request_id(ctx.entropy)}"})


def _section(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = template.get(name, {})
    if not isinstance(section, Mapping):
        raise invalid(f"Template format error: {name} must be an object.")
    return section


def _parameter(name: str, declared: Any) -> dict[str, Any]:
    if not isinstance(declared, Mapping) or not isinstance(declared.get("Type"), str):
        raise invalid(f"Template format error: Every Parameters object must contain a Type member: [{name}]")
    no_echo = _scalar("NoEcho", declared.get("NoEcho", False)).lower()
    shown: dict[str, Any] = {"ParameterKey": str(name), "NoEcho": no_echo == "true"}
    for member, given in (("DefaultValue", "Default"), ("Description", "Description")):
        if given in declared:
            shown[member] = _scalar(given, declared[given])
    return shown


def _scalar(member: str, value: Any) -> str:
    """`value`, a scalar of JSON or YAML, as text. Raises Fault ValidationError for a collection."""
    if isinstance(value, (list, dict)):
        raise invalid(f"Template format error: Every {member} member must be a string.")
    return str(value).lower() if isinstance(value, bool) else str(value)


def capability_of(resources: Mapping[str, Any]) -> str:
    """The capability that a stack of `resources`, as they are in a template, takes; empty where it takes none."""
    if not any(True for _ in _identity_types(resources)):
        return ""
    named = any(_is_named(resource) for resource in resources.values())
    return "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"


def capabilities_shown(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an answer that tell which capability a stack takes, and why."""
    capability = capability_of(resources)
    if not capability:
        return {}
    needed = ", ".join(dict.fromkeys(_identity_types(resources)))
    return {
        "Capabilities": [capability],
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{needed}]",
    }


def _identity_types(resources: Mapping[str, Any]) -> Iterator[str]:
    return (resource["Type"] for resource in resources.values() if resource["Type"] in _NAMES)


def _is_named(resource: Mapping[str, Any]) -> bool:
    name, properties = _NAMES.get(resource["Type"]), resource.get("Properties")
    return name is not None and isinstance(properties, Mapping) and name in properties


def _transforms(template: Mapping[str, Any]) -> dict[str, Any]:
    declared = template.get("Transform", [])
    transforms = [declared] if isinstance(declared, str) else declared
    if not isinstance(transforms, list) or not all(isinstance(transform, str) for transform in transforms):
        raise invalid("Template format error: Transform must be a string or a list of strings.")
    return {"DeclaredTransforms": transforms} if transforms else {}

"""ValidateTemplate: the parameters of a template, and the capabilities that making a stack of it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from locum.core.identifiers import request_id
from locum.services.asking import Asking
from locum.services.cloudformation.drafts import STACK
from locum.services.cloudformation.functions import text
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.schemas import schema_of
from locum.services.cloudformation.sections import description_of, section_of
from locum.services.cloudformation.template import Template, parsed
from locum.services.cloudformation.templates import decoded, invalid, template_text
from locum.services.cloudformation.transforms import untransformed
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
    found = untransformed(template)
    if not found.transforms:
        found = parsed(template)
        check_recognized(found)
    declared = section_of(found.source, "Resources")
    if not declared:
        raise invalid("Template format error: At least one Resources member must be defined.")
    resources = {name: it for name, it in declared.items() if isinstance(it, Mapping) and "Type" in it}
    answer: dict[str, Any] = {"Parameters": [_parameter(name, value) for name, value in found.parameters.items()]}
    if description_of(found.source):
        answer["Description"] = found.source["Description"]
    transforms = list(found.transforms)
    return Outcome(answer | capabilities_shown(resources) | ({"DeclaredTransforms": transforms} if transforms else {}))


def check_recognized(template: Template) -> None:
    """Check that there are such resource types as the template has. Raises Fault ValidationError."""
    if unknown := unrecognized(it.type for it in template.resources.values()):
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")


def unrecognized(kinds: Iterable[str]) -> list[str]:
    """Those of the resource types that there are not."""
    return [kind for kind in dict.fromkeys(kinds) if kind not in PROVIDERS and schema_of(kind) is None]


def estimate_template_cost(ctx: Context, params: Params) -> Asking:
    """cloudformation:EstimateTemplateCost: the address of a calculator, which is AWS's and knows nothing of it."""
    template = decoded((yield from template_text(ctx, params)))
    if not untransformed(template).transforms:
        parsed(template)
    return Outcome({"Url": f"{_CALCULATOR}{request_id(ctx.entropy)}"})


def _parameter(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "ParameterKey": name,
        "NoEcho": text(declared.get("NoEcho", False)).lower() == "true",
    }
    for member, given in (("DefaultValue", "Default"), ("Description", "Description")):
        if given in declared:
            shown[member] = text(declared[given])
    return shown


def capability_of(resources: Mapping[str, Any]) -> str:
    """The capability that a stack of `resources`, as they are in a template, takes; empty where it takes none."""
    if not _identity_types(resources):
        return ""
    named = any(_is_named(resource) for resource in resources.values())
    return "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"


def capabilities_shown(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an answer that tell which capabilities a stack takes, and why.

    Those of a nested stack are not known: all are told.
    """
    kinds = _identity_types(resources)
    nested = any(resource["Type"] == STACK for resource in resources.values())
    if not kinds and not nested:
        return {}
    needed = ", ".join(sorted({*kinds, STACK} if nested else kinds))
    return {
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"] if nested else [capability_of(resources)],
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{needed}]",
    }


def _identity_types(resources: Mapping[str, Any]) -> set[str]:
    return {resource["Type"] for resource in resources.values() if resource["Type"] in _NAMES}


def _is_named(resource: Mapping[str, Any]) -> bool:
    name, properties = _NAMES.get(resource["Type"]), resource.get("Properties")
    return name is not None and isinstance(properties, Mapping) and name in properties

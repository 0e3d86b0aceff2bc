"""Sections of templates, checked for their structure, with CloudFormation's texts.

CloudFormation User Guide, "Template anatomy".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from locum.services.cloudformation.dynamic_references import check_default
from locum.services.cloudformation.templates import invalid

LONGEST_DESCRIPTION: Final = 1024
"""Octets."""

_PARAMETER_ATTRIBUTES: Final = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
_OUTPUT_ATTRIBUTES: Final = frozenset({"Condition", "Description", "Export", "Value"})
_AWS_TYPES: Final = (
    r"AWS::(?:EC2::(?:AvailabilityZone::Name|Image::Id|Instance::Id|KeyPair::KeyName|SecurityGroup::(?:Id|GroupName)"
    r"|Subnet::Id|VPC::Id|Volume::Id)|Route53::HostedZone::Id)"
)
_PARAMETER_TYPE: Final = re.compile(
    rf"String|Number|CommaDelimitedList|List<(?:String|Number|{_AWS_TYPES})>|{_AWS_TYPES}|AWS::SSM::Parameter::Name"
    rf"|AWS::SSM::Parameter::Value<(?:String|CommaDelimitedList|{_AWS_TYPES}|List<(?:String|{_AWS_TYPES})>)>"
)
"""CloudFormation User Guide, "CloudFormation-supplied parameter types"."""

_ALPHANUMERIC: Final = re.compile("[A-Za-z0-9]+")

_T = TypeVar("_T")


def section_of(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section of a template; empty where there is none. Raises Fault ValidationError, as all here."""
    found = source.get(name, {})
    if not isinstance(found, Mapping):
        raise invalid(f"Template format error: Any {name} member must be an object.")
    return found


def members_of(source: Mapping[str, Any], section: str, called: str, member: Callable[[str, Any], _T]) -> dict[str, _T]:
    """The members of a section, each read by `member`; `called` is what AWS calls one."""
    found: dict[str, _T] = {}
    for name, value in section_of(source, section).items():
        found[name] = member(name, value)
        if not _ALPHANUMERIC.fullmatch(name):
            raise invalid(f"Template format error: {called} name {name} is non alphanumeric.")
    return found


def description_of(source: Mapping[str, Any]) -> str:
    """The description of a template."""
    description = source.get("Description", "")
    if not isinstance(description, str):
        raise invalid("Template format error: Every Description member must be a string.")
    if len(description.encode("utf-8", "replace")) > LONGEST_DESCRIPTION:
        raise invalid(f"Template format error: 'Description' length is greater than {LONGEST_DESCRIPTION}.")
    return description


def transforms_of(source: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the transforms that a template declares, in order."""
    declared = source.get("Transform", [])
    transforms = declared if isinstance(declared, list) else [declared]
    names = [transform.get("Name") if isinstance(transform, Mapping) else transform for transform in transforms]
    if not all(isinstance(name, str) for name in names):
        raise invalid("Template format error: Transform must be a string or a list of strings.")
    return tuple(map(str, names))


def parameter(name: str, declared: Any) -> Mapping[str, Any]:
    """A member of Parameters."""
    if not isinstance(declared, Mapping) or not isinstance(declared.get("Type"), str):
        raise invalid(
            f"Template format error: [/Parameters/{name}] Every Parameters object must contain a Type member."
        )
    for attribute, value in declared.items():
        if attribute not in _PARAMETER_ATTRIBUTES:
            raise invalid(f"Invalid template parameter property '{attribute}'")
        if isinstance(value, Mapping) or isinstance(value, list) != (attribute == "AllowedValues"):
            kind = "list" if attribute == "AllowedValues" else "string"
            raise invalid(f"Template format error: Every {attribute} member must be a {kind}.")
    if not _PARAMETER_TYPE.fullmatch(declared["Type"]):
        raise invalid(f"Template format error: Unrecognized parameter type: {declared['Type']}")
    check_default(name, str(declared.get("Default", "")))
    return declared


def mapping(name: str, declared: Any) -> Mapping[str, Mapping[str, Any]]:
    """A member of Mappings: texts, or lists of them, by two keys."""
    if not isinstance(declared, Mapping):
        raise invalid(f"Template format error: Every Mappings member {name} must be a map")
    for key, attributes in declared.items():
        if not isinstance(attributes, Mapping):
            raise invalid(f"Template format error: Every Mappings member {key} must be a map")
        for value in attributes.values():
            items = value if isinstance(value, list) else [value]
            if any(isinstance(item, (Mapping, list)) for item in items):
                raise invalid("Template format error: Every Mappings attribute must be a String or a List.")
    return declared


def rule(name: str, declared: Any) -> Mapping[str, Any]:
    """A member of Rules."""
    assertions = declared.get("Assertions") if isinstance(declared, Mapping) else None
    if not isinstance(assertions, list) or not assertions:
        raise invalid(f"Template format error: Rule {name} must contain a list of Assertions.")
    if not all(isinstance(assertion, Mapping) and "Assert" in assertion for assertion in assertions):
        raise invalid(f"Template format error: Every Assertions member of rule {name} must contain an Assert object.")
    return dict(declared)


def output(name: str, declared: Any) -> Mapping[str, Any]:
    """A member of Outputs."""
    unknown = [
        attribute
        for attribute in (declared if isinstance(declared, Mapping) else {})
        if attribute not in _OUTPUT_ATTRIBUTES
    ]
    if unknown:
        raise invalid(f"Template format error: Invalid outputs property : [{', '.join(unknown)}]")
    if not isinstance(declared, Mapping) or "Value" not in declared:
        raise invalid("Template format error: Every Outputs member must contain a Value object")
    if not isinstance(declared.get("Condition", ""), str):
        raise invalid(f"Template format error: Every Condition member must be a string: [/Outputs/{name}]")
    if "Export" in declared and (not isinstance(declared["Export"], Mapping) or list(declared["Export"]) != ["Name"]):
        raise invalid(
            f"Template format error: Output {name} is malformed. The Name field of every Export member must be "
            "specified and consist only of alphanumeric characters, colons, or hyphens."
        )
    return declared

"""Parameters of templates: which values a stack has of them, and whether these are allowed.

CloudFormation User Guide, "CloudFormation template Parameters syntax" and "Specify existing resources at runtime with
CloudFormation-supplied parameter types".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.services.cloudformation.functions import text
from locum.services.cloudformation.patterns import NotChecked, Steps, matches
from locum.services.cloudformation.template import Template
from locum.services.cloudformation.templates import invalid

LONGEST_VALUE: Final = 4096
"""Octets. CloudFormation User Guide, "CloudFormation quotas": "Parameter values: 4,096 bytes"."""

UNREAD: Final = "Unable to fetch parameters [{}] from parameter store for this account."

_SSM_VALUE: Final = "AWS::SSM::Parameter::Value<"
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


class ParameterValue(NamedTuple):
    """The value of a parameter: as it was given, and as Ref has it.

    `value` is the key of an SSM parameter where the type is AWS::SSM::Parameter::Value<...>. `resolved` is a list for
    CommaDelimitedList and List<...>.
    """

    value: str
    resolved: str | list[str]
    no_echo: bool


def parameter_values(
    template: Template,
    given: Sequence[Mapping[str, Any]],
    previous: Mapping[str, str] | None,
    from_ssm: Mapping[str, str],
) -> dict[str, ParameterValue]:
    """The values of all parameters of a template, by name. Raises Fault ValidationError.

    `given` are the `Parameters` of a call, `previous` the values of the stack before (None for a new one), `from_ssm`
    the values of SSM parameters by the name of the template's parameter.
    """
    values = _values(template, given, previous)
    missing = [name for name in template.parameters if name not in values]
    if any(template.parameters[name]["Type"].startswith(_SSM_VALUE) for name in missing):
        raise invalid(f"Parameter {missing[0]} should either have input value or default value")
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    steps = Steps()
    for name, value in values.items():
        _allowed(name, template.parameters[name], value, steps)
    keys = _keys(template, values)
    unread = [key for name, key in keys.items() if name not in from_ssm]
    if unread:
        raise invalid(UNREAD.format(",".join(unread)))
    return {
        name: ParameterValue(
            values[name],
            _typed(declared["Type"], from_ssm[name] if name in keys else values[name]),
            text(declared.get("NoEcho", False)).lower() == "true",
        )
        for name, declared in template.parameters.items()
    }


def still_secret(
    values: Mapping[str, ParameterValue], given: Sequence[Mapping[str, Any]], before: Mapping[str, ParameterValue]
) -> dict[str, ParameterValue]:
    """`values`, of which those that are used again and were not shown before are not shown now either.

    Else a template without NoEcho would have a change set tell the secret of a stack to who may not update it.
    """
    again = {entry.get("ParameterKey") for entry in given if entry.get("UsePreviousValue")}
    kept = {name for name, it in before.items() if it.no_echo and name in again}
    return {name: it._replace(no_echo=it.no_echo or name in kept) for name, it in values.items()}


def ssm_parameters(
    template: Template, given: Sequence[Mapping[str, Any]], previous: Mapping[str, str] | None
) -> dict[str, str]:
    """The SSM parameters to be read, by the name of the template's parameter whose value names one."""
    return _keys(template, _values(template, given, previous))


def _keys(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    return {name: key for name, key in values.items() if template.parameters[name]["Type"].startswith(_SSM_VALUE)}


def _values(
    template: Template, given: Sequence[Mapping[str, Any]], previous: Mapping[str, str] | None
) -> dict[str, str]:
    """The values that parameters have: what is given, what was before if so is asked, or the default."""
    entries = {str(entry.get("ParameterKey", "")): entry for entry in given}
    unknown = [name for name in entries if name not in template.parameters]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values: dict[str, str] = {}
    for name, declared in template.parameters.items():
        value = _given(name, entries.get(name, {}), previous or {})
        if value is None and "Default" in declared:
            value = text(declared["Default"])
        if value is not None:
            values[name] = value
    return values


def _given(name: str, entry: Mapping[str, Any], previous: Mapping[str, str]) -> str | None:
    value = entry.get("ParameterValue")
    if not entry.get("UsePreviousValue"):
        return None if value is None else str(value)
    if value:
        raise invalid(
            f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true and non empty value for "
            "a parameter"
        )
    if name not in previous:
        raise invalid(
            f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key not "
            "in the previous template"
        )
    return previous[name]


def _typed(kind: str, value: str) -> str | list[str]:
    """A value as Ref has it. "CommaDelimitedList: ... each member string is space trimmed"."""
    inner = kind.removeprefix(_SSM_VALUE)
    if inner.startswith(("CommaDelimitedList", "List<")):
        return [item.strip() for item in value.split(",")]
    return value


def _allowed(name: str, declared: Mapping[str, Any], value: str, steps: Steps) -> None:
    """The check of a value against the constraints of its parameter. Of an SSM parameter it is the key that is checked.

    Raises Fault ValidationError, with the ConstraintDescription where there is one.
    """
    if len(value.encode("utf-8", "replace")) > LONGEST_VALUE:
        raise invalid(f"Parameter {name} exceeds the maximum parameter value length of {LONGEST_VALUE} bytes.")
    kind = declared["Type"]
    items = [value] if kind.startswith(_SSM_VALUE) else _typed(kind, value)
    allowed = dict.fromkeys(text(one) for one in declared["AllowedValues"]) if "AllowedValues" in declared else None
    for item in items if isinstance(items, list) else [items]:
        broken = _broken(name, declared, item, steps)
        if not broken and allowed is not None and item not in allowed:
            broken = "must be one of AllowedValues"
        if broken and "ConstraintDescription" in declared:
            raise invalid(f"Parameter {name} failed to satisfy constraint: {text(declared['ConstraintDescription'])}")
        if broken:
            raise invalid(f"Parameter '{name}' {broken}")


def _broken(name: str, declared: Mapping[str, Any], value: str, steps: Steps) -> str:
    """What is wrong with a value, or an item of one; empty where nothing is."""
    if declared["Type"] in {"Number", "List<Number>"}:
        return _broken_number(name, declared, value)
    return _broken_text(name, declared, value, steps)


def _broken_number(name: str, declared: Mapping[str, Any], value: str) -> str:
    if not _NUMBER.fullmatch(value.strip()) or not math.isfinite(float(value)):
        return "must be a number"
    least, most = _bound(name, declared, "MinValue"), _bound(name, declared, "MaxValue")
    if least is not None and float(value) < least:
        return f"must be a number not less than {text(declared['MinValue'])}"
    if most is not None and float(value) > most:
        return f"must be a number not greater than {text(declared['MaxValue'])}"
    return ""


def _broken_text(name: str, declared: Mapping[str, Any], value: str, steps: Steps) -> str:
    least, most = _bound(name, declared, "MinLength"), _bound(name, declared, "MaxLength")
    if least is not None and len(value) < least:
        return f"must contain at least {text(declared['MinLength'])} characters"
    if most is not None and len(value) > most:
        return f"must contain at most {text(declared['MaxLength'])} characters"
    pattern = declared.get("AllowedPattern")
    if pattern is not None and not _matches(name, text(pattern), value, steps):
        return f"must match pattern {text(pattern)}"
    return ""


def _bound(name: str, declared: Mapping[str, Any], constraint: str) -> float | None:
    if constraint not in declared:
        return None
    bound = text(declared[constraint]).strip()
    if not _NUMBER.fullmatch(bound):
        raise invalid(f"Template format error: Parameter '{name}' {constraint} must be a number.")
    return float(bound)


def _matches(name: str, pattern: str, value: str, steps: Steps) -> bool:
    """Whether all of a value is as an AllowedPattern says, which is a regular expression of Java."""
    try:
        return matches(pattern, value, steps)
    except re.error as error:
        raise invalid(f"Parameter '{name}' AllowedPattern must be a valid regular expression.") from error
    except NotChecked as error:
        raise invalid(f"Parameter '{name}' AllowedPattern cannot be held against its value.") from error

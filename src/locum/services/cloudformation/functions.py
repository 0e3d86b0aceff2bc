"""Intrinsic functions as templates write them: their names, the forms of their arguments, and what they refer to.

CloudFormation Template Reference, "Intrinsic functions" and "Rule-specific intrinsic functions".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from locum.services.cloudformation.templates import invalid

NO_VALUE: Final = "AWS::NoValue"
PSEUDO_PARAMETERS: Final = frozenset(
    {
        "AWS::AccountId",
        "AWS::NotificationARNs",
        NO_VALUE,
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)
CONDITION_FUNCTIONS: Final = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})
RULE_FUNCTIONS: Final = frozenset(
    {
        "Fn::Contains",
        "Fn::EachMemberEquals",
        "Fn::EachMemberIn",
        "Fn::RefAll",
        "Fn::ValueOf",
        "Fn::ValueOfAll",
    }
)
TRUTHS: Final = CONDITION_FUNCTIONS | {"Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"}
"""The functions whose value is true or false."""

JOIN_FORM: Final = (
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings "
    "to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
)
SPLIT_FORM: Final = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be "
    "split or a function that returns a string to be split."
)
SELECT_FORM: Final = (
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
)
SELECT_INDEX: Final = (
    "Template error: Fn::Select requires a list argument with a valid index value as its first element"
)
MAP_FORM: Final = (
    "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute "
    "for return value"
)
EQUALS_FORM: Final = "Template error: every Fn::Equals object requires a list of 2 string parameters."
SUB_FORM: Final = (
    "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as "
    "first argument, and an optional second argument to specify a mapping of values to replace in the string"
)
SUB_VALUE: Final = (
    "Template error: every value of the context object of every Fn::Sub object must be a string or a function that "
    "returns a string"
)
CIDR_FORM: Final = (
    "Template error: every Fn::Cidr object requires two or three parameters, (1) a CIDR block, (2) the number of CIDRs "
    "to generate, between 1 and 256, and (3) the number of subnet bits"
)
IMPORT_FORM: Final = (
    "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs"
)
_SUB_NAME: Final = (
    "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, "
    "and colons"
)
_SUB_KEY: Final = (
    "Template error: every key of the context object of every Fn::Sub object must contain only alphanumeric "
    "characters and underscores"
)
GET_ATT_FORM: Final = (
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource "
    "attribute"
)
_VARIABLE: Final = re.compile(r"[A-Za-z0-9_.:]+")
_KEY: Final = re.compile(r"[A-Za-z0-9_]+")


class Variable(NamedTuple):
    """A `${name}` in the string of an Fn::Sub."""

    name: str


def function_of(value: Any) -> tuple[str, Any] | None:
    """The intrinsic function that a value is, as its name and argument; None where the value is data.

    `Condition` is not among them: it is a function only where a truth is asked for.
    """
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref" or name.startswith("Fn::"):
            return name, argument
    return None


def condition_of(value: Any) -> str | None:
    """The name of the condition that a `{"Condition": name}` stands for; None where the value is anything else."""
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("Condition"), str):
        return str(value["Condition"])
    return None


def nested(value: Any) -> Iterator[Any]:
    """A value and everything within it, in the order of the template."""
    left = [value]
    while left:
        current = left.pop()
        yield current
        if isinstance(current, Mapping):
            left.extend(reversed([*current.values()]))
        elif isinstance(current, list):
            left.extend(reversed(current))


def is_scalar(value: Any) -> bool:
    """Whether a value is a string, a number or a boolean: what a template may write for a string."""
    return isinstance(value, (str, bool, int, float))


def text(value: Any) -> str:
    """A scalar as CloudFormation writes it within strings: true, false, or the shortest decimal number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value) and "e" in repr(value):
        return format(Decimal(repr(value)), "f")
    return str(value)


def sub_parts(template: str) -> list[str | Variable]:
    """The string of an Fn::Sub, in literal texts and variables. Raises Fault ValidationError on a bad variable name.

    `${!Literal}` is the text `${Literal}`.
    """
    parts: list[str | Variable] = []
    at = 0
    while (start := template.find("${", at)) >= 0 and (end := template.find("}", start)) >= 0:
        name = template[start + 2 : end]
        parts.append(template[at:start])
        if name.startswith("!"):
            parts.append(f"${{{name[1:]}}}")
        elif _VARIABLE.fullmatch(name):
            parts.append(Variable(name))
        else:
            raise invalid(_SUB_NAME)
        at = end + 1
    parts.append(template[at:])
    return parts


def sub_arguments(argument: Any) -> tuple[str, Mapping[str, Any]]:
    """The string and the variables of an Fn::Sub. Raises Fault ValidationError where its argument is neither form."""
    string, own = (argument[0], argument[1]) if _is_list(argument, 2) else (argument, {})
    if not is_scalar(string) or not isinstance(own, Mapping) or function_of(own):
        raise invalid(SUB_FORM)
    return text(string), own


def attribute_parts(argument: Any) -> tuple[str, Any]:
    """The resource and the attribute of an Fn::GetAtt, `[A, B]` or `A.B`. Raises Fault ValidationError on any other.

    The attribute may be a function ("For the Fn::GetAtt attribute name, you can use the Ref function").
    """
    parts: Any = list(argument.partition("."))[::2] if isinstance(argument, str) else argument
    if not _is_list(parts, 2) or not isinstance(parts[0], str) or not parts[0] or not parts[1]:
        raise invalid(GET_ATT_FORM)
    if not isinstance(parts[1], str) and function_of(parts[1]) is None:
        raise invalid(GET_ATT_FORM)
    return parts[0], parts[1]


class Reference(NamedTuple):
    """What a function refers to: `function` is its name, `written` how it names `name`."""

    function: str
    name: str
    written: str


def references_of(value: Any) -> Iterator[Reference]:
    """The references of a value itself, not of what is within it. Pseudo parameters are left out."""
    found = function_of(value)
    if found is None:
        return
    name, argument = found
    if name == "Ref" and isinstance(argument, str) and argument not in PSEUDO_PARAMETERS:
        yield Reference(name, argument, argument)
    elif name == "Fn::GetAtt":
        resource, attribute = attribute_parts(argument)
        yield Reference(name, resource, f"{resource}.{attribute}")
    elif name == "Fn::Sub":
        string, own = sub_arguments(argument)
        for part in sub_parts(string):
            if isinstance(part, Variable) and part.name not in own and part.name not in PSEUDO_PARAMETERS:
                yield Reference(name, part.name.partition(".")[0], part.name)


def checked(value: Any) -> None:
    """The check that all functions within a value are known and have arguments of their form.

    Raises Fault ValidationError with CloudFormation's text. What an argument's own functions return is not known here.
    """
    for current in nested(value):
        if isinstance(current, Mapping) and len(current) > 1:
            for name in current:
                if name.startswith("Fn::"):
                    raise invalid(f"Template error: {name} cannot be partially collapsed")
        found = function_of(current)
        if found is not None:
            form_checked(*found)


def resolved(block: str, missing: Iterable[str]) -> None:
    """The check that functions of a block refer to nothing that is missing. Raises Fault ValidationError.

    The text of Outputs is without "Template format error: ", as AWS has it.
    """
    if names := ", ".join(missing):
        start = "" if block == "Outputs" else "Template format error: "
        raise invalid(f"{start}Unresolved resource dependencies [{names}] in the {block} block of the template")


def form_checked(name: str, argument: Any) -> None:
    """The check that a function is known and its argument of its form. Raises Fault ValidationError."""
    if name not in _FORMS:
        raise invalid(f"Template error: unsupported intrinsic function {name}")
    _FORMS[name](name, argument)


def _is_list(value: Any, *lengths: int) -> bool:
    return isinstance(value, list) and len(value) in lengths


def _may_be_text(value: Any) -> bool:
    return is_scalar(value) or function_of(value) is not None


def _may_be_list(value: Any) -> bool:
    return isinstance(value, list) or function_of(value) is not None


def _reference(_: str, argument: Any) -> None:
    if not isinstance(argument, str) or not argument:
        raise invalid("Template error: every Ref object must have a single String value.")


def _attribute(_: str, argument: Any) -> None:
    attribute_parts(argument)


def _sub(_: str, argument: Any) -> None:
    string, own = sub_arguments(argument)
    sub_parts(string)
    if not all(_KEY.fullmatch(key) for key in own):
        raise invalid(_SUB_KEY)
    if not all(map(_may_be_text, own.values())):
        raise invalid(SUB_VALUE)


def _join(_: str, argument: Any) -> None:
    if not _is_list(argument, 2) or not isinstance(argument[0], str) or not _may_be_list(argument[1]):
        raise invalid(JOIN_FORM)


def _split(_: str, argument: Any) -> None:
    if not _is_list(argument, 2) or not isinstance(argument[0], str) or not _may_be_text(argument[1]):
        raise invalid(SPLIT_FORM)


def _select(_: str, argument: Any) -> None:
    if not isinstance(argument, list) or not argument or not _may_be_text(argument[0]):
        raise invalid(SELECT_INDEX)
    if len(argument) != 2 or not _may_be_list(argument[1]):
        raise invalid(SELECT_FORM)


def _find_in_map(_: str, argument: Any) -> None:
    if not _is_list(argument, 3, 4) or not all(map(_may_be_text, argument[:3])):
        raise invalid(MAP_FORM)
    if len(argument) == 4 and (not isinstance(argument[3], Mapping) or list(argument[3]) != ["DefaultValue"]):
        raise invalid(MAP_FORM)


def _if(_: str, argument: Any) -> None:
    if not isinstance(argument, list) or not argument or not isinstance(argument[0], str):
        raise invalid("Template error: Fn::If requires a list argument with the first element being a condition")
    if len(argument) != 3:
        raise invalid("Template error: Fn::If requires a list argument with three elements")


def _equals(_: str, argument: Any) -> None:
    if not _is_list(argument, 2) or not all(map(_may_be_text, argument)):
        raise invalid(EQUALS_FORM)


def _may_be_true(value: Any) -> bool:
    return condition_of(value) is not None or function_of(value) is not None


def _and_or(name: str, argument: Any) -> None:
    if not isinstance(argument, list) or not 2 <= len(argument) <= 10 or not all(map(_may_be_true, argument)):
        raise invalid(
            f"Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters."
        )


def _not(_: str, argument: Any) -> None:
    if not _is_list(argument, 1):
        raise invalid("Template error: Fn::Not requires a list argument with one element")
    if not _may_be_true(argument[0]):
        raise invalid("Template error: Fn::Not requires a list argument with one function token")


def _string(name: str, argument: Any) -> None:
    if not _may_be_text(argument):
        raise invalid(f"Template error: every {name} object must have a String-typed value.")


def _import(name: str, argument: Any) -> None:
    _string(name, argument)
    for inner in nested(argument):
        found = function_of(inner)
        if found and found[0] in {"Fn::GetAtt", "Fn::ImportValue", "Fn::GetAZs"}:
            raise invalid(IMPORT_FORM)
        if any("." in reference.written for reference in references_of(inner)):
            raise invalid(IMPORT_FORM)


def _cidr(_: str, argument: Any) -> None:
    if not _is_list(argument, 2, 3) or not all(map(_may_be_text, argument)):
        raise invalid(CIDR_FORM)


def _two(name: str, argument: Any) -> None:
    if not _is_list(argument, 2):
        raise invalid(f"Template error: {name} requires a list argument with two elements")


def _list(name: str, argument: Any) -> None:
    if not _may_be_list(argument):
        raise invalid(f"Template error: {name} requires a list or a function that returns a list")


def _structure(name: str, argument: Any) -> None:
    if not isinstance(argument, (Mapping, list)):
        raise invalid(f"Template error: {name} requires an object or a list")


_FORMS: Final[dict[str, Callable[[str, Any], None]]] = {
    "Ref": _reference,
    "Fn::And": _and_or,
    "Fn::Base64": _string,
    "Fn::Cidr": _cidr,
    "Fn::Contains": _two,
    "Fn::EachMemberEquals": _two,
    "Fn::EachMemberIn": _two,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _string,
    "Fn::GetAtt": _attribute,
    "Fn::If": _if,
    "Fn::ImportValue": _import,
    "Fn::Join": _join,
    "Fn::Length": _list,
    "Fn::Not": _not,
    "Fn::Or": _and_or,
    "Fn::RefAll": _string,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _structure,
    "Fn::ValueOf": _two,
    "Fn::ValueOfAll": _two,
}

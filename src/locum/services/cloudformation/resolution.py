"""The replacement of functions in a value: one function at a time, and what they may produce together.

CloudFormation Template Reference, "Intrinsic functions"; User Guide, "Get values stored in other services using
dynamic references".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from locum.services.cloudformation import function_values as values
from locum.services.cloudformation.functions import (
    GET_ATT_FORM,
    MAP_FORM,
    SUB_VALUE,
    attribute_parts,
    condition_of,
    form_checked,
    function_of,
    is_scalar,
    sub_arguments,
    sub_parts,
    text,
)
from locum.services.cloudformation.template import Template
from locum.services.cloudformation.templates import DEEPEST, invalid

_DYNAMIC: Final = re.compile(r"\{\{resolve:[^{}]{1,2048}\}\}")
_BOOLEANS: Final = "Template format error: Conditions can only be boolean operations on parameters and other conditions"


class Nothing:
    """What AWS::NoValue stands for: the member or item is not there."""


NOTHING: Final = Nothing()


class Lookups(Protocol):
    """What a template's functions need of what is outside the template. Each may raise Fault."""

    def ref(self, logical: str) -> Any:
        """The value of Ref to a resource."""

    def attribute(self, logical: str, name: str) -> Any:
        """The attribute `name` of a resource; in a rule, of what the parameter `logical` names."""

    def imported(self, export: str) -> Any:
        """The value of an export of another stack."""

    def zones(self, region: str) -> list[str]:
        """The Availability Zones of a region."""

    def dynamic(self, reference: str) -> str:
        """The value of a dynamic reference, a whole `{{resolve:service:...}}`."""


class Scope(NamedTuple):
    """What a value is evaluated with: `names` are the parameters and pseudo parameters.

    Without lookups it is a condition or a rule, which has parameters and mappings only; `block` is its section.
    """

    template: Template
    names: Mapping[str, Any]
    conditions: Mapping[str, bool]
    lookups: Lookups | None
    block: str = "Resources"


def holds(conditions: Mapping[str, bool], name: str) -> bool:
    """Whether a condition holds that an Fn::If names. Raises Fault ValidationError where there is none of the name."""
    if name not in conditions:
        raise invalid(f"Template error: unresolved condition dependency {name} in Fn::If")
    return conditions[name]


class Run:
    """One evaluation of a value, and what its functions have produced so far."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.budget = values.Budget()

    def value(self, value: Any, depth: int) -> Any:
        """A value with its functions replaced; `NOTHING` for AWS::NoValue."""
        if depth > DEEPEST:
            raise invalid("Template format error: nested too deeply.")
        found = function_of(value)
        if found is not None:
            form_checked(*found)
            return _FUNCTIONS[found[0]](self, found[1], depth + 2)
        if isinstance(value, Mapping):
            members = {}
            for name, member in value.items():
                resolved = self.value(member, depth + 1)
                if resolved is not NOTHING:
                    members[name] = resolved
            return members
        if isinstance(value, list):
            items = []
            for item in value:
                resolved = self.value(item, depth + 1)
                if resolved is not NOTHING:
                    items.append(resolved)
            return items
        return value

    def truth(self, value: Any, depth: int) -> bool:
        """Whether a boolean operation holds. Raises Fault ValidationError where the value is none."""
        name = condition_of(value)
        if name is not None:
            if name not in self.scope.conditions:
                raise invalid(f"Template error: unresolved condition dependency {name} in Condition")
            return self.scope.conditions[name]
        found = self.value(value, depth)
        if not is_scalar(found) or text(found) not in {"true", "false"}:
            raise invalid(_BOOLEANS)
        return text(found) == "true"

    def outside(self, function: str) -> Lookups:
        """The lookups. Raises Fault ValidationError where `function` is used without there being any."""
        if self.scope.lookups is None:
            raise invalid(f"Template error: Cannot use {function} in {self.scope.block}.")
        return self.scope.lookups

    def named(self, name: str) -> Any:
        """The value of Ref to a name."""
        if name in self.scope.names:
            return self.budget.spent(self.scope.names[name])
        return self.budget.spent(self.outside("Ref").ref(name))

    def attribute(self, logical: str, name: str, function: str = "Fn::GetAtt") -> Any:
        """The value of an attribute, that `function` asks for."""
        return self.budget.spent(self.outside(function).attribute(logical, name))

    def without_dynamic(self, value: Any) -> Any:
        """A value with the dynamic references in its strings replaced; what replaces them is not read again."""
        if isinstance(value, str):
            return _DYNAMIC.sub(self._dynamic, value) if "{{resolve:" in value else value
        if isinstance(value, Mapping):
            members = {}
            for name, member in value.items():
                members[name] = self.without_dynamic(member)
            return members
        if isinstance(value, list):
            items = []
            for item in value:
                items.append(self.without_dynamic(item))  # noqa: PERF401
            return items
        return value

    def _dynamic(self, found: re.Match[str]) -> str:
        secret = self.outside("dynamic references").dynamic(found.group())
        self.budget.spend(len(secret))
        return secret


def _ref(run: Run, argument: Any, _: int) -> Any:
    return run.named(argument)


def _get_att(run: Run, argument: Any, depth: int) -> Any:
    logical, attribute = attribute_parts(argument)
    name = run.value(attribute, depth)
    if not isinstance(name, str):
        raise invalid(GET_ATT_FORM)
    return run.attribute(logical, name)


def _sub(run: Run, argument: Any, depth: int) -> str:
    string, own = sub_arguments(argument)
    named: dict[str, Any] = {}
    for name, value in own.items():
        named[name] = run.value(value, depth)
        if not is_scalar(named[name]):
            raise invalid(SUB_VALUE)
    pieces: list[str] = []
    for part in sub_parts(string):
        pieces.append(part if isinstance(part, str) else _substituted(run, part.name, named))
        run.budget.spend(len(pieces[-1]))
    return "".join(pieces)


def _substituted(run: Run, name: str, own: Mapping[str, Any]) -> str:
    if name in own:
        return text(own[name])
    logical, _, attribute = name.partition(".")
    found = run.attribute(logical, attribute) if attribute else run.named(name)
    if found is NOTHING:
        return ""
    if not is_scalar(found):
        raise invalid(f"Template error: variable {name} in Fn::Sub expression does not resolve to a string")
    return text(found)


def _join(run: Run, argument: Any, depth: int) -> str:
    return values.joined(argument[0], run.value(argument[1], depth), run.budget)


def _split(run: Run, argument: Any, depth: int) -> list[str]:
    return values.parts(argument[0], run.value(argument[1], depth), run.budget)


def _select(run: Run, argument: Any, depth: int) -> Any:
    return values.selected(run.value(argument[0], depth), run.value(argument[1], depth))


def _find_in_map(run: Run, argument: Any, depth: int) -> Any:
    keys = [run.value(key, depth) for key in argument[:3]]
    if not all(map(is_scalar, keys)):
        raise invalid(MAP_FORM)
    name, key, attribute = map(text, keys)
    mappings = run.scope.template.mappings
    found = mappings.get(name, {}).get(key, {}).get(attribute)
    if found is not None:
        return run.budget.spent(found)
    if len(argument) == 4:
        return run.value(argument[3]["DefaultValue"], depth)
    if name not in mappings:
        raise invalid(f"Template error: Mapping named '{name}' is not present in the 'Mappings' section of template.")
    raise invalid(f"Template error: Unable to get mapping for {name}::{key}::{attribute}")


def _if(run: Run, argument: Any, depth: int) -> Any:
    return run.value(argument[1 if holds(run.scope.conditions, argument[0]) else 2], depth)


def _equals(run: Run, argument: Any, depth: int) -> bool:
    one, other = run.value(argument[0], depth), run.value(argument[1], depth)
    return values.same("" if one is NOTHING else one, "" if other is NOTHING else other)


def _and(run: Run, argument: Any, depth: int) -> bool:
    return all(run.truth(one, depth) for one in argument)


def _or(run: Run, argument: Any, depth: int) -> bool:
    return any(run.truth(one, depth) for one in argument)


def _not(run: Run, argument: Any, depth: int) -> bool:
    return not run.truth(argument[0], depth)


def _base64(run: Run, argument: Any, depth: int) -> str:
    return values.encoded(run.value(argument, depth), run.budget)


def _cidr(run: Run, argument: Any, depth: int) -> list[str]:
    return values.blocks(run.value(argument, depth), run.budget)


def _zones(run: Run, argument: Any, depth: int) -> list[str]:
    region = run.value(argument, depth)
    if not isinstance(region, str):
        raise invalid("Template error: every Fn::GetAZs object must have a String-typed value.")
    found: list[str] = run.budget.spent(run.outside("Fn::GetAZs").zones(region or run.scope.names["AWS::Region"]))
    return found


def _import(run: Run, argument: Any, depth: int) -> Any:
    name = run.value(argument, depth)
    if not is_scalar(name):
        raise invalid("Template error: every Fn::ImportValue object must have a String-typed value.")
    return run.budget.spent(run.outside("Fn::ImportValue").imported(text(name)))


def _length(run: Run, argument: Any, depth: int) -> int:
    return values.length(run.value(argument, depth))


def _written(run: Run, argument: Any, depth: int) -> str:
    return values.written(run.value(argument, depth), run.budget)


def _contains(run: Run, argument: Any, depth: int) -> bool:
    return values.contains(run.value(argument[0], depth), run.value(argument[1], depth))


def _each_in(run: Run, argument: Any, depth: int) -> bool:
    return values.each_in(run.value(argument[0], depth), run.value(argument[1], depth))


def _each_equals(run: Run, argument: Any, depth: int) -> bool:
    return values.each_equals(run.value(argument[0], depth), run.value(argument[1], depth))


def _all_of(run: Run, kind: Any) -> list[str]:
    """The parameters of a type, which lists of the type are too."""
    return [
        name
        for name, declared in run.scope.template.parameters.items()
        if declared["Type"] in {kind, f"List<{kind}>"} and name in run.scope.names
    ]


def _ref_all(run: Run, argument: Any, depth: int) -> list[Any]:
    found: list[Any] = []
    for name in _all_of(run, run.value(argument, depth)):
        value = run.named(name)
        found.extend(value if isinstance(value, list) else [value])
    return found


def _value_of(run: Run, argument: Any, depth: int) -> Any:
    name, attribute = values.texts("Fn::ValueOf", run.value(argument, depth))
    return run.attribute(name, attribute, "Fn::ValueOf")


def _value_of_all(run: Run, argument: Any, depth: int) -> list[Any]:
    kind, attribute = values.texts("Fn::ValueOfAll", run.value(argument, depth))
    found: list[Any] = []
    for name in _all_of(run, kind):
        value = run.attribute(name, attribute, "Fn::ValueOfAll")
        found.extend(value if isinstance(value, list) else [value])
    return found


_FUNCTIONS: Final[dict[str, Callable[[Run, Any, int], Any]]] = {
    "Ref": _ref,
    "Fn::And": _and,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_equals,
    "Fn::EachMemberIn": _each_in,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _zones,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Not": _not,
    "Fn::Or": _or,
    "Fn::RefAll": _ref_all,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _written,
    "Fn::ValueOf": _value_of,
    "Fn::ValueOfAll": _value_of_all,
}

"""The transform AWS::LanguageExtensions: loops, and names that are functions of parameters.

CloudFormation Template Reference, "AWS::LanguageExtensions transform" and "Fn::ForEach". Its other functions
(Fn::Length, Fn::ToJsonString, the default value of Fn::FindInMap) are evaluated with all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.functions import function_of, is_scalar, nested, text
from locum.services.cloudformation.includes import Room
from locum.services.cloudformation.resolution import NOTHING, Run, Scope
from locum.services.cloudformation.sections import mapping, members_of, section_of
from locum.services.cloudformation.template import Template, condition_order
from locum.services.cloudformation.templates import invalid

LANGUAGE_EXTENSIONS: Final = "AWS::LanguageExtensions"
DEEPEST_LOOP: Final = 5
"""RFC 0009 of the language: "customers can use up to 5 nested Fn::ForEach within a single parent loop"."""

_ROUND: Final = 64
"""Characters that a round of a loop counts for, besides those that it makes: loops may make nothing."""

_LOOP: Final = "Fn::ForEach::"
_SECTIONS: Final = ("Conditions", "Resources", "Outputs")
""""Functions and attributes provided by the AWS::LanguageExtensions transform are only supported in the Resources,
Conditions, and Outputs sections of a template.\""""

_ATTRIBUTES: Final = ("Condition", "DeletionPolicy", "UpdateReplacePolicy")
_IDENTIFIER: Final = re.compile("[A-Za-z0-9]+")


def extended(source: dict[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """A template as the transform leaves it. Raises Fault ValidationError.

    `names` are the values of parameters and pseudo parameters.
    """
    try:
        return _Extending(source, names).result()
    except Fault as fault:
        raise invalid(f"Transform {LANGUAGE_EXTENSIONS} failed with: {fault.message}") from fault


class _Extending:
    """One run of the transform."""

    def __init__(self, source: dict[str, Any], names: Mapping[str, Any]) -> None:
        self.source = source
        self.names = names
        self.room = Room()
        self.template = Template(
            "", {}, members_of(source, "Mappings", "Mappings", mapping), {}, {}, {}, {}, (), source
        )

    def result(self) -> dict[str, Any]:
        """The template with its loops unrolled, then its names told."""
        result = dict(self.source)
        for name in _SECTIONS:
            if name in result:
                result[name] = self._unrolled(section_of(result, name), 0)
        self.source = result
        for name in ("Resources", "Outputs"):
            if name in result:
                members = section_of(result, name).items()
                result[name] = {key: self._told(self._with_attributes(member)) for key, member in members}
        return result

    # -- loops -------------------------------------------------------------------------------------------

    def _unrolled(self, value: Any, loops: int) -> Any:
        """A value with its loops unrolled, which is within so many."""
        if isinstance(value, list):
            items = []
            for item in value:
                items.append(self._unrolled(item, loops))  # noqa: PERF401 - one frame less where values are deep
            return items
        if not isinstance(value, Mapping):
            return value
        members: dict[str, Any] = {}
        for name, member in value.items():
            if not name.startswith(_LOOP):
                _put(members, name, self._unrolled(member, loops))
                continue
            for fragment in self._fragments(name, member, loops):
                for key, inner in self._unrolled(fragment, loops + 1).items():
                    _put(members, key, inner)
        return members

    def _fragments(self, name: str, argument: Any, loops: int) -> Iterator[Mapping[str, Any]]:
        """The fragment of a loop, once for each item of its collection."""
        if loops == DEEPEST_LOOP:
            raise invalid(f"Fn::ForEach may be nested at most {DEEPEST_LOOP} deep")
        if not isinstance(argument, list) or len(argument) != 3:
            raise invalid(f"{name} layout is incorrect")
        identifier, collection, fragment = argument
        if not isinstance(identifier, str) or not _IDENTIFIER.fullmatch(identifier):
            raise invalid(f"{name} layout is incorrect")
        if not isinstance(fragment, Mapping) or identifier in self.names:
            raise invalid(f"{name} layout is incorrect")
        items = self._evaluated(collection, {})
        if not isinstance(items, list) or not all(map(is_scalar, items)):
            raise invalid(f"{name} layout is incorrect")
        for item in items:
            self.room.take(_ROUND)
            replaced: Mapping[str, Any] = _Item(identifier, text(item), self.room).within(fragment)
            yield replaced

    # -- names -------------------------------------------------------------------------------------------

    def _evaluated(self, value: Any, conditions: Mapping[str, bool]) -> Any:
        return Run(Scope(self.template, self.names, conditions, None)).value(value, 0)

    def _told_name(self, value: Any) -> Any:
        """The value of a function of parameters, and of conditions, which are evaluated where there is an Fn::If."""
        takes = any(found and found[0] == "Fn::If" for found in map(function_of, nested(value)))
        return self._evaluated(value, self._conditions if takes else {})

    @cached_property
    def _conditions(self) -> dict[str, bool]:
        conditions, found = section_of(self.source, "Conditions"), dict[str, bool]()
        for name in condition_order(conditions):
            scope = Scope(self.template, self.names, found, None, "Conditions")
            found[name] = Run(scope).truth(conditions[name], 0)
        return found

    def _with_attributes(self, member: Any) -> Any:
        """A resource or an output whose Condition, DeletionPolicy and UpdateReplacePolicy are texts."""
        if not isinstance(member, Mapping):
            return member
        result = dict(member)
        for attribute in _ATTRIBUTES:
            if function_of(member.get(attribute)):
                told = self._told_name(member[attribute])
                if told is NOTHING:
                    del result[attribute]
                elif isinstance(told, str):
                    result[attribute] = told
                else:
                    raise invalid(f"Every {attribute} member must be a string.")
        return result

    def _told(self, value: Any) -> Any:
        """A value in which Ref and Fn::GetAtt name what they refer to, where they have a function of parameters."""
        if isinstance(value, list):
            items = []
            for item in value:
                items.append(self._told(item))  # noqa: PERF401 - one frame less where values are deep
            return items
        if not isinstance(value, Mapping):
            return value
        found = function_of(value)
        if found and found[0] == "Ref" and function_of(found[1]):
            return {"Ref": self._text_of("Ref", found[1])}
        if found and found[0] == "Fn::GetAtt" and isinstance(found[1], list) and found[1] and function_of(found[1][0]):
            return {"Fn::GetAtt": [self._text_of("Fn::GetAtt", found[1][0]), *found[1][1:]]}
        members = {}
        for name, member in value.items():
            members[name] = self._told(member)
        return members

    def _text_of(self, function: str, argument: Any) -> str:
        told = self._told_name(argument)
        if not isinstance(told, str):
            raise invalid(f"{function} layout is incorrect")
        return told


def _put(members: dict[str, Any], name: str, member: Any) -> None:
    if name in members:
        raise invalid(f"Duplicate key '{name}' when merging keys to parent object in Fn::ForEach")
    members[name] = member


class _Item:
    """An item of a collection, in place of the identifier of its loop.

    "All instances of ${Identifier} or &{Identifier} in the OutputKey and OutputValue parameters will be replaced with
    the values from the Collection parameter." With `&`, "non-alphanumeric characters can be passed in the Collection":
    they are left out.
    """

    def __init__(self, identifier: str, item: str, room: Room) -> None:
        self._identifier = identifier
        self._item = item
        self._alphanumeric = "".join(one for one in item if one.isascii() and one.isalnum())
        self._room = room
        self._pattern = re.compile(r"([$&])\{" + identifier + r"\}")

    def within(self, value: Any, literal: bool = False) -> Any:
        """A value with the item in it. `literal`: what looks like a variable of Fn::Sub in the item is none."""
        if isinstance(value, str):
            return self._text(value, literal)
        self._room.take(1)
        if isinstance(value, list):
            items = []
            for item in value:
                items.append(self.within(item, literal))  # noqa: PERF401 - one frame less where values are deep
            return items
        if not isinstance(value, Mapping):
            return value
        if value == {"Ref": self._identifier}:
            self._room.take(len(self._item))
            return self._item
        found = function_of(value)
        if found and found[0] == "Fn::Sub":
            return {"Fn::Sub": self._substitution(found[1])}
        members: dict[str, Any] = {}
        for name, member in value.items():
            _put(members, self._text(name), self.within(member))
        return members

    def _substitution(self, argument: Any) -> Any:
        """The argument of an Fn::Sub: its variables may be of the name of the identifier."""
        if not isinstance(argument, list) or len(argument) != 2:
            return self.within(argument, literal=True)
        string, own = argument
        hidden = isinstance(own, Mapping) and self._identifier in own
        return [string if hidden else self.within(string, literal=True), self.within(own)]

    def _text(self, value: str, literal: bool = False) -> str:
        if f"{{{self._identifier}}}" not in value:
            self._room.take(len(value))
            return value
        whole = self._item.replace("${", "${!") if literal else self._item
        pieces = self._pattern.split(value)
        self._room.take(len(value) + len(whole) * (len(pieces) // 2))
        return self._pattern.sub(lambda found: whole if found[1] == "$" else self._alphanumeric, value)

"""The transform AWS::Include: parts of templates that are in S3.

CloudFormation Template Reference, "AWS::Include transform": "inserts the contents of the specified file at the location
of the transform in the template". The object is read with the permissions of whoever calls CloudFormation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final

from locum.core.actors import on_behalf_of
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.cloudformation.functions import nested
from locum.services.cloudformation.plain_values import plain
from locum.services.cloudformation.resolution import Run, Scope
from locum.services.cloudformation.template import Template
from locum.services.cloudformation.templates import CLOUDFORMATION, DEEPEST, LONGEST_OBJECT, invalid
from locum.services.verbs import Context
from locum.services.yaml_documents import document

INCLUDE: Final = "AWS::Include"
MOST: Final = 50
"""Objects that a template includes. [U] CloudFormation's limit is not published."""

FUNCTION: Final = "Fn::Transform"
_LOCATION: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", re.DOTALL)
_WHERE: Final = "The location parameter is not a valid S3 uri."
_CONTENT: Final = "The specified S3 object's content should be valid Yaml/JSON."


class Room:
    """The characters that templates may still have while they are processed.

    User Guide, "Template stage and CloudFormation macros": "CloudFormation allows some buffer for these in-process
    templates". [U] How much is not published: four times what a template may have.
    """

    def __init__(self, most: int = 4 * LONGEST_OBJECT) -> None:
        self._left = most

    def take(self, number: int) -> None:
        """The count of `number` characters more. Raises Fault ValidationError where they are too many."""
        self._left -= number
        if self._left < 0:
            raise invalid("Transformation data limit exceeded")


def embedded(source: Mapping[str, Any]) -> Iterator[str]:
    """The names of the transforms within a template. Raises Fault ValidationError for what has none.

    Those of AWS that are about whole templates are refused here.
    """
    for value in nested(source):
        for called in calls_of(value):
            name = named(called)
            if not isinstance(name, str):
                raise invalid("Key Name of transform definition must be a string.")
            if name.startswith("AWS::") and name != INCLUDE:
                raise invalid(f"Template error: transform {name} must be declared in the Transform section.")
            yield name


def calls_of(value: Any) -> list[Any]:
    """The transforms that a map is to go through, one after another."""
    called = value.get(FUNCTION, []) if isinstance(value, Mapping) else []
    return called if isinstance(called, list) else [called]


def entries_of(source: Mapping[str, Any]) -> list[Any]:
    """The transforms that a template as a whole is to go through."""
    declared = source.get("Transform", [])
    return calls_of(source) + (declared if isinstance(declared, list) else [declared])


def all_calls(source: Mapping[str, Any]) -> list[Any]:
    """All transforms of a template, those within it as well."""
    return entries_of(source) + [entry for value in nested([*source.values()]) for entry in calls_of(value)]


def snippets_of(
    ctx: Context, template: Template, names: Mapping[str, Any]
) -> Generator[Ask, Mapping[str, Any], dict[str, tuple[dict[str, Any], int]]]:
    """What a template includes, and its length, by the location as it is written. Raises Fault ValidationError.

    `names` are the values of parameters and pseudo parameters.
    """
    run = Run(Scope(template, names, {}, None))
    called = all_calls(template.source)
    found: dict[str, tuple[dict[str, Any], int]] = {}
    read: dict[str, tuple[dict[str, Any], int]] = {}
    for written in dict.fromkeys(_written(entry) for entry in called if named(entry) == INCLUDE):
        location = _location(run, json.loads(written))
        if location not in read:
            if len(read) == MOST:
                raise invalid(f"A template may not include more than {MOST} objects.")
            content = yield from _content(ctx, location)
            read[location] = _snippet(content), len(content)
        found[written] = read[location]
    return found


def named(entry: Any) -> Any:
    """The name of a transform that a template declares or calls."""
    return entry.get("Name") if isinstance(entry, Mapping) else entry


def _written(entry: Any) -> str:
    """The location of an AWS::Include, as text that can be a key."""
    parameters = entry.get("Parameters") if isinstance(entry, Mapping) else None
    return json.dumps(parameters.get("Location") if isinstance(parameters, Mapping) else None)


def _location(run: Run, written: Any) -> str:
    """The URI of an AWS::Include, which may be a function of parameters."""
    try:
        found = run.value(written, 0)
    except Fault as fault:
        raise _failed(_WHERE) from fault
    if not isinstance(found, str) or not _LOCATION.fullmatch(found):
        raise _failed(_WHERE)
    return found


def _content(ctx: Context, location: str) -> Generator[Ask, Mapping[str, Any], bytes]:
    parts = _LOCATION.fullmatch(location)
    assert parts is not None
    caller = on_behalf_of(ctx.caller, CLOUDFORMATION)
    try:
        answer = yield Ask(
            ServiceCall(caller, "s3", "GetObject", {"Bucket": parts[1], "Key": parts[2]}, ctx.region),
        )
    except Fault as fault:
        missing = f"S3 bucket [{parts[1]}] does not exist."
        raise _failed(missing if fault.code == "NoSuchBucket" else fault.message) from fault
    content: bytes = answer["Body"]
    if len(content) > LONGEST_OBJECT:
        raise _failed(f"The specified S3 object may not exceed {LONGEST_OBJECT} bytes in size.")
    return content


def _snippet(content: bytes) -> dict[str, Any]:
    """The key-value pairs of an object, JSON or YAML.

    "You can't use AWS::Include to reference a template snippet that also uses AWS::Include." "We do not currently
    support using shorthand notations for YAML snippets."
    """
    text = content.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = _of_yaml(text)
    if not isinstance(found, dict) or not found:
        raise _failed(_CONTENT)
    snippet: dict[str, Any] = plain(found)
    if any(calls_of(value) for value in nested(snippet)):
        raise _failed(_CONTENT)
    return snippet


def _of_yaml(text: str) -> Any:
    """A document of YAML. User Guide, "CloudFormation template format": aliases are not supported."""
    try:
        return document(text, DEEPEST)
    except ValueError as error:
        raise _failed(_CONTENT) from error


def of_section(
    source: Mapping[str, Any], snippets: Mapping[str, tuple[dict[str, Any], int]]
) -> list[tuple[str, dict[str, Any] | None]]:
    """The transforms that a template declares, in order, each with what it includes."""
    return [
        (named(entry), snippets[_written(entry)][0] if named(entry) == INCLUDE else None)
        for entry in entries_of(source)
    ]


def include(
    members: dict[str, Any], entry: Any, snippets: Mapping[str, tuple[dict[str, Any], int]], room: Room
) -> None:
    """Add to `members` what an AWS::Include among them includes.

    [U] What becomes of a key that is there already is not documented: it is refused.
    """
    snippet, length = snippets[_written(entry)]
    room.take(length)
    _added(members, snippet)


def merged_at_top(source: dict[str, Any], snippet: Mapping[str, Any]) -> dict[str, Any]:
    """A template with the sections of a snippet, whose members are added to those that are there.

    "You can use the AWS::Include transform anywhere within the CloudFormation template except in the template
    parameters section or the template version."
    """
    for name in ("AWSTemplateFormatVersion", "Parameters", "Transform"):
        if name in snippet:
            raise _failed(f"{name} cannot be included.")
    result = dict(source)
    for name, section in snippet.items():
        there = result.get(name, {})
        if isinstance(section, Mapping) and isinstance(there, Mapping):
            result[name] = dict(there)
            _added(result[name], section)
        else:
            _added(result, {name: section})
    return result


def _added(members: dict[str, Any], snippet: Mapping[str, Any]) -> None:
    """Add key-value pairs to `members`, behind those that are there."""
    for name, value in snippet.items():
        if name in members:
            raise _failed(f"Duplicate key '{name}' when merging keys to parent object.")
        members[name] = value


def _failed(why: str) -> Fault:
    return invalid(f"Transform {INCLUDE} failed with: {why}")

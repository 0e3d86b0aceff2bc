"""Transforms of templates: what AWS's macros make of them before they are looked at.

CloudFormation User Guide, "Perform custom processing on CloudFormation templates with template macros": "Macros are
evaluated in order, based on their location in the template, from the most deeply nested outward to the most general.
Macros at the same location in the template are evaluated serially based on the order in which they're listed."
Macros of accounts, which are functions, are in `macros`.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.services.cloudformation.includes import (
    FUNCTION,
    INCLUDE,
    Room,
    all_calls,
    embedded,
    entries_of,
    merged_at_top,
    named,
    of_section,
    snippets_of,
)
from locum.services.cloudformation.intrinsics import Pseudo
from locum.services.cloudformation.language_extensions import LANGUAGE_EXTENSIONS, extended
from locum.services.cloudformation.macros import Processing, macros_of
from locum.services.cloudformation.parameters import ParameterValue
from locum.services.cloudformation.plain_values import plain
from locum.services.cloudformation.sections import members_of, parameter, transforms_of
from locum.services.cloudformation.serverless import SERVERLESS, translated
from locum.services.cloudformation.template import Template
from locum.services.cloudformation.templates import LONGEST_OBJECT, invalid
from locum.services.verbs import Context

_OF_AWS: Final = frozenset({INCLUDE, LANGUAGE_EXTENSIONS, SERVERLESS})
_ID: Final = "AWS::StackId"
"""Not known to transforms: a new stack has another id each time that its verb is run."""


class _Done(NamedTuple):
    """A processed template, or why there is none."""

    text: str
    problem: str


def untransformed(decoded: Mapping[str, Any]) -> Template:
    """Of a decoded template with macros, what is known before they are evaluated: its parameters and their names.

    `transforms` has those within the template too. It is empty where the template needs none. Raises Fault
    ValidationError.
    """
    source = plain(decoded)
    names = dict.fromkeys([*transforms_of(source), *embedded(source)])
    found = members_of(source, "Parameters", "Parameter", parameter) if names else {}
    return Template("", found, {}, {}, {}, {}, {}, tuple(names), source)


def expanded(
    ctx: Context, template: Template, parameters: Mapping[str, ParameterValue], pseudo: Pseudo
) -> Generator[Ask, Mapping[str, Any], str]:
    """The text, JSON, of an untransformed template as its transforms leave it. Raises Fault ValidationError.

    Asks S3 for what AWS::Include names, and the functions of macros, as the caller. Parameters with NoEcho are left out
    of what transforms know.
    """
    macros = macros_of(ctx, (name for name in template.transforms if name not in _OF_AWS), all_calls(template.source))
    known = {name: value.resolved for name, value in parameters.items() if not value.no_echo}
    names = {name: value for name, value in (known | pseudo.values()).items() if name != _ID}
    snippets = yield from snippets_of(ctx, template, names)
    sections = {name: value for name, value in template.source.items() if name not in {"Transform", FUNCTION}}
    pseudo = pseudo._replace(stack_id="")
    process = Processing(ctx, macros, snippets, Room(), known)
    source = yield from process.within(sections)
    if not macros:
        return _done(of_section(template.source, snippets), source, known, pseudo)
    for entry in entries_of(template.source):
        name = named(entry)
        if name in macros:
            source = yield from process.macro(entry, source)
            if not isinstance(source, dict):
                raise invalid("Template format error: unsupported structure.")
        else:
            (step,) = of_section({"Transform": entry}, snippets)
            source = json.loads(_done([step], source, known, pseudo))
    return json.dumps(source)


def _done(section: list[Any], source: Mapping[str, Any], known: Mapping[str, Any], pseudo: Pseudo) -> str:
    done = _processed(json.dumps([section, source]), json.dumps(known), pseudo)
    if done.problem:
        raise invalid(done.problem)
    return done.text


@lru_cache(maxsize=8)
def _processed(before: str, known: str, pseudo: Pseudo) -> _Done:
    """`[transforms, template]` as its transforms leave it, with the values of parameters.

    It takes a second, and is asked for again within the transaction: refusals are remembered like results.
    """
    try:
        return _Done(_serial(before, json.loads(known), pseudo), "")
    except Fault as fault:
        return _Done("", fault.message)


def _serial(before: str, known: dict[str, Any], pseudo: Pseudo) -> str:
    section, source = json.loads(before)
    names = {name: value for name, value in (known | pseudo.values()).items() if name != _ID}
    for name, snippet in section:
        if name == INCLUDE:
            source = merged_at_top(source, snippet)
        elif name == LANGUAGE_EXTENSIONS:
            source = extended(plain(source), names)
        else:
            source = translated(plain(source), known, pseudo.region, pseudo.partition)
    text = json.dumps(source)
    if len(text) > LONGEST_OBJECT:
        raise invalid(f"Template may not exceed {LONGEST_OBJECT} bytes in size.")
    return text

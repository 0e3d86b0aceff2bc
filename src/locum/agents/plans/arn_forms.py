"""ARNs of what is to be made, by the forms of the Service Authorization Reference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from locum.agents.plans.marks import MARK, MARKED_NUMBER
from locum.authz import service_reference as reference

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_ALWAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "ec2:RunInstances": ("network-interface", "volume"),
    "lambda:GetFunctionConfiguration": ("function version",),
}
"""Types of resources that an action takes, though the Service Authorization Reference does not require them."""

_ANY: Final = 25
"""More types of resources than any action has that is not about all of them."""

_SUFFIXED: Final = "secretsmanager"
"""Secrets Manager gives its ARNs six random characters after the name."""


class Place(NamedTuple):
    """Where a request is made."""

    account: str
    region: str


def arn_of_member(noun: str, prefix: str, named: Sequence[str], given: Mapping[str, Any], place: Place) -> str:
    """The ARN in a member called like `noun`, in lower case, of an answer of the service with that `prefix`.

    `named` are the ARNs of the resources that the request is decided on, `given` its members, by lower-case names.
    """
    forms = _forms(prefix, noun) if noun else ()
    for form in forms:
        if (found := next((arn for arn in named if _has_form(arn, form)), None)) is not None:
            return _with_suffix(prefix, found)
    if len(forms) == 1:
        return _VARIABLE.sub(lambda variable: _value(variable[1].lower(), noun, given, place), forms[0])
    if forms:
        return _VARIABLE.sub(lambda variable: _value(variable[1].lower(), "", {}, place), _common(forms))
    if named:
        return _with_suffix(prefix, named[0])
    return f"arn:aws:{prefix}:{place.region}:{place.account}:{noun or 'resource'}/{MARK}"


def _has_form(arn: str, form: str) -> bool:
    like = ".+".join(map(re.escape, _VARIABLE.split(form)[::2]))
    return arn.count(":") == form.count(":") and re.fullmatch(like, arn) is not None


@lru_cache(maxsize=256)
def _forms(prefix: str, noun: str) -> tuple[str, ...]:
    """The forms of the ARNs of a service's types that are called `noun`, or end with it where none is."""
    exact, ending = [], []
    for name, entry in reference.resource_types(prefix).items():
        words = re.sub("[^a-z0-9/ ]", "", name).partition("/")[0]
        form = str(entry["arn"]).partition(",")[0]
        if words.replace(" ", "") == noun:
            exact.append(form)
        elif words.replace(" ", "").endswith(noun):
            ending.append(form)
    return tuple(exact or ending)


def _common(forms: Iterable[str]) -> str:
    """What ARNs of all `forms` begin with, and a variable."""
    first, last = min(forms), max(forms)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    head = first[:same]
    return f"{head[: max(head.rfind(sign) for sign in '/:') + 1]}${{Rest}}"


def _value(variable: str, noun: str, given: Mapping[str, Any], place: Place) -> str:
    known = {"partition": "aws", **place._asdict(), **given}
    if variable == noun and variable not in known and not variable.endswith("version"):
        variable = "name"
    found = known.get(variable)
    if isinstance(found, str) and not found.startswith("arn:"):
        return found
    return str(MARKED_NUMBER) if variable.endswith("version") else MARK


def _with_suffix(prefix: str, arn: str) -> str:
    bare = prefix == _SUFFIXED and not arn.endswith(MARK) and not re.search("-[A-Za-z0-9]{6}$", arn)
    return f"{arn}-{MARK}" if bare else arn


def arns_of_action(action: str, noun: str, values: Mapping[str, Any], place: Place) -> list[str]:
    """The resources of an action for something of the type `noun` with these `values`: `*` where nothing is known.

    They are of the types that the action requires: an ARN among the values, or one with a name of them.
    """
    prefix, _, name = action.partition(":")
    entry = reference.actions(prefix).get(name.lower(), {})
    known, found = reference.resource_types(prefix), list[str]()
    texts = [value for value in values.values() if isinstance(value, str)]
    given = _by_variable(values, noun)
    kinds = {kind["name"]: bool(kind.get("required")) for kind in entry.get("resourceTypes", ())}
    if len(kinds) > _ANY:  # of tags, say
        return ["*"]
    for kind, required in (kinds | dict.fromkeys(_ALWAYS.get(action, ()), True)).items():
        form = str(known.get(kind.rstrip("*").lower(), {}).get("arn", "")).partition(",")[0]
        variables = [variable.lower() for variable in _VARIABLE.findall(form)]
        if not (required or (variables and variables[-1] in given)):
            continue
        if not form:
            return ["*"]
        arns = [text for text in texts if _has_form(text, form)]
        found += arns[:1] or [_VARIABLE.sub(lambda variable: _value(variable[1].lower(), "", given, place), form)]
    return found or ["*"]


def _by_variable(values: Mapping[str, Any], noun: str) -> dict[str, Any]:
    """The values by the variables that forms of ARNs may have for them."""
    given: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, str) and value and not value.startswith("arn:"):
            plain = name.replace("_", "")
            given |= {plain: value, f"{plain}name": value, f"{plain}id": value}
    own = str(values.get("name") or values.get(noun) or "")
    if own:
        path = str(values.get("path") or "/").removeprefix("/")
        given |= {f"{noun}name": own, f"{noun}namewithpath": f"{path}{own}"}
    if isinstance(values.get("role"), str):
        given.setdefault("rolenamewithpath", values["role"])
    return given

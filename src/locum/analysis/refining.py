"""Policies without what is not used: what takes the place of a policy that grants more.

IAM User Guide, "Resolve IAM Access Analyzer findings": of a policy of which nothing is used nothing stays; of another
one the used actions do, with the resources and conditions of their statements. What denies stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from locum import policy
from locum.analysis.granting import matcher_of
from locum.analysis.writing import SIZE
from locum.authz import service_reference as reference
from locum.policy import PolicyKind, Statement


class Refined(NamedTuple):
    """What to do about a policy: nothing where not `wider`, else `documents`, which may be none, take its place."""

    wider: bool
    documents: tuple[str, ...] = ()


def refined(text: str, kept: Iterable[str]) -> Refined:
    """An identity policy without what is not among the `kept` actions (`s3:GetObject`). Raises MalformedPolicy.

    What it grants of services that the reference does not have stays: its uses cannot be told.
    """
    parsed = policy.parse(text, PolicyKind.IDENTITY, judge_values=False)
    names = sorted(set(kept), key=str.lower)
    known = frozenset(name.lower() for name in names)
    if not any(_grants_more(statement, known) for statement in parsed.statements if statement.allows):
        return Refined(wider=False)
    raw = json.loads(text)
    given = raw["Statement"] if isinstance(raw["Statement"], list) else [raw["Statement"]]
    narrowed = (_narrowed(*pair, names) for pair in zip(parsed.statements, given, strict=True))
    left = [it for it in narrowed if it is not None]
    head = {name: value for name, value in raw.items() if name != "Statement"}
    return Refined(wider=True, documents=tuple(_documents(head, left)))


def _grants_more(statement: Statement, kept: frozenset[str]) -> bool:
    """Whether a statement allows an action of the reference that is not kept."""
    matches = matcher_of(statement)
    for prefix in reference.services():
        for name in reference.action_names(prefix):
            action = f"{prefix}:{name}".lower()
            if action not in kept and matches(action):
                return True
    return False


def _narrowed(statement: Statement, given: Mapping[str, Any], kept: Sequence[str]) -> dict[str, Any] | None:
    """A statement with the kept actions alone; None where it allows none of them."""
    if not statement.allows:
        return dict(given)
    matches = matcher_of(statement)
    actions = [*(name for name in kept if matches(name.lower())), *_unlisted(statement)]
    if not actions:
        return None
    members = ((("Action" if name == "NotAction" else name), value) for name, value in given.items())
    return {name: actions if name == "Action" else value for name, value in members}


def _unlisted(statement: Statement) -> Iterator[str]:
    """The action patterns of a statement that are of services that the reference does not have."""
    for pattern in statement.actions or ():
        prefix, colon, _ = pattern.lower().partition(":")
        if colon and "*" not in prefix and "?" not in prefix and prefix not in reference.services():
            yield pattern


def _documents(head: Mapping[str, Any], statements: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Documents of the statements, none of which is larger than a managed policy may be, where that can be."""
    part: list[Mapping[str, Any]] = []
    for statement in _parted(head, statements):
        if part and len(_text(head, [*part, statement])) > SIZE:
            yield _text(head, part)
            part = []
        part.append(statement)
    if part:
        yield _text(head, part)


def _parted(head: Mapping[str, Any], statements: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The statements, those that are too large for a document in parts of their actions."""
    for statement in statements:
        actions = statement.get("Action")
        if len(_text(head, [statement])) <= SIZE or not isinstance(actions, list) or len(actions) < 2:
            yield statement
            continue
        middle = len(actions) // 2
        rest = {name: value for name, value in statement.items() if name != "Sid"}  # which is unique in a document
        halves = ({**rest, "Action": actions[:middle]}, {**rest, "Action": actions[middle:]})
        yield from _parted(head, halves)


def _text(head: Mapping[str, Any], statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({**head, "Statement": list(statements)}, separators=(",", ":"))

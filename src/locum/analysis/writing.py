"""The least-privilege policy for the permissions that were used.

1. The resources of each action become patterns (`naming`).
2. Each pattern gets the conditions (`narrowing`) that all uses of the action on it met: a key with one value, and of
   some keys a few. A tag of requests is only a condition where all uses of the action have the same value.
3. What another pattern of the same action covers is dropped.
4. Actions of one service with the same resources and conditions share a statement.

So no statement can be left out without losing a use that it was written for. The same permissions give the same text,
in whatever order they come.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from locum.analysis.naming import Resource, patterns, random
from locum.analysis.narrowing import REQUEST_TAG, key_of
from locum.analysis.needs import Permission, distinct
from locum.core.partial_arn import Missing, PartialArn
from locum.policy.patterns import Matcher, glob, scan

SIZE: Final = 6144
"""The characters of a managed policy without white space: IAM User Guide, "IAM and AWS STS quotas"."""

_VALUES: Final = 10
"""How many different values of a key a condition lists."""

Conditions = tuple[tuple[str, tuple[str, ...]], ...]
"""Lower-case condition keys, each with the values that it may have; sorted."""


class Statement(NamedTuple):
    """An Allow statement; all lists are sorted."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = ()

    def as_dict(self) -> dict[str, Any]:
        """The statement as JSON values."""
        found: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": _one_or_many(self.actions),
            "Resource": _one_or_many(self.resources),
        }
        condition: dict[str, dict[str, Any]] = {}
        for name, values in self.conditions:
            key = key_of(name)
            assert key is not None
            condition.setdefault(key.operator, {})[key.name] = _one_or_many([_literal(value) for value in values])
        return {**found, "Condition": condition} if condition else found


class _Row(NamedTuple):
    """An action on one pattern, and the uses that it is for."""

    pattern: str
    kind: str
    conditions: Conditions
    uses: tuple[Permission, ...]


def write(permissions: Iterable[Permission]) -> list[Statement]:
    """The statements that allow `permissions`, sorted."""
    by_action: defaultdict[str, list[Permission]] = defaultdict(list)
    for permission in distinct(permissions):
        by_action[permission.action].append(permission)
    grouped: defaultdict[tuple[str, tuple[str, ...], Conditions], list[str]] = defaultdict(list)
    kinds: dict[tuple[str, ...], str] = {}
    for action, uses in sorted(by_action.items()):
        service = action.partition(":")[0]
        by_conditions: defaultdict[Conditions, list[_Row]] = defaultdict(list)
        for row in _needed(_rows(uses)):
            by_conditions[row.conditions].append(row)
        for conditions, rows in by_conditions.items():
            resources = tuple(sorted({row.pattern for row in rows}))
            kinds.setdefault(resources, rows[0].kind)
            grouped[service, resources, conditions].append(action)
    parts = [
        (kinds[resources], part)
        for (_, resources, conditions), actions in sorted(grouped.items())
        for part in _fitting(Statement("", tuple(actions), resources, conditions))
    ]
    return list(_with_sids(parts))


def documents(statements: Sequence[Statement], size: int = SIZE) -> list[dict[str, Any]]:
    """Policy documents with `statements`, in as few as their `size` without white space lets."""
    found: list[list[dict[str, Any]]] = []
    room = 0
    for statement in statements:
        needed = _length(statement.as_dict()) + 1
        if needed > room:
            found.append([])
            room = size - _length(_document([]))
        found[-1].append(statement.as_dict())
        room -= needed
    return [_document(part) for part in found]


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _length(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":")))


def _literal(value: str) -> str:
    """`value` without policy variables in it. IAM User Guide, "Policy variables": `${$}` is a `$`."""
    return value.replace("${", "${$}{")


def _one_or_many(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _rows(uses: Sequence[Permission]) -> list[_Row]:
    """The rows of one action, of which `uses` are all."""
    by_resource = patterns(Resource(use.resource, use.kind) for use in uses)
    by_pattern: defaultdict[str, list[Permission]] = defaultdict(list)
    for use in uses:
        by_pattern[by_resource[Resource(use.resource, use.kind)]].append(use)
    tags = {name for name, _ in _met_by_all(uses)}
    return [
        _Row(
            pattern,
            of_pattern[0].kind,
            tuple(
                (name, values)
                for name, values in _met_by_all(of_pattern)
                if not name.startswith(REQUEST_TAG) or name in tags
            ),
            tuple(of_pattern),
        )
        for pattern, of_pattern in sorted(by_pattern.items())
    ]


def _met_by_all(uses: Sequence[Permission]) -> list[tuple[str, tuple[str, ...]]]:
    """The conditions that all of `uses` meet."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    for use in uses:
        for name, value in use.conditions:
            values[name].append(value)
    found = []
    for name, had in sorted(values.items()):
        key, different = key_of(name), tuple(sorted(set(had)))
        most = _VALUES if key is not None and key.listed else 1
        telling = key is not None and (key.listed or not random(different[0]))
        if len(had) == len(uses) and len(different) <= most and telling:
            found.append((name, different))
    return found


def _needed(rows: Sequence[_Row]) -> list[_Row]:
    """The rows without those all of whose uses others allow."""
    left = [(row, _matcher(row.pattern)) for row in rows]
    for entry in sorted(left, key=lambda pair: (len(pair[0].conditions), len(pair[0].pattern)), reverse=True):
        others = [other for other in left if other is not entry]
        if all(any(_allows(*other, use) for other in others) for use in entry[0].uses):
            left = others
    return [row for row, _ in left]


def _matcher(pattern: str) -> Matcher:
    return glob(scan(pattern, variables=True))  # of variables there are only `${*}` and `${?}`


def _allows(row: _Row, matches: Matcher, use: Permission) -> bool:
    had = dict(use.conditions)
    return all(map(matches, _values(use.resource))) and all(had.get(name) in vs for name, vs in row.conditions)


def _values(resource: str) -> tuple[str, ...]:
    """The possible values of `resource`: for missing parts, one with short and one with long ones stand for all."""
    if not isinstance(resource, PartialArn):
        return (resource,)
    return tuple(
        "".join(filler if isinstance(part, Missing) else part for part in resource.parts) for filler in ("", "\0" * 64)
    )


def _fitting(statement: Statement, size: int = SIZE // 2) -> Iterator[Statement]:
    """`statement` in parts that are small enough for documents to be filled with them."""
    if _length(statement.as_dict()) <= size or max(len(statement.resources), len(statement.actions)) == 1:
        yield statement
    elif len(statement.resources) > 1:
        half = len(statement.resources) // 2
        yield from _fitting(statement._replace(resources=statement.resources[:half]), size)
        yield from _fitting(statement._replace(resources=statement.resources[half:]), size)
    else:
        half = len(statement.actions) // 2
        yield from _fitting(statement._replace(actions=statement.actions[:half]), size)
        yield from _fitting(statement._replace(actions=statement.actions[half:]), size)


def _with_sids(parts: Sequence[tuple[str, Statement]]) -> Iterator[Statement]:
    """The statements, named after their service and the type of their resources; numbered where there are several."""
    stems = [_stem(kind, statement) for kind, statement in parts]
    several, seen = Counter(stems), Counter[str]()
    for stem, (_, statement) in zip(stems, parts, strict=True):
        seen[stem] += 1
        yield statement._replace(sid=f"{stem}{seen[stem]}" if several[stem] > 1 else stem)


def _stem(kind: str, statement: Statement) -> str:
    """A Sid: "supports ASCII uppercase letters (A-Z), lowercase letters (a-z), and numbers (0-9)"."""
    words = re.split("[^A-Za-z0-9]+", f"{statement.actions[0].partition(':')[0]} {kind}")
    return "".join(word[:1].upper() + word[1:] for word in words if word)

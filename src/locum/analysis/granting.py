"""Compares what policies grant with what was used: action by action, as in the Service Authorization Reference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from locum import policy
from locum.analysis.narrowing import key_of
from locum.analysis.writing import Statement
from locum.authz import service_reference as reference
from locum.policy import MalformedPolicy, PolicyKind
from locum.policy import Statement as Granting
from locum.policy.patterns import Matcher, glob, scan

EVERYTHING = "*"


class Held(NamedTuple):
    """An identity policy that a principal has: its name, and its document as text."""

    name: str
    document: str


class Wider(NamedTuple):
    """A statement (`policy#Sid`) that grants a used action on more than it was used on.

    `resources` are those patterns of the statement that go beyond `used`. `unconditional` are condition keys that all
    uses had one value of, and that the statement does not ask for.
    """

    statement: str
    action: str
    resources: tuple[str, ...]
    used: tuple[str, ...]
    unconditional: tuple[str, ...]


class Comparison(NamedTuple):
    """The permissions that policies grant and that were not used. All is sorted.

    `unused` are actions by policy and service prefix. `unlisted` are action patterns, by policy, of services that the
    reference does not have. `unreadable` are the policies that cannot be parsed, and deny everything.
    """

    unused: Mapping[str, Mapping[str, tuple[str, ...]]]
    wider: tuple[Wider, ...]
    unlisted: Mapping[str, tuple[str, ...]]
    unreadable: tuple[str, ...]


class Used(NamedTuple):
    """The uses of one action: the patterns of the resources, and the condition keys of the written policy."""

    action: str
    resources: tuple[str, ...]
    keys: frozenset[str]


def compare(held: Iterable[Held], written: Iterable[Statement]) -> Comparison:
    """Compare the policies `held` with the least-privilege policy `written`.

    A Deny takes from what is granted where it has neither conditions nor any other resource than `*`.
    """
    read, unreadable = _read(held)
    used = used_by_action(written)
    denied = [
        matcher_of(statement)
        for _, statement in read
        if not statement.allows and not statement.conditions and statement.resources == (EVERYTHING,)
    ]
    unused: dict[str, dict[str, set[str]]] = {}
    unlisted: defaultdict[str, set[str]] = defaultdict(set)
    wider: list[Wider] = []
    for name, statement in read:
        if not statement.allows:
            continue
        matches = matcher_of(statement)
        unlisted[name].update(_unlisted(statement))
        for prefix, actions in _granted(matches, denied).items():
            mine = {action for action in actions if f"{prefix}:{action}".lower() not in used}
            if mine:
                unused.setdefault(name, {}).setdefault(prefix, set()).update(mine)
        place = f"{name}#{statement.sid or statement.number}"
        wider += [
            found
            for action, uses in used.items()
            if matches(action) and (found := _wider(place, statement, uses)) is not None
        ]
    return Comparison(
        {
            name: {prefix: tuple(sorted(services[prefix])) for prefix in sorted(services)}
            for name, services in unused.items()
        },
        tuple(sorted(wider)),
        {name: tuple(sorted(patterns)) for name, patterns in unlisted.items() if patterns},
        unreadable,
    )


def used_by_action(written: Iterable[Statement]) -> dict[str, Used]:
    """The resources and condition keys by lower-case action; of several statements the keys that all of them have."""
    found: dict[str, Used] = {}
    for statement in written:
        keys = frozenset(name for name, _ in statement.conditions)
        for action in statement.actions:
            known = found.get(action.lower())
            found[action.lower()] = (
                Used(action, statement.resources, keys)
                if known is None
                else Used(action, (*known.resources, *statement.resources), known.keys & keys)
            )
    return found


def _read(held: Iterable[Held]) -> tuple[list[tuple[str, Granting]], tuple[str, ...]]:
    read: list[tuple[str, Granting]] = []
    unreadable = []
    for one in held:
        try:
            document = policy.parse(one.document, PolicyKind.IDENTITY)
        except MalformedPolicy:
            unreadable.append(one.name)
        else:
            read += [(one.name, statement) for statement in document.statements]
    return read, tuple(unreadable)


def matcher_of(statement: Granting) -> Matcher:
    """Whether `statement` is about a lower-case action."""
    listed = statement.actions if statement.actions is not None else statement.not_actions
    matchers = [_matcher(pattern.lower()) for pattern in listed or ()]
    wanted = statement.actions is not None
    return lambda action: any(matches(action) for matches in matchers) is wanted


def _matcher(pattern: str) -> Matcher:
    return glob(scan(pattern, variables=True))  # written patterns have `${*}` and `${?}`, actions no variables


def _granted(matches: Matcher, denied: Sequence[Matcher]) -> dict[str, list[str]]:
    """The actions, by service prefix, that `matches` and none of `denied` is about."""
    found: dict[str, list[str]] = {}
    for prefix in reference.services():
        names = [
            name
            for name in reference.action_names(prefix)
            if matches(action := f"{prefix}:{name}".lower()) and not any(deny(action) for deny in denied)
        ]
        if names:
            found[prefix] = names
    return found


def _unlisted(statement: Granting) -> list[str]:
    """The action patterns of services that the reference does not have."""
    known = reference.services()
    return [
        action
        for action in statement.actions or ()
        if action != EVERYTHING and "*" not in (prefix := action.partition(":")[0].lower()) and prefix not in known
    ]


def _wider(place: str, statement: Granting, uses: Used) -> Wider | None:
    asked_for = {condition.key.lower() for condition in statement.conditions}
    keys = [key for name in sorted(uses.keys - asked_for) if (key := key_of(name)) is not None]
    beyond = _beyond(statement, uses.resources)
    if not beyond and not keys:
        return None
    return Wider(place, uses.action, beyond, tuple(sorted(uses.resources)), tuple(key.name for key in keys))


def _beyond(statement: Granting, used: Iterable[str]) -> tuple[str, ...]:
    """The resources of `statement` that are not in `used`: a pattern is in one that matches its very text."""
    if statement.resources is None:
        return (f"all but {', '.join(statement.not_resources or ())}",)
    within = [_matcher(pattern) for pattern in used]
    return tuple(text for text in statement.resources if not any(matches(text) for matches in within))

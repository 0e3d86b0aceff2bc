"""Checks of identity policies: what they allow beside what is used, and what they allow without bounds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from locum.analysis.audit.evidence import Evidence
from locum.analysis.audit.finding import Finding, finding
from locum.analysis.escalation.surface import statements_of
from locum.analysis.granting import Held, compare, matcher_of
from locum.analysis.needs import Permission
from locum.analysis.writing import write
from locum.authz import service_reference as reference
from locum.core.arn import is_service_linked
from locum.policy import PolicyKind, Statement
from locum.policy.hints import few
from locum.state import Group, Policy, Role, User, managed
from locum.state.attachments import Identity, identity_policies

_SHOWN: Final = 5
_READS: Final = frozenset({"Read", "List"})


class Place(NamedTuple):
    """A policy document: the account and ARN of what has it, and its name there."""

    account: str
    resource: str
    name: str
    text: str


def _places(evidence: Evidence) -> Iterator[Place]:
    """Each policy once: inline ones, managed ones of accounts, and those of AWS wherever they are attached."""
    state = evidence.state
    identities: list[Identity] = [*state.every(User), *state.every(Group), *state.every(Role)]
    for identity in identities:
        if is_service_linked(identity.arn):
            continue
        for name, text in identity.inline.items():
            yield Place(identity.account, identity.arn, f"the inline policy {name}", text)
        for arn in identity.attached:
            found = managed.get(arn)
            if found is not None:
                yield Place(identity.account, identity.arn, f"the managed policy {found.name}", found.document)
    for policy in state.every(Policy):
        yield Place(policy.account, policy.arn, f"the managed policy {policy.name}", policy.document)


def broad_policies(evidence: Evidence) -> Iterator[Finding]:
    """Policies with statements that allow all actions, all of a service, or changes of everything."""
    for place in _places(evidence):
        found = _broad(place.text)
        if found is None:
            continue
        rule, actions = found
        what = f"{place.resource} has {place.name}, which allows {actions} on every resource."
        yield finding(rule, place.account, place.resource, what, key=place.name)


@lru_cache(maxsize=4096)
def _broad(text: str) -> tuple[str, str] | None:
    """The rule that a policy breaks, the severest, and the actions by which."""
    statements = [
        one
        for one in statements_of(text, PolicyKind.IDENTITY)
        if one.allows and not one.conditions and (one.resources is None or "*" in one.resources)
    ]
    listed = [action for one in statements for action in one.actions or ()]
    if any(one.actions is None for one in statements) or any(not one.strip("*:") for one in listed):
        return "all-actions", "all actions"
    whole = sorted({action for action in listed if action.endswith(":*")})
    if whole:
        return "all-actions-of-a-service", few(whole, _SHOWN)
    writes = sorted({name for one in statements for name in _writes(one)})
    return ("writes-on-everything", few(writes, _SHOWN)) if writes else None


def _writes(statement: Statement) -> Iterator[str]:
    """The actions of a statement that change something, and that can be limited to resources."""
    matches = matcher_of(statement)
    prefixes = {action.partition(":")[0].lower() for action in statement.actions or ()}
    for prefix in prefixes & reference.services().keys():
        for name in _changing(prefix):
            if matches(f"{prefix}:{name}".lower()):
                yield f"{prefix}:{name}"


@lru_cache(maxsize=512)
def _changing(prefix: str) -> tuple[str, ...]:
    return tuple(
        entry["name"]
        for entry in reference.actions(prefix).values()
        if entry["accessLevel"] not in _READS and entry["resourceTypes"]
    )


def unused_permissions(evidence: Evidence) -> Iterator[Finding]:
    """Actions that policies allow to those who were used, and that they did not use."""
    identities: list[User | Role] = [*evidence.state.every(User), *evidence.state.every(Role)]
    for identity in identities:
        if is_service_linked(identity.arn) or evidence.last_use(identity.id) < evidence.since:
            continue
        used = {use.action for use in evidence.by_principal[identity.id] if use.at >= evidence.since}
        held = tuple((one.name, one.document) for one in identity_policies(evidence.state, identity))
        names = _unused(held, frozenset(used))
        if names:
            shown = few(names, _SHOWN)
            what = f"{identity.arn} may use {len(names)} services or actions that it did not: {shown}."
            yield finding("unused-permissions", identity.account, identity.arn, what)


@lru_cache(maxsize=512)
def _unused(held: tuple[tuple[str, str], ...], used: frozenset[str]) -> tuple[str, ...]:
    """What was not used: a service of which nothing was, as `s3:*`, else its actions."""
    written = write([Permission(action, "*") for action in used])
    comparison = compare([Held(*one) for one in held], written)
    services = {action.partition(":")[0] for action in used}
    found: dict[str, None] = {}
    for by_prefix in comparison.unused.values():
        for prefix, actions in by_prefix.items():
            names = [f"{prefix}:{action}" for action in actions] if prefix in services else [f"{prefix}:*"]
            found.update(dict.fromkeys(names))
    return tuple(sorted(found))


CHECKS: Final = (broad_policies, unused_permissions)

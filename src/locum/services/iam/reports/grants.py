"""Which services and actions policies grant, resources and conditions left out of account.

IAM API Reference, "GenerateServiceLastAccessedDetails": "Service last accessed data does not use other policy types
when determining whether a resource could access a service ... It only applies permissions policy logic." An Allow
grants what it names, whatever it asks for besides; a Deny takes away only what it denies in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from locum import policy
from locum.authz import service_reference
from locum.policy import PolicyKind, Statement
from locum.policy.compile import ActionPattern, action_pattern

_REMEMBERED: Final = 512


class _Reach(IntEnum):
    """How many of a service's actions something is about."""

    NONE = 0
    SOME = 1
    ALL = 2


class _Actions(NamedTuple):
    """An Action element, or (`excepted`) a NotAction."""

    patterns: tuple[ActionPattern, ...]
    excepted: bool

    def reach(self, namespace: str) -> _Reach:
        """How many of the service's actions."""
        named = max((_reach(pattern, namespace) for pattern in self.patterns), default=_Reach.NONE)
        return _Reach(_Reach.ALL - named) if self.excepted else named

    def has(self, action: str) -> bool:
        """Whether `action` (lower-case) is one of them."""
        return any(pattern.matches(action) for pattern in self.patterns) is not self.excepted


def _reach(pattern: ActionPattern, namespace: str) -> _Reach:
    # What matches an action without a name matches every action of the service.
    if pattern.matches(f"{namespace}:"):
        return _Reach.ALL
    return _Reach.SOME if pattern.service in (None, namespace) else _Reach.NONE


class Grants:
    """What `documents` grant together."""

    def __init__(self, documents: Iterable[str], kind: PolicyKind = PolicyKind.IDENTITY) -> None:
        read = [_read(document, kind) for document in documents]
        self._allowed = [actions for allowed, _ in read for actions in allowed]
        self._denied = [actions for _, denied in read for actions in denied]

    def service(self, namespace: str) -> bool:
        """Whether any action of the service is granted."""
        if not any(actions.reach(namespace) for actions in self._allowed):
            return False
        denied = max((actions.reach(namespace) for actions in self._denied), default=_Reach.NONE)
        return denied is _Reach.NONE or (denied is _Reach.SOME and bool(self.actions(namespace)))

    def services(self) -> list[str]:
        """The namespaces of the services that are granted, in their order."""
        return [namespace for namespace in service_reference.services() if self.service(namespace)]

    def actions(self, namespace: str) -> list[str]:
        """The names of the service's actions that are granted, in their order."""
        return [
            name for name in service_reference.action_names(namespace) if self._action(f"{namespace}:{name}".lower())
        ]

    def _action(self, action: str) -> bool:
        return any(actions.has(action) for actions in self._allowed) and not any(
            actions.has(action) for actions in self._denied
        )


@lru_cache(_REMEMBERED)
def _read(document: str, kind: PolicyKind) -> tuple[tuple[_Actions, ...], tuple[_Actions, ...]]:
    """What the statements allow, and what they deny in any case."""
    statements = policy.parse(document, kind).statements
    allowed = tuple(_actions(statement) for statement in statements if statement.allows)
    denied = tuple(
        _actions(statement)
        for statement in statements
        if not statement.allows and not statement.conditions and statement.resources == ("*",)
    )
    return allowed, denied


def _actions(statement: Statement) -> _Actions:
    named = statement.actions if statement.actions is not None else statement.not_actions
    return _Actions(tuple(map(action_pattern, named or ())), excepted=statement.actions is None)

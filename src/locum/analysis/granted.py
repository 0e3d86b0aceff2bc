"""The services and actions that policies grant, without regard to resources and conditions.

IAM API Reference, "GenerateServiceLastAccessedDetails": "Service last accessed data does not use other policy types
when determining whether a resource could access a service ... It only applies permissions policy logic." An Allow
grants its actions, whatever its resources and conditions; a Deny counts only where it has no conditions and applies to
all resources.
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

_CACHE_SIZE: Final = 512
_UNIONS: Final = 128


class _Coverage(IntEnum):
    """The part of a service's actions that a pattern matches."""

    NONE = 0
    SOME = 1
    ALL = 2


class _Actions(NamedTuple):
    """An Action element, or (`excepted`) a NotAction."""

    patterns: tuple[ActionPattern, ...]
    excepted: bool

    def coverage(self, namespace: str) -> _Coverage:
        """The part of the service's actions that the element includes."""
        named = max((_coverage_of(pattern, namespace) for pattern in self.patterns), default=_Coverage.NONE)
        return _Coverage(_Coverage.ALL - named) if self.excepted else named

    def has(self, action: str) -> bool:
        """Whether the element includes `action` (lower-case)."""
        return any(pattern.matches(action) for pattern in self.patterns) is not self.excepted


def _coverage_of(pattern: ActionPattern, namespace: str) -> _Coverage:
    # A pattern that matches an action with an empty name matches every action of the service.
    if pattern.matches(f"{namespace}:"):
        return _Coverage.ALL
    return _Coverage.SOME if pattern.service in (None, namespace) else _Coverage.NONE


class Grants:
    """The union of the grants of policies."""

    def __init__(self, documents: Iterable[str], kind: PolicyKind = PolicyKind.IDENTITY) -> None:
        read = [_read(document, kind) for document in documents]
        self._allowed = [actions for allowed, _ in read for actions in allowed]
        self._denied = [actions for _, denied in read for actions in denied]
        self._services: list[str] | None = None
        self._actions: dict[str, list[str]] = {}

    def service(self, namespace: str) -> bool:
        """Whether any action of the service is granted."""
        if not any(actions.coverage(namespace) for actions in self._allowed):
            return False
        denied = max((actions.coverage(namespace) for actions in self._denied), default=_Coverage.NONE)
        return denied is _Coverage.NONE or (denied is _Coverage.SOME and bool(self.actions(namespace)))

    def services(self) -> list[str]:
        """The sorted namespaces of the granted services."""
        if self._services is None:
            self._services = [namespace for namespace in service_reference.services() if self.service(namespace)]
        return self._services

    def actions(self, namespace: str) -> list[str]:
        """The sorted names of the service's granted actions."""
        if namespace not in self._actions:
            names = service_reference.action_names(namespace)
            self._actions[namespace] = [name for name in names if self._action(f"{namespace}:{name}".lower())]
        return self._actions[namespace]

    def _action(self, action: str) -> bool:
        return any(actions.has(action) for actions in self._allowed) and not any(
            actions.has(action) for actions in self._denied
        )


@lru_cache(_UNIONS)
def grants_of(documents: tuple[str, ...]) -> Grants:
    """The union of the grants of identity policies, which is worked out once: many roles have the same policies."""
    return Grants(documents)


@lru_cache(_CACHE_SIZE)
def _read(document: str, kind: PolicyKind) -> tuple[tuple[_Actions, ...], tuple[_Actions, ...]]:
    """The actions of a document's Allow statements, and of its Deny statements that apply unconditionally."""
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

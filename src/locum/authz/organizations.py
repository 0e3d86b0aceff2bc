"""What an organization adds to a decision about one of its accounts: policies, level by level, and condition keys.

Kept by identity of the tables that it follows from: an account that was moved or a policy that was changed makes
other tables, so that the next call sees it. Where there is no organization, asking costs one look-up.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from locum.authz.principal_policies import Level
from locum.authz.service_reference import resource_controlled
from locum.policy import PolicyKind
from locum.policy.stored import compiled
from locum.state import State, organizations
from locum.state.organizations import RESOURCE_CONTROL, SERVICE_CONTROL, Attached

_KEPT: Final = 16_384
"""Accounts kept resolved."""


class Organization(NamedTuple):
    """What the organization of one account adds. `scps` and `rcps` are its levels, root to account.

    `id` is o-..., `path` the way down to the account, o-.../r-.../ou-.../; both are empty where there is none.
    `management`: the account manages the organization, and its policies pass it over.
    """

    scps: tuple[Level, ...] = ()
    rcps: tuple[Level, ...] = ()
    id: str = ""
    path: str = ""
    management: bool = False


ALONE: Final = Organization()
"""An account in no organization."""

_FIRST, *_OTHERS = organizations.TABLES


class _Known(NamedTuple):
    """What was resolved in `state`, and in every other with the same `tables`. No tables: there is no organization."""

    state: State | None
    tables: tuple[Any, ...]
    accounts: dict[str, Organization]


class _Latest:
    """The states of several threads take turns: calls are decided in one, refusals are explained in another. What was
    resolved in a state is put down beside its tables, never beside those that another thread has turned to meanwhile.
    """

    known = _Known(None, (), {})


def around(state: State, account: str) -> Organization:
    """What the organization of `account` adds, as it is in `state`."""
    known = _Latest.known
    if known.state is not state:
        known = _Latest.known = _turned_to(state, known)
    if not known.tables:
        return ALONE
    found = known.accounts.get(account)
    if found is None:
        if len(known.accounts) >= _KEPT:
            known.accounts.clear()
        found = known.accounts[account] = _resolve(state, account)
    return found


def _turned_to(state: State, known: _Known) -> _Known:
    """What is known in `state`: what was known before, where nothing of organizations is another value in it."""
    first = state.tables.get(_FIRST)
    tables = () if first is None else (first, *[state.tables.get(name) for name in _OTHERS])
    if len(tables) == len(known.tables) and all(a is b for a, b in zip(tables, known.tables, strict=True)):
        return known._replace(state=state)
    return _Known(state, tables, {})


def _resolve(state: State, account: str) -> Organization:
    member = organizations.member_of(state, account)
    organization = organizations.organization_of(state, account)
    if member is None or organization is None:
        return ALONE
    return Organization(
        _levels(organizations.policies_in_force(state, account, SERVICE_CONTROL), PolicyKind.SCP),
        _levels(organizations.policies_in_force(state, account, RESOURCE_CONTROL), PolicyKind.RCP),
        organization.id,
        organizations.path_of(state, organization, member),
        organizations.is_management(organization, account),
    )


def _levels(levels: tuple[tuple[Attached, ...], ...], kind: PolicyKind) -> tuple[Level, ...]:
    return tuple(tuple(compiled(found.document, kind, found.name, found.arn) for found in level) for level in levels)


def under_resource_control(action: str, resource: str) -> bool:
    """Whether RCPs speak of `action` on `resource`: its service supports them, and the action is on a resource.

    "If a resource is specified in the Resource type column, then the RCPs of the resource owner's account are applied."
    """
    return resource != "*" and action.partition(":")[0].lower() in resource_controlled()

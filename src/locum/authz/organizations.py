"""The SCPs, RCPs and condition keys of an account's organization.

They are cached by identity of the state's tables that they are computed from: a change of an account or a policy makes
other tables, so that the next call sees it. Where there is no organization, a look-up costs one comparison.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from locum.authz.principal_policies import Level
from locum.authz.service_reference import resource_controlled
from locum.core.arn import is_service_linked
from locum.policy import PolicyKind
from locum.policy.stored import compiled
from locum.state import State, organizations
from locum.state.organizations import RESOURCE_CONTROL, SERVICE_CONTROL, Attached

_CACHE_SIZE: Final = 16_384
"""The number of accounts in the cache."""


class OrganizationContext(NamedTuple):
    """The policies and ids of one account's organization. `scps` and `rcps` are by level, from the root to the account.

    `id` is o-..., `path` is aws:PrincipalOrgPaths of the account, o-.../r-.../ou-.../; both are empty without an
    organization. `management`: the account is the management account, which SCPs and RCPs do not restrict.
    """

    scps: tuple[Level, ...] = ()
    rcps: tuple[Level, ...] = ()
    id: str = ""
    path: str = ""
    management: bool = False


NO_ORGANIZATION: Final = OrganizationContext()
"""The context of an account that is in no organization."""

_FIRST, *_OTHERS = organizations.TABLES


class _Cache(NamedTuple):
    """The accounts resolved in `state` and in all states with the same `tables`; without tables, no organization."""

    state: State | None
    tables: tuple[Any, ...]
    accounts: dict[str, OrganizationContext]


class _Latest:
    """The cache of the state that was used last, in any thread.

    Calls are decided in one thread and denials explained in another, with different states. An account is added to the
    cache object that it was resolved for, even if another thread has replaced that meanwhile.
    """

    cache = _Cache(None, (), {})


def organization_context(state: State, account: str) -> OrganizationContext:
    """The policies and ids of the organization of `account` in `state`."""
    cache = _Latest.cache
    if cache.state is not state:
        cache = _Latest.cache = _for_state(state, cache)
    if not cache.tables:
        return NO_ORGANIZATION
    found = cache.accounts.get(account)
    if found is None:
        if len(cache.accounts) >= _CACHE_SIZE:
            cache.accounts.clear()
        found = cache.accounts[account] = _resolve(state, account)
    return found


def _for_state(state: State, previous: _Cache) -> _Cache:
    """The cache for `state`: with the accounts of `previous` where the tables of organizations are identical."""
    first = state.tables.get(_FIRST)
    tables = () if first is None else (first, *[state.tables.get(name) for name in _OTHERS])
    if len(tables) == len(previous.tables) and all(a is b for a, b in zip(tables, previous.tables, strict=True)):
        return previous._replace(state=state)
    return _Cache(state, tables, {})


def _resolve(state: State, account: str) -> OrganizationContext:
    member = organizations.member_of(state, account)
    organization = organizations.organization_of(state, account)
    if member is None or organization is None:
        return NO_ORGANIZATION
    return OrganizationContext(
        _levels(organizations.policies_in_force(state, account, SERVICE_CONTROL), PolicyKind.SCP),
        _levels(organizations.policies_in_force(state, account, RESOURCE_CONTROL), PolicyKind.RCP),
        organization.id,
        organizations.path_of(state, organization, member),
        organizations.is_management(organization, account),
    )


def _levels(levels: tuple[tuple[Attached, ...], ...], kind: PolicyKind) -> tuple[Level, ...]:
    return tuple(tuple(compiled(found.document, kind, found.name, found.arn) for found in level) for level in levels)


def rcps_apply(action: str, resource: str) -> bool:
    """Whether RCPs apply to `action` on `resource`: the service supports them, and the action has a resource.

    "If a resource is specified in the Resource type column, then the RCPs of the resource owner's account are applied."
    "RCPs also do not impact AWS services' ability to assume a service-linked role".
    """
    supported = resource != "*" and action.partition(":")[0].lower() in resource_controlled()
    return supported and not is_service_linked(resource)

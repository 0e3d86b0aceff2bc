"""What of a user or role is not used: the role itself, access keys, the password, permissions. By its last uses.

IAM User Guide, "Refine permissions in AWS using last accessed information"; "IAM Access Analyzer findings". What was
made less than so long ago is not unused yet. Times are epoch seconds, 0 for never.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from locum.analysis.granted import Grants, grants_of
from locum.core.arn import is_service_linked
from locum.state import AccessKey, LoginProfile, Role, State, User
from locum.state.indexes import KEYS_OF_USER, scoped

UNTRACKED: Final = frozenset({"iam:passrole"})
"""Actions that no call has as its own: their use is not recorded.

IAM User Guide, "Last accessed information": iam:PassRole is not tracked.
"""
_WITH_UNTRACKED: Final = frozenset(it.partition(":")[0] for it in UNTRACKED)


class LastUse(Protocol):
    """The last use of an action, with an access key where it is a long-term one."""

    @property
    def access_key_id(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def at(self) -> float: ...


class Action(NamedTuple):
    """An action that is granted, by its name in its service, and its last use."""

    name: str
    at: float


class Service(NamedTuple):
    """A service of which something is granted and not used: `unused` actions, or none of all where it is not `active`.

    `at` is its last use, `used` are the names of the actions that were used, or cannot be told not to have been.
    """

    namespace: str
    at: float
    active: bool
    unused: tuple[Action, ...]
    used: tuple[str, ...]


def is_stale(at: float, made: float, since: float) -> bool:
    """Whether something that was made and last used at these times was not used since another."""
    return max(at, made) < since


def last_use(uses: Iterable[LastUse], access_key_id: str = "") -> float:
    """The latest of the uses, or of those of a key."""
    return max((it.at for it in uses if not access_key_id or it.access_key_id == access_key_id), default=0.0)


def is_unused_role(role: Role, at: float, since: float) -> bool:
    """Whether a role with this last use is unused. Service-linked roles are their services'."""
    return is_stale(at, role.created, since) and not is_service_linked(role.arn)


def active_keys(state: State, user: User) -> list[AccessKey]:
    """The access keys of a user that may be used, by id."""
    found = state.find(KEYS_OF_USER, scoped(user.account, user.key))
    return sorted((it for it in found if isinstance(it, AccessKey) and it.active), key=lambda it: it.id)


def unused_keys(state: State, user: User, uses: Iterable[LastUse], since: float) -> Iterator[tuple[AccessKey, float]]:
    """The active access keys of a user that are unused, and their last uses."""
    known = tuple(uses)
    for key in active_keys(state, user):
        at = last_use(known, key.id)
        if is_stale(at, key.created, since):
            yield key, at


def unused_password(state: State, user: User, since: float) -> LoginProfile | None:
    """The password of a user, if it has one that is unused."""
    profile = state.get(LoginProfile, user.account, user.key)
    return profile if profile is not None and is_stale(profile.used, profile.changed, since) else None


def signed_in(state: State, user: User) -> float:
    """When a user signed in with its password last."""
    profile = state.get(LoginProfile, user.account, user.key)
    return 0.0 if profile is None else float(profile.used)


def services(documents: Iterable[str], uses: Iterable[LastUse], since: float) -> list[Service]:
    """The services that identity policies grant, by namespace, as they were used by who has the policies.

    Raises MalformedPolicy.
    """
    grants, latest = grants_of(tuple(documents)), _latest(uses)
    by_service: dict[str, float] = {}
    for action, at in latest.items():
        namespace = action.partition(":")[0]
        by_service[namespace] = max(at, by_service.get(namespace, 0.0))
    return [_service(grants, it, by_service.get(it, 0.0), latest, since) for it in grants.services()]


def _latest(uses: Iterable[LastUse]) -> dict[str, float]:
    """The last uses by lower-case action."""
    found: dict[str, float] = {}
    for use in uses:
        action = use.action.lower()
        found[action] = max(use.at, found.get(action, 0.0))
    return found


def _service(grants: Grants, namespace: str, at: float, latest: Mapping[str, float], since: float) -> Service:
    """A service that was last used at a time. Where only untracked actions of it are granted, it may have been."""
    if at < since and not _only_untracked(grants, namespace):
        return Service(namespace, at, active=False, unused=(), used=())
    names = grants.actions(namespace)
    lasts = {name: latest.get(f"{namespace}:{name}".lower(), 0.0) for name in names}
    unused = tuple(Action(name, it) for name, it in lasts.items() if it < since and not _untracked(namespace, name))
    gone = {it.name for it in unused}
    return Service(namespace, at, active=True, unused=unused, used=tuple(it for it in names if it not in gone))


def _only_untracked(grants: Grants, namespace: str) -> bool:
    names = grants.actions(namespace) if namespace in _WITH_UNTRACKED else ()
    return bool(names) and all(_untracked(namespace, name) for name in names)


def _untracked(namespace: str, name: str) -> bool:
    return f"{namespace}:{name}".lower() in UNTRACKED

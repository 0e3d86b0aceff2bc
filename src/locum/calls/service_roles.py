"""Roles that services assume to act: service-linked roles, and roles that were passed to a service.

The service assumes the role by a call like any other: the role's trust policy must let the service principal in, for
the resource that it acts for, and the AssumeRole is in the record. The session is kept until half of its time is over,
for as long as the role is the very same value.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from locum.core.actors import ServiceRole
from locum.core.calls import ServiceCall, assume_role
from locum.core.principal import Caller, principal_of
from locum.credentials import KeyRing, open_session
from locum.services.sts import is_fresh
from locum.state import Role, State
from locum.state.arns import entity_by_arn

Make = Callable[[ServiceCall, str], Awaitable[dict[str, Any]]]

_KEPT: Final = 1024


class ServiceSession(NamedTuple):
    """A session of a role that a service assumed: the caller, and the `Credentials` of the AssumeRole."""

    caller: Caller
    credentials: Mapping[str, Any]


Assume = Callable[[ServiceRole, str], Awaitable[ServiceSession]]
"""`Calls.assume`, for those who are given it."""


class _Kept(NamedTuple):
    role: Role
    session: ServiceSession
    issued: int
    expires: int


class ServiceSessions:
    """The sessions of services, each assumed when it is first needed."""

    def __init__(self, keyring: KeyRing, make: Make) -> None:
        self._keyring = keyring
        self._make = make
        self._kept: OrderedDict[ServiceRole, _Kept] = OrderedDict()

    async def of(self, actor: ServiceRole, state: State, now: float, cause: str) -> ServiceSession:
        """The session of `actor`. Raises Fault AccessDenied where the service may not assume the role."""
        kept = self._kept.get(actor)
        role = entity_by_arn(state, Role, actor.role)
        if kept is not None and kept.role is role and is_fresh(kept.issued, kept.expires, now):
            return kept.session
        credentials: Mapping[str, Any] = (await self._make(assume_role(actor), cause))["Credentials"]
        session, _ = open_session(self._keyring, credentials["AccessKeyId"], credentials["SessionToken"])
        made = ServiceSession(Caller(principal_of(session), credentials["AccessKeyId"], session), credentials)
        if role is not None:
            self._kept[actor] = _Kept(role, made, session.issued_at, session.expires_at)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

"""The role credentials of instances, which are cached until their renewal is due.

EC2 assumes the role by a call that is authorized and recorded as any other. A set is cached while all values that it
was made from are identical: the instance, its association, the profile and the role. So a change of the profile, of its
role or of the role's trust policy takes effect with the next request.

IAM User Guide, "Troubleshoot IAM and Amazon EC2", for the codes in place of credentials:
- AssumeRoleUnauthorizedAccess: the role's trust policy does not allow ec2.amazonaws.com to assume it;
- InstanceProfileNotFound: the profile was deleted (one created again with the same name has another id).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from locum.core.calls import ServiceCall, assume_role
from locum.core.clock import Instant, iso8601
from locum.core.errors import Fault
from locum.credentials import TemporaryCredentials
from locum.imds.texts import credentials_text, json_text
from locum.services.sts import MOVED_BACK, AttachedProfile, attached_profile, instance_role, renew_at
from locum.state import Instance, Role, State

Make = Callable[[ServiceCall], Awaitable[Mapping[str, Any]]]
"""Makes a call (`calls.Calls.make`). A Fault ends the request, as credentials without a record are not delivered."""

SUCCESS: Final = "Success"
UNAUTHORIZED: Final = "AssumeRoleUnauthorizedAccess"
PROFILE_NOT_FOUND: Final = "InstanceProfileNotFound"

_CACHE_SIZE: Final = 4096
"""The number of sets at which those of former instances are dropped."""
_MEMBERS: Final = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
_RETRY: Final = 1
"""The lifetime of a cached refusal in seconds."""
_HELP: Final = (
    "Please see documentation at "
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."
)


class _CredentialSet(NamedTuple):
    instance: Instance
    attached: AttachedProfile
    issued: Instant
    renew_at: float
    text: str
    made: TemporaryCredentials | None = None

    @property
    def last_updated(self) -> int:
        return int(self.issued.now)

    def document(self, at: Instant) -> str:
        """The document, its times by the clock of the instance."""
        if self.made is None or at.ahead == self.issued.ahead:
            return self.text
        return credentials_text(self.made, self.last_updated, at)

    def is_current(self, instance: Instance, attached: AttachedProfile, now: float) -> bool:
        return (
            self.last_updated - MOVED_BACK < now < self.renew_at
            and self.instance is instance
            and self.attached.association is attached.association
            and self.attached.profile is attached.profile
            and self.attached.role is attached.role
        )


class RoleCredentials:
    """The current credentials of all instances."""

    def __init__(self, make: Make, expired_at: Callable[[str, str], float] = lambda _role, _instance: 0.0) -> None:
        """`expired_at`: the time up to which sessions of a role (ARN) in an instance have expired on request."""
        self._make = make
        self._expired_at = expired_at
        self._sets: dict[tuple[str, str], _CredentialSet] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def document(self, state: State, instance: Instance, role: str, at: Instant, version: str) -> str | None:
        """The document iam/security-credentials/`role`; None where that is not the role of the instance.

        `version` of IMDS is `1.0` or `2.0`. Each has its own set, as the sessions differ in ec2:RoleDelivery.
        """
        attached = attached_profile(state, instance)
        if attached is None or (attached.role is not None and attached.role.name != role):
            return None
        current = await self._current(state, instance, attached, at, version)
        return None if current is None else current.document(at)

    async def current(self, state: State, instance: Instance, at: Instant) -> TemporaryCredentials | None:
        """The credentials that IMDS of version 2.0 delivers; None where there are none."""
        attached = attached_profile(state, instance)
        found = None if attached is None else await self._current(state, instance, attached, at, "2.0")
        return None if found is None else found.made

    def leaves(self, state: State, instance: Instance, at: Instant, version: str) -> dict[str, str | None]:
        """The leaves iam/; none where the instance has no profile. They issue no credentials."""
        attached = attached_profile(state, instance)
        if attached is None:
            return {}
        leaves: dict[str, str | None] = {"iam/info": self._info(instance, attached, at, version)}
        if attached.role is not None:
            leaves[f"iam/security-credentials/{attached.role.name}"] = None
        return leaves

    def _info(self, instance: Instance, attached: AttachedProfile, at: Instant, version: str) -> str:
        """The document iam/info, which tells of the profile, whether or not its role can be assumed."""
        association = attached.association
        if attached.profile is None:
            return _not_found(association.profile_id, at)
        current = self._sets.get((instance.id, version))
        shown = current is not None and current.attached.association is association
        updated = current.last_updated if current is not None and shown else association.since
        return json_text(
            {
                "Code": SUCCESS,
                "LastUpdated": iso8601(at.told(updated)),
                "InstanceProfileArn": association.profile_arn,
                "InstanceProfileId": association.profile_id,
            }
        )

    async def _current(
        self, state: State, instance: Instance, attached: AttachedProfile, at: Instant, version: str
    ) -> _CredentialSet | None:
        """The set of `instance`, issued where needed; None where the profile has no role."""
        key = (instance.id, version)
        cached = self._sets.get(key)
        if cached is not None and self._is_current(cached, instance, attached, at):
            return cached
        if attached.profile is not None and attached.role is None:
            self._sets.pop(key, None)
            return None
        async with self._locks.setdefault(key, asyncio.Lock()):
            cached = self._sets.get(key)
            if cached is not None and self._is_current(cached, instance, attached, at):
                return cached
            if len(self._sets) >= _CACHE_SIZE:
                self._drop_outdated(state)
            made = self._sets[key] = await self._issue(instance, attached, at, version)
            return made

    def _is_current(self, cached: _CredentialSet, instance: Instance, attached: AttachedProfile, at: Instant) -> bool:
        if not cached.is_current(instance, attached, at.now):
            return False
        return attached.role is None or cached.last_updated > self._expired_at(attached.role.arn, instance.id)

    async def _issue(self, instance: Instance, attached: AttachedProfile, at: Instant, version: str) -> _CredentialSet:
        role = attached.role
        if role is None:
            failure = _not_found(attached.association.profile_id, at)
            return _CredentialSet(instance, attached, at, at.now + _RETRY, failure)
        try:
            credentials = await self._assume(instance, role, version)
        except Fault as fault:
            if fault.status >= 500:
                raise
            message = f"EC2 cannot assume the role {role.name}.  {_HELP}"
            failure = _failure(UNAUTHORIZED, message, at)
            return _CredentialSet(instance, attached, at, at.now + _RETRY, failure)
        made = TemporaryCredentials(*(credentials[name] for name in _MEMBERS))
        text, renewal = credentials_text(made, at.now, at), renew_at(int(at.now), made.expiration)
        return _CredentialSet(instance, attached, at, renewal, text, made)

    async def _assume(self, instance: Instance, role: Role, version: str) -> Mapping[str, Any]:
        """Assume `role` and return its `Credentials`. Raises Fault AccessDenied where EC2 may not assume it."""
        answer = await self._make(assume_role(instance_role(instance, role, version)))
        found: Mapping[str, Any] = answer["Credentials"]
        return found

    def _drop_outdated(self, state: State) -> None:
        """Drop the sets of instances that have changed, were deleted or have no profile any more."""
        for key, cached in list(self._sets.items()):
            instance = cached.instance
            gone = attached_profile(state, instance) is None
            if gone or state.get(Instance, instance.account, instance.id) is not instance:
                del self._sets[key]
                self._locks.pop(key, None)


def _failure(code: str, message: str, at: Instant) -> str:
    """The document in place of credentials, or of iam/info."""
    return json_text({"Code": code, "Message": message, "LastUpdated": iso8601(at.told(at.now))})


def _not_found(profile_id: str, at: Instant) -> str:
    return _failure(PROFILE_NOT_FOUND, f"Instance Profile with Id {profile_id} cannot be found.  {_HELP}", at)

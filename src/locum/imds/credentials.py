"""The role credentials that the metadata service delivers: issued once, kept until their renewal is due.

EC2 assumes the role, by a call like any other: decided, recorded, explained. A set is kept for as long as everything
that it was made from is the very same value: the instance, its association, the profile and the role. So a swap of the
profile, or of the role inside it, takes effect with the next request, and so does a changed trust policy.

IAM User Guide, "Troubleshoot IAM and Amazon EC2", for the codes where there are none:
- AssumeRoleUnauthorizedAccess: the role's trust policy does not let ec2.amazonaws.com assume it;
- InstanceProfileNotFound: the profile is gone (one made again under the same name has another id).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from locum.core.calls import ServiceCall
from locum.core.clock import iso8601
from locum.core.errors import Fault
from locum.core.principal import Caller, Principal, Source
from locum.services.sts import EC2, AttachedProfile, attached_profile, renew_at
from locum.state import Instance, Role, State

Make = Callable[[ServiceCall], Awaitable[Mapping[str, Any]]]
"""Makes a call (`calls.Calls.make`). A set that cannot be recorded is not handed out: the Fault ends the request."""

SUCCESS: Final = "Success"
UNAUTHORIZED: Final = "AssumeRoleUnauthorizedAccess"
PROFILE_NOT_FOUND: Final = "InstanceProfileNotFound"

_KEPT: Final = 4096
"""Sets after which those of instances that are gone are dropped."""
_RETRY: Final = 1
"""Seconds for which a refusal is kept."""
_HELP: Final = (
    "Please see documentation at "
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."
)


class _Set(NamedTuple):
    instance: Instance
    attached: AttachedProfile
    code: str
    last_updated: float
    document: str
    renew_at: float

    def still_right(self, instance: Instance, attached: AttachedProfile, now: float) -> bool:
        return (
            now < self.renew_at
            and self.instance is instance
            and self.attached.association is attached.association
            and self.attached.profile is attached.profile
            and self.attached.role is attached.role
        )


class RoleCredentials:
    """The current credentials of every instance."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._sets: dict[tuple[str, str], _Set] = {}
        self._making: dict[tuple[str, str], asyncio.Lock] = {}

    async def document(self, state: State, instance: Instance, role: str, now: float, version: str) -> str | None:
        """iam/security-credentials/`role`; None where that is not the role of the instance.

        `version` of the metadata service is `1.0` or `2.0`: policies tell apart credentials that were fetched
        with a token from others (ec2:RoleDelivery), so each version has a set of its own.
        """
        attached = attached_profile(state, instance)
        if attached is None or (attached.role is not None and attached.role.name != role):
            return None
        current = await self._current(state, instance, attached, now, version)
        return None if current is None else current.document

    async def leaves(self, state: State, instance: Instance, now: float, version: str, path: str) -> dict[str, str]:
        """What there is below iam/ for a request of `path`: nothing at all where the instance has no profile.

        Credentials are only made for a request that tells of them (iam/info), not for a listing.
        """
        attached = attached_profile(state, instance)
        if attached is None:
            return {}
        asked = path.rstrip("/") == "iam/info"
        leaves = {"iam/info": await self._info(state, instance, attached, now, version) if asked else ""}
        if attached.role is not None:
            leaves[f"iam/security-credentials/{attached.role.name}"] = ""
        return leaves

    async def _info(self, state: State, instance: Instance, attached: AttachedProfile, now: float, version: str) -> str:
        current = await self._current(state, instance, attached, now, version)
        info = {
            "Code": SUCCESS if current is None else current.code,
            "LastUpdated": iso8601(now if current is None else current.last_updated),
            "InstanceProfileArn": attached.association.profile_arn,
            "InstanceProfileId": attached.association.profile_id,
        }
        return json.dumps(info, indent=2)

    async def _current(
        self, state: State, instance: Instance, attached: AttachedProfile, now: float, version: str
    ) -> _Set | None:
        """The set of `instance`, made where need be; None where the profile holds no role."""
        place = (instance.id, version)
        known = self._sets.get(place)
        if known is not None and known.still_right(instance, attached, now):
            return known
        if attached.profile is not None and attached.role is None:
            self._sets.pop(place, None)
            return None
        async with self._making.setdefault(place, asyncio.Lock()):
            known = self._sets.get(place)
            if known is not None and known.still_right(instance, attached, now):
                return known
            if len(self._sets) >= _KEPT:
                self._forget(state)
            made = self._sets[place] = await self._new(instance, attached, now, version)
            return made

    async def _new(self, instance: Instance, attached: AttachedProfile, now: float, version: str) -> _Set:
        role = attached.role
        if role is None:
            message = f"Instance Profile with id {attached.association.profile_id} cannot be found. {_HELP}"
            return _failure(instance, attached, PROFILE_NOT_FOUND, message, now)
        try:
            credentials = await self._assume(instance, role, version)
        except Fault as fault:
            if fault.status >= 500:
                raise
            message = f"EC2 cannot assume the role {role.name}.  {_HELP}"
            return _failure(instance, attached, UNAUTHORIZED, message, now)
        document = json.dumps(_document(credentials, now), indent=2)
        due = renew_at(int(now), credentials["Expiration"])
        return _Set(instance, attached, SUCCESS, int(now), document, due)

    async def _assume(self, instance: Instance, role: Role, version: str) -> Mapping[str, Any]:
        """`Credentials` of a session of `role`. Raises Fault AccessDenied where EC2 may not assume it."""
        source = Source(instance.account, instance.arn, {"ec2:roledelivery": version})
        params = {"RoleArn": role.arn, "RoleSessionName": instance.id}
        ec2 = Caller(Principal.service(EC2), source=source)
        answer = await self._make(ServiceCall(ec2, "sts", "AssumeRole", params, instance.region))
        found: Mapping[str, Any] = answer["Credentials"]
        return found

    def _forget(self, state: State) -> None:
        """Drop every set that was made from what is not so any more."""
        for place, known in list(self._sets.items()):
            instance = known.instance
            gone = attached_profile(state, instance) is None
            if gone or state.get(Instance, instance.account, instance.id) is not instance:
                del self._sets[place]
                self._making.pop(place, None)


def _failure(instance: Instance, attached: AttachedProfile, code: str, message: str, now: float) -> _Set:
    document = {"Code": code, "Message": message, "LastUpdated": iso8601(int(now))}
    return _Set(instance, attached, code, int(now), json.dumps(document, indent=2), now + _RETRY)


def _document(credentials: Mapping[str, Any], now: float) -> dict[str, Any]:
    """EC2 User Guide, "Retrieve security credentials from instance metadata"."""
    return {
        "Code": SUCCESS,
        "LastUpdated": iso8601(int(now)),
        "Type": "AWS-HMAC",
        "AccessKeyId": credentials["AccessKeyId"],
        "SecretAccessKey": credentials["SecretAccessKey"],
        "Token": credentials["SessionToken"],
        "Expiration": iso8601(credentials["Expiration"]),
    }

"""The role credentials that the metadata service delivers: issued once, kept until their renewal is due.

A set is kept for as long as everything that it was made from is the very same value: the instance, its
association, the profile and the role. So a swap of the profile, or of the role inside it, takes effect
with the next request, and so does a changed trust policy.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from locum.core.clock import Entropy, iso8601
from locum.credentials import KeyRing
from locum.services.sts.instance import (
    AttachedProfile,
    InstanceCredentials,
    attached_profile,
    instance_credentials,
    renew_at,
)
from locum.services.verbs import Settings
from locum.state import Instance, State

Issued = Callable[[Instance, AttachedProfile, InstanceCredentials, float], None]
"""Told of each new set (or refusal), for the event history: instance, what it wears, the set, the instant.

A set that cannot be recorded is not handed out: whatever this raises ends the request."""

_KEPT: Final = 4096
"""Sets after which those of instances that are gone are dropped."""
_RETRY: Final = 1
"""Seconds for which a refusal is kept."""


class _Set(NamedTuple):
    instance: Instance
    attached: AttachedProfile
    credentials: InstanceCredentials
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

    def __init__(self, keyring: KeyRing, entropy: Entropy, settings: Settings, issued: Issued) -> None:
        self._keyring = keyring
        self._entropy = entropy
        self._settings = settings
        self._issued = issued
        self._sets: dict[tuple[str, str], _Set] = {}

    def document(self, state: State, instance: Instance, role: str, now: float, version: str) -> str | None:
        """iam/security-credentials/`role`; None where the instance does not wear that role.

        `version` of the metadata service is `1.0` or `2.0`: policies tell apart credentials that were fetched
        with a token from others (ec2:RoleDelivery), so each version has a set of its own.
        """
        attached = attached_profile(state, instance)
        if attached is None or (attached.role is not None and attached.role.name != role):
            return None
        current = self._current(state, instance, attached, now, version)
        return None if current is None else current.document

    def leaves(self, state: State, instance: Instance, now: float, version: str, path: str) -> dict[str, str]:
        """What there is below iam/ for a request of `path`: nothing at all where the instance wears no profile.

        Credentials are only made for a request that tells of them (iam/info), not for a listing.
        """
        attached = attached_profile(state, instance)
        if attached is None:
            return {}
        info = self._info(state, instance, attached, now, version) if path.rstrip("/") == "iam/info" else ""
        leaves = {"iam/info": info}
        if attached.role is not None:
            leaves[f"iam/security-credentials/{attached.role.name}"] = ""
        return leaves

    def _info(self, state: State, instance: Instance, attached: AttachedProfile, now: float, version: str) -> str:
        current = self._current(state, instance, attached, now, version)
        info = {
            "Code": "Success" if current is None else current.credentials.code,
            "LastUpdated": iso8601(now if current is None else current.credentials.last_updated),
            "InstanceProfileArn": attached.association.profile_arn,
            "InstanceProfileId": attached.association.profile_id,
        }
        return json.dumps(info, indent=2)

    def _current(
        self, state: State, instance: Instance, attached: AttachedProfile, now: float, version: str
    ) -> _Set | None:
        place = (instance.id, version)
        known = self._sets.get(place)
        if known is not None and known.still_right(instance, attached, now):
            return known
        fresh = instance_credentials(state, self._keyring, instance, now, self._entropy, self._settings, version)
        if fresh is None:
            self._sets.pop(place, None)
            return None
        self._issued(instance, attached, fresh, now)
        if len(self._sets) >= _KEPT:
            self._forget(state)
        due = renew_at(fresh.last_updated, fresh.expiration) if fresh.succeeded else now + _RETRY
        made = self._sets[place] = _Set(instance, attached, fresh, json.dumps(_document(fresh), indent=2), due)
        return made

    def _forget(self, state: State) -> None:
        """Drop every set that was made from what is not so any more."""
        for place, known in list(self._sets.items()):
            instance = known.instance
            if (
                state.get(Instance, instance.account, instance.id) is not instance
                or attached_profile(state, instance) is None
            ):
                del self._sets[place]


def _document(credentials: InstanceCredentials) -> dict[str, Any]:
    """EC2 User Guide, "Retrieve security credentials from instance metadata"."""
    if not credentials.succeeded:
        return {
            "Code": credentials.code,
            "Message": credentials.message,
            "LastUpdated": iso8601(credentials.last_updated),
        }
    return {
        "Code": credentials.code,
        "LastUpdated": iso8601(credentials.last_updated),
        "Type": credentials.type,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "Token": credentials.token,
        "Expiration": iso8601(credentials.expiration),
    }

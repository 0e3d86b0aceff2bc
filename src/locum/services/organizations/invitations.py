"""The state of handshakes, their expiry and visibility, and their shape in answers."""

from __future__ import annotations

from typing import Any, Final

from locum.core.clock import DAY
from locum.services.organizations import limits
from locum.services.organizations.access import Scope
from locum.state import Handshake, Member, Organization, State
from locum.state.organizations import handshake_arn

INVITE: Final = "INVITE"
ENABLE_ALL_FEATURES: Final = "ENABLE_ALL_FEATURES"
APPROVE_ALL_FEATURES: Final = "APPROVE_ALL_FEATURES"

REQUESTED: Final = "REQUESTED"
OPEN: Final = "OPEN"
ACCEPTED: Final = "ACCEPTED"
DECLINED: Final = "DECLINED"
CANCELED: Final = "CANCELED"
EXPIRED: Final = "EXPIRED"

_WAITING: Final = (REQUESTED, OPEN)


def state_of(handshake: Handshake, now: int) -> str:
    """The state of `handshake` at `now`: EXPIRED where it was not answered in time."""
    return EXPIRED if handshake.state in _WAITING and now >= handshake.expires else handshake.state


def waits(handshake: Handshake, now: int) -> bool:
    """Whether `handshake` waits for an answer."""
    return state_of(handshake, now) in _WAITING


def is_shown(handshake: Handshake, now: int) -> bool:
    """Whether `handshake` is visible: "for 30 days before they are deleted"."""
    ended = handshake.answered or handshake.expires
    return waits(handshake, now) or now < ended + limits.HANDSHAKE_KEPT_DAYS * DAY


def expiry(now: int, days: int) -> int:
    """The expiry of a handshake made at `now`."""
    return now + days * DAY


def accounts_counted(scope: Scope) -> int:
    """The number of accounts that count towards the quota, invited ones included: "An invitation ... counts"."""
    state = scope.context.state
    handshakes = state.table(Handshake, scope.management).values()
    invited = sum(one.action == INVITE and waits(one, scope.now) for one in handshakes)
    return len(state.table(Member, scope.management)) + invited


def shown(state: State, handshake: Handshake, now: int) -> dict[str, Any]:
    """A Handshake structure."""
    parties = [{"Id": handshake.organization, "Type": "ORGANIZATION"}]
    if handshake.target_type != "ORGANIZATION":
        parties.append({"Id": handshake.target, "Type": handshake.target_type})
    return {
        "Id": handshake.id,
        "Arn": handshake_arn(handshake),
        "Parties": parties,
        "State": state_of(handshake, now),
        "RequestedTimestamp": handshake.requested,
        "ExpirationTimestamp": handshake.expires,
        "Action": handshake.action,
        "Resources": _resources(state, handshake),
    }


def _resources(state: State, handshake: Handshake) -> list[dict[str, Any]]:
    organization: dict[str, Any] = {"Type": "ORGANIZATION", "Value": handshake.organization}
    if handshake.action == ENABLE_ALL_FEATURES:
        return [organization]
    if handshake.action == APPROVE_ALL_FEATURES:
        return [organization, {"Type": "PARENT_HANDSHAKE", "Value": handshake.parent}]
    management = state.get(Member, handshake.account, handshake.account)
    sender = state.get(Organization, handshake.account, handshake.account)
    if management is not None and sender is not None:
        organization["Resources"] = [
            {"Type": "MASTER_EMAIL", "Value": management.email},
            {"Type": "MASTER_NAME", "Value": management.name},
            {"Type": "ORGANIZATION_FEATURE_SET", "Value": sender.feature_set},
        ]
    notes = [{"Type": "NOTES", "Value": handshake.notes}] if handshake.notes else []
    return [organization, {"Type": handshake.target_type, "Value": handshake.target}, *notes]

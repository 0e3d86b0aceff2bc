"""Delegation requests: a product provider's requests to an account for temporary access of some hours."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

import msgspec

from locum.core.clock import DAY
from locum.core.principal import Session
from locum.state.entities import Entity

DelegationState = Literal["UNASSIGNED", "ASSIGNED", "PENDING_APPROVAL", "ACCEPTED", "FINALIZED", "REJECTED", "EXPIRED"]

LIFETIMES: Final[dict[DelegationState, int]] = {
    "UNASSIGNED": DAY,
    "ASSIGNED": 7 * DAY,
    "PENDING_APPROVAL": 7 * DAY,
    "ACCEPTED": 7 * DAY,
    "FINALIZED": 7 * DAY,
    "REJECTED": 7 * DAY,
}
"""The seconds in a state after which a request is EXPIRED: IAM User Guide, "Understanding the Request Lifecycle"."""


class PolicyParameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The values of a placeholder of the policy template. `many`: it may have several."""

    name: str
    values: tuple[str, ...] = ()
    many: bool = False


class DelegationRequest(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="delegation-request"):
    """A delegation request. `account` is the requestor's.

    `workflow` is the requestor's workflow id, `template` the ARN of the policy template, `policy` the document made
    from it. `channel` is the ARN of an SNS topic. `owner` is the ARN of the identity of `owner_account` that the
    request is associated with, `owner_id` its aws:userid; all may be empty. `approver` is the session whose permissions
    the delegated credentials have, before they are limited. `stage` is the state that was set at `updated`; `state_at`
    also considers expiry.
    """

    key_field: ClassVar[str] = "id"

    id: str
    workflow: str
    description: str = ""
    message: str = ""
    template: str
    parameters: tuple[PolicyParameter, ...] = ()
    policy: str
    channel: str
    redirect: str = ""
    seconds: int
    only_by_owner: bool = False
    owner_account: str = ""
    owner: str = ""
    owner_id: str = ""
    approver: Session | None = None
    approver_arn: str = ""
    stage: DelegationState = "UNASSIGNED"
    notes: str = ""
    rejection: str = ""
    created: int
    updated: int

    @property
    def expires(self) -> int:
        """The time at which the request expires in its present state, in epoch seconds."""
        return self.updated + LIFETIMES[self.stage]

    @property
    def access_until(self) -> int:
        """The end of access of a finalized request: "Credentials expire at: release time + approved duration"."""
        return self.updated + self.seconds

    def state_at(self, now: float) -> DelegationState:
        """The state at `now` (epoch seconds)."""
        return "EXPIRED" if now >= self.expires else self.stage

"""Requests for temporary delegation: a product asks an account for access that lasts some hours."""

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
"""IAM User Guide, "Understanding the Request Lifecycle": after so many seconds in a state a request is EXPIRED."""


class PolicyParameter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a placeholder of the policy template stands for; `many`: it may have several values."""

    name: str
    values: tuple[str, ...] = ()
    many: bool = False


class DelegationRequest(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="delegation-request"):
    """A delegation request. `account` is the requestor's.

    `workflow` is the requestor's own name for it, `template` the ARN of the policy template, `policy` what came of
    it. `channel` is the ARN of an SNS topic. `owner` is the ARN of the identity of `owner_account` that the request
    is associated with, `owner_id` its aws:userid; all may be empty. `approver` is the session that delegated
    credentials become, without its limits. `stage` is the state that it was brought into at `updated`: see
    `state_at`.
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
        """When it expires unless something becomes of it, in epoch seconds."""
        return self.updated + LIFETIMES[self.stage]

    @property
    def access_until(self) -> int:
        """Of a finalized request: "Credentials expire at: release time + approved duration"."""
        return self.updated + self.seconds

    def state_at(self, now: float) -> DelegationState:
        """The state, as of `now` (epoch seconds)."""
        return "EXPIRED" if now >= self.expires else self.stage

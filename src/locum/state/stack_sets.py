"""Entities of CloudFormation's stack sets: the sets, their instances, and what operations do with these.

All of them are in the account and the region of the administrator: a service-managed set in the management account,
also where a delegated administrator made it. What belongs to a set has its id next in its key. The stacks themselves
are in the accounts of the instances (`state.cloudformation`). Times are epoch seconds. What was made of parameters is
sealed for the account and the id of the set (`services.cloudformation.sealing`).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from locum.core.arn import PARTITION
from locum.state.autoscaling import regional
from locum.state.cloudformation import StackVersion
from locum.state.entities import Entity

SELF_MANAGED: Final = "SELF_MANAGED"
SERVICE_MANAGED: Final = "SERVICE_MANAGED"
"""The permission models."""

QUEUED: Final = "QUEUED"
"""The status of an operation that is to begin after others of its set."""


class AutoDeployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What becomes of accounts that join or leave the units of a service-managed set; `depends_on` are ARNs of sets."""

    enabled: bool = False
    retain: bool = False
    depends_on: tuple[str, ...] = ()


class StackSet(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack-set"):
    """A stack set. `version` is what its stacks are to be: the parameters are sealed, values by their names.

    `administration` is the ARN of the administration role, `execution` the name of the execution role; both are empty
    where the set is service-managed. `targets` are the regions of each unit (or root) that it is deployed to, `seen`
    those of each account under these, when it was looked at last: who joins or leaves them is known by it. `managed`:
    operations that conflict with those under way wait for them. `operations` counts those that it has had.
    """

    name: str
    region: str
    id: str
    created: float
    version: StackVersion
    deleted: float = 0.0
    description: str = ""
    model: str = SELF_MANAGED
    administration: str = ""
    execution: str = ""
    automatic: AutoDeployment = AutoDeployment()
    targets: dict[str, tuple[str, ...]] = {}
    seen: dict[str, tuple[str, ...]] = {}
    managed: bool = False
    client_token: str = ""
    operations: int = 0

    @property
    def key(self) -> str:
        return regional(self.region, self.id)

    @property
    def full_name(self) -> str:
        """NAME:UUID, which is the id of a stack set in the API."""
        return f"{self.name}:{self.id}"

    @property
    def arn(self) -> str:
        return f"arn:{PARTITION}:cloudformation:{self.region}:{self.account}:stackset/{self.full_name}"


class StackSetTemplate(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack-set-template"):
    """The template of the version of a stack set with this number, as it was given."""

    region: str
    stack_set: str
    number: int
    text: str

    @property
    def key(self) -> str:
        return regional(self.region, self.stack_set, str(self.number))


class StackInstance(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack-instance"):
    """An instance of a stack set: the stack of it in the region `place` of the account `target`.

    `stack_name` is the stack's name, which does not change, `stack` the ARN of the one that was made last. `overrides`
    (sealed) are the parameters that differ from those of the set. `unit` is the unit or root that it was made for.
    `operation` is the last one that was begun for it. `drift` is the StackDriftStatus of the stack, as of `drift_at`;
    empty where it was not checked.
    """

    region: str
    stack_set: str
    target: str
    place: str
    stack_name: str
    stack: str = ""
    status: str = "OUTDATED"
    detailed: str = "PENDING"
    reason: str = ""
    overrides: bytes = b""
    unit: str = ""
    operation: str = ""
    drift: str = ""
    drift_at: float = 0.0

    @property
    def key(self) -> str:
        return regional(self.region, self.stack_set, self.target, self.place)


class StackSetOperation(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack-set-operation"):
    """An operation on a stack set; `order` counts those of the set.

    It acts in `administration` and `execution`, the roles that the set had when it was asked for. `regions` are those
    of its instances in their order. `preferences` are OperationPreferences. `request` (sealed) is a digest of what was
    asked for. `targets` is DeploymentTargets as it was given. `automatic`: nobody asked for it. `imports`: its
    instances have stacks that are there.
    """

    region: str
    stack_set: str
    id: str
    order: int
    action: str
    status: str
    created: float
    regions: tuple[str, ...] = ()
    preferences: dict[str, Any] = {}
    targets: dict[str, Any] = {}
    administration: str = ""
    execution: str = ""
    retain: bool = False
    request: bytes = b""
    ended: float = 0.0
    reason: str = ""
    automatic: bool = False
    imports: bool = False

    @property
    def key(self) -> str:
        return regional(self.region, self.stack_set, self.id)

    @property
    def under_way(self) -> bool:
        """Whether there is something to be done for it."""
        return self.status in ("RUNNING", "STOPPING")


class StackSetResult(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="stack-set-result"):
    """What an operation did, does or is to do with one instance. `order` is its place among those of a region.

    `token` is random: client tokens of the stack's operations are made of it, by which an interrupted one is known.
    `gate` is what the gate of the account said, if that was asked. `detection` is the id of a drift detection of the
    stack with the id `stack`, which found `drift`; `stack` is that of an import, too.
    """

    region: str
    stack_set: str
    operation: str
    target: str
    place: str
    order: int
    token: str
    status: str = "PENDING"
    reason: str = ""
    unit: str = ""
    gate: str = ""
    gate_reason: str = ""
    stack: str = ""
    detection: str = ""
    drift: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.stack_set, self.operation, self.target, self.place)

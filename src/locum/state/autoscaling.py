"""Entities of EC2 Auto Scaling: groups with their instances, launch configurations, and what belongs to a group.

Names are unique in an account and a region, so that their keys begin with the region. Times are whole epoch seconds.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from locum.core.arn import PARTITION
from locum.state.entities import Entity

Lifecycle = Literal[
    "Pending",
    "Pending:Wait",
    "Pending:Proceed",
    "InService",
    "Terminating",
    "Terminating:Wait",
    "Terminating:Proceed",
    "EnteringStandby",
    "Standby",
]


def regional(region: str, *names: str) -> str:
    """The key of what is named within a region."""
    return "/".join((region, *names))


def owner_arn(region: str, account: str) -> str:
    """The beginning of the ARNs of an account in a region, without the colon that ends it."""
    return f"arn:{PARTITION}:autoscaling:{region}:{account}"


class PendingHook(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A lifecycle hook that an instance waits for. It times out at `until`, which heartbeats extend up to `latest`."""

    name: str
    token: str
    until: int
    latest: int


class GroupInstance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An instance of a group. `since`: when it was launched or attached, or entered service.

    `configuration` or `template` (a `LaunchTemplateSpecification` with the version's number) is what it was launched
    from. `activity` is the scaling activity that is under way for it. `hooks` are those that it still waits for.
    `unhealthy` says why it has to be replaced, where it has. `targets` are the ARNs of the target groups that it is
    registered with.
    """

    id: str
    zone: str
    type: str
    lifecycle: Lifecycle
    since: int
    protected: bool = False
    configuration: str = ""
    template: dict[str, str] = {}
    image: str = ""
    activity: str = ""
    hooks: tuple[PendingHook, ...] = ()
    unhealthy: str = ""
    targets: tuple[str, ...] = ()


class GroupTag(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A tag of a group. `propagates`: new instances get it, too."""

    key: str
    value: str
    propagates: bool = False


class AutoScalingGroup(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="auto-scaling-group"):
    """A group. `configuration`, `template` or `mixed` (a `MixedInstancesPolicy`) is what it launches from.

    `subnets` are the zones of its subnets by their ids, in order; without any, `zones` are where it launches.
    `settings` holds what Describe gives back and nothing here acts on, by the member names of the API. `suspended` are
    the reasons by process. `launches` are the activities of launches that are under way. `reason` is the sentence that
    tells why the desired capacity is what it is, until it is reached. After `failures` launches that failed in
    succession, the next one is tried at `retry_at`. `scaled`: when the last activity ended (cooldown).
    `activities`: how many there were. `notifications` are the types of notices that topics get, by their ARNs.
    """

    name: str
    region: str
    id: str
    created: int
    min_size: int
    max_size: int
    desired: int
    service_role: str
    configuration: str = ""
    template: dict[str, str] = {}
    mixed: dict[str, Any] = {}
    zones: tuple[str, ...] = ()
    subnets: dict[str, str] = {}
    cooldown: int = 300
    grace: int = 0
    termination_policies: tuple[str, ...] = ("Default",)
    protects_new: bool = False
    settings: dict[str, Any] = {}
    tags: tuple[GroupTag, ...] = ()
    suspended: dict[str, str] = {}
    members: tuple[GroupInstance, ...] = ()
    launches: tuple[str, ...] = ()
    deleting: bool = False
    reason: str = ""
    failures: int = 0
    retry_at: int = 0
    scaled: int = 0
    activities: int = 0
    notifications: dict[str, tuple[str, ...]] = {}

    @property
    def key(self) -> str:
        return regional(self.region, self.name)

    @property
    def arn(self) -> str:
        """The ARN, which has the id that the service chose."""
        owner = owner_arn(self.region, self.account)
        return f"{owner}:autoScalingGroup:{self.id}:autoScalingGroupName/{self.name}"


class LaunchConfiguration(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="launch-configuration"):
    """A launch configuration. `launch` are the parameters of its creation that tell how an instance is launched."""

    name: str
    region: str
    id: str
    created: int
    launch: dict[str, Any]

    @property
    def key(self) -> str:
        return regional(self.region, self.name)

    @property
    def arn(self) -> str:
        """The ARN, which has the id that the service chose."""
        owner = owner_arn(self.region, self.account)
        return f"{owner}:launchConfiguration:{self.id}:launchConfigurationName/{self.name}"


class OfGroup(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what belongs to a group, named by `key_name` within it."""

    key_name: ClassVar[str] = "name"

    region: str
    group: str

    @property
    def key(self) -> str:
        return regional(self.region, self.group, str(getattr(self, self.key_name)))


class ScalingActivity(OfGroup, frozen=True, kw_only=True, omit_defaults=True, tag="scaling-activity"):
    """A scaling activity. `number` is its place among those of its group; `ended` is 0 while it is under way.

    `subnet` and `zone` are where an instance is launched, `instance` is the one that it is about, once there is one.
    """

    key_name: ClassVar[str] = "id"

    id: str
    number: int
    group_arn: str
    description: str
    cause: str
    started: int
    ended: int = 0
    status: str = "InProgress"
    message: str = ""
    progress: int = 0
    subnet: str = ""
    zone: str = ""
    instance: str = ""


class ScalingPolicy(OfGroup, frozen=True, kw_only=True, omit_defaults=True, tag="scaling-policy"):
    """A scaling policy. `settings` are the parameters of PutScalingPolicy, by the member names of the API.

    `alarms` are the names of those that it has of its own, `executed` is when an alarm last had it add capacity.
    """

    name: str
    id: str
    type: str
    settings: dict[str, Any] = {}
    alarms: tuple[str, ...] = ()
    executed: int = 0

    @property
    def arn(self) -> str:
        """The ARN, which has the id that the service chose."""
        owner = owner_arn(self.region, self.account)
        return f"{owner}:scalingPolicy:{self.id}:autoScalingGroupName/{self.group}:policyName/{self.name}"


class ScheduledAction(OfGroup, frozen=True, kw_only=True, omit_defaults=True, tag="scheduled-action"):
    """A scheduled action. `due` is when it happens next; 0: never again. Sizes are None where it leaves them alone."""

    name: str
    id: str
    due: int
    start: int = 0
    end: int = 0
    recurrence: str = ""
    time_zone: str = ""
    min_size: int | None = None
    max_size: int | None = None
    desired: int | None = None

    @property
    def arn(self) -> str:
        """The ARN, which has the id that the service chose."""
        owner = owner_arn(self.region, self.account)
        named = f"autoScalingGroupName/{self.group}:scheduledActionName/{self.name}"
        return f"{owner}:scheduledUpdateGroupAction:{self.id}:{named}"


class LifecycleHook(OfGroup, frozen=True, kw_only=True, omit_defaults=True, tag="lifecycle-hook"):
    """A lifecycle hook. `timeout` is HeartbeatTimeout in seconds, `result` the default result."""

    name: str
    transition: str
    timeout: int = 3600
    result: str = "ABANDON"
    settings: dict[str, str] = {}


class InstanceRefresh(OfGroup, frozen=True, kw_only=True, omit_defaults=True, tag="instance-refresh"):
    """An instance refresh. `left` are the instances that it has yet to replace, of `total`.

    `waiting`: since when those that are left are protected or in standby; 0 where they are not.

    `preferences` and `configuration` are as they were given, by the member names of the API.
    """

    key_name: ClassVar[str] = "id"

    id: str
    status: str
    started: int
    ended: int = 0
    reason: str = ""
    left: tuple[str, ...] = ()
    total: int = 0
    waiting: int = 0
    preferences: dict[str, Any] = {}
    configuration: dict[str, Any] = {}

"""Auto Scaling without a plane: its verbs, and its groups reconciled by an EC2 that does whatever it is asked to."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.services.asking import Reply
from locum.services.autoscaling import OPERATIONS
from locum.services.autoscaling.launching import launch_parameters, template_of
from locum.services.autoscaling.progress import launch_of, progress, to_terminate
from locum.services.autoscaling.transitions import Moment, Step, launch_failed, launched, terminated
from locum.state import AutoScalingGroup, GroupInstance, Instance, State, change, put
from locum.state.autoscaling import regional
from support.held_by_ec2 import held
from support.one_account import ACCOUNT, Plane

REGION: Final = "us-east-1"
NO_TEMPLATE: Final = "The specified launch template, with template name absent, does not exist."
ZONES: Final = ["us-east-1a", "us-east-1b"]
TEMPLATE: Final = {"LaunchTemplateName": "web"}
_IDS: Final[dict[str, Any]] = {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web"}
VERSIONS: Final = {"$Default": 1, "$Latest": 3, "1": 1, "2": 2, "3": 3}


class Scaling:
    """An account with Auto Scaling. `denied` are operations that its caller may not make, as (service, operation).

    `refusal` is what EC2 refuses all launches with.
    """

    def __init__(self) -> None:
        self.plane = Plane("autoscaling", OPERATIONS, reply=self._reply)
        self.asked: list[Ask] = []
        self.denied: set[tuple[str, str]] = set()
        self.refusal = ""
        self._number = 0

    @property
    def state(self) -> State:
        return self.plane.state

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """The answer of an operation. Raises Fault."""
        return self.plane.call(operation, **params)

    def configuration(self, name: str = "plain", **params: Any) -> None:
        """A launch configuration."""
        given = {"ImageId": "ami-11111111", "InstanceType": "t3.nano", **params}
        self.call("CreateLaunchConfiguration", LaunchConfigurationName=name, **given)

    def group(self, name: str = "web", **params: Any) -> AutoScalingGroup:
        """A group of the launch template, with the instances that it wants."""
        given = {"MinSize": 0, "MaxSize": 30, "AvailabilityZones": ZONES, "LaunchTemplate": TEMPLATE, **params}
        if "LaunchConfigurationName" in given:
            del given["LaunchTemplate"]
        self.call("CreateAutoScalingGroup", AutoScalingGroupName=name, **given)
        self.settle()
        return self.found(name)

    def found(self, name: str = "web") -> AutoScalingGroup:
        """The group as it is now."""
        found = self.state.get(AutoScalingGroup, ACCOUNT, regional(REGION, name))
        assert found is not None
        return found

    def ids(self, lifecycle: str = "InService", name: str = "web") -> list[str]:
        """The ids of the instances of a group in a lifecycle state."""
        return [it.id for it in self.found(name).members if it.lifecycle == lifecycle]

    def end(self, *ids: str, state: Any = "terminated") -> None:
        """What the owner of instances does to them."""
        for each in ids:
            found = self.state.get(Instance, ACCOUNT, each)
            assert found is not None
            self.plane.having(replace(found, state=state))

    def activities(self, name: str = "web") -> list[dict[str, Any]]:
        """The activities of a group, the newest first."""
        found: list[dict[str, Any]] = self.call("DescribeScalingActivities", AutoScalingGroupName=name)["Activities"]
        return found

    def wait(self, seconds: float) -> None:
        """Time passes, and groups go on."""
        self.plane.now += seconds
        self.settle()

    def settle(self) -> None:
        """Groups go on until they have nothing to do but wait."""
        for _ in range(1000):
            acted = [self._step(group) for group in list(self.state.every(AutoScalingGroup))]
            if True not in acted:
                return
        raise AssertionError("groups go on without end")

    def _step(self, group: AutoScalingGroup) -> bool:
        events = progress(self._moment(), group)
        self.plane.state = change(self.state, events)
        found = self.state.get(AutoScalingGroup, group.account, group.key)
        if found is None:
            return bool(events)
        for launch in found.launches:
            self._launch(self.found(group.name), launch)
        for it in to_terminate(self.found(group.name)):
            if instance := self.state.get(Instance, ACCOUNT, it.id):
                self.plane.having(replace(instance, state="terminated"))
            self._take(terminated(self._moment(), self.found(group.name), it))
        return bool(events)

    def _launch(self, group: AutoScalingGroup, launch: str) -> None:
        activity = launch_of(self._moment(), group, launch)
        assert activity is not None
        if self.refusal:
            self._take(launch_failed(self._moment(), group, activity, self.refusal))
            return
        template = template_of(self.state, group)
        number = VERSIONS[template.get("Version", "$Default")] if template else 0
        version = {**_IDS, "VersionNumber": number, "LaunchTemplateData": {}} if template else None
        params = launch_parameters(self.state, group, activity, version)
        tags = {tag["Key"]: tag["Value"] for tag in params["TagSpecifications"][0]["Tags"]}
        made = self.instance(activity.zone, tags=tags)
        member = GroupInstance(
            id=made.id,
            zone=made.zone,
            type="t3.nano",
            lifecycle="Pending",
            since=int(self.plane.now),
            protected=group.protects_new,
            configuration="" if template else group.configuration,
            template={**_IDS, "Version": str(number)} if template else {},
        )
        self._take(launched(self._moment(), group, activity, member, activity.subnet))

    def instance(self, zone: str = ZONES[0], **fields: Any) -> Instance:
        """A running instance that is in no group."""
        self._number += 1
        now = int(self.plane.now)
        made = Instance(
            account=ACCOUNT,
            id=f"i-{self._number:017x}",
            region=REGION,
            reservation="r-1",
            state_changed=now,
            launched=now,
            zone=zone,
            private_ip=f"172.31.0.{self._number}",
            **fields,
        )
        self.plane.having(made)
        return made

    def _take(self, step: Step) -> None:
        self.plane.state = change(self.state, [put(step.group), *map(put, step.activities)])

    def _moment(self) -> Moment:
        return Moment(self.state, self.plane.now, self.plane.entropy)

    def _reply(self, ask: Ask) -> Reply:
        self.asked.append(ask)
        if ask.decided_only:
            denied = (ask.call.service, ask.call.operation) in self.denied
            return Fault("UnauthorizedOperation", "You are not authorized.", 403) if denied else {}
        if ask.call.operation != "DescribeLaunchTemplateVersions":
            return held(ask)
        (wanted,) = ask.call.params["Versions"]
        if ask.call.params.get("LaunchTemplateName") == "absent":
            return Fault("InvalidLaunchTemplateName.NotFoundException", NO_TEMPLATE)
        return {"LaunchTemplateVersions": [{**_IDS, "VersionNumber": VERSIONS[wanted]}]}

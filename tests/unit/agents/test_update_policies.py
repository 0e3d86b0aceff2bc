"""Update policies of Auto Scaling groups: how their instances are replaced, and what an interrupted update leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from locum.state import AutoScalingGroup, StackEvent, State
from support.plane import ACCOUNT, document, fresh, trusting
from support.waiting_stacks import Crafts, crafts, template

IMAGE = "ami-12c6146b"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("updating")) as made:
        yield made


class Group:
    """A stack with an Auto Scaling group and its launch configuration, or its launch template (`versions`)."""

    def __init__(
        self, there: Crafts, update: dict[str, Any], size: int = 2, most: int = 4, *, versions: bool = False
    ) -> None:
        self.there, self.policy, self.size, self.most, self.versions = there, update, size, most, versions
        self.more: dict[str, Any] = {}
        self.stack = there.create(self.resources("t3.nano"))
        assert there.status(self.stack) == "CREATE_COMPLETE"
        self.there.until(lambda _: len(self.instances()) == size)

    def resources(self, kind: str, **properties: Any) -> dict[str, Any]:
        data: dict[str, Any] = {"ImageId": IMAGE, "InstanceType": kind}
        launch: dict[str, Any] = {"LaunchConfigurationName": {"Ref": "Launch"}}
        source = "AWS::AutoScaling::LaunchConfiguration"
        if self.versions:
            version = {"Fn::GetAtt": ["Launch", "LatestVersionNumber"]}
            launch = {"LaunchTemplate": {"LaunchTemplateId": {"Ref": "Launch"}, "Version": version}}
            source, data = "AWS::EC2::LaunchTemplate", {"LaunchTemplateData": data}
        sizes = {"MinSize": str(self.size), "MaxSize": str(self.most), "AvailabilityZones": ["us-east-1a"]}
        return {
            "Launch": {"Type": source, "Properties": data},
            "Group": {
                "Type": "AWS::AutoScaling::AutoScalingGroup",
                "Properties": {**sizes, **launch, **properties},
                "UpdatePolicy": self.policy,
                **self.more,
            },
        }

    def update(self, kind: str = "t3.micro", **properties: Any) -> None:
        self.there.update(self.stack, self.resources(kind, **properties))

    @property
    def name(self) -> str:
        return self.there.resource(self.stack, "Group").physical

    def shown(self) -> dict[str, Any]:
        scaling = self.there.plane.client("autoscaling")
        found: dict[str, Any] = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])
        return dict(found["AutoScalingGroups"][0])

    def instances(self) -> dict[str, str]:
        """The types of the instances that are in service, by their ids."""
        found = self.there.plane.node.runtime.ledger.state
        return members(found, self.name)

    def sizes(self) -> tuple[int, int, int]:
        shown = self.shown()
        return shown["MinSize"], shown["DesiredCapacity"], shown["MaxSize"]

    def told(self) -> list[str]:
        """The reasons of the events of the group since its latest update began."""
        found = self.there.reasons(self.stack, "Group")
        begun = max(number for number, it in enumerate(found) if it == "UPDATE_IN_PROGRESS")
        return [it.partition(" ")[2] for it in found[begun + 1 :] if it != "UPDATE_COMPLETE"]

    def awaited(self, but: set[str]) -> list[str]:
        """The instances that signals are awaited of, but for some."""
        found: list[str] = []

        def waits(_state: State) -> bool:
            it = self.there.resource(self.stack, "Group")
            found[:] = [name for name in it.notes.get("waiting", ()) if name not in but]
            return bool(found) and it.asked is not None

        self.there.until(waits)
        return found

    def signal(self, name: str, status: str = "SUCCESS") -> None:
        given = {"StackName": self.stack, "LogicalResourceId": "Group", "UniqueId": name, "Status": status}
        self.there.cloudformation.signal_resource(**given)


def members(state: State, name: str) -> dict[str, str]:
    (group,) = [it for it in state.table(AutoScalingGroup, ACCOUNT).values() if it.name == name]
    return {it.id: it.type for it in group.members if it.lifecycle == "InService"}


def rolling(**members: Any) -> dict[str, Any]:
    return {"AutoScalingRollingUpdate": members}


# -- rolling updates -----------------------------------------------------------------------------------------


def test_without_a_policy_the_instances_stay(there: Crafts) -> None:
    group = Group(there, {})
    before = group.instances()
    group.update()
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert group.instances() == before


@pytest.mark.parametrize("versions", [False, True])
def test_all_instances_are_replaced_one_after_the_other(there: Crafts, versions: bool) -> None:
    group = Group(there, rolling(), versions=versions)
    one, two = sorted(group.instances())
    group.update()
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert list(group.instances().values()) == ["t3.micro", "t3.micro"]
    told = group.told()
    assert told[0] == "Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 1."
    terminated = [it for it in told if it.startswith("Terminating instance(s)")]
    assert sorted(terminated) == [
        f"Terminating instance(s) [{name}]; replacing with 1 new instance(s)." for name in (one, two)
    ]
    progress = [it.rpartition("(")[2] for it in told if it.startswith("Successfully terminated")]
    assert progress == ["Progress 50%).", "Progress 100%)."]
    assert group.sizes() == (2, 2, 4)


def test_as_many_as_said_stay_in_service_and_signals_are_awaited_of_each_batch(there: Crafts) -> None:
    policy = rolling(MinInstancesInService="2", WaitOnResourceSignals="true", PauseTime="PT15M")
    group = Group(there, policy)
    before = set(group.instances())
    group.update()
    (first,) = group.awaited(before)
    assert group.sizes() == (3, 3, 4)
    assert before < set(group.instances())
    group.signal(first)
    (second,) = group.awaited({*before, first})
    assert len(before & set(group.instances())) == 1
    group.signal(second)
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert (set(group.instances()), group.sizes()) == ({first, second}, (2, 2, 4))
    told = [it for it in group.told() if not it.startswith(("Terminating", "Successfully"))]
    new = "New instance(s) added to autoscaling group - Waiting on 1 resource signal(s) with a timeout of PT15M."
    initiated = (
        "Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 1, while keeping at least 2 "
        "instance(s) in service. Waiting on resource signals with a timeout of PT15M when new instances are added to "
        "the autoscaling group."
    )
    assert told == [
        initiated,
        "Temporarily setting autoscaling group MinSize and DesiredCapacity to 3.",
        new,
        f"Received SUCCESS signal with UniqueId {first}",
        new,
        f"Received SUCCESS signal with UniqueId {second}",
    ]
    last = [it for it in group.told() if it.startswith("Terminating")][-1]
    assert last.endswith("; replacing with 0 new instance(s).")


def test_a_batch_leaves_room_for_those_in_service_below_the_greatest_size(there: Crafts) -> None:
    group = Group(there, rolling(MinInstancesInService=2, MaxBatchSize=5), 3, 4)
    group.update()
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert "Terminating 3 obsolete instance(s) in batches of 2, while keeping at least 2" in group.told()[0]
    assert (list(group.instances().values()), group.sizes()) == (["t3.micro"] * 3, (3, 3, 4))


@pytest.mark.parametrize("versions", [False, True])
def test_an_instance_that_does_not_signal_fails_the_update_and_the_group_comes_back(
    there: Crafts, versions: bool
) -> None:
    policy = rolling(MinInstancesInService=1, WaitOnResourceSignals=True, PauseTime="PT5M")
    group = Group(there, policy, 1, versions=versions)
    (before,) = group.instances()
    group.update()
    (first,) = group.awaited({before})
    there.later(301)
    (again,) = group.awaited({before, first})
    group.signal(again)
    assert there.status(group.stack) == "UPDATE_ROLLBACK_COMPLETE"
    reasons = there.reasons(group.stack, "Group")
    assert (
        "UPDATE_FAILED Received 0 SUCCESS signal(s) out of 1.  "
        "Unable to satisfy 100% MinSuccessfulInstancesPercent requirement"
    ) in reasons
    late = "Failed to receive 1 resource signal(s) for the current batch.  "
    assert f"UPDATE_IN_PROGRESS {late}Each resource signal timeout is counted as a FAILURE." in reasons
    assert group.instances() == {before: "t3.nano", again: "t3.nano"}
    assert group.sizes() == (1, 2, 4)


def test_so_many_failures_as_the_percentage_leaves_are_put_up_with(there: Crafts) -> None:
    policy = rolling(WaitOnResourceSignals=True, MaxBatchSize=2, MinSuccessfulInstancesPercent="50")
    group = Group(there, policy)
    before = set(group.instances())
    group.update()
    one, two = group.awaited(before)
    group.signal(one, "FAILURE")
    group.signal(two)
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert set(group.instances()) == {one, two}


def test_a_pause_is_one_of_the_clock_of_the_plane(there: Crafts) -> None:
    group = Group(there, rolling(PauseTime="PT30M"), 1)
    (before,) = group.instances()
    group.update()
    group.awaited({before})
    assert there.cloudformation.describe_stacks(StackName=group.stack)["Stacks"][0]["StackStatus"] == (
        "UPDATE_IN_PROGRESS"
    )
    there.later(1801)
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert "New instance(s) added to autoscaling group - Pausing for PT30M." in group.told()


def test_a_rolling_update_goes_on_after_a_restart_and_gives_back_the_size(there: Crafts) -> None:
    policy = rolling(MinInstancesInService=2, WaitOnResourceSignals=True, PauseTime="PT1H")
    group = Group(there, policy, 2, 4)
    before = set(group.instances())
    group.update()
    (first,) = group.awaited(before)
    there.restart()
    group.signal(first)
    (second,) = group.awaited({*before, first})
    there.restart()
    group.signal(second)
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert (set(group.instances()), group.sizes()) == ({first, second}, (2, 2, 4))
    assert sum(it.startswith("Rolling update initiated") for it in group.told()) == 1


def test_a_signal_of_somebody_who_is_no_new_instance_counts_for_nothing(there: Crafts) -> None:
    group = Group(there, rolling(MinInstancesInService=1, WaitOnResourceSignals=True, PauseTime="PT5M"), 1)
    (before,) = group.instances()
    group.update()
    (first,) = group.awaited({before})
    for name in (before, "i-somebody-else"):
        group.signal(name)
    assert before in group.instances()
    group.signal(first)
    assert there.status(group.stack) == "UPDATE_COMPLETE"


def test_an_update_that_is_cancelled_while_signals_are_awaited_is_rolled_back(there: Crafts) -> None:
    group = Group(there, rolling(MinInstancesInService=1, WaitOnResourceSignals=True, PauseTime="PT1H"), 1)
    (before,) = group.instances()
    group.update()
    (first,) = group.awaited({before})
    there.cloudformation.cancel_update_stack(StackName=group.stack)
    for name in group.awaited({before, first}):
        group.signal(name)
    assert there.status(group.stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert set(group.instances().values()) == {"t3.nano"}


def test_processes_are_suspended_meanwhile_and_only_those_run_again(there: Crafts) -> None:
    policy = rolling(SuspendProcesses=["AlarmNotification", "ScheduledActions"], PauseTime="PT1M")
    group = Group(there, policy, 1)
    (before,) = group.instances()
    scaling = there.plane.client("autoscaling")
    scaling.suspend_processes(AutoScalingGroupName=group.name, ScalingProcesses=["ScheduledActions"])
    group.update()
    group.awaited({before})
    suspended = {it["ProcessName"] for it in group.shown()["SuspendedProcesses"]}
    assert suspended == {"AlarmNotification", "ScheduledActions"}
    there.later(61)
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert [it["ProcessName"] for it in group.shown()["SuspendedProcesses"]] == ["ScheduledActions"]


def test_who_may_change_a_group_but_not_end_its_instances_does_not_by_a_policy(there: Crafts) -> None:
    iam = there.plane.client("iam")
    name = fresh("rolling")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(Service="cloudformation.amazonaws.com"))[
        "Role"
    ]["Arn"]
    ended = {"Effect": "Deny", "Action": "autoscaling:TerminateInstanceInAutoScalingGroup", "Resource": "*"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(everything, ended))
    group = Group(there, rolling(), 1)
    before = group.instances()
    body = {"TemplateBody": template(group.resources("t3.micro")), "RoleARN": arn}
    there.cloudformation.update_stack(StackName=group.stack, **body)
    assert there.status(group.stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert group.instances() == before
    assert any("is not authorized to perform" in it for it in there.reasons(group.stack, "Group"))


@pytest.mark.parametrize(
    "members",
    [
        {"PauseTime": "PT2H"},
        {"PauseTime": "soon"},
        {"MinInstancesInService": 4},
        {"MaxBatchSize": 0},
        {"MinSuccessfulInstancesPercent": 101},
    ],
)
def test_what_is_no_rolling_update_fails_the_update(there: Crafts, members: dict[str, Any]) -> None:
    group = Group(there, {}, 0)
    group.policy = rolling(**members)
    group.update()
    assert there.status(group.stack) == "UPDATE_ROLLBACK_COMPLETE"


# -- replacing updates, and sizes ----------------------------------------------------------------------------


def test_a_group_that_is_to_be_replaced_is_and_its_new_instances_signal(there: Crafts) -> None:
    creation = {"ResourceSignal": {"Count": 1, "Timeout": "PT10M"}}
    group = Group(there, {"AutoScalingReplacingUpdate": {"WillReplace": True}}, 0)
    before = group.name
    group.more = {"CreationPolicy": creation}
    group.update()
    there.waits(group.stack, "Group")
    group.signal("i-1")
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert group.name != before
    scaling = there.plane.client("autoscaling")
    assert not scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[before])["AutoScalingGroups"]
    now = group.name
    group.update(HealthCheckGracePeriod=7)
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert group.name == now


def test_the_old_group_comes_back_where_its_replacement_gets_no_signal(there: Crafts) -> None:
    group = Group(there, {"AutoScalingReplacingUpdate": {"WillReplace": "true"}}, 1)
    before, instances = group.name, group.instances()
    group.more = {"CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT10M"}}}
    group.update()
    there.waits(group.stack, "Group")
    there.later(601)
    assert there.status(group.stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert (group.name, group.instances()) == (before, instances)


@pytest.mark.parametrize(("ignored", "desired"), [(True, 3), (False, 1)])
def test_a_size_that_the_template_does_not_change_is_left_on_request(
    there: Crafts, ignored: bool, desired: int
) -> None:
    policy = {"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": ignored}}
    group = Group(there, policy, 1)
    group.update("t3.nano", DesiredCapacity="1")
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    there.plane.client("autoscaling").set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=3)
    group.update("t3.nano", DesiredCapacity="1", HealthCheckGracePeriod=7)
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert group.sizes() == (1, desired, 4)


# -- wherever it is interrupted ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, 8))
def test_the_group_is_whole_wherever_its_update_is_interrupted(there: Crafts, number: int) -> None:
    """The update tells of seven things; the plane ends after each of them."""
    group = Group(there, rolling(MinInstancesInService=2), 2, 4)
    before, events = set(group.instances()), len(there.reasons(group.stack, "Group"))
    group.update()
    state = there.plane.node.runtime.ledger.state
    stack = group.stack.rpartition("/")[2]

    def told(state: State) -> bool:
        found = [it for it in state.table(StackEvent, ACCOUNT).values() if it.stack == stack and it.logical == "Group"]
        return len(found) >= events + 1 + number

    there.until(told)
    there.restart()
    assert state is not there.plane.node.runtime.ledger.state
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert (list(group.instances().values()), group.sizes()) == (["t3.micro", "t3.micro"], (2, 2, 4))
    assert not before & set(group.instances())


def test_instances_of_a_launch_template_are_replaced_by_those_of_a_launch_configuration(there: Crafts) -> None:
    group = Group(there, rolling(MaxBatchSize=2), versions=True)
    resources = group.resources("t3.nano", LaunchConfigurationName={"Ref": "Configuration"})
    resources["Group"]["Properties"].pop("LaunchTemplate")
    properties = {"ImageId": IMAGE, "InstanceType": "t3.small"}
    resources["Configuration"] = {"Type": "AWS::AutoScaling::LaunchConfiguration", "Properties": properties}
    there.update(group.stack, resources)
    assert there.status(group.stack) == "UPDATE_COMPLETE"
    assert list(group.instances().values()) == ["t3.small", "t3.small"]


def test_instances_in_subnets_that_the_group_has_no_more_are_replaced(there: Crafts) -> None:
    ec2 = there.plane.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    one, two = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone="us-east-1a")["Subnet"][
            "SubnetId"
        ]
        for number in (1, 2)
    )
    group = Group(there, rolling(MaxBatchSize=2))
    zones = {"AvailabilityZones": {"Ref": "AWS::NoValue"}}
    for subnet in (one, two):
        group.update("t3.nano", VPCZoneIdentifier=[subnet], **zones)
        assert there.status(group.stack) == "UPDATE_COMPLETE"
        found = ec2.describe_instances(InstanceIds=list(group.instances()))["Reservations"]
        assert {it["SubnetId"] for reservation in found for it in reservation["Instances"]} == {subnet}

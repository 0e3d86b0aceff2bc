"""What is announced to an instance comes when it is due, over restarts, and as EC2's own doing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from locum.agents.chaos import Chaos
from locum.core.clock import iso8601, system_clock
from locum.core.errors import LocumError
from locum.core.identifiers import OWN_IMAGE
from locum.state import Instance
from support.inprocess import InProcess, refusal
from support.metadata import Read

MINUTE = 60
HOUR = 3600


class World:
    """A plane with instances, to which things are announced as `locum fault` announces them."""

    def __init__(self, data: Path) -> None:
        self.plane = InProcess(data)
        self.chaos = Chaos(self.plane.node.runtime)

    @property
    def ec2(self) -> Any:
        return self.plane.client("ec2")

    def launched(self, **parameters: Any) -> str:
        answer = self.ec2.run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1, **parameters)
        return str(answer["Instances"][0]["InstanceId"])

    def ask(self, **question: Any) -> list[dict[str, Any]]:
        answer = self.plane.run(self.chaos.answer(question))
        return list(answer.get("faults", ()))

    def announce(self, instance: str, **announced: Any) -> None:
        self.ask(type="announce", instance=instance, **announced)

    def move(self, seconds: float) -> None:
        self.ask(type="clock", by=float(seconds))

    def state(self, instance: str) -> str:
        return str(self.described(instance)["State"]["Name"])

    def described(self, instance: str) -> dict[str, Any]:
        (found,) = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        return dict(found["Instances"][0])

    def settle(self) -> None:
        """Let the plane do what is due."""
        self.plane.run(self.plane.node.duties.announced_ends.reconcile())

    def becomes(self, instance: str, state: str) -> None:
        """Wait until the plane's own task has done it."""

        async def done() -> None:
            ledger = self.plane.node.ledger
            with ledger.subscribe() as changes:
                while (it := ledger.state.get(Instance, "000000000000", instance)) is not None and it.state != state:
                    await anext(changes)

        self.plane.run(asyncio.wait_for(done(), 60))

    def restart(self) -> None:
        self.plane.close()
        self.plane.start()
        self.chaos = Chaos(self.plane.node.runtime)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "data")
    yield made
    made.plane.close()


ENDS = {
    "terminate": ("terminated", "Server.SpotInstanceTermination", "Spot Instance termination"),
    "stop": ("stopped", "Server.SpotInstanceShutdown", "Spot Instance shutdown"),
    "hibernate": ("stopped", "Server.SpotInstanceShutdown", "Spot Instance shutdown"),
}


@pytest.mark.parametrize("action", ENDS)
def test_an_instance_is_told_of_its_interruption_and_interrupted_when_it_is_due(world: World, action: str) -> None:
    instance = world.launched()
    world.announce(instance, interruption=action, after=2.0 * MINUTE)
    told = json.loads(Read(world.plane, instance)("meta-data/spot/instance-action"))
    assert told["action"] == action
    assert abs(system_clock() + 2 * MINUTE - _epoch(told["time"])) < MINUTE
    world.settle()
    assert world.state(instance) == "running"
    world.move(2 * MINUTE + 1)
    state, code, message = ENDS[action]
    world.becomes(instance, state)
    shown = world.described(instance)
    assert shown["StateReason"] == {"Code": code, "Message": f"{code}: {message}"}
    assert shown["StateTransitionReason"] == code


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_an_interruption_that_came_due_while_the_plane_was_away_is_made_up_for(world: World) -> None:
    instance = world.launched()
    world.announce(instance, interruption="terminate", after=2.0 * MINUTE)
    world.restart()
    assert world.state(instance) == "running"
    world.move(HOUR)
    world.restart()
    world.becomes(instance, "terminated")


def test_an_interruption_is_recorded_once_as_ec2s_own_doing(world: World) -> None:
    instance = world.launched()
    world.announce(instance, interruption="terminate")
    world.becomes(instance, "terminated")
    world.settle()
    world.restart()
    world.settle()
    (record,) = [record for record in world.plane.records() if record.operation == "TerminateInstances"]
    assert (record.invoked_by, record.error_code) == ("ec2.amazonaws.com", "")


def test_protection_against_termination_keeps_its_users_from_it_and_not_ec2(world: World) -> None:
    instance = world.launched(DisableApiTermination=True, DisableApiStop=True)
    world.announce(instance, interruption="terminate", after=600.0)
    assert refusal(world.ec2.terminate_instances, InstanceIds=[instance])[0] == "OperationNotPermitted"
    assert refusal(world.ec2.stop_instances, InstanceIds=[instance])[0] == "OperationNotPermitted"
    world.move(601)
    world.becomes(instance, "terminated")


def test_a_stopped_instance_is_interrupted_no_more(world: World) -> None:
    instance = world.launched()
    world.announce(instance, interruption="terminate", after=600.0)
    world.ec2.stop_instances(InstanceIds=[instance])
    world.ec2.start_instances(InstanceIds=[instance])
    world.move(700)
    world.settle()
    assert world.state(instance) == "running"
    assert Read(world.plane, instance).answer("meta-data/spot/instance-action").status == 404


def test_a_notice_that_is_withdrawn_ends_nothing(world: World) -> None:
    instance = world.launched()
    world.announce(instance, interruption="terminate", after=600.0)
    world.announce(instance, event="instance-stop", after=600.0)
    assert [one["id"] for one in world.ask(type="list")] == [instance]
    assert world.ask(type="clear", id=instance)
    world.move(700)
    world.settle()
    assert world.state(instance) == "running"
    assert not world.ask(type="list")


def test_a_rebalance_is_recommended_by_the_clock_of_the_instance(world: World) -> None:
    instance = world.launched()
    world.move(6 * HOUR)
    world.announce(instance, rebalance=True)
    told = json.loads(Read(world.plane, instance)("meta-data/events/recommendations/rebalance"))
    assert abs(_epoch(told["noticeTime"]) - system_clock()) < MINUTE
    assert world.state(instance) == "running"


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("system-reboot", "running"),
        ("instance-reboot", "running"),
        ("system-maintenance", "running"),
        ("instance-stop", "stopped"),
        ("instance-retirement", "stopped"),
    ],
)
def test_a_scheduled_event_is_told_everywhere_and_done_when_it_is_due(world: World, code: str, state: str) -> None:
    instance = world.launched()
    world.announce(instance, event=code, after=7.0 * 24 * HOUR)
    (told,) = json.loads(Read(world.plane, instance)("meta-data/events/maintenance/scheduled"))
    (status,) = world.ec2.describe_instance_status(Filters=[{"Name": "event.code", "Values": [code]}])[
        "InstanceStatuses"
    ]
    (event,) = status["Events"]
    assert (told["EventId"], told["Code"]) == (event["InstanceEventId"], event["Code"])
    assert iso8601(event["NotBefore"].timestamp()) > iso8601(system_clock() + 6 * 24 * HOUR)
    world.move(7 * 24 * HOUR + 1)
    world.settle()
    assert world.state(instance) == state
    (status,) = world.ec2.describe_instance_status(InstanceIds=[instance], IncludeAllInstances=True)["InstanceStatuses"]
    assert status["Events"][0]["Description"].startswith("[Completed] ")
    if state == "stopped":
        assert world.described(instance)["StateReason"]["Code"] == "Server.ScheduledStop"
    else:
        assert json.loads(Read(world.plane, instance)("meta-data/events/maintenance/scheduled")) == []
        (told,) = json.loads(Read(world.plane, instance)("meta-data/events/maintenance/history"))
        assert told["State"] == "completed"


def test_a_group_replaces_an_instance_that_is_interrupted(world: World) -> None:
    scaling = world.plane.client("autoscaling")
    scaling.create_launch_configuration(LaunchConfigurationName="it", ImageId="ami-12c6146b", InstanceType="t3.nano")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web", LaunchConfigurationName="it", MinSize=1, MaxSize=1, AvailabilityZones=["us-east-1a"]
    )
    world.plane.run(world.plane.node.duties.scaling.reconcile())
    (first,) = _members(scaling)
    world.announce(first, interruption="terminate")
    world.becomes(first, "terminated")
    world.plane.run(world.plane.node.duties.scaling.reconcile())
    (second,) = _members(scaling)
    assert second != first


def _members(scaling: Any) -> list[str]:
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])["AutoScalingGroups"]
    return [it["InstanceId"] for it in group["Instances"]]


@pytest.mark.parametrize(
    "announced",
    [
        {"interruption": "explode"},
        {"event": "coffee-break"},
        {"interruption": "stop", "after": -1.0},
        {"interruption": "stop", "after": float("nan")},
        {"interruption": "stop", "after": 1e9},
    ],
)
def test_what_cannot_be_announced_is_told(world: World, announced: dict[str, Any]) -> None:
    instance = world.launched()
    with pytest.raises(LocumError, match="that cannot be"):
        world.announce(instance, **announced)
    assert not world.ask(type="list")


def test_nothing_is_announced_to_an_instance_that_does_not_run(world: World) -> None:
    instance = world.launched()
    world.ec2.terminate_instances(InstanceIds=[instance])
    with pytest.raises(LocumError, match="not running"):
        world.announce(instance, interruption="terminate")
    with pytest.raises(LocumError, match="does not exist"):
        world.announce("i-00000000000000000", interruption="terminate")

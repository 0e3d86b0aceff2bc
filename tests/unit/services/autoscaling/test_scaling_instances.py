"""Instances of groups: terminated, attached, detached, set aside, protected, declared unhealthy."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from locum.state import Instance
from support.one_account import ACCOUNT
from support.scaling import Scaling

WEB = {"AutoScalingGroupName": "web"}


@pytest.fixture
def scaling() -> Scaling:
    made = Scaling()
    made.group(MinSize=1, DesiredCapacity=3)
    return made


def refused(scaling: Scaling, operation: str, **params: Any) -> str:
    before = scaling.state
    with pytest.raises(Fault) as caught:
        scaling.call(operation, **params)
    assert scaling.state is before
    return caught.value.message


def running(scaling: Scaling, instance: str) -> bool:
    found = scaling.state.get(Instance, ACCOUNT, instance)
    return found is not None and found.state == "running"


def test_a_terminated_instance_is_replaced_unless_the_group_shrinks_with_it(scaling: Scaling) -> None:
    first, second, _ = scaling.ids()
    answer = scaling.call("TerminateInstanceInAutoScalingGroup", InstanceId=first, ShouldDecrementDesiredCapacity=False)
    assert answer["Activity"]["Description"] == f"Terminating EC2 instance: {first}"
    scaling.settle()
    assert (len(scaling.ids()), running(scaling, first)) == (3, False)
    answer = scaling.call("TerminateInstanceInAutoScalingGroup", InstanceId=second, ShouldDecrementDesiredCapacity=True)
    assert answer["Activity"]["Cause"].endswith("in response to a user request, shrinking the capacity from 3 to 2.")
    scaling.settle()
    assert (len(scaling.ids()), scaling.found().desired) == (2, 2)


def test_several_instances_of_a_group_are_terminated_or_none_is(scaling: Scaling) -> None:
    first, second, _ = scaling.ids()
    given = {**WEB, "InstanceIds": [first, second], "ShouldDecrementDesiredCapacity": True}
    told = refused(scaling, "TerminateInstanceInAutoScalingGroup", **{**given, "InstanceIds": [first, "i-0"]})
    assert told == "The instance i-0 is not part of Auto Scaling group web."
    answer = scaling.call("TerminateInstanceInAutoScalingGroup", **given)
    assert [it["Description"].rpartition(" ")[2] for it in answer["Activities"]] == [first, second]
    scaling.settle()
    assert (len(scaling.ids()), scaling.found().desired) == (1, 1)
    for wrong in ({"InstanceIds": [first]}, {"InstanceId": first, "InstanceIds": [first]}, {}):
        refused(scaling, "TerminateInstanceInAutoScalingGroup", ShouldDecrementDesiredCapacity=True, **wrong)


def test_a_group_does_not_shrink_below_its_minimum(scaling: Scaling) -> None:
    scaling.call("UpdateAutoScalingGroup", **WEB, MinSize=3)
    (first, *_) = scaling.ids()
    told = refused(
        scaling, "TerminateInstanceInAutoScalingGroup", InstanceId=first, ShouldDecrementDesiredCapacity=True
    )
    assert told.startswith("Currently, desiredSize equals minSize (3).")
    for operation in ("DetachInstances", "EnterStandby"):
        told = refused(scaling, operation, **WEB, InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
        assert "has min-size=3, max-size=30, and desired-size=3." in told


def test_an_instance_of_no_group_is_not_touched(scaling: Scaling) -> None:
    other = scaling.instance().id
    told = refused(
        scaling, "TerminateInstanceInAutoScalingGroup", InstanceId=other, ShouldDecrementDesiredCapacity=False
    )
    assert told == f"Instance Id not found - No managed instance found for instance ID: {other}"
    told = refused(scaling, "DetachInstances", **WEB, InstanceIds=[other], ShouldDecrementDesiredCapacity=False)
    assert told == f"The instance {other} is not part of Auto Scaling group web."
    refused(scaling, "SetInstanceHealth", InstanceId=other, HealthStatus="Unhealthy")


def test_a_detached_instance_runs_on_and_may_be_attached_again(scaling: Scaling) -> None:
    (first, *_) = scaling.ids()
    scaling.call("DetachInstances", **WEB, InstanceIds=[first], ShouldDecrementDesiredCapacity=False)
    scaling.settle()
    assert (len(scaling.ids()), first in scaling.ids(), running(scaling, first)) == (3, False, True)
    detached = scaling.state.get(Instance, ACCOUNT, first)
    assert detached is not None
    assert detached.notices.lifecycle_state == "Detached"
    scaling.call("AttachInstances", **WEB, InstanceIds=[first])
    scaling.settle()
    assert (len(scaling.ids()), scaling.found().desired) == (4, 4)
    assert refused(scaling, "AttachInstances", **WEB, InstanceIds=[first]).endswith(
        "is already part of AutoScalingGroup: web"
    )
    scaling.end(stopped := scaling.instance().id, state="stopped")
    assert (
        refused(scaling, "AttachInstances", **WEB, InstanceIds=[stopped])
        == f"Instance {stopped} is not in running state."
    )
    scaling.call("UpdateAutoScalingGroup", **WEB, MaxSize=4)
    assert "To attach 1" in refused(scaling, "AttachInstances", **WEB, InstanceIds=[scaling.instance().id])


def test_an_instance_in_standby_does_not_count_and_is_not_replaced_for_its_health(scaling: Scaling) -> None:
    (first, *_) = scaling.ids()
    scaling.call("EnterStandby", **WEB, InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
    scaling.settle()
    assert (scaling.ids("Standby"), len(scaling.ids()), scaling.found().desired) == ([first], 2, 2)
    assert refused(scaling, "EnterStandby", **WEB, InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
    scaling.end(first, state="stopped")
    scaling.settle()
    assert scaling.ids("Standby") == [first]
    scaling.end(first, state="running")
    answer = scaling.call("ExitStandby", **WEB, InstanceIds=[first])
    assert answer["Activities"][0]["Cause"].endswith("increasing the capacity from 2 to 3.")
    scaling.settle()
    assert (first in scaling.ids(), len(scaling.ids())) == (True, 3)


def test_an_instance_declared_unhealthy_is_replaced_after_the_grace_period(scaling: Scaling) -> None:
    scaling.call("UpdateAutoScalingGroup", **WEB, HealthCheckGracePeriod=300)
    first, second, _ = scaling.ids()
    scaling.call("SetInstanceHealth", InstanceId=first, HealthStatus="Unhealthy")
    scaling.settle()
    assert first in scaling.ids()
    scaling.call("SetInstanceHealth", InstanceId=second, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)
    scaling.settle()
    assert second not in scaling.ids()
    scaling.wait(300)
    scaling.call("SetInstanceHealth", InstanceId=first, HealthStatus="Unhealthy")
    scaling.settle()
    assert first not in scaling.ids()
    assert scaling.activities()[1]["Cause"].endswith("was taken out of service in response to a user health-check.")


def test_a_protected_instance_is_not_chosen_when_the_group_shrinks(scaling: Scaling) -> None:
    kept = scaling.ids()[:2]
    scaling.call("SetInstanceProtection", **WEB, InstanceIds=kept, ProtectedFromScaleIn=True)
    scaling.call("SetDesiredCapacity", **WEB, DesiredCapacity=1)
    scaling.settle()
    assert scaling.ids() == kept
    details = scaling.call("DescribeAutoScalingInstances")["AutoScalingInstances"]
    assert [(it["InstanceId"], it["HealthStatus"], it["ProtectedFromScaleIn"]) for it in details] == [
        (each, "HEALTHY", True) for each in sorted(kept)
    ]


@pytest.mark.parametrize(
    ("policy", "chosen"), [("OldestInstance", 0), ("NewestInstance", -1), ("OldestLaunchTemplate", 0)]
)
def test_the_termination_policy_chooses_among_the_zone_with_the_most(
    scaling: Scaling, policy: str, chosen: int
) -> None:
    scaling.call("UpdateAutoScalingGroup", **WEB, TerminationPolicies=[policy])
    by_zone: dict[str, list[str]] = {}
    for it in scaling.found().members:
        by_zone.setdefault(it.zone, []).append(it.id)
    (crowded,) = (ids for ids in by_zone.values() if len(ids) == 2)
    scaling.end(crowded[1])
    scaling.wait(60)  # its replacement is younger, and in the same zone
    crowded = [it.id for it in scaling.found().members if it.id == crowded[0]] + scaling.ids()[-1:]
    scaling.call("SetDesiredCapacity", **WEB, DesiredCapacity=2)
    scaling.settle()
    assert crowded[chosen] not in scaling.ids()

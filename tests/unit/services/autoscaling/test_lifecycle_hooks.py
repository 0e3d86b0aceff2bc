"""Lifecycle hooks: instances wait on their way, until somebody completes the action or its time is up."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from locum.state import Instance
from support.one_account import ACCOUNT
from support.scaling import Scaling

WEB = {"AutoScalingGroupName": "web"}
HOOK = {**WEB, "LifecycleHookName": "setup"}
LAUNCHING = {"LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING", "HeartbeatTimeout": 100}
TERMINATING = {"LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING", "HeartbeatTimeout": 100}


@pytest.fixture
def scaling() -> Scaling:
    made = Scaling()
    made.group()
    return made


def launched(scaling: Scaling, **hook: Any) -> str:
    """The id of an instance that waits for the hook."""
    scaling.call("PutLifecycleHook", **HOOK, **LAUNCHING, **hook)
    scaling.call("SetDesiredCapacity", **WEB, DesiredCapacity=1)
    scaling.settle()
    (waiting,) = scaling.ids("Pending:Wait")
    return waiting


def announced(scaling: Scaling, instance: str) -> str:
    """The target state that an instance finds in its metadata."""
    found = scaling.state.get(Instance, ACCOUNT, instance)
    assert found is not None
    return found.notices.lifecycle_state


def test_a_launched_instance_is_in_service_once_its_action_is_completed(scaling: Scaling) -> None:
    waiting = launched(scaling)
    assert scaling.activities()[0]["StatusCode"] == "MidLifecycleAction"
    assert announced(scaling, waiting) == "InService"
    scaling.call("CompleteLifecycleAction", **HOOK, InstanceId=waiting, LifecycleActionResult="CONTINUE")
    scaling.settle()
    assert scaling.ids() == [waiting]
    assert scaling.activities()[0]["StatusCode"] == "Successful"
    with pytest.raises(Fault, match="No active Lifecycle Action found with instance ID"):
        scaling.call("CompleteLifecycleAction", **HOOK, InstanceId=waiting, LifecycleActionResult="CONTINUE")


def test_an_action_is_completed_by_its_token_as_well(scaling: Scaling) -> None:
    waiting = launched(scaling)
    ((hook,),) = (it.hooks for it in scaling.found().members)
    with pytest.raises(Fault):
        scaling.call("CompleteLifecycleAction", **HOOK, LifecycleActionToken="0" * 36, LifecycleActionResult="CONTINUE")
    scaling.call("CompleteLifecycleAction", **HOOK, LifecycleActionToken=hook.token, LifecycleActionResult="CONTINUE")
    scaling.settle()
    assert scaling.ids() == [waiting]


def test_an_abandoned_launch_is_terminated_and_made_again(scaling: Scaling) -> None:
    waiting = launched(scaling)
    scaling.call("CompleteLifecycleAction", **HOOK, InstanceId=waiting, LifecycleActionResult="ABANDON")
    scaling.settle()
    (again,) = scaling.ids("Pending:Wait")
    assert again != waiting


@pytest.mark.parametrize(("result", "goes_on"), [("CONTINUE", True), ("ABANDON", False)])
def test_the_default_result_decides_when_the_time_is_up(scaling: Scaling, result: str, goes_on: bool) -> None:
    waiting = launched(scaling, DefaultResult=result)
    scaling.wait(99)
    scaling.call("RecordLifecycleActionHeartbeat", **HOOK, InstanceId=waiting)
    scaling.wait(99)
    assert scaling.ids("Pending:Wait") == [waiting]
    scaling.wait(1)
    assert (scaling.ids() == [waiting]) is goes_on


def test_an_instance_that_is_terminated_waits_as_well_and_goes_in_either_case(scaling: Scaling) -> None:
    scaling.call("SetDesiredCapacity", **WEB, DesiredCapacity=1)
    scaling.settle()
    scaling.call("PutLifecycleHook", **HOOK, **TERMINATING)
    scaling.call("SetDesiredCapacity", **WEB, DesiredCapacity=0)
    scaling.settle()
    (waiting,) = scaling.ids("Terminating:Wait")
    assert announced(scaling, waiting) == "Terminated"
    scaling.call("CompleteLifecycleAction", **HOOK, InstanceId=waiting, LifecycleActionResult="ABANDON")
    scaling.settle()
    assert scaling.found().members == ()


def test_a_deleted_hook_lets_nobody_wait(scaling: Scaling) -> None:
    waiting = launched(scaling)
    scaling.call("DeleteLifecycleHook", **HOOK)
    scaling.settle()
    assert (len(scaling.ids()), waiting in scaling.ids()) == (1, False)  # "ABANDON for launching instances"
    assert scaling.call("DescribeLifecycleHooks", **WEB)["LifecycleHooks"] == []


def test_a_hook_keeps_what_a_later_request_leaves_out(scaling: Scaling) -> None:
    scaling.call("PutLifecycleHook", **HOOK, **LAUNCHING, NotificationMetadata="x")
    scaling.call("PutLifecycleHook", **HOOK, DefaultResult="CONTINUE")
    (seen,) = scaling.call("DescribeLifecycleHooks", **WEB)["LifecycleHooks"]
    assert (seen["HeartbeatTimeout"], seen["DefaultResult"], seen["GlobalTimeout"]) == (100, "CONTINUE", 10_000)
    assert seen["NotificationMetadata"] == "x"
    for wrong in ({"HeartbeatTimeout": 10}, {"LifecycleTransition": "autoscaling:NONE"}, {"DefaultResult": "WAIT"}):
        with pytest.raises(Fault):
            scaling.call("PutLifecycleHook", **{**HOOK, **LAUNCHING, **wrong})


def test_a_group_may_be_made_with_hooks(scaling: Scaling) -> None:
    hook = {"LifecycleHookName": "setup", **LAUNCHING}
    scaling.group("hooked", DesiredCapacity=2, LifecycleHookSpecificationList=[hook])
    assert len(scaling.ids("Pending:Wait", "hooked")) == 2

"""Instance refreshes: all instances come to one version, a few at a time."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from support.scaling import TEMPLATE, Scaling

WEB = {"AutoScalingGroupName": "web"}
TO_TWO = {"DesiredConfiguration": {"LaunchTemplate": {**TEMPLATE, "Version": "2"}}}


@pytest.fixture
def scaling() -> Scaling:
    made = Scaling()
    made.group(DesiredCapacity=10)
    return made


def refresh(scaling: Scaling) -> dict[str, Any]:
    found: dict[str, Any] = scaling.call("DescribeInstanceRefreshes", **WEB)["InstanceRefreshes"][0]
    return found


def versions(scaling: Scaling) -> list[str]:
    return sorted(it.template["Version"] for it in scaling.found().members)


def test_all_instances_come_to_the_desired_version_and_the_group_has_it(scaling: Scaling) -> None:
    scaling.call("StartInstanceRefresh", **WEB, **TO_TWO)
    scaling.settle()
    assert versions(scaling) == ["2"] * 10
    assert (refresh(scaling)["Status"], refresh(scaling)["PercentageComplete"]) == ("Successful", 100)
    assert scaling.found().template["Version"] == "2"


def test_no_more_are_out_of_service_at_once_than_may_be(scaling: Scaling) -> None:
    given = {"Preferences": {"MinHealthyPercentage": 80, "InstanceWarmup": 60}}
    scaling.call("StartInstanceRefresh", **WEB, **TO_TWO, **given)
    scaling.settle()
    assert versions(scaling) == ["1"] * 8 + ["2"] * 2
    scaling.wait(59)
    assert versions(scaling) == ["1"] * 8 + ["2"] * 2
    assert (refresh(scaling)["Status"], refresh(scaling)["InstancesToUpdate"]) == ("InProgress", 8)
    for _ in range(5):
        scaling.wait(60)
    assert (versions(scaling), refresh(scaling)["Status"]) == (["2"] * 10, "Successful")


def test_a_cancelled_refresh_leaves_the_group_as_it_was(scaling: Scaling) -> None:
    scaling.call("StartInstanceRefresh", **WEB, **TO_TWO, Preferences={"InstanceWarmup": 60})
    scaling.settle()
    with pytest.raises(Fault) as caught:
        scaling.call("StartInstanceRefresh", **WEB)
    assert caught.value.code == "InstanceRefreshInProgress"
    scaling.call("CancelInstanceRefresh", **WEB)
    scaling.wait(600)
    assert (versions(scaling), refresh(scaling)["Status"]) == (["1"] * 9 + ["2"], "Cancelled")
    assert "Version" not in scaling.found().template
    with pytest.raises(Fault) as caught:
        scaling.call("CancelInstanceRefresh", **WEB)
    assert caught.value.code == "ActiveInstanceRefreshNotFound"


def test_what_matches_already_is_skipped_on_request(scaling: Scaling) -> None:
    before = scaling.ids()
    scaling.call("UpdateAutoScalingGroup", **WEB, LaunchTemplate={**TEMPLATE, "Version": "1"})
    scaling.call("StartInstanceRefresh", **WEB, Preferences={"SkipMatching": True})
    scaling.settle()
    assert (scaling.ids(), refresh(scaling)["Status"]) == (before, "Successful")


def test_a_protected_instance_is_waited_for(scaling: Scaling) -> None:
    (first, *_) = scaling.ids()
    scaling.call("SetInstanceProtection", **WEB, InstanceIds=[first], ProtectedFromScaleIn=True)
    scaling.call("StartInstanceRefresh", **WEB, **TO_TWO)
    scaling.settle()
    assert (versions(scaling), refresh(scaling)["Status"]) == (["1"] + ["2"] * 9, "InProgress")
    scaling.call("SetInstanceProtection", **WEB, InstanceIds=[first], ProtectedFromScaleIn=False)
    scaling.settle()
    assert refresh(scaling)["Status"] == "Successful"


def test_a_refresh_fails_after_an_hour_of_waiting(scaling: Scaling) -> None:
    (first, *_) = scaling.ids()
    scaling.call("EnterStandby", **WEB, InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
    scaling.call("StartInstanceRefresh", **WEB, **TO_TWO)
    scaling.settle()
    scaling.wait(3599)
    assert refresh(scaling)["Status"] == "InProgress"
    scaling.wait(1)
    assert (refresh(scaling)["Status"], scaling.ids("Standby")) == ("Failed", [first])
    assert "Version" not in scaling.found().template


@pytest.mark.parametrize(("choice", "left"), [("Refresh", []), ("Ignore", ["1"])])
def test_a_protected_instance_is_replaced_or_left_alone_on_request(
    scaling: Scaling, choice: str, left: list[str]
) -> None:
    (first, *_) = scaling.ids()
    scaling.call("SetInstanceProtection", **WEB, InstanceIds=[first], ProtectedFromScaleIn=True)
    scaling.call("StartInstanceRefresh", **WEB, **TO_TWO, Preferences={"ScaleInProtectedInstances": choice})
    scaling.settle()
    assert (versions(scaling), refresh(scaling)["Status"]) == (left + ["2"] * (10 - len(left)), "Successful")


def test_the_new_version_takes_the_callers_launch_permission(scaling: Scaling) -> None:
    scaling.denied.add(("ec2", "RunInstances"))
    with pytest.raises(Fault, match="You are not authorized to use launch template: web"):
        scaling.call("StartInstanceRefresh", **WEB, **TO_TWO)


@pytest.mark.parametrize("given", [{"Strategy": "ReplaceRootVolume"}, {"Preferences": {"CheckpointPercentages": [50]}}])
def test_what_is_not_implemented_is_refused(scaling: Scaling, given: dict[str, Any]) -> None:
    with pytest.raises(Fault) as caught:
        scaling.call("StartInstanceRefresh", **WEB, **given)
    assert caught.value.code == "NotImplemented"

"""DescribeInstances, DescribeInstanceStatus, and the state changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.ec2 import OPERATIONS
from locum.state import Instance
from support.held_by_ec2 import held
from support.one_account import ACCOUNT, Plane, profile, role

MISSING = "i-00000000000000000"


@pytest.fixture
def ec2() -> Plane:
    plane = Plane("ec2", OPERATIONS, reply=held)
    plane.having(role("app"), profile("web", "app"))
    return plane


def launch(ec2: Plane, **params: Any) -> str:
    answer = ec2.call("RunInstances", **{"ImageId": "ami-11111111", "MinCount": 1, "MaxCount": 1, **params})
    return str(answer["Instances"][0]["InstanceId"])


def refused(ec2: Plane, operation: str, **params: Any) -> Fault:
    before = ec2.state
    with pytest.raises(Fault) as caught:
        ec2.call(operation, **params)
    assert ec2.state is before
    return caught.value


def ids(answer: dict[str, Any]) -> list[str]:
    return [i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]]


def state_of(ec2: Plane, instance_id: str) -> str:
    answer = ec2.call("DescribeInstances", InstanceIds=[instance_id])
    return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])


@pytest.mark.parametrize(
    ("operation", "member", "before", "shown", "after"),
    [
        ("StopInstances", "StoppingInstances", "running", (64, "stopping"), "stopped"),
        ("StopInstances", "StoppingInstances", "stopped", (80, "stopped"), "stopped"),
        ("StartInstances", "StartingInstances", "stopped", (0, "pending"), "running"),
        ("StartInstances", "StartingInstances", "running", (16, "running"), "running"),
        ("TerminateInstances", "TerminatingInstances", "running", (32, "shutting-down"), "terminated"),
        ("TerminateInstances", "TerminatingInstances", "stopped", (32, "shutting-down"), "terminated"),
        ("TerminateInstances", "TerminatingInstances", "terminated", (48, "terminated"), "terminated"),
    ],
)
def test_a_state_change_shows_where_it_goes_and_arrives(
    ec2: Plane, operation: str, member: str, before: str, shown: tuple[int, str], after: str
) -> None:
    it = in_state(ec2, before)
    change = ec2.call(operation, InstanceIds=[it, it])[member]
    assert [c["InstanceId"] for c in change] == [it]
    assert (change[0]["CurrentState"]["Code"], change[0]["CurrentState"]["Name"]) == shown
    assert change[0]["PreviousState"]["Name"] == before
    assert state_of(ec2, it) == after


def in_state(ec2: Plane, state: str) -> str:
    it = launch(ec2)
    if state == "stopped":
        ec2.call("StopInstances", InstanceIds=[it])
    if state == "terminated":
        ec2.call("TerminateInstances", InstanceIds=[it])
    return it


@pytest.mark.parametrize(
    ("operation", "state", "text"),
    [
        ("StartInstances", "terminated", "The instance '{}' is not in a state from which it can be started."),
        ("StopInstances", "terminated", "This instance '{}' is not in a state from which it can be stopped."),
        ("RebootInstances", "terminated", "The instance '{}' is not in a state from which it can be rebooted."),
        ("RebootInstances", "stopped", "The instance '{}' is not in a state from which it can be rebooted."),
    ],
)
def test_a_state_change_from_the_wrong_state_is_refused(ec2: Plane, operation: str, state: str, text: str) -> None:
    it = in_state(ec2, state)
    fault = refused(ec2, operation, InstanceIds=[it])
    assert (fault.code, fault.message) == ("IncorrectInstanceState", text.format(it))


def test_one_instance_in_the_wrong_state_stops_the_whole_call(ec2: Plane) -> None:
    good, bad = launch(ec2), in_state(ec2, "terminated")
    refused(ec2, "StopInstances", InstanceIds=[good, bad])
    assert state_of(ec2, good) == "running"


def test_a_protected_instance_is_neither_terminated_nor_stopped(ec2: Plane) -> None:
    it = launch(ec2, DisableApiTermination=True, DisableApiStop=True)
    fault = refused(ec2, "TerminateInstances", InstanceIds=[it])
    text = "Modify its 'disableApiTermination' instance attribute and try again."
    assert fault.code == "OperationNotPermitted"
    assert fault.message == f"The instance '{it}' may not be terminated. {text}"
    assert "'disableApiStop'" in refused(ec2, "StopInstances", InstanceIds=[it]).message


def test_a_reboot_changes_nothing_that_is_described(ec2: Plane) -> None:
    it = launch(ec2)
    before = ec2.call("DescribeInstances", InstanceIds=[it])
    assert ec2.call("RebootInstances", InstanceIds=[it]) == {}
    assert ec2.call("DescribeInstances", InstanceIds=[it]) == before


def test_every_start_after_the_launch_is_counted(ec2: Plane) -> None:
    it = launch(ec2)
    for operation in ("RebootInstances", "StopInstances", "StartInstances", "StartInstances"):
        ec2.call(operation, InstanceIds=[it])
    (found,) = ec2.state.every(Instance)
    assert found.boots == 2


def test_a_start_is_a_new_launch_time(ec2: Plane) -> None:
    it = in_state(ec2, "stopped")
    ec2.now += 100
    ec2.call("StartInstances", InstanceIds=[it])
    answer = ec2.call("DescribeInstances", InstanceIds=[it])
    assert answer["Reservations"][0]["Instances"][0]["LaunchTime"] == ec2.now


def test_a_terminated_instance_is_bare_and_seen_for_an_hour(ec2: Plane) -> None:
    it = launch(ec2, IamInstanceProfile={"Name": "web"})
    ec2.call("TerminateInstances", InstanceIds=[it])
    ec2.now += 3599
    shape = ec2.call("DescribeInstances", InstanceIds=[it])["Reservations"][0]["Instances"][0]
    assert "IamInstanceProfile" not in shape
    assert "PrivateIpAddress" not in shape
    assert shape["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert ec2.call("DescribeIamInstanceProfileAssociations")["IamInstanceProfileAssociations"] == []
    ec2.now += 1
    assert refused(ec2, "DescribeInstances", InstanceIds=[it]).code == "InvalidInstanceID.NotFound"
    assert ec2.call("DescribeInstances")["Reservations"] == []


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ([MISSING], "InvalidInstanceID.NotFound", f"The instance ID '{MISSING}' does not exist"),
        (
            [MISSING, "i-11111111"],
            "InvalidInstanceID.NotFound",
            f"The instance IDs '{MISSING}, i-11111111' do not exist",
        ),
        (["i-12"], "InvalidInstanceID.Malformed", 'Invalid id: "i-12"'),
        (["vol-1"], "InvalidInstanceID.Malformed", 'Invalid id: "vol-1" (expecting "i-...")'),
    ],
)
@pytest.mark.parametrize("operation", ["DescribeInstances", "StartInstances", "TerminateInstances", "RebootInstances"])
def test_an_id_that_is_not_there_is_named(
    ec2: Plane, operation: str, given: list[str], code: str, message: str
) -> None:
    fault = refused(ec2, operation, InstanceIds=given)
    assert (fault.code, fault.message) == (code, message)


def test_an_instance_of_another_region_is_not_there(ec2: Plane) -> None:
    it = launch(ec2)
    ec2.region = "eu-west-1"
    assert refused(ec2, "StopInstances", InstanceIds=[it]).code == "InvalidInstanceID.NotFound"
    assert ec2.call("DescribeInstances")["Reservations"] == []


def test_an_instance_of_another_account_is_not_there(ec2: Plane) -> None:
    it = launch(ec2)
    other = ec2.caller.principal.user("999988887777", "arn:aws:iam::999988887777:user/eve", "AIDAEVE", "eve")
    ec2.signed_by(other)
    assert refused(ec2, "DescribeInstances", InstanceIds=[it]).code == "InvalidInstanceID.NotFound"


@pytest.mark.parametrize(
    ("name", "values", "matches"),
    [
        ("instance-state-name", ["running"], True),
        ("instance-state-name", ["stopped", "run*"], True),
        ("instance-state-code", ["16"], True),
        ("instance-state-name", ["stopped"], False),
        ("tag:Name", ["web-?"], True),
        ("tag:Name", ["WEB-1"], False),
        ("tag:name", ["*"], False),
        ("tag-key", ["Name"], True),
        ("tag-value", ["web-1"], True),
        ("iam-instance-profile.arn", [f"arn:aws:iam::{ACCOUNT}:instance-profile/web"], True),
        ("iam-instance-profile.id", ["AIPAWEB"], True),
        ("iam-instance-profile.id", ["AIPAOTHER"], False),
        ("private-ip-address", ["172.31.0.4"], True),
        ("private-dns-name", ["ip-172-31-0-4.*"], True),
        ("image-id", ["ami-11111111"], True),
        ("instance-type", ["t3.*"], True),
        ("client-token", ["tok"], True),
        ("owner-id", [ACCOUNT], True),
        ("subnet-id", ["*"], True),
        ("subnet-id", ["subnet-2"], False),
        ("network-interface.attachment.status", ["attached"], True),
        ("network-interface.source-dest-check", ["true"], True),
        ("launch-time", ["2026-09-*.000Z"], True),
        ("network-interface.addresses.association.public-ip", ["*"], False),
        ("key-name", ["k"], False),
        ("image-id", [], False),
        ("image-id", ["ami-[1]1111111"], False),
        ("image-id", ["ami-\\11111111"], True),
        ("image-id", ["\\ami-11111111*\\*"], False),
        ("availability-zone", ["us-east-1a"], True),
        ("metadata-options.http-tokens", ["required"], True),
    ],
)
def test_filters_choose_by_value_and_wildcard(ec2: Plane, name: str, values: list[str], matches: bool) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web-1"}]}]
    it = launch(
        ec2,
        IamInstanceProfile={"Name": "web"},
        TagSpecifications=tags,
        InstanceType="t3.micro",
        ClientToken="tok",
    )
    found = ids(ec2.call("DescribeInstances", Filters=[{"Name": name, "Values": values}]))
    assert found == ([it] if matches else [])


def test_filters_are_joined_with_and(ec2: Plane) -> None:
    launch(ec2)
    both = [{"Name": "image-id", "Values": ["ami-11111111"]}, {"Name": "instance-state-name", "Values": ["stopped"]}]
    assert ids(ec2.call("DescribeInstances", Filters=both)) == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue"),
        ({"Filters": [{"Name": "availability-zone", "Values": ["x"]}] * 51}, "FilterLimitExceeded"),
        ({"Filters": [{"Name": "availability-zone", "Values": ["x"] * 201}]}, "FilterLimitExceeded"),
        ({"MaxResults": 4}, "InvalidParameterValue"),
        ({"MaxResults": 1001}, "InvalidParameterValue"),
        ({"MaxResults": 5, "InstanceIds": [MISSING]}, "InvalidParameterCombination"),
        ({"NextToken": "%%"}, "InvalidPaginationToken"),
        ({"NextToken": "_w=="}, "InvalidPaginationToken"),
    ],
)
@pytest.mark.parametrize("operation", ["DescribeInstances", "DescribeInstanceStatus"])
def test_a_describe_that_makes_no_sense_is_refused(
    ec2: Plane, operation: str, params: dict[str, Any], code: str
) -> None:
    launch(ec2)
    assert refused(ec2, operation, **params).code == code


def test_max_results_does_not_go_with_ids(ec2: Plane) -> None:
    fault = refused(ec2, "DescribeInstances", MaxResults=5, InstanceIds=[launch(ec2)])
    assert (fault.code, fault.message) == (
        "InvalidParameterCombination",
        "The parameter instancesSet cannot be used with the parameter maxResults",
    )


def pages(ec2: Plane, operation: str, found: Callable[[dict[str, Any]], list[str]], **params: Any) -> list[list[str]]:
    seen = []
    answer = ec2.call(operation, **params)
    seen.append(found(answer))
    while "NextToken" in answer:
        answer = ec2.call(operation, **params, NextToken=answer["NextToken"])
        seen.append(found(answer))
    return seen


def test_pages_hold_every_instance_once_and_reservations_stay_in_order(ec2: Plane) -> None:
    made = []
    for _ in range(4):
        answer = ec2.call("RunInstances", ImageId="ami-11111111", MinCount=3, MaxCount=3)
        made += [i["InstanceId"] for i in answer["Instances"]]
        ec2.now += 1
    assert pages(ec2, "DescribeInstances", ids, MaxResults=5) == [made[:5], made[5:10], made[10:]]


def test_by_default_only_running_instances_have_a_status(ec2: Plane) -> None:
    running, stopped = launch(ec2), in_state(ec2, "stopped")

    def shown(**params: Any) -> dict[str, str]:
        statuses = ec2.call("DescribeInstanceStatus", **params)["InstanceStatuses"]
        return {s["InstanceId"]: s["InstanceStatus"]["Status"] for s in statuses}

    assert shown() == {running: "ok"}
    assert shown(IncludeAllInstances=True) == {running: "ok", stopped: "not-applicable"}
    assert shown(InstanceIds=[stopped]) == {}
    passed = [{"Name": "instance-status.status", "Values": ["ok"]}]
    assert shown(IncludeAllInstances=True, Filters=passed) == {running: "ok"}


@pytest.mark.parametrize("operation", ["DescribeInstances", "StopInstances", "TerminateInstances", "RebootInstances"])
def test_a_dry_run_changes_nothing(ec2: Plane, operation: str) -> None:
    fault = refused(ec2, operation, InstanceIds=[launch(ec2)], DryRun=True)
    assert (fault.code, fault.status) == ("DryRunOperation", 412)


def test_a_filter_of_many_wildcards_takes_no_time(ec2: Plane) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "a" * 256}]}]
    launch(ec2, TagSpecifications=tags)
    hostile = [{"Name": "tag:Name", "Values": ["a*?" * 80 + "b"]}]
    assert ids(ec2.call("DescribeInstances", Filters=hostile)) == []

"""RunInstances."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.ec2 import OPERATIONS
from locum.state import Instance
from support.held_by_ec2 import IMAGE, held, subnet
from support.one_account import ACCOUNT, NOW, OTHER, Plane, profile, role

UNPATHED = f"arn:aws:iam::{ACCOUNT}:instance-profile/web"


@pytest.fixture
def ec2() -> Plane:
    plane = Plane("ec2", OPERATIONS, reply=held)
    plane.having(role("app"), profile("web", "app", path="/x/"), profile("empty"))
    return plane


def run(ec2: Plane, **params: Any) -> dict[str, Any]:
    return ec2.call("RunInstances", **{"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, **params})


def refused(ec2: Plane, **params: Any) -> Fault:
    before = ec2.state
    with pytest.raises(Fault) as caught:
        run(ec2, **params)
    assert ec2.state is before
    return caught.value


def described(ec2: Plane, instance_id: str) -> dict[str, Any]:
    answer = ec2.call("DescribeInstances", InstanceIds=[instance_id])
    shape: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
    return shape


def test_an_instance_is_pending_in_the_answer_and_running_for_the_next_reader(ec2: Plane) -> None:
    answer = run(ec2, InstanceType="t3.micro", KeyName="k", SubnetId="subnet-1", SecurityGroupIds=["sg-1"])
    assert answer["OwnerId"] == ACCOUNT
    assert answer["ReservationId"].startswith("r-")
    launched = answer["Instances"][0]
    assert launched["State"] == {"Code": 0, "Name": "pending"}
    seen = described(ec2, launched["InstanceId"])
    assert seen["State"] == {"Code": 16, "Name": "running"}
    assert {**launched, "State": None} == {**seen, "State": None}
    assert (seen["ImageId"], seen["InstanceType"], seen["KeyName"], seen["SubnetId"]) == (
        IMAGE,
        "t3.micro",
        "k",
        "subnet-1",
    )
    assert seen["SecurityGroups"] == [{"GroupId": "sg-1", "GroupName": "sg-1"}]
    assert seen["LaunchTime"] == NOW
    assert seen["Placement"] == {"AvailabilityZone": "us-east-1a", "GroupName": "", "Tenancy": "default"}
    assert seen["Monitoring"] == {"State": "disabled"}


def test_addresses_are_the_lowest_free_ones_and_no_two_instances_share_one(ec2: Plane) -> None:
    answer = run(ec2, MinCount=2, MaxCount=3)
    assert [i["PrivateIpAddress"] for i in answer["Instances"]] == ["172.31.0.4", "172.31.0.5", "172.31.0.6"]
    assert [i["AmiLaunchIndex"] for i in answer["Instances"]] == [0, 1, 2]
    first = answer["Instances"][0]
    assert first["PrivateDnsName"] == "ip-172-31-0-4.ec2.internal"
    interface = first["NetworkInterfaces"][0]
    assert interface["MacAddress"] == "0a:ff:ac:1f:00:04"
    ec2.call("TerminateInstances", InstanceIds=[answer["Instances"][1]["InstanceId"]])
    assert run(ec2)["Instances"][0]["PrivateIpAddress"] == "172.31.0.5"


def test_names_outside_us_east_1_carry_the_region(ec2: Plane) -> None:
    ec2.region = "eu-west-1"
    launched = run(ec2)["Instances"][0]
    assert launched["PrivateDnsName"] == "ip-172-31-0-4.eu-west-1.compute.internal"
    assert launched["Placement"]["AvailabilityZone"] == "eu-west-1a"


def test_an_address_can_be_asked_for_once(ec2: Plane) -> None:
    assert run(ec2, PrivateIpAddress="172.31.9.9")["Instances"][0]["PrivateIpAddress"] == "172.31.9.9"
    assert refused(ec2, PrivateIpAddress="172.31.9.9").code == "InvalidIPAddress.InUse"


@pytest.mark.parametrize("given", [{"Name": "web"}, {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/x/web"}])
def test_a_profile_is_worn_from_the_start(ec2: Plane, given: dict[str, str]) -> None:
    launched = run(ec2, IamInstanceProfile=given)["Instances"][0]
    attached = {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/x/web", "Id": "AIPAWEB"}
    assert launched["IamInstanceProfile"] == attached
    assert described(ec2, launched["InstanceId"])["IamInstanceProfile"] == attached
    associations = ec2.call("DescribeIamInstanceProfileAssociations")["IamInstanceProfileAssociations"]
    assert [(a["InstanceId"], a["State"]) for a in associations] == [(launched["InstanceId"], "associated")]


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (
            {"Name": "nope"},
            "InvalidParameterValue",
            "Value (nope) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
        ),
        (
            {"Name": "WEB"},
            "InvalidParameterValue",
            "Value (WEB) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
        ),
        (
            {"Arn": UNPATHED},
            "InvalidParameterValue",
            f"Value ({UNPATHED}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN",
        ),
        (
            {"Name": "empty"},
            "InvalidParameterValue",
            f'IAM Instance Profile "arn:aws:iam::{ACCOUNT}:instance-profile/empty" has no associated IAM Roles',
        ),
        (
            {"Name": "web", "Arn": "x"},
            "InvalidParameterCombination",
            "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'",
        ),
    ],
)
def test_a_profile_that_cannot_be_worn_is_refused(ec2: Plane, given: Any, code: str, message: str) -> None:
    fault = refused(ec2, IamInstanceProfile=given)
    assert (fault.code, fault.message) == (code, message)


def test_a_profile_of_another_account_is_not_found(ec2: Plane) -> None:
    ec2.having(profile("theirs", "app", account=OTHER))
    fault = refused(ec2, IamInstanceProfile={"Arn": f"arn:aws:iam::{OTHER}:instance-profile/theirs"})
    assert fault.code == "InvalidParameterValue"


def test_metadata_options_tags_and_user_data_are_kept(ec2: Plane) -> None:
    answer = run(
        ec2,
        MetadataOptions={"HttpTokens": "optional", "HttpPutResponseHopLimit": 5, "InstanceMetadataTags": "enabled"},
        UserData=base64.b64encode(b"#!/bin/sh\n").decode(),
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "a"}]},
            {"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "b"}]},
        ],
    )
    launched = answer["Instances"][0]
    assert launched["MetadataOptions"] == {
        "State": "applied",
        "HttpTokens": "optional",
        "HttpPutResponseHopLimit": 5,
        "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "enabled",
    }
    assert launched["Tags"] == [{"Key": "Name", "Value": "a"}]
    stored = ec2.state.get(Instance, ACCOUNT, launched["InstanceId"])
    assert stored is not None
    assert stored.user_data == b"#!/bin/sh\n"


def test_the_same_client_token_answers_the_same_instances(ec2: Plane) -> None:
    first = run(ec2, ClientToken="t-1", MaxCount=2)
    again = run(ec2, ClientToken="t-1", MaxCount=2)
    assert [i["InstanceId"] for i in again["Instances"]] == [i["InstanceId"] for i in first["Instances"]]
    assert again["ReservationId"] == first["ReservationId"]
    assert again["Instances"][0]["State"]["Name"] == "running"
    assert len(ec2.state.table(Instance, ACCOUNT)) == 2
    assert refused(ec2, ClientToken="t-1", MaxCount=3).code == "IdempotentParameterMismatch"
    assert run(ec2, ClientToken="t-2")["ReservationId"] != first["ReservationId"]


def test_a_client_token_counts_in_its_own_region(ec2: Plane) -> None:
    first = run(ec2, ClientToken="t-1")
    ec2.region = "eu-west-1"
    assert run(ec2, ClientToken="t-1")["ReservationId"] != first["ReservationId"]


def test_a_client_token_is_forgotten_with_its_instances(ec2: Plane) -> None:
    first = run(ec2, ClientToken="t-1")
    ec2.call("TerminateInstances", InstanceIds=[first["Instances"][0]["InstanceId"]])
    assert run(ec2, ClientToken="t-1")["Instances"][0]["State"]["Name"] == "terminated"
    ec2.now += 3600
    assert run(ec2, ClientToken="t-1")["ReservationId"] != first["ReservationId"]


def test_a_dry_run_launches_nothing(ec2: Plane) -> None:
    fault = refused(ec2, DryRun=True)
    assert (fault.code, fault.status) == ("DryRunOperation", 412)
    assert fault.message == "Request would have succeeded, but DryRun flag is set."


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"ImageId": None}, "MissingParameter", "The request must contain the parameter ImageId"),
        ({"MinCount": 0}, "InvalidParameterValue", "Minimum instance count"),
        ({"MinCount": 2}, "InvalidParameterValue", "maxCount"),
        ({"MinCount": 1001, "MaxCount": 1001}, "InstanceLimitExceeded", "1001"),
        ({"UserData": "%%%"}, "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."),
        (
            {"UserData": base64.b64encode(b"x" * 16385).decode()},
            "InvalidUserData.Malformed",
            "User data is limited to 16384 bytes",
        ),
        ({"MetadataOptions": {"HttpPutResponseHopLimit": 65}}, "InvalidParameterValue", "between 1 and 64"),
        ({"MetadataOptions": {"HttpTokens": "maybe"}}, "InvalidParameterValue", "HttpTokens"),
        ({"Placement": {"AvailabilityZone": "eu-west-1a"}}, "InvalidParameterValue", "Invalid availability zone"),
        ({"PrivateIpAddress": "10.0.0.1"}, "InvalidParameterValue", "10.0.0.1"),
        ({"PrivateIpAddress": "nonsense"}, "InvalidParameterValue", "nonsense"),
        ({"PrivateIpAddress": "172.31.0.9", "MaxCount": 2}, "InvalidParameterCombination", "PrivateIpAddress"),
        ({"NetworkInterfaces": [{"DeviceIndex": 0}], "SubnetId": "s"}, "InvalidParameterCombination", "subnet ID"),
        ({"TagSpecifications": [{"Tags": [{"Key": "a"}]}]}, "MissingParameter", "ResourceType"),
        ({"ClientToken": "x" * 65}, "InvalidParameterValue", "clientToken"),
    ],
)
def test_what_is_not_within_the_rules_is_refused(ec2: Plane, params: dict[str, Any], code: str, text: str) -> None:
    fault = refused(ec2, **params)
    assert fault.code == code
    assert text in fault.message


def test_an_instance_is_where_its_subnet_is(ec2: Plane) -> None:
    in_b = {"Subnets": [subnet("subnet-1", "us-east-1b")]}
    ec2.reply = lambda ask: in_b if ask.call.operation == "DescribeSubnets" else held(ask)
    launched = run(ec2, SubnetId="subnet-1")["Instances"][0]
    assert launched["Placement"]["AvailabilityZone"] == "us-east-1b"
    assert (launched["VpcId"], launched["NetworkInterfaces"][0]["VpcId"]) == ("vpc-1", "vpc-1")


def test_a_subnet_that_there_is_not_launches_nothing(ec2: Plane) -> None:
    assert refused(ec2, SubnetId="subnet-0").code == "InvalidSubnetID.NotFound"


def test_a_subnet_in_another_zone_than_the_launch_is_refused(ec2: Plane) -> None:
    fault = refused(ec2, SubnetId="subnet-1", Placement={"AvailabilityZone": "us-east-1b"})
    assert fault.code == "InvalidParameterCombination"


def test_the_first_network_interface_says_where_the_instance_is(ec2: Plane) -> None:
    interface = {"DeviceIndex": 0, "SubnetId": "subnet-2", "Groups": ["sg-2"], "PrivateIpAddress": "172.31.5.5"}
    launched = run(ec2, NetworkInterfaces=[interface])["Instances"][0]
    several = [{"PrivateIpAddress": "172.31.5.7"}, {"PrivateIpAddress": "172.31.5.6", "Primary": True}]
    primary = {"DeviceIndex": 0, "SubnetId": "subnet-2", "PrivateIpAddresses": several}
    assert run(ec2, NetworkInterfaces=[primary])["Instances"][0]["PrivateIpAddress"] == "172.31.5.6"
    assert (launched["SubnetId"], launched["PrivateIpAddress"]) == ("subnet-2", "172.31.5.5")
    assert launched["NetworkInterfaces"][0]["Groups"] == [{"GroupId": "sg-2", "GroupName": "sg-2"}]


def test_a_launch_forgets_what_was_terminated_more_than_an_hour_ago(ec2: Plane) -> None:
    gone = run(ec2)["Instances"][0]["InstanceId"]
    ec2.call("TerminateInstances", InstanceIds=[gone])
    ec2.now += 3600
    run(ec2)
    assert ec2.state.get(Instance, ACCOUNT, gone) is None

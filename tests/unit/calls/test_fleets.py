"""A fleet of type `instant` launches Locum's instances, with the permissions of its caller alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from locum.state import Fleet
from support.inprocess import InProcess, Key

ACCOUNT = "000000000000"
IMAGE, OTHER_IMAGE = "ami-12c6146b", "ami-03cf127a"
"""Images that the embedded backend begins with."""
FLEET = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
PASS = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/fleet-worn"}
ONE = {"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "on-demand"}


@pytest.fixture(scope="module")
def template(plane: InProcess) -> str:
    """The id of a template that passes the role `fleet-worn`."""
    iam, ec2 = plane.client("iam"), plane.client("ec2")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="fleet-worn", AssumeRolePolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName="fleet-worn")
    iam.add_role_to_instance_profile(InstanceProfileName="fleet-worn", RoleName="fleet-worn")
    data = {"ImageId": IMAGE, "InstanceType": "t3.micro", "IamInstanceProfile": {"Name": "fleet-worn"}}
    made = ec2.create_launch_template(LaunchTemplateName="fleet", LaunchTemplateData=data)["LaunchTemplate"]
    return str(made["LaunchTemplateId"])


def fleet(
    plane: InProcess, *overrides: dict[str, Any], key: Key | None = None, template: str = "fleet", **params: Any
) -> dict[str, Any]:
    config: dict[str, Any] = {
        "LaunchTemplateSpecification": {"LaunchTemplateName": template, "Version": "$Latest"},
        "Overrides": list(overrides),
    }
    given = {"Type": "instant", "LaunchTemplateConfigs": [config], "TargetCapacitySpecification": ONE, **params}
    answer: dict[str, Any] = plane.client("ec2", key).create_fleet(**given)
    return answer


def refused(plane: InProcess, *overrides: dict[str, Any], **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        fleet(plane, *overrides, **params)
    return str(caught.value.response["Error"]["Code"])


def instances(plane: InProcess, ids: list[str]) -> list[dict[str, Any]]:
    found = plane.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    return [each for reservation in found for each in reservation["Instances"]]


def tags_of(instance: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in instance["Tags"]}


def test_a_fleet_launches_its_capacity_from_the_template(plane: InProcess, template: str) -> None:
    tags = [
        {"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "a"}]},
        {"ResourceType": "fleet", "Tags": [{"Key": "of", "Value": "fleet"}]},
    ]
    made = fleet(plane, TargetCapacitySpecification={**ONE, "TotalTargetCapacity": 3}, TagSpecifications=tags)
    (launch,) = made["Instances"]
    assert made["Errors"] == []
    assert launch["LaunchTemplateAndOverrides"] == {
        "LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"},
        "Overrides": {},
    }
    assert (launch["Lifecycle"], launch["InstanceType"], len(launch["InstanceIds"])) == ("on-demand", "t3.micro", 3)
    found = instances(plane, launch["InstanceIds"])
    assert len({each["PrivateIpAddress"] for each in found}) == 3
    for each in found:
        assert each["IamInstanceProfile"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/fleet-worn"
        assert tags_of(each) == {
            "team": "a",
            "aws:ec2:fleet-id": made["FleetId"],
            "aws:ec2launchtemplate:id": template,
            "aws:ec2launchtemplate:version": "1",
        }
    (described,) = plane.client("ec2").describe_fleets(FleetIds=[made["FleetId"]])["Fleets"]
    assert (described["FleetState"], described["ActivityStatus"], described["Type"]) == (
        "active",
        "fulfilled",
        "instant",
    )
    assert (described["FulfilledCapacity"], described["FulfilledOnDemandCapacity"]) == (3.0, 3.0)
    assert (described["Instances"], described["Errors"]) == (made["Instances"], [])
    assert described["Tags"] == [{"Key": "of", "Value": "fleet"}]


def test_an_instance_of_a_fleet_is_known_to_the_backend(plane: InProcess, template: str) -> None:
    (name,) = fleet(plane)["Instances"][0]["InstanceIds"]
    ec2 = plane.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    assert ec2.attach_volume(VolumeId=volume, InstanceId=name, Device="/dev/sdh")["InstanceId"] == name


def test_an_override_changes_the_launch(plane: InProcess, template: str) -> None:
    ec2 = plane.client("ec2")
    zone = {"Name": "availability-zone", "Values": ["us-east-1b"]}
    subnet = ec2.describe_subnets(Filters=[zone, {"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    override = {"InstanceType": "m5.large", "SubnetId": subnet["SubnetId"], "ImageId": OTHER_IMAGE}
    launch = fleet(plane, override)["Instances"][0]
    assert launch["LaunchTemplateAndOverrides"]["Overrides"] == override
    (found,) = instances(plane, launch["InstanceIds"])
    assert (found["InstanceType"], found["SubnetId"], found["ImageId"]) == ("m5.large", subnet["SubnetId"], OTHER_IMAGE)
    (found,) = instances(plane, fleet(plane, {"AvailabilityZone": "us-east-1c"})["Instances"][0]["InstanceIds"])
    assert found["Placement"]["AvailabilityZone"] == "us-east-1c"


def test_the_subnet_of_an_override_is_that_of_the_interfaces_of_the_template(plane: InProcess, template: str) -> None:
    ec2 = plane.client("ec2")
    data = {"ImageId": IMAGE, "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": False}]}
    ec2.create_launch_template(LaunchTemplateName="fleet-interfaces", LaunchTemplateData=data)
    subnet = ec2.describe_subnets()["Subnets"][-1]["SubnetId"]
    launch = fleet(plane, {"SubnetId": subnet}, template="fleet-interfaces")["Instances"][0]
    assert [each["SubnetId"] for each in instances(plane, launch["InstanceIds"])] == [subnet]


def test_overrides_are_tried_in_turn_and_what_failed_is_told(plane: InProcess, template: str) -> None:
    made = fleet(
        plane, {"SubnetId": "subnet-0123456789abcdef0"}, {"InstanceType": "m5.large"}, {"InstanceType": "c5.large"}
    )
    assert [launch["InstanceType"] for launch in made["Instances"]] == ["m5.large"]
    (error,) = made["Errors"]
    assert error["LaunchTemplateAndOverrides"]["Overrides"] == {"SubnetId": "subnet-0123456789abcdef0"}
    assert (error["Lifecycle"], error["ErrorCode"]) == ("on-demand", "InvalidSubnetID.NotFound")
    assert "subnet-0123456789abcdef0" in error["ErrorMessage"]


@pytest.mark.parametrize("strategy", ["lowest-price", "lowestPrice"])
def test_a_strategy_has_the_spellings_that_ec2_takes(plane: InProcess, template: str, strategy: str) -> None:
    options = {"AllocationStrategy": strategy}
    assert fleet(plane, OnDemandOptions=options, SpotOptions=options)["Errors"] == []


def test_priorities_and_weights_count(plane: InProcess, template: str) -> None:
    overrides = (
        {"InstanceType": "m5.large", "Priority": 5.0},
        {"InstanceType": "c5.large", "WeightedCapacity": 2.0, "Priority": 1.0},
    )
    options = {"AllocationStrategy": "prioritized"}
    target = {**ONE, "TotalTargetCapacity": 3}
    (launch,) = fleet(plane, *overrides, OnDemandOptions=options, TargetCapacitySpecification=target)["Instances"]
    assert (launch["InstanceType"], len(launch["InstanceIds"])) == ("c5.large", 2)


def test_spot_capacity_is_launched_as_such(plane: InProcess, template: str) -> None:
    target = {"TotalTargetCapacity": 3, "OnDemandTargetCapacity": 1, "DefaultTargetCapacityType": "spot"}
    launches = fleet(plane, TargetCapacitySpecification=target)["Instances"]
    assert [(each["Lifecycle"], len(each["InstanceIds"])) for each in launches] == [("on-demand", 1), ("spot", 2)]
    lifecycles = [each.get("InstanceLifecycle") for each in instances(plane, launches[1]["InstanceIds"])]
    assert lifecycles == ["spot", "spot"]


def test_a_role_of_the_template_is_passed_by_the_caller_of_the_fleet(plane: InProcess, template: str) -> None:
    made = fleet(plane, key=plane.user("fleet-no-pass", FLEET))
    assert made["Instances"] == []
    (error,) = made["Errors"]
    assert error["ErrorCode"] == "UnauthorizedOperation"
    assert f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/fleet-worn" in error["ErrorMessage"]
    assert fleet(plane, key=plane.user("fleet-pass", FLEET, PASS))["Errors"] == []


@pytest.mark.parametrize(
    "denied",
    [
        {"Action": "ec2:RunInstances", "Resource": f"arn:aws:ec2:us-east-1::image/{IMAGE}"},
        {
            "Action": "ec2:RunInstances",
            "Resource": "*",
            "Condition": {"StringEquals": {"ec2:InstanceType": "t3.micro"}},
        },
        {"Action": "ec2:CreateTags", "Resource": "arn:aws:ec2:*:*:instance/*"},
    ],
    ids=["image", "type", "tags"],
)
def test_a_deny_on_what_is_launched_holds_for_a_fleet(
    plane: InProcess, template: str, denied: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    key = plane.user(f"fleet-denied-{request.node.callspec.id}", FLEET, PASS, {"Effect": "Deny", **denied})
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]
    if denied["Action"] == "ec2:CreateTags":
        assert refused(plane, key=key, TagSpecifications=tags) == "UnauthorizedOperation"
        return
    made = fleet(plane, key=key)
    assert (made["Instances"], made["Errors"][0]["ErrorCode"]) == ([], "UnauthorizedOperation")


def test_a_fleet_takes_its_own_permission_on_the_template(plane: InProcess, template: str) -> None:
    denied = {"Effect": "Deny", "Action": "ec2:CreateFleet", "Resource": f"arn:aws:ec2:*:*:launch-template/{template}"}
    assert refused(plane, key=plane.user("fleet-denied-template", FLEET, PASS, denied)) == "UnauthorizedOperation"
    launching = {"Effect": "Allow", "Action": ["ec2:RunInstances", "iam:PassRole"], "Resource": "*"}
    assert refused(plane, key=plane.user("fleet-only-run", launching)) == "UnauthorizedOperation"
    creating = {"Effect": "Allow", "Action": ["ec2:CreateFleet", "iam:PassRole"], "Resource": "*"}
    assert (
        fleet(plane, key=plane.user("fleet-only-create", creating))["Errors"][0]["ErrorCode"] == "UnauthorizedOperation"
    )


def test_a_launch_of_a_fleet_is_recorded_as_its_callers(plane: InProcess, template: str) -> None:
    fleet(plane, key=plane.user("fleet-recorded", FLEET, PASS))
    records = {record.operation: record for record in plane.records(2)}  # in the order in which they were stored
    created, launched = records["CreateFleet"], records["RunInstances"]
    assert (created.identity.arn, created.via) == (f"arn:aws:iam::{ACCOUNT}:user/fleet-recorded", ())
    assert (launched.identity.arn, launched.via) == (created.identity.arn, ("ec2fleet.amazonaws.com",))


def test_a_dry_run_launches_nothing(plane: InProcess, template: str) -> None:
    assert refused(plane, DryRun=True, template="no-such-fleet") == "DryRunOperation"
    assert refused(plane, DryRun=True, key=plane.user("fleet-stranger")) == "UnauthorizedOperation"


def test_a_client_token_makes_one_fleet(plane: InProcess, template: str) -> None:
    first = fleet(plane, ClientToken="fleet-once")
    again = fleet(plane, ClientToken="fleet-once")
    assert (again["FleetId"], again["Instances"]) == (first["FleetId"], first["Instances"])
    other = {**ONE, "TotalTargetCapacity": 2}
    assert refused(plane, ClientToken="fleet-once", TargetCapacitySpecification=other) == "IdempotentParameterMismatch"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Type": "maintain"}, "UnsupportedOperation"),
        ({"Type": "request"}, "UnsupportedOperation"),
        ({"template": "no-such-fleet"}, "InvalidLaunchTemplateName.NotFoundException"),
        ({"LaunchTemplateConfigs": []}, "MissingParameter"),
        ({"TargetCapacitySpecification": {"TotalTargetCapacity": 0}}, "InvalidParameterValue"),
        ({"TargetCapacitySpecification": {"TotalTargetCapacity": 1, "SpotTargetCapacity": 2}}, "InvalidParameterValue"),
        (
            {"TargetCapacitySpecification": {"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "capacity-block"}},
            "UnsupportedOperation",
        ),
    ],
)
def test_a_fleet_that_cannot_be_is_refused(plane: InProcess, template: str, params: dict[str, Any], code: str) -> None:
    assert refused(plane, **params) == code


def test_a_fleet_of_another_type_makes_no_instances_at_the_backend(plane: InProcess, template: str) -> None:
    ec2 = plane.client("ec2")
    before = len(ec2.describe_network_interfaces()["NetworkInterfaces"])
    assert refused(plane, Type="maintain") == "UnsupportedOperation"
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == before


def test_instant_fleets_are_described_by_id_alone_and_have_no_list_of_instances(
    plane: InProcess, template: str
) -> None:
    ec2, name = plane.client("ec2"), fleet(plane)["FleetId"]
    assert ec2.describe_fleets()["Fleets"] == []
    with pytest.raises(ClientError, match="is instant fleet") as caught:
        ec2.describe_fleet_instances(FleetId=name)
    assert caught.value.response["Error"]["Code"] == "Unsupported"
    with pytest.raises(ClientError) as caught:
        ec2.describe_fleets(FleetIds=["fleet-00000000-0000-0000-0000-000000000000"])
    assert caught.value.response["Error"]["Code"] == "InvalidFleetId.NotFound"


def test_a_deleted_fleet_terminates_its_instances(plane: InProcess, template: str) -> None:
    ec2, made = plane.client("ec2"), fleet(plane)
    with pytest.raises(ClientError) as caught:
        ec2.delete_fleets(FleetIds=[made["FleetId"]], TerminateInstances=False)
    assert caught.value.response["Error"]["Code"] == "UnsupportedOperation"
    missing = "fleet-00000000-0000-0000-0000-000000000000"
    answer = ec2.delete_fleets(FleetIds=[made["FleetId"], missing, "fleet-1"], TerminateInstances=True)
    (done,) = answer["SuccessfulFleetDeletions"]
    assert (done["CurrentFleetState"], done["PreviousFleetState"]) == ("deleted_terminating", "active")
    codes = [each["Error"]["Code"] for each in answer["UnsuccessfulFleetDeletions"]]
    assert codes == ["fleetIdDoesNotExist", "fleetIdMalformed"]
    (found,) = instances(plane, made["Instances"][0]["InstanceIds"])
    assert found["State"]["Name"] == "terminated"
    (described,) = ec2.describe_fleets(FleetIds=[made["FleetId"]])["Fleets"]
    assert described["FleetState"] == "deleted"
    again = ec2.delete_fleets(FleetIds=[made["FleetId"]], TerminateInstances=True)["UnsuccessfulFleetDeletions"]
    assert again[0]["Error"]["Code"] == "fleetNotInDeletableState"


def test_who_may_not_terminate_the_instances_does_not_by_deleting_the_fleet(plane: InProcess, template: str) -> None:
    made = fleet(plane)
    denied = {"Effect": "Deny", "Action": "ec2:TerminateInstances", "Resource": "*"}
    ec2 = plane.client("ec2", plane.user("fleet-no-terminate", FLEET, denied))
    answer = ec2.delete_fleets(FleetIds=[made["FleetId"]], TerminateInstances=True)
    assert answer["SuccessfulFleetDeletions"] == []
    assert answer["UnsuccessfulFleetDeletions"][0]["Error"]["Code"] == "unexpectedError"
    (found,) = instances(plane, made["Instances"][0]["InstanceIds"])
    assert found["State"]["Name"] == "running"


def test_the_user_data_of_a_fleet_is_its_instances_alone(plane: InProcess, template: str) -> None:
    ec2, text = plane.client("ec2"), base64.b64encode(b"#!/bin/sh\n").decode()
    specification = {"LaunchTemplateId": template, "Version": "1", "LaunchTemplateSpecificationUserData": text}
    made = fleet(plane, LaunchTemplateConfigs=[{"LaunchTemplateSpecification": specification}])
    (name,) = made["Instances"][0]["InstanceIds"]
    assert ec2.describe_instance_attribute(InstanceId=name, Attribute="userData")["UserData"]["Value"] == text
    for told in (plane.records(2), plane.node.ledger.state.get(Fleet, ACCOUNT, made["FleetId"])):
        assert text not in repr(told)

"""Attributes, metadata options, tags, and whose calls they are."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.ec2 import OPERATIONS, owns
from locum.state import Instance
from support.held_by_ec2 import held
from support.one_account import ACCOUNT, Plane

SG_1, SG_2 = ({"GroupId": name, "GroupName": name} for name in ("sg-1", "sg-2"))


@pytest.fixture
def ec2() -> Plane:
    return Plane("ec2", OPERATIONS, reply=held)


@pytest.fixture
def it(ec2: Plane) -> str:
    answer = ec2.call("RunInstances", ImageId="ami-11111111", MinCount=1, MaxCount=1)
    return str(answer["Instances"][0]["InstanceId"])


def refused(ec2: Plane, operation: str, **params: Any) -> Fault:
    before = ec2.state
    with pytest.raises(Fault) as caught:
        ec2.call(operation, **params)
    assert ec2.state is before
    return caught.value


def attribute(ec2: Plane, it: str, name: str) -> Any:
    answer = ec2.call("DescribeInstanceAttribute", InstanceId=it, Attribute=name)
    assert answer.pop("InstanceId") == it
    return next(iter(answer.values()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("instanceType", {"Value": "m1.small"}),
        ("userData", {}),
        ("disableApiTermination", {"Value": False}),
        ("disableApiStop", {"Value": False}),
        ("instanceInitiatedShutdownBehavior", {"Value": "stop"}),
        ("sourceDestCheck", {"Value": True}),
        ("ebsOptimized", {"Value": False}),
        ("enaSupport", {"Value": True}),
        ("rootDeviceName", {"Value": "/dev/xvda"}),
        ("kernel", {}),
        ("ramdisk", {}),
        ("sriovNetSupport", {}),
        ("groupSet", [{"GroupId": "sg-default", "GroupName": "default"}]),
        ("productCodes", []),
        ("blockDeviceMapping", []),
        ("enclaveOptions", {"Enabled": False}),
    ],
)
def test_every_attribute_of_a_new_instance_can_be_read(ec2: Plane, it: str, name: str, value: Any) -> None:
    assert attribute(ec2, it, name) == value


@pytest.mark.parametrize(
    ("name", "change", "value", "stopped"),
    [
        ("disableApiTermination", {"DisableApiTermination": {"Value": True}}, {"Value": True}, False),
        ("disableApiTermination", {"Attribute": "disableApiTermination", "Value": "true"}, {"Value": True}, False),
        ("disableApiStop", {"DisableApiStop": {"Value": True}}, {"Value": True}, False),
        ("sourceDestCheck", {"SourceDestCheck": {"Value": False}}, {"Value": False}, False),
        ("groupSet", {"Groups": ["sg-1", "sg-2"]}, [SG_1, SG_2], False),
        (
            "instanceInitiatedShutdownBehavior",
            {"InstanceInitiatedShutdownBehavior": {"Value": "terminate"}},
            {"Value": "terminate"},
            False,
        ),
        ("instanceType", {"InstanceType": {"Value": "t3.large"}}, {"Value": "t3.large"}, True),
        ("instanceType", {"Attribute": "instanceType", "Value": "t3.large"}, {"Value": "t3.large"}, True),
        ("userData", {"UserData": {"Value": b"hello"}}, {"Value": "aGVsbG8="}, True),
        ("userData", {"Attribute": "userData", "Value": "aGVsbG8="}, {"Value": "aGVsbG8="}, True),
        ("ebsOptimized", {"EbsOptimized": {"Value": True}}, {"Value": True}, True),
        ("kernel", {"Kernel": {"Value": "aki-1"}}, {"Value": "aki-1"}, True),
    ],
)
def test_an_attribute_is_changed_in_either_form(
    ec2: Plane, it: str, name: str, change: dict[str, Any], value: Any, stopped: bool
) -> None:
    if stopped:
        fault = refused(ec2, "ModifyInstanceAttribute", InstanceId=it, **change)
        assert (fault.code, fault.message) == (
            "IncorrectInstanceState",
            f"The instance '{it}' is not in the 'stopped' state.",
        )
        ec2.call("StopInstances", InstanceIds=[it])
    assert ec2.call("ModifyInstanceAttribute", InstanceId=it, **change) == {}
    assert attribute(ec2, it, name) == value


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "InvalidParameterCombination"),
        (
            {"DisableApiStop": {"Value": True}, "SourceDestCheck": {"Value": True}},
            "InvalidParameterCombination",
        ),
        ({"Attribute": "disableApiStop", "Value": "perhaps"}, "InvalidParameterValue"),
        ({"InstanceInitiatedShutdownBehavior": {"Value": "explode"}}, "InvalidParameterValue"),
        ({"EnaSupport": {"Value": True}}, "UnsupportedOperation"),
        ({"DisableApiStop": {"Value": True}, "DryRun": True}, "DryRunOperation"),
        ({"InstanceId": "i-00000000", "DisableApiStop": {"Value": True}}, "InvalidInstanceID.NotFound"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(ec2: Plane, it: str, params: dict[str, Any], code: str) -> None:
    assert refused(ec2, "ModifyInstanceAttribute", **{"InstanceId": it, **params}).code == code


def test_user_data_that_is_too_long_is_refused(ec2: Plane, it: str) -> None:
    ec2.call("StopInstances", InstanceIds=[it])
    fault = refused(ec2, "ModifyInstanceAttribute", InstanceId=it, UserData={"Value": b"x" * 16385})
    assert fault.message == "User data is limited to 16384 bytes"
    encoded = base64.b64encode(b"x" * 16385).decode()
    fault = refused(ec2, "ModifyInstanceAttribute", InstanceId=it, Attribute="userData", Value=encoded)
    assert fault.code == "InvalidUserData.Malformed"


def test_metadata_options_are_changed_one_by_one(ec2: Plane, it: str) -> None:
    answer = ec2.call("ModifyInstanceMetadataOptions", InstanceId=it, HttpTokens="optional")
    assert answer["InstanceId"] == it
    assert answer["InstanceMetadataOptions"]["State"] == "pending"
    assert answer["InstanceMetadataOptions"]["HttpTokens"] == "optional"
    ec2.call("ModifyInstanceMetadataOptions", InstanceId=it, HttpPutResponseHopLimit=3, HttpEndpoint="disabled")
    stored = ec2.state.get(Instance, ACCOUNT, it)
    assert stored is not None
    assert (stored.metadata.tokens, stored.metadata.hop_limit, stored.metadata.endpoint) == ("optional", 3, "disabled")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"HttpPutResponseHopLimit": 0}, "InvalidParameterValue"),
        ({"HttpPutResponseHopLimit": 65}, "InvalidParameterValue"),
        ({"HttpEndpoint": "ajar"}, "InvalidParameterValue"),
        ({"HttpTokens": "optional", "DryRun": True}, "DryRunOperation"),
        ({"InstanceId": "i-00000000"}, "InvalidInstanceID.NotFound"),
    ],
)
def test_metadata_options_that_cannot_be_are_refused(ec2: Plane, it: str, params: dict[str, Any], code: str) -> None:
    assert refused(ec2, "ModifyInstanceMetadataOptions", **{"InstanceId": it, **params}).code == code


def tag(ec2: Plane, it: str, **tags: str) -> None:
    ec2.call("CreateTags", Resources=[it], Tags=[{"Key": k, "Value": v} for k, v in tags.items()])


def tags_of(ec2: Plane, it: str) -> dict[str, str]:
    stored = ec2.state.get(Instance, ACCOUNT, it)
    assert stored is not None
    return stored.tags


def test_tags_are_added_and_replaced(ec2: Plane, it: str) -> None:
    tag(ec2, it, Name="a", Team="x")
    tag(ec2, it, Name="b")
    assert tags_of(ec2, it) == {"Name": "b", "Team": "x"}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (None, {}),
        ([{"Key": "Name"}], {"Team": "x", "Empty": ""}),
        ([{"Key": "Name", "Value": "a"}], {"Team": "x", "Empty": ""}),
        ([{"Key": "Name", "Value": "other"}], {"Name": "a", "Team": "x", "Empty": ""}),
        ([{"Key": "Name", "Value": ""}, {"Key": "Empty", "Value": ""}], {"Name": "a", "Team": "x"}),
    ],
)
def test_tags_are_deleted_by_key_by_value_or_all(
    ec2: Plane, it: str, given: list[dict[str, str]] | None, left: dict[str, str]
) -> None:
    tag(ec2, it, Name="a", Team="x", Empty="")
    named = {} if given is None else {"Tags": given}
    assert ec2.call("DeleteTags", Resources=[it], **named) == {}
    assert tags_of(ec2, it) == left


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "aws:x", "Value": ""}], "InvalidParameterValue"),
        ([{"Key": "k" * 128, "Value": ""}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "v" * 257}], "InvalidParameterValue"),
        ([{"Key": "", "Value": "v"}], "InvalidParameterValue"),
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "InvalidParameterValue"),
        ([{"Key": str(n), "Value": ""} for n in range(51)], "TagLimitExceeded"),
        ([], "MissingParameter"),
    ],
)
def test_tags_that_cannot_be_are_refused(ec2: Plane, it: str, tags: list[dict[str, str]], code: str) -> None:
    assert refused(ec2, "CreateTags", Resources=[it], Tags=tags).code == code


def test_instances_and_other_resources_are_not_tagged_in_one_call(ec2: Plane, it: str) -> None:
    fault = refused(ec2, "CreateTags", Resources=[it, "vol-1"], Tags=[{"Key": "a", "Value": "b"}])
    assert fault.code == "InvalidParameterCombination"
    assert "vol-1" in fault.message


@pytest.mark.parametrize("key", ["a/b", "a b", "_index", ".."])
def test_a_key_that_cannot_be_a_path_is_no_tag_in_the_metadata(ec2: Plane, it: str, key: str) -> None:
    tag(ec2, it, **{key: "v"})
    fault = refused(ec2, "ModifyInstanceMetadataOptions", InstanceId=it, InstanceMetadataTags="enabled")
    assert fault.code == "InvalidParameterValue"
    ec2.call("DeleteTags", Resources=[it])
    ec2.call("ModifyInstanceMetadataOptions", InstanceId=it, InstanceMetadataTags="enabled")
    fault = refused(ec2, "CreateTags", Resources=[it], Tags=[{"Key": key, "Value": "v"}])
    assert fault.message.startswith(f"'{key}' is not a valid tag key.")


def test_tags_are_described_filtered_and_paged(ec2: Plane, it: str) -> None:
    tag(ec2, it, **{f"k{n}": f"v{n}" for n in range(7)})
    mine = {"Name": "resource-id", "Values": [it]}
    first = ec2.call("DescribeTags", Filters=[mine], MaxResults=5)
    rest = ec2.call("DescribeTags", Filters=[mine], MaxResults=5, NextToken=first["NextToken"])
    assert [t["Key"] for t in first["Tags"] + rest["Tags"]] == [f"k{n}" for n in range(7)]
    assert rest["Tags"][-1] == {"ResourceId": it, "ResourceType": "instance", "Key": "k6", "Value": "v6"}
    for name, values in (("key", ["k3"]), ("value", ["v3"]), ("tag:k3", ["v?"])):
        found = ec2.call("DescribeTags", Filters=[mine, {"Name": name, "Values": values}])
        assert [t["Key"] for t in found["Tags"]] == ["k3"]


@pytest.mark.parametrize(
    ("operation", "params", "ours"),
    [
        ("RunInstances", {}, True),
        ("DescribeInstances", {}, True),
        ("CreateVpc", {}, False),
        ("DescribeVolumes", {}, False),
        ("CreateTags", {"Resources": ["i-1"]}, True),
        ("CreateTags", {"Resources": ["vol-1", "i-1"]}, True),
        ("CreateTags", {"Resources": ["vol-1"]}, False),
        ("DeleteTags", {"Resources": ["igw-1"]}, False),
        ("DescribeTags", {}, False),
        ("DescribeTags", {"Filters": [{"Name": "resource-type", "Values": ["instance"]}]}, True),
        ("DescribeTags", {"Filters": [{"Name": "resource-type", "Values": ["instance", "volume"]}]}, False),
        ("DescribeTags", {"Filters": [{"Name": "resource-id", "Values": ["i-1"]}]}, True),
        ("DescribeTags", {"Filters": [{"Name": "resource-id", "Values": ["vol-1"]}]}, False),
    ],
)
def test_whose_call_it_is(operation: str, params: dict[str, Any], ours: bool) -> None:
    assert owns(operation, params) is ours


def test_every_operation_of_ours_is_owned() -> None:
    conditional = {"CreateTags", "DeleteTags", "DescribeTags"}
    assert {name for name in OPERATIONS if owns(name, {})} == set(OPERATIONS) - conditional

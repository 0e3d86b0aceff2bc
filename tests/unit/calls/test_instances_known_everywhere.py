"""One instance, known to every operation of EC2 and to the services around it, under one id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel, Shape
from botocore.session import get_session

from locum.core.identifiers import OWN_IMAGE
from support.inprocess import InProcess

IMAGE = "ami-12c6146b"
"""An image that the embedded backend begins with."""
NAMES = frozenset({"InstanceId", "InstanceIds", "SourceInstanceId"})
ENDING = frozenset({"TerminateInstances", "StopInstances"})
MODEL = get_session().get_service_model("ec2")


def names_of(shape: Shape, depth: int = 2) -> bool:
    """Whether an input has the id of an instance, as far down as requests have it."""
    if shape.type_name == "list":
        return names_of(shape.member, depth)
    if shape.type_name != "structure" or depth < 0:
        return False
    return any(name in NAMES or names_of(member, depth - 1) for name, member in shape.members.items())


def operations() -> Iterator[str]:
    for name in MODEL.operation_names:
        model = MODEL.operation_model(name)
        if model.input_shape is not None and name not in ENDING and names_of(model.input_shape):
            yield name


def filled(shape: Shape, instance: str, name: str = "", depth: int = 2) -> Any:
    """A value of `shape` with the instance wherever one is named, and with what is required besides."""
    if name in ("InstanceId", "SourceInstanceId"):
        return instance
    if shape.type_name == "structure":
        wanted = {
            each: member
            for each, member in shape.members.items()
            if each in NAMES or each in shape.required_members or (depth and names_of(member, depth - 1))
        }
        return {each: filled(member, instance, each, depth - 1) for each, member in wanted.items()}
    if shape.type_name == "list":
        return [instance if name == "InstanceIds" else filled(shape.member, instance, "", depth)]
    values = {"boolean": False, "integer": 1, "long": 1, "timestamp": 1_800_000_000, "blob": b"x"}
    return values.get(shape.type_name, shape.enum[0] if getattr(shape, "enum", None) else "x")


def params_of(model: OperationModel, instance: str) -> dict[str, Any]:
    found: dict[str, Any] = filled(model.input_shape, instance)
    return found


@pytest.fixture(scope="module")
def instances(plane: InProcess) -> dict[str, str]:
    ec2 = plane.client("ec2")
    launched = {
        "of the default network": ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1),
        "of locum run": ec2.run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1),
    }
    return {name: answer["Instances"][0]["InstanceId"] for name, answer in launched.items()}


@pytest.mark.parametrize("operation", sorted(operations()))
@pytest.mark.parametrize("kind", ["of the default network", "of locum run"])
def test_every_operation_that_takes_an_instance_finds_it(
    plane: InProcess, instances: dict[str, str], kind: str, operation: str
) -> None:
    client = plane.client("ec2", parameter_validation=False)
    try:
        getattr(client, xform_name(operation))(**params_of(MODEL.operation_model(operation), instances[kind]))
    except ClientError as error:
        told = error.response["Error"]
        assert not told["Code"].startswith("InvalidInstanceID"), told
        assert told["Code"] != "InternalFailure", told


def instance_of(plane: InProcess, instance_id: str) -> dict[str, Any]:
    found = plane.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"]
    shape: dict[str, Any] = found[0]["Instances"][0]
    return shape


def launched(plane: InProcess, **params: Any) -> str:
    answer = plane.client("ec2").run_instances(**{"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, **params})
    name: str = answer["Instances"][0]["InstanceId"]
    return name


def test_what_is_attached_to_an_instance_is_described_with_it(plane: InProcess) -> None:
    ec2, instance = plane.client("ec2"), launched(plane)
    zone = instance_of(plane, instance)["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(Size=1, AvailabilityZone=zone)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    address = ec2.allocate_address()
    ec2.associate_address(InstanceId=instance, AllocationId=address["AllocationId"])
    seen = instance_of(plane, instance)
    devices = {each["DeviceName"]: each["Ebs"]["VolumeId"] for each in seen["BlockDeviceMappings"]}
    assert devices["/dev/sdf"] == volume
    assert seen["PublicIpAddress"] == address["PublicIp"]
    by_address = [{"Name": "ip-address", "Values": [address["PublicIp"]]}]
    assert ec2.describe_instances(Filters=by_address)["Reservations"][0]["Instances"][0]["InstanceId"] == instance


def test_what_becomes_of_a_device_with_its_instance_can_be_changed(plane: InProcess) -> None:
    ec2, instance = plane.client("ec2"), launched(plane)
    (root,) = instance_of(plane, instance)["BlockDeviceMappings"]
    change = {"DeviceName": root["DeviceName"], "Ebs": {"DeleteOnTermination": False}}
    ec2.modify_instance_attribute(InstanceId=instance, BlockDeviceMappings=[change])
    assert instance_of(plane, instance)["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"] is False
    told = ec2.describe_instance_attribute(InstanceId=instance, Attribute="blockDeviceMapping")
    assert told["BlockDeviceMappings"] == instance_of(plane, instance)["BlockDeviceMappings"]
    told = ec2.describe_instance_attribute(InstanceId=instance, Attribute="rootDeviceName")
    assert told["RootDeviceName"] == {"Value": root["DeviceName"]}


def test_no_instances_are_specified(plane: InProcess) -> None:
    with pytest.raises(ClientError, match="No instances specified"):
        plane.client("ec2").terminate_instances(InstanceIds=[])


def test_a_security_group_that_is_not_there_is_named(plane: InProcess) -> None:
    with pytest.raises(ClientError, match="The security group 'sg-0123456789abcdef0' does not exist"):
        launched(plane, SecurityGroupIds=["sg-0123456789abcdef0"])


def test_the_end_of_an_instance_takes_its_root_volume_and_frees_its_address(plane: InProcess) -> None:
    ec2, instance = plane.client("ec2"), launched(plane)
    (root,) = instance_of(plane, instance)["BlockDeviceMappings"]
    kept = ec2.create_volume(Size=1, AvailabilityZone="us-east-1a")["VolumeId"]
    ec2.attach_volume(VolumeId=kept, InstanceId=instance, Device="/dev/sdf")
    address = ec2.allocate_address()
    ec2.associate_address(InstanceId=instance, AllocationId=address["AllocationId"])
    ec2.terminate_instances(InstanceIds=[instance])
    volumes = {volume["VolumeId"]: volume["State"] for volume in ec2.describe_volumes()["Volumes"]}
    assert root["Ebs"]["VolumeId"] not in volumes
    assert volumes[kept] == "available"
    (left,) = ec2.describe_addresses(AllocationIds=[address["AllocationId"]])["Addresses"]
    assert not left.get("AssociationId")


def test_a_launch_is_in_the_network_that_it_names(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24", AvailabilityZone="us-east-1b")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="in-10-8", Description="d", VpcId=vpc)["GroupId"]
    seen = instance_of(plane, launched(plane, SubnetId=subnet, SecurityGroupIds=[group]))
    assert (seen["VpcId"], seen["SubnetId"], seen["PrivateIpAddress"]) == (vpc, subnet, "10.8.1.4")
    assert seen["Placement"]["AvailabilityZone"] == "us-east-1b"
    assert [each["GroupId"] for each in seen["SecurityGroups"]] == [group]
    assert seen["NetworkInterfaces"][0]["PrivateIpAddress"] == "10.8.1.4"
    second = instance_of(plane, launched(plane, SubnetId=subnet))
    assert second["PrivateIpAddress"] == "10.8.1.5"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"ImageId": "x"}, "InvalidAMIID.Malformed"),
        ({"KeyName": "no-such-key"}, "InvalidKeyPair.NotFound"),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-00000000000000000"}}]},
            "InvalidSnapshot.NotFound",
        ),
        ({"SecurityGroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound"),
        ({"SecurityGroups": ["no-such-group"]}, "InvalidGroup.NotFound"),
        ({"SubnetId": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"),
        (
            {"NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": "eni-00000000000000000"}]},
            "InvalidNetworkInterfaceID.NotFound",
        ),
    ],
)
def test_what_is_not_there_launches_nothing(plane: InProcess, params: dict[str, Any], code: str) -> None:
    ec2 = plane.client("ec2")
    before = len(ec2.describe_instances()["Reservations"])
    with pytest.raises(ClientError) as caught:
        launched(plane, **params)
    assert caught.value.response["Error"]["Code"] == code
    assert len(ec2.describe_instances()["Reservations"]) == before


def test_a_group_of_another_network_is_refused(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="in-10-7", Description="d", VpcId=vpc)["GroupId"]
    with pytest.raises(ClientError, match="belong to different networks"):
        launched(plane, SecurityGroupIds=[group])


def test_an_interface_that_is_there_is_attached_once(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    subnet = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
    given = [{"DeviceIndex": 0, "NetworkInterfaceId": interface["NetworkInterfaceId"]}]
    seen = instance_of(plane, launched(plane, NetworkInterfaces=given))
    assert seen["PrivateIpAddress"] == interface["PrivateIpAddress"]
    assert seen["NetworkInterfaces"][0]["NetworkInterfaceId"] == interface["NetworkInterfaceId"]
    with pytest.raises(ClientError, match="in use"):
        launched(plane, NetworkInterfaces=given)


def test_the_backend_shows_the_tags_and_the_state_of_an_instance(plane: InProcess) -> None:
    ec2, instance = plane.client("ec2"), launched(plane)
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "known", "Value": "everywhere"}])
    tags = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["known"]}])["Tags"]
    assert [(tag["ResourceId"], tag["Value"]) for tag in tags] == [(instance, "everywhere")]
    ec2.stop_instances(InstanceIds=[instance])
    targets = plane.client("elbv2")
    vpc = instance_of(plane, instance)["VpcId"]
    group = targets.create_target_group(Name="known", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    with pytest.raises(ClientError, match="running"):
        targets.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": instance}])
    ec2.start_instances(InstanceIds=[instance])
    targets.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": instance}])


def test_an_instance_of_another_account_or_region_is_nobody_elses(plane: InProcess) -> None:
    instance = launched(plane)
    away = plane.client("ec2", region="eu-west-1")
    volume = away.create_volume(Size=1, AvailabilityZone="eu-west-1a")["VolumeId"]
    with pytest.raises(ClientError, match=r"InvalidInstanceID.NotFound"):
        away.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    other = plane.client("ec2", plane.account("111122223333"))
    volume = other.create_volume(Size=1, AvailabilityZone="us-east-1a")["VolumeId"]
    with pytest.raises(ClientError, match=r"InvalidInstanceID.NotFound"):
        other.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")


def test_an_instance_that_the_backend_refuses_stands_in_nobody_elses_way(plane: InProcess) -> None:
    nowhere = {"DeviceIndex": 1, "SubnetId": "subnet-00000000000000000"}
    instance = launched(plane, NetworkInterfaces=[{"DeviceIndex": 0}, nowhere])
    assert instance_of(plane, instance)["State"]["Name"] == "running"
    assert plane.client("ec2").describe_vpcs()["Vpcs"]


def test_a_region_that_the_backend_has_not_has_an_instance_all_the_same(plane: InProcess) -> None:
    away = plane.client("ec2", region="mars-north-1")
    instance = away.run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    (found,) = away.describe_instances()["Reservations"]
    assert found["Instances"][0]["InstanceId"] == instance


def test_an_instance_in_which_nothing_runs_has_written_nothing(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    name = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    assert ec2.get_console_output(InstanceId=name)["Output"] == ""
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2.get_console_output(InstanceId=name, DryRun=True)
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        ec2.get_console_output(InstanceId="i-00000000000000000")

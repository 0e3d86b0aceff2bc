"""The categories that depend on the backend: the network, public addresses, block devices and public keys."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from locum.core.identifiers import OWN_IMAGE
from locum.imds.service import TOKEN, Answer
from support.inprocess import InProcess
from support.metadata import Metadata, Read, instance
from support.one_account import ACCOUNT

IMAGE = "ami-12c6146b"
KEY = "metadata key"


@pytest.fixture(scope="module")
def ec2(plane: InProcess) -> Any:
    return plane.client("ec2")


@pytest.fixture(scope="module")
def launched(ec2: Any) -> str:
    """An instance in a network of its own, with volumes, two interfaces, a key pair and an Elastic IP address."""
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.2.0.0/16")
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.7.0/24")["Subnet"]["SubnetId"]
    groups = [ec2.create_security_group(GroupName=n, Description=n, VpcId=vpc)["GroupId"] for n in ("web", "ssh")]
    ec2.create_key_pair(KeyName=KEY)
    devices = [
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1}},
        {"DeviceName": "/dev/sdg", "Ebs": {"VolumeSize": 2}},
        {"DeviceName": "/dev/sdh", "VirtualName": "ephemeral0"},
        {"DeviceName": "/dev/sdi", "NoDevice": ""},
    ]
    answer = ec2.run_instances(
        ImageId=IMAGE,
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=groups,
        KeyName=KEY,
        BlockDeviceMappings=devices,
    )
    made: str = answer["Instances"][0]["InstanceId"]
    second = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(InstanceId=made, NetworkInterfaceId=second, DeviceIndex=1)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(InstanceId=made, AllocationId=address)
    return made


def described(ec2: Any, name: str) -> dict[str, Any]:
    shape: dict[str, Any] = ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]
    return shape


def test_interfaces_are_told_as_ec2_describes_them(plane: InProcess, ec2: Any, launched: str) -> None:
    read, shape = Read(plane, launched), described(ec2, launched)
    macs = read("meta-data/network/interfaces/macs/").split("\n")
    assert sorted(macs) == sorted(f"{each['MacAddress']}/" for each in shape["NetworkInterfaces"])
    assert len(macs) == 2
    for interface in shape["NetworkInterfaces"]:
        base = f"meta-data/network/interfaces/macs/{interface['MacAddress']}"
        told = {
            "device-number": str(interface["Attachment"]["DeviceIndex"]),
            "interface-id": interface["NetworkInterfaceId"],
            "local-hostname": f"ip-{interface['PrivateIpAddress'].replace('.', '-')}.ec2.internal",
            "local-ipv4s": interface["PrivateIpAddress"],
            "mac": interface["MacAddress"],
            "network-card": "0",
            "owner-id": plane.node.account,
            "security-group-ids": "\n".join(group["GroupId"] for group in interface["Groups"]),
            "security-groups": "\n".join(group["GroupName"] for group in interface["Groups"]),
            "subnet-id": shape["SubnetId"],
            "subnet-ipv4-cidr-block": "10.1.7.0/24",
            "vpc-id": shape["VpcId"],
            "vpc-ipv4-cidr-block": "10.1.0.0/16",
            "vpc-ipv4-cidr-blocks": "10.1.0.0/16\n10.2.0.0/16",
        }
        assert {name: read(f"{base}/{name}") for name in told if told[name]} == {n: t for n, t in told.items() if t}
        listed = set(read(f"{base}/").split("\n"))
        assert listed - {"ipv4-associations/", "public-hostname", "public-ipv4s"} == {n for n, t in told.items() if t}


def test_a_public_address_is_told_with_its_private_one(plane: InProcess, ec2: Any, launched: str) -> None:
    read, shape = Read(plane, launched), described(ec2, launched)
    public, mac = shape["PublicIpAddress"], shape["NetworkInterfaces"][0]["MacAddress"]
    name = f"ec2-{public.replace('.', '-')}.compute-1.amazonaws.com"
    base = f"meta-data/network/interfaces/macs/{mac}"
    assert read("meta-data/public-ipv4") == read(f"{base}/public-ipv4s") == public
    assert read("meta-data/public-hostname") == read(f"{base}/public-hostname") == name == shape["PublicDnsName"]
    assert read(f"{base}/ipv4-associations/") == public
    assert read(f"{base}/ipv4-associations/{public}") == shape["PrivateIpAddress"]
    assert {"public-hostname", "public-ipv4"} <= set(read("meta-data/").split("\n"))


def test_block_devices_are_those_of_the_launch(plane: InProcess, ec2: Any, launched: str) -> None:
    read, root = Read(plane, launched), described(ec2, launched)["RootDeviceName"]
    base = "meta-data/block-device-mapping"
    assert read(f"{base}/").split("\n") == ["ami", "ebs1", "ebs2", "ephemeral0", "root"]
    assert [read(f"{base}/{name}") for name in ("ami", "root", "ebs1", "ebs2", "ephemeral0")] == [
        root, root, "sdf", "sdg", "sdh",
    ]  # fmt: skip


def test_the_public_key_is_that_of_the_key_pair(plane: InProcess, ec2: Any, launched: str) -> None:
    read = Read(plane, launched)
    (pair,) = ec2.describe_key_pairs(KeyNames=[KEY], IncludePublicKey=True)["KeyPairs"]
    assert read("meta-data/public-keys/") == f"0={KEY}"
    assert read("meta-data/public-keys/0/") == "openssh-key"
    assert read("meta-data/public-keys/0/openssh-key") == f"{pair['PublicKey'].strip()} {KEY}"


def test_an_address_that_was_taken_off_is_told_no_more(plane: InProcess, ec2: Any) -> None:
    made = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    address = ec2.allocate_address(Domain="vpc")
    bond = ec2.associate_address(InstanceId=made, AllocationId=address["AllocationId"])["AssociationId"]
    metadata, account, backend = plane.node.metadata, plane.node.account, plane.node.metadata._backend
    assert Read(plane, made)("meta-data/public-ipv4") == address["PublicIp"]
    ec2.disassociate_address(AssociationId=bond)
    it = metadata._view().table(type(instance()), account)[made]
    held = plane.run(backend.held(it, time.time() + 2))  # when the answer is too old
    assert held.instance.get("PublicIpAddress") != address["PublicIp"]


def test_an_instance_of_locum_run_is_where_the_backend_puts_it(plane: InProcess, ec2: Any) -> None:
    made = ec2.run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    shape, read = described(ec2, made), Read(plane, made)
    base = f"meta-data/network/interfaces/macs/{read('meta-data/mac')}"
    assert read(f"{base}/vpc-id") == shape["VpcId"]
    assert read(f"{base}/subnet-id") == shape["SubnetId"]
    assert read(f"{base}/vpc-ipv4-cidr-block") == "172.31.0.0/16"


def test_without_a_backend_there_is_what_the_launch_says() -> None:
    attributes = {
        "ImageId": "ami-1",
        "KeyName": "key",
        "SubnetId": "subnet-1",
        "VpcId": "vpc-1",
        "Groups": [{"GroupId": "sg-1", "GroupName": "web"}],
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {}}, {"DeviceName": "/dev/sdf", "Ebs": {}}],
    }
    metadata = Metadata((instance(attributes=attributes),))
    base = "network/interfaces/macs/0a:ff:ac:1f:00:0a"
    assert metadata.text(f"meta-data/{base}/vpc-id") == "vpc-1"
    assert metadata.text(f"meta-data/{base}/security-groups") == "web"
    assert metadata.lines("meta-data/block-device-mapping/") == ["ami", "ebs1", "root"]
    token = metadata.token()
    for path in (f"{base}/public-ipv4s", f"{base}/subnet-ipv4-cidr-block", "public-ipv4", "public-hostname"):
        assert metadata.get(f"meta-data/{path}", token).status == 404
    assert metadata.get("meta-data/public-keys/0/openssh-key", token).status == 404


def test_many_instances_that_ask_at_once_are_one_question() -> None:
    names = [f"i-{number}" for number in range(50)]
    shapes = [{"InstanceId": name, "RootDeviceName": f"/dev/{name}"} for name in names]
    metadata = Metadata(tuple(instance(name) for name in names))
    asked = []

    async def tell(ask: Any) -> dict[str, Any]:
        asked.append(ask.call.operation)
        await asyncio.sleep(0)
        return {"Reservations": [{"Instances": shapes}]}

    metadata.service._backend._tell = tell

    async def story() -> list[Answer]:
        path = "/latest/meta-data/block-device-mapping/root"
        return await asyncio.gather(
            *(metadata.service.answer(ACCOUNT, name, "GET", path, {TOKEN: tokens[name]}) for name in names)
        )

    tokens = {name: metadata.token(of=name).encode() for name in names}
    assert [answer.body.decode() for answer in metadata.run(story())] == [f"/dev/{name}" for name in names]
    assert asked == ["DescribeInstances"]


def test_a_fetch_of_credentials_never_asks_the_backend() -> None:
    asked: list[str] = []
    metadata = Metadata.with_profile()

    async def tell(ask: Any) -> dict[str, Any]:
        asked.append(ask.call.operation)
        return {}

    metadata.service._backend._tell = tell
    for path in ("iam/info", "iam/security-credentials/", "iam/security-credentials/app", "instance-id", "placement/"):
        metadata.text(f"meta-data/{path}")
    assert asked == []
    metadata.text("meta-data/network/")
    metadata.text("meta-data/block-device-mapping/")
    assert asked == ["DescribeInstances"]  # one answer for both
    metadata.now += 1
    metadata.text("meta-data/network/")
    assert asked == ["DescribeInstances"] * 2

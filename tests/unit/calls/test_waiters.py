"""boto3's waiters of EC2, Lambda and IAM: each ends with the first look at what it waits for.

Those of Auto Scaling do not exist in boto3.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from botocore.exceptions import WaiterError

from support.inprocess import InProcess

ACCOUNT: Final = "000000000000"
IMAGE: Final = "ami-12c6146b"
SERVICES: Final = ("ec2", "lambda", "iam")
ONCE: Final = {"Delay": 0, "MaxAttempts": 1}

Make = Callable[["World"], dict[str, Any]]


class World:
    """Clients, and what several waiters wait for: made once, where it is asked for."""

    def __init__(self, plane: InProcess) -> None:
        self.ec2, self.lambda_, self.iam = (plane.client(name) for name in SERVICES)
        (self.subnet, *_) = self.ec2.describe_subnets()["Subnets"]
        self.vpc = self.subnet["VpcId"]
        self._role = ""

    def instance(self, *then: str) -> dict[str, Any]:
        """A new instance, with which these calls were made then."""
        launched = self.ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"]
        ids = {"InstanceIds": [launched[0]["InstanceId"]]}
        for call in then:
            getattr(self.ec2, call)(**ids)
        return ids

    def volume(self) -> str:
        """A new volume."""
        zone = self.subnet["AvailabilityZone"]
        return str(self.ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"])

    def image(self) -> str:
        """An image of a new instance."""
        (instance,) = self.instance()["InstanceIds"]
        return str(self.ec2.create_image(InstanceId=instance, Name=f"of-{instance}")["ImageId"])

    def peering(self) -> str:
        """A connection between two networks."""
        other = self.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        made = self.ec2.create_vpc_peering_connection(VpcId=self.vpc, PeerVpcId=other)["VpcPeeringConnection"]
        return str(made["VpcPeeringConnectionId"])

    def gateway(self) -> str:
        """A NAT gateway."""
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = self.ec2.create_nat_gateway(SubnetId=self.subnet["SubnetId"], AllocationId=address)["NatGateway"]
        return str(made["NatGatewayId"])

    def tunnel(self) -> str:
        """A VPN connection."""
        there = {"Type": "ipsec.1", "PublicIp": "192.0.2.7", "BgpAsn": 65000}
        customer = self.ec2.create_customer_gateway(**there)["CustomerGateway"]["CustomerGatewayId"]
        ours = self.ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
        ends = {"CustomerGatewayId": customer, "VpnGatewayId": ours, "Type": "ipsec.1"}
        return str(self.ec2.create_vpn_connection(**ends)["VpnConnection"]["VpnConnectionId"])

    def role(self) -> str:
        """The role `waited-for`, with an instance profile and a policy of that name."""
        if not self._role:
            trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            self._role = self.iam.create_role(RoleName="waited-for", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        return self._role

    def function(self, name: str, **change: Any) -> dict[str, Any]:
        """A new function, with this configuration changed then."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("app.py", "def handler(event, context): return 1\n")
        made = {"FunctionName": name, "Runtime": "python3.11", "Handler": "app.handler", "Publish": True}
        self.lambda_.create_function(**made, Role=self.role(), Code={"ZipFile": package.getvalue()})
        if change:
            self.lambda_.update_function_configuration(FunctionName=name, **change)
        return {"FunctionName": name}

    def policy(self) -> str:
        """A managed policy."""
        statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return str(self.iam.create_policy(PolicyName="waited-for", PolicyDocument=text)["Policy"]["Arn"])


def done(call: Any, name: str, value: str, *, several: bool = False) -> dict[str, Any]:
    """What a waiter is asked, once `call` was made of it."""
    call(**{name: value})
    return {f"{name}s": [value]} if several else {name: value}


def attached(world: World) -> dict[str, Any]:
    (instance,) = world.instance()["InstanceIds"]
    volume = world.volume()
    world.ec2.attach_volume(InstanceId=instance, VolumeId=volume, Device="/dev/sdf")
    return {"VolumeIds": [volume]}


def snapshot(world: World) -> dict[str, Any]:
    return {"SnapshotIds": [world.ec2.create_snapshot(VolumeId=world.volume())["SnapshotId"]]}


def key_pair(world: World) -> dict[str, Any]:
    return {"KeyNames": [world.ec2.create_key_pair(KeyName="waited-for")["KeyName"]]}


def interface(world: World) -> dict[str, Any]:
    made = world.ec2.create_network_interface(SubnetId=world.subnet["SubnetId"])["NetworkInterface"]
    return {"NetworkInterfaceIds": [made["NetworkInterfaceId"]]}


def internet_gateway(world: World) -> dict[str, Any]:
    made = world.ec2.create_internet_gateway()["InternetGateway"]
    return {"InternetGatewayIds": [made["InternetGatewayId"]]}


def customer_gateway(world: World) -> dict[str, Any]:
    made = world.ec2.create_customer_gateway(Type="ipsec.1", PublicIp="192.0.2.8", BgpAsn=65001)["CustomerGateway"]
    return {"CustomerGatewayIds": [made["CustomerGatewayId"]]}


def security_group(world: World) -> dict[str, Any]:
    made = world.ec2.create_security_group(GroupName="waited-for", Description="d", VpcId=world.vpc)
    return {"GroupIds": [made["GroupId"]]}


def spot_request(world: World) -> dict[str, Any]:
    asked = {"SpotPrice": "0.5", "LaunchSpecification": {"ImageId": IMAGE, "InstanceType": "t3.micro"}}
    (made,) = world.ec2.request_spot_instances(**asked)["SpotInstanceRequests"]
    return {"SpotInstanceRequestIds": [made["SpotInstanceRequestId"]]}


def user(world: World) -> dict[str, Any]:
    return {"UserName": world.iam.create_user(UserName="waited-for")["User"]["UserName"]}


def role(world: World) -> dict[str, Any]:
    return {"RoleName": world.role().rpartition("/")[2]}


def profile(world: World) -> dict[str, Any]:
    name = {"InstanceProfileName": "waited-for"}
    world.iam.create_instance_profile(**name)
    return name


WAITED_FOR: Final[Mapping[tuple[str, str], Make]] = {
    ("ec2", "instance_exists"): lambda world: world.instance(),
    ("ec2", "instance_running"): lambda world: world.instance(),
    ("ec2", "instance_status_ok"): lambda world: world.instance(),
    ("ec2", "system_status_ok"): lambda world: world.instance(),
    ("ec2", "instance_stopped"): lambda world: world.instance("stop_instances"),
    ("ec2", "instance_terminated"): lambda world: world.instance("terminate_instances"),
    ("ec2", "image_exists"): lambda world: {"ImageIds": [world.image()]},
    ("ec2", "image_available"): lambda world: {"ImageIds": [world.image()]},
    ("ec2", "key_pair_exists"): key_pair,
    ("ec2", "snapshot_completed"): snapshot,
    ("ec2", "volume_available"): lambda world: {"VolumeIds": [world.volume()]},
    ("ec2", "volume_in_use"): attached,
    ("ec2", "volume_deleted"): lambda world: done(world.ec2.delete_volume, "VolumeId", world.volume(), several=True),
    ("ec2", "network_interface_available"): interface,
    ("ec2", "internet_gateway_exists"): internet_gateway,
    ("ec2", "customer_gateway_available"): customer_gateway,
    ("ec2", "security_group_exists"): security_group,
    ("ec2", "spot_instance_request_fulfilled"): spot_request,
    ("ec2", "subnet_available"): lambda world: {"SubnetIds": [world.subnet["SubnetId"]]},
    ("ec2", "vpc_available"): lambda world: {"VpcIds": [world.vpc]},
    ("ec2", "vpc_exists"): lambda world: {"VpcIds": [world.vpc]},
    ("ec2", "vpc_peering_connection_exists"): lambda world: {"VpcPeeringConnectionIds": [world.peering()]},
    ("ec2", "vpc_peering_connection_deleted"): lambda world: done(
        world.ec2.delete_vpc_peering_connection, "VpcPeeringConnectionId", world.peering(), several=True
    ),
    ("ec2", "nat_gateway_available"): lambda world: {"NatGatewayIds": [world.gateway()]},
    ("ec2", "nat_gateway_deleted"): lambda world: done(
        world.ec2.delete_nat_gateway, "NatGatewayId", world.gateway(), several=True
    ),
    ("ec2", "vpn_connection_available"): lambda world: {"VpnConnectionIds": [world.tunnel()]},
    ("ec2", "vpn_connection_deleted"): lambda world: done(
        world.ec2.delete_vpn_connection, "VpnConnectionId", world.tunnel(), several=True
    ),
    ("lambda", "function_exists"): lambda world: world.function("exists"),
    ("lambda", "function_active"): lambda world: world.function("active"),
    ("lambda", "function_active_v2"): lambda world: world.function("active-2"),
    ("lambda", "function_updated"): lambda world: world.function("updated", Timeout=5),
    ("lambda", "function_updated_v2"): lambda world: world.function("updated-2", Timeout=5),
    ("lambda", "published_version_active"): lambda world: {**world.function("published"), "Qualifier": "1"},
    ("iam", "instance_profile_exists"): profile,
    ("iam", "policy_exists"): lambda world: {"PolicyArn": world.policy()},
    ("iam", "role_exists"): role,
    ("iam", "user_exists"): user,
}
"""By service and waiter, what makes the thing and gives the waiter's parameters."""

NOT_THERE: Final = frozenset(
    {
        "bundle_task_complete", "conversion_task_cancelled", "conversion_task_completed", "conversion_task_deleted",
        "export_task_cancelled", "export_task_completed", "image_usage_report_available", "password_data_available",
        "secondary_network_create_complete", "secondary_network_delete_complete", "secondary_subnet_create_complete",
        "secondary_subnet_delete_complete", "security_group_vpc_association_associated",
        "security_group_vpc_association_disassociated", "snapshot_imported", "store_image_task_complete",
    }
)  # fmt: skip
"""EC2's waiters for what the embedded backend does not have; of Windows, which no instance is, the password."""


@pytest.fixture(scope="module")
def world(plane: InProcess) -> World:
    return World(plane)


def test_every_waiter_is_waited_with(plane: InProcess) -> None:
    there = {(service, name) for service in SERVICES for name in plane.client(service).waiter_names}
    assert there == set(WAITED_FOR) | {("ec2", name) for name in NOT_THERE}
    assert plane.client("autoscaling").waiter_names == []


@pytest.mark.parametrize(("service", "waiter"), WAITED_FOR, ids="-".join)
def test_a_waiter_ends_with_what_it_waits_for(plane: InProcess, world: World, service: str, waiter: str) -> None:
    asked = WAITED_FOR[service, waiter](world)
    plane.client(service).get_waiter(waiter).wait(**asked, WaiterConfig=ONCE)


@pytest.mark.parametrize(
    ("waiter", "then"),
    [("instance_running", "terminate_instances"), ("instance_stopped", "terminate_instances")],
)
def test_a_waiter_fails_at_once_where_that_never_comes(plane: InProcess, world: World, waiter: str, then: str) -> None:
    with pytest.raises(WaiterError, match="terminal failure state"):
        plane.client("ec2").get_waiter(waiter).wait(**world.instance(then), WaiterConfig={"Delay": 600})

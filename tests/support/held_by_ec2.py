"""What a backend of EC2 tells of its networks, images and keys, for tests of verbs alone.

Whatever has an id in the right form is there, but for those that end in a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.services.asking import Reply

IMAGE = "ami-11111111"
DEFAULT_SUBNET = "subnet-default"
_NOT_FOUND = {
    "ImageIds": ("InvalidAMIID.NotFound", "The image id '[{}]' does not exist"),
    "SubnetIds": ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
}


def held(ask: Ask) -> Reply:
    """The answer of the backend to an ask."""
    assert ask.of_backend
    operation, params, region = ask.call.operation, ask.call.params, ask.call.region
    for member, (code, text) in _NOT_FOUND.items():
        for name in params.get(member, ()):
            if name.endswith("0"):
                return Fault(code, text.format(name))
    wanted = {each["Name"]: each["Values"] for each in params.get("Filters", ())}
    if operation == "DescribeSubnets":
        zone = wanted.get("availability-zone", [f"{region}a"])[0]
        return {"Subnets": [subnet(name, zone) for name in params.get("SubnetIds", [DEFAULT_SUBNET])]}
    if operation == "DescribeSecurityGroups":
        ids = [name for name in wanted.get("group-id", ()) if not name.endswith("0")]
        names = () if "group-id" in wanted else wanted.get("group-name", ())
        return {"SecurityGroups": [*map(group, ids), *(group(f"sg-{name}", name) for name in names)]}
    keys = [{"KeyName": name} for name in wanted.get("key-name", ()) if not name.endswith("0")]
    return {} if operation == "DescribeInstances" else {"Images": [], "KeyPairs": keys, "NetworkInterfaces": []}


def subnet(name: str, zone: str) -> Mapping[str, Any]:
    """A `Subnet` of the default VPC."""
    is_default = name == DEFAULT_SUBNET
    shape = {"SubnetId": name, "VpcId": "vpc-1", "AvailabilityZone": zone, "CidrBlock": "172.31.0.0/20"}
    return {**shape, "DefaultForAz": is_default}


def group(group_id: str, name: str = "") -> Mapping[str, str]:
    """A `SecurityGroup` of the default VPC."""
    return {"GroupId": group_id, "GroupName": name or group_id, "VpcId": "vpc-1"}

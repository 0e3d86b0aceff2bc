"""The metadata tree of an instance: its leaves, and the listings of directories.

EC2 User Guide, "Access instance metadata categories". Leaves are text by path below /latest/meta-data/; directories
are the prefixes of those paths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from locum.core.clock import iso8601
from locum.state import Instance

VERSIONS: Final = (
    "1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
    "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20",
    "2016-04-19", "2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01",
    "2020-10-27", "2021-01-03", "2021-03-23", "2021-07-15", "2022-09-24", "2024-04-11", "latest",
)  # fmt: skip
"""The versions that EC2 lists at /. All of them are the same as `latest`."""

Tree = Mapping[str, str | None]
"""Text by path. None: the path is listed, but its text is not known (404). The text of a path that ends with a slash is
the listing of that directory."""

_ZONE_NUMBERS: Final = {
    "ap-northeast-1": {"a": 4, "c": 1, "d": 2},
    "ap-south-1": {"b": 3, "c": 2},
    "ap-southeast-2": {"b": 3, "c": 2},
    "ca-central-1": {"d": 4},
    "eu-west-1": {"a": 3, "b": 1, "c": 2},
    "eu-west-2": {"a": 2, "b": 3, "c": 1},
    "us-east-1": {"a": 6, "b": 1, "c": 2, "d": 4, "e": 3, "f": 5},
    "us-west-1": {"a": 3, "b": 1},
    "us-west-2": {"a": 2, "b": 1},
}
"""The number in a zone's id where it is not that of its letter in the alphabet. On AWS it differs by account; these are
the numbers of DescribeAvailabilityZones in the embedded backend."""

_CARDINALS: Final = ("north", "south", "central", "east", "west")


def leaves(instance: Instance) -> dict[str, str | None]:
    """The leaves below meta-data/ that depend on the instance alone (all but iam/)."""
    hostname = private_dns(instance)
    tree: dict[str, str | None] = {
        "ami-id": str(instance.attributes.get("ImageId", "")),
        "ami-launch-index": str(instance.launch_index),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping/ami": "xvda",
        "block-device-mapping/root": "/dev/xvda",
        "events/maintenance/history": "[]",
        "events/maintenance/scheduled": "[]",
        "hostname": hostname,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": hostname,
        "local-ipv4": instance.private_ip,
        "placement/availability-zone": instance.zone,
        "placement/availability-zone-id": zone_id(instance.region, instance.zone),
        "placement/region": instance.region,
        "profile": "default-hvm",
        "reservation-id": instance.reservation,
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
        "system": "nitro",
    }
    tree.update(_network(instance))
    tree.update(_optional(instance))
    if instance.metadata.instance_tags == "enabled":
        tree.update({f"tags/instance/{key}": value for key, value in instance.tags.items()})
    return tree


def _network(instance: Instance) -> dict[str, str]:
    if not instance.mac:
        return {}
    base = f"network/interfaces/macs/{instance.mac}"
    found = {
        "mac": instance.mac,
        f"{base}/device-number": "0",
        f"{base}/interface-id": "eni-" + instance.id.removeprefix("i-"),
        f"{base}/local-hostname": private_dns(instance),
        f"{base}/local-ipv4s": instance.private_ip,
        f"{base}/mac": instance.mac,
        f"{base}/owner-id": instance.account,
    }
    attributes = instance.attributes
    if attributes.get("SubnetId"):
        found[f"{base}/subnet-id"] = str(attributes["SubnetId"])
    if attributes.get("VpcId"):
        found[f"{base}/vpc-id"] = str(attributes["VpcId"])
    if groups := attributes.get("Groups"):
        found[f"{base}/security-group-ids"] = "\n".join(group["GroupId"] for group in groups)
        found[f"{base}/security-groups"] = _group_names(instance)
    return found


def _group_names(instance: Instance) -> str:
    return "\n".join(group["GroupName"] for group in instance.attributes.get("Groups", ()))


def _optional(instance: Instance) -> dict[str, str | None]:
    """The leaves that are present only where the launch set them."""
    attributes = instance.attributes
    tree: dict[str, str | None] = {}
    placement = attributes.get("Placement") or {}
    optional = {
        "kernel-id": attributes.get("KernelId"),
        "placement/group-name": placement.get("GroupName"),
        "placement/host-id": placement.get("HostId"),
        "placement/partition-number": placement.get("PartitionNumber"),
        "ramdisk-id": attributes.get("RamdiskId"),
        "security-groups": _group_names(instance),
    }
    tree.update({path: str(value) for path, value in optional.items() if value})
    if key := attributes.get("KeyName"):
        # The backend that created the key pair has the key.
        return {**tree, "public-keys/": f"0={key}", "public-keys/0/openssh-key": None}
    return tree


def private_dns(instance: Instance) -> str:
    """The private DNS name: ip-172-31-0-10.ec2.internal in us-east-1, with the region in all others."""
    domain = "ec2.internal" if instance.region == "us-east-1" else f"{instance.region}.compute.internal"
    return f"ip-{instance.private_ip.replace('.', '-')}.{domain}"


def zone_id(region: str, zone: str) -> str:
    """The id of an Availability Zone: `use1-az6` for `us-east-1a`. AWS RAM User Guide, "Availability Zone IDs"."""
    area, _, number = region.rpartition("-")
    country, _, direction = area.partition("-")
    if direction.startswith("gov-"):
        country, direction = f"{country}g", direction.removeprefix("gov-")
    short = "".join(cardinal[0] for cardinal in _CARDINALS if cardinal in direction)
    letter = zone.removeprefix(region)
    index = _ZONE_NUMBERS.get(region, {}).get(letter) or ord(letter[:1] or "a") - ord("a") + 1
    return f"{country}{short}{number}-az{index}"


def identity_document(instance: Instance) -> str:
    """The document /latest/dynamic/instance-identity/document. EC2 User Guide, "Instance identity documents"."""
    return json.dumps(
        {
            "accountId": instance.account,
            "architecture": "x86_64",
            "availabilityZone": instance.zone,
            "billingProducts": None,
            "devpayProductCodes": None,
            "marketplaceProductCodes": None,
            "imageId": instance.attributes.get("ImageId"),
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "kernelId": instance.attributes.get("KernelId"),
            "pendingTime": iso8601(instance.launched),
            "privateIp": instance.private_ip,
            "ramdiskId": instance.attributes.get("RamdiskId"),
            "region": instance.region,
            "version": "2017-09-30",
        },
        indent=2,
    )


def lookup(tree: Tree, path: str) -> str | None:
    """The text at `path`: a leaf or the listing of a directory; None where there is neither.

    A trailing slash is ignored, as on EC2.
    """
    bare = path.rstrip("/")
    if bare in tree:
        return tree[bare]
    prefix = f"{bare}/" if bare else ""
    if prefix in tree:
        return tree[prefix]
    names = {_entry(leaf[len(prefix) :]) for leaf in tree if leaf.startswith(prefix)} - {""}
    return "\n".join(sorted(names)) if names else None


def _entry(rest: str) -> str:
    head, slash, _ = rest.partition("/")
    return head + slash

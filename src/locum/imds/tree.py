"""The metadata tree of an instance: its leaves, and the listings of directories.

EC2 User Guide, "Access instance metadata categories". Leaves are text by path below /latest/meta-data/; directories
are the prefixes of those paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from locum.core.clock import Instant
from locum.core.instances import private_name
from locum.imds import identity_role
from locum.imds.notices import announced
from locum.state import Instance

Tree = Mapping[str, str | None]
"""Text by path. None: the path is listed, and its text is made when it is read. The text of a path that ends with a
slash is the listing of that directory."""

OF_BACKEND: Final = frozenset({"block-device-mapping", "network", "public-hostname", "public-ipv4"})
"""The categories that depend on what the backend of EC2 has of an instance."""
PUBLIC_KEY: Final = "public-keys/0/openssh-key"

_XEN: Final = frozenset({
    "c1", "c3", "c4", "cc2", "cr1", "d2", "f1", "g2", "g3", "g3s", "h1", "hs1", "i2", "i3",
    "m1", "m2", "m3", "m4", "p2", "p3", "r3", "r4", "t1", "t2", "x1", "x1e",
})  # fmt: skip
"""The families of types that are built on Xen."""

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


def _life_cycle(instance: Instance) -> str:
    """EC2 User Guide, "Instance metadata categories": "The purchasing option of this instance"."""
    market: dict[str, str] = instance.attributes.get("InstanceMarketOptions") or {}
    return "spot" if market.get("MarketType") == "spot" else "on-demand"


def leaves(instance: Instance, at: Instant) -> dict[str, str | None]:
    """The leaves below meta-data/ that depend on the instance alone: all but iam/ and those of `OF_BACKEND`."""
    hostname = private_name(instance.private_ip, instance.region)
    tree: dict[str, str | None] = {
        "ami-id": str(instance.attributes.get("ImageId", "")),
        "ami-launch-index": str(instance.launch_index),
        "ami-manifest-path": "(unknown)",
        "hostname": hostname,
        identity_role.INFO: identity_role.info(instance),
        identity_role.CREDENTIALS: None,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": _life_cycle(instance),
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
        "system": _hypervisor(instance.instance_type),
        **announced(instance, at),
    }
    if instance.mac:
        tree["mac"] = instance.mac
    tree.update(_optional(instance))
    if instance.metadata.instance_tags == "enabled":
        tree.update({f"tags/instance/{key}": value for key, value in instance.tags.items()})
    return tree


def group_names(groups: Iterable[Mapping[str, str]]) -> str:
    """The names of security groups, a line each."""
    return "\n".join(group["GroupName"] for group in groups)


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
        "security-groups": group_names(attributes.get("Groups", ())),
    }
    tree.update({path: str(value) for path, value in optional.items() if value})
    if key := attributes.get("KeyName"):
        return {**tree, "public-keys/": f"0={key}", PUBLIC_KEY: None}
    return tree


def _hypervisor(instance_type: str) -> str:
    """The hypervisor below an instance. EC2 User Guide, "Instances built on the AWS Nitro System" lists Nitro types."""
    family, _, size = instance_type.partition(".")
    return "xen" if family in _XEN and not size.startswith("metal") else "nitro"


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

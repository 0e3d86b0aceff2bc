"""Facts about EC2 resources in moto that the condition keys of Amazon EC2 need.

Service Authorization Reference, "Condition keys for Amazon EC2".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from locum.core.arn import PARTITION, Arn
from locum.core.clock import iso8601

_Fields = Mapping[str, str]
"""Attributes by name, each with where moto's model has it; after `:`, the type of the resource that the value names."""


class _Kind(NamedTuple):
    """The table in which moto keeps the resources of a type. `nested`: by another id first."""

    table: str
    fields: _Fields
    nested: bool = False


_IN_VPC: Final[_Fields] = {"vpc": "vpc_id:vpc"}
_KINDS: Final[Mapping[str, _Kind]] = {
    "image": _Kind(
        "amis",
        {
            "owner": "owner_alias|owner_id",
            "image_type": "image_type",
            "root_device_type": "root_device_type",
            "public": "is_public",
        },
    ),
    "volume": _Kind(
        "volumes",
        {
            "encrypted": "encrypted",
            "volume_type": "volume_type",
            "volume_size": "size",
            "volume_iops": "iops",
            "volume_throughput": "throughput",
            "parent_snapshot": "snapshot_id:snapshot",
            "zone": "zone.name",
        },
    ),
    "snapshot": _Kind(
        "snapshots",
        {
            "owner": "owner_id",
            "encrypted": "encrypted",
            "volume_size": "volume.size",
            "parent_volume": "volume.id:volume",
            "snapshot_time": "start_time",
        },
    ),
    "subnet": _Kind("subnets", {**_IN_VPC, "zone": "availability_zone"}, nested=True),
    "security-group": _Kind("groups", _IN_VPC, nested=True),
    "network-interface": _Kind(
        "enis", {"vpc": "subnet.vpc_id:vpc", "subnet": "subnet.id:subnet", "zone": "subnet.availability_zone"}
    ),
    "network-acl": _Kind("network_acls", _IN_VPC),
    "route-table": _Kind("route_tables", _IN_VPC),
    "natgateway": _Kind("nat_gateways", _IN_VPC),
    "vpc": _Kind("vpcs", {"tenancy": "instance_tenancy"}),
    "vpc-endpoint": _Kind("vpc_end_points", {"service_name": "service_name"}),
    "key-pair": _Kind("key_pairs", {"type": "key_type"}),
    "elastic-ip": _Kind("addresses", {"domain": "domain", "public_ip": "public_ip"}),
    "vpc-peering-connection": _Kind("vpc_pcxs", {"accepter_vpc": "peer_vpc.id:vpc", "requester_vpc": "vpc.id:vpc"}),
}


def attributes_of(models: Any, arn: Arn, account: str, region: str) -> dict[str, str]:
    """The attributes of the resource `arn` by name, as text; none where moto does not have it."""
    kind, _, name = arn.resource.partition("/")
    where = _KINDS.get(kind)
    found = None if where is None or not name else _find(getattr(models, where.table, {}), name, nested=where.nested)
    if where is None or found is None:
        return {}
    attributes = {}
    for attribute, source in where.fields.items():
        path, _, of = source.partition(":")
        value = next((value for each in path.split("|") if (value := _at(found, each)) is not None), None)
        if value is not None:
            beginning = f"arn:{PARTITION}:ec2:{region}:{'' if of == 'snapshot' else account}:{of}/" if of else ""
            attributes[attribute] = beginning + _text(value)
    return attributes


def _find(table: Any, name: str, *, nested: bool) -> Any:
    if nested:
        return next((inner[name] for inner in list(table.values()) if name in inner), None)
    if isinstance(table, Mapping):
        return table.get(name)
    items: Iterable[Any] = list(table)
    return next((item for item in items if item.id == name), None)


def _at(found: Any, path: str) -> Any:
    """The value at a path of attributes of a model; None where it is not there or empty."""
    for step in path.split("."):
        found = getattr(found, step, None)
    return None if found == "" else found


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return iso8601(value.replace(tzinfo=value.tzinfo or UTC).timestamp())
    return str(value).lower() if isinstance(value, bool) else str(value)

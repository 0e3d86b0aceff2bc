"""Snapshots that are taken of resources before they are deleted: DeletionPolicy and UpdateReplacePolicy `Snapshot`.

CloudFormation Template Reference, "DeletionPolicy attribute": the types that support snapshots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Ending, Request, Resource, is_gone
from locum.services.cloudformation.providers.steps import Steps, until
from locum.services.cloudformation.providers.templates import filled

_RANDOM: Final = 12
_FAILED: Final = frozenset({"error", "failed"})


class _Snapshot(NamedTuple):
    """How a snapshot is taken: `create`, and `read` until what is at `status` is `ready`. `{name}` is its name.

    `longest` is the longest name in characters. None is taken of a resource with the property `without`.
    """

    service: str
    create: str
    given: Mapping[str, Any]
    read: str
    wanted: Mapping[str, Any]
    status: str
    ready: str = "available"
    longest: int = 255
    without: str = ""


def _of_cluster(service: str) -> _Snapshot:
    named = {"DBClusterSnapshotIdentifier": "{name}"}
    given = {"DBClusterIdentifier": "{id}", **named}
    where = "DBClusterSnapshots.0.Status"
    return _Snapshot(service, "CreateDBClusterSnapshot", given, "DescribeDBClusterSnapshots", named, where, longest=63)


def _of_cache(member: str) -> _Snapshot:
    named = {"SnapshotName": "{name}"}
    given, where = {member: "{id}", **named}, "Snapshots.0.SnapshotStatus"
    return _Snapshot("elasticache", "CreateSnapshot", given, "DescribeSnapshots", named, where, longest=50)


_DB: Final = {"DBSnapshotIdentifier": "{name}"}
_CLUSTER: Final = {"SnapshotIdentifier": "{name}"}
_DESCRIBED: Final = {
    "Filters": [{"Name": "description", "Values": ["{name}"]}, {"Name": "volume-id", "Values": ["{id}"]}]
}

_SNAPSHOTS: Final[Mapping[str, _Snapshot]] = {
    "AWS::DocDB::DBCluster": _of_cluster("docdb"),
    "AWS::EC2::Volume": _Snapshot(
        "ec2",
        "CreateSnapshot",
        {"VolumeId": "{id}", "Description": "{name}"},
        "DescribeSnapshots",
        _DESCRIBED,
        "Snapshots.0.State",
        "completed",
    ),
    "AWS::ElastiCache::CacheCluster": _of_cache("CacheClusterId"),
    "AWS::ElastiCache::ReplicationGroup": _of_cache("ReplicationGroupId"),
    "AWS::Neptune::DBCluster": _of_cluster("neptune"),
    "AWS::RDS::DBCluster": _of_cluster("rds"),
    "AWS::RDS::DBInstance": _Snapshot(
        "rds",
        "CreateDBSnapshot",
        {"DBInstanceIdentifier": "{id}", **_DB},
        "DescribeDBSnapshots",
        _DB,
        "DBSnapshots.0.Status",
        without="SourceDBInstanceIdentifier",
    ),
    "AWS::Redshift::Cluster": _Snapshot(
        "redshift",
        "CreateClusterSnapshot",
        {"ClusterIdentifier": "{id}", **_CLUSTER},
        "DescribeClusterSnapshots",
        _CLUSTER,
        "Snapshots.0.Status",
    ),
}

TYPES: Final = frozenset(_SNAPSHOTS)
"""The types of which snapshots are taken."""


def snapshot(resource: Resource, operation: str) -> Ending:
    """Take a snapshot of a resource that is to be deleted, unless this operation has taken it. Raises Fault."""
    row = _SNAPSHOTS[resource.type]
    if row.without in resource.properties:
        return
    name, create, read = _requests(row, resource, operation)
    if (yield from _state(row, read)) is None:
        try:
            yield create
        except Fault as fault:
            if is_gone(fault):  # so is the resource
                return
            raise
    answer = yield from until(read, lambda found: _at(row, found) in {row.ready, *_FAILED})
    if _at(row, answer) != row.ready:
        raise Fault("InvalidRequest", f"The snapshot {name} of {resource.physical} failed", 400)


def rehearsal(resource: Resource) -> Ending:
    """The calls that a snapshot of a resource takes, if its type has snapshots. Raises Fault."""
    row = _SNAPSHOTS.get(resource.type)
    if row is not None and row.without not in resource.properties:
        _, create, read = _requests(row, resource, "")
        yield create
        yield read


def _requests(row: _Snapshot, resource: Resource, operation: str) -> tuple[str, Request, Request]:
    """The name of the snapshot that an operation takes, and the requests that take it and read it."""
    random = hashlib.sha256(f"{operation}/{resource.physical}".encode()).hexdigest()[:_RANDOM]
    name = replace(resource, logical=f"snapshot-{resource.logical}", token=random).name(row.longest, lower=True)
    values = {"id": resource.physical, "name": name}
    create = Request(row.service, row.create, filled(row.given, values))
    return name, create, Request(row.service, row.read, filled(row.wanted, values))


def _state(row: _Snapshot, read: Request) -> Steps[Any]:
    """The state of a snapshot; None where there is none."""
    try:
        return _at(row, (yield read))
    except Fault as fault:
        if is_gone(fault) or "NotFound" in fault.code:
            return None
        raise


def _at(row: _Snapshot, answer: Mapping[str, Any]) -> Any:
    return filled(f"{{r.{row.status}}}", {"r": answer})

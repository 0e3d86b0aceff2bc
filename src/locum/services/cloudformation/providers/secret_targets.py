"""Attachments of secrets to databases: the secret has how to connect to the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    is_gone,
)
from locum.services.cloudformation.providers.steps import Steps
from locum.services.cloudformation.providers.templates import filled


class _Target(NamedTuple):
    """A type of database: how it is described, and what of that a secret has."""

    service: str
    operation: str
    member: str
    shown: Mapping[str, Any]


_INSTANCE: Final = {
    "engine": "{r.DBInstances.0.Engine}",
    "host": "{r.DBInstances.0.Endpoint.Address}",
    "port": "{r.DBInstances.0.Endpoint.Port}",
    "dbname": "{r.DBInstances.0.DBName}",
    "dbInstanceIdentifier": "{r.DBInstances.0.DBInstanceIdentifier}",
}
_CLUSTER: Final = {
    "engine": "{r.DBClusters.0.Engine}",
    "host": "{r.DBClusters.0.Endpoint}",
    "port": "{r.DBClusters.0.Port}",
    "dbname": "{r.DBClusters.0.DatabaseName}",
    "dbClusterIdentifier": "{r.DBClusters.0.DBClusterIdentifier}",
}
_MONGO: Final = {"engine": "mongo", "ssl": True}
_REDSHIFT: Final = {
    "engine": "redshift",
    "host": "{r.Clusters.0.Endpoint.Address}",
    "port": "{r.Clusters.0.Endpoint.Port}",
    "dbname": "{r.Clusters.0.DBName}",
    "dbClusterIdentifier": "{r.Clusters.0.ClusterIdentifier}",
}
_TARGETS: Final = {
    "AWS::RDS::DBInstance": _Target("rds", "DescribeDBInstances", "DBInstanceIdentifier", _INSTANCE),
    "AWS::RDS::DBCluster": _Target("rds", "DescribeDBClusters", "DBClusterIdentifier", _CLUSTER),
    "AWS::DocDB::DBInstance": _Target("docdb", "DescribeDBInstances", "DBInstanceIdentifier", {**_INSTANCE, **_MONGO}),
    "AWS::DocDB::DBCluster": _Target("docdb", "DescribeDBClusters", "DBClusterIdentifier", {**_CLUSTER, **_MONGO}),
    "AWS::Redshift::Cluster": _Target("redshift", "DescribeClusters", "ClusterIdentifier", _REDSHIFT),
}
_NAMES: Final = frozenset[str]().union(*(target.shown for target in _TARGETS.values()))


def _create(resource: Resource) -> Work:
    properties = resource.properties
    target = _TARGETS.get(properties["TargetType"])
    if target is None:
        raise Fault("InvalidRequest", f"Unsupported TargetType {properties['TargetType']}")
    described = yield Request(target.service, target.operation, {target.member: properties["TargetId"]})
    found = filled(target.shown, {"r": described})
    arn, value = yield from _value(properties["SecretId"])
    kept = {name: item for name, item in value.items() if name not in _NAMES}
    yield from _put(arn, value, {**kept, **found})
    return Made(arn, {"Id": arn})


def _update(resource: Resource, _before: Properties) -> Work:
    return (yield from _create(resource))


def _delete(resource: Resource) -> Ending:
    try:
        arn, value = yield from _value(resource.physical)
    except Fault as fault:
        if not is_gone(fault):
            raise
    else:
        yield from _put(arn, value, {name: item for name, item in value.items() if name not in _NAMES})


def _value(secret: str) -> Steps[tuple[str, dict[str, Any]]]:
    """The ARN of a secret, and its value, which is an object."""
    answer = yield Request("secretsmanager", "GetSecretValue", {"SecretId": secret})
    try:
        value = json.loads(answer["SecretString"])
    except (KeyError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise Fault("InvalidRequest", "The value of a secret that is attached must be a JSON object.")
    return answer["ARN"], value


def _put(arn: str, before: Mapping[str, Any], value: Mapping[str, Any]) -> Ending:
    if value != before:
        yield Request("secretsmanager", "PutSecretValue", {"SecretId": arn, "SecretString": json.dumps(value)})


ATTACHMENTS: Final = Provider(_create, _delete, _update)

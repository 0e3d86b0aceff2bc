"""ElastiCache: replication groups and clusters, and the groups of subnets that they are in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Ending, Properties, Provider, Request, Resource, Work
from locum.services.cloudformation.providers.steps import changed, until, without
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Shown, Tags, Wait, provider

_SERVICE: Final = "elasticache"
_GONE: Final = frozenset({None, "deleting"})
"""What is being deleted stays in this state where nothing asks for it again: it is not waited for."""


def _tags(arn: str) -> Tags:
    return Tags(
        Call("AddTagsToResource", {"ResourceName": arn, "Tags": "{tags}"}),
        Call("RemoveTagsFromResource", {"ResourceName": arn, "TagKeys": "{keys}"}),
    )


_SUBNETS: Final = {"CacheSubnetGroupName": "{id}"}
_SUBNET_GROUP: Final = Row(
    _SERVICE,
    Call("CreateCacheSubnetGroup", takes="CacheSubnetGroupDescription=Description SubnetIds"),
    "{name}",
    (Call("DeleteCacheSubnetGroup", _SUBNETS),),
    name=Name("CacheSubnetGroupName", lower=True),
    tags=_tags("arn:aws:elasticache:{region}:{account}:subnetgroup:{id}"),
    exists=frozenset({"CacheSubnetGroupAlreadyExists"}),
    settings=(Change(Call("ModifyCacheSubnetGroup", _SUBNETS, "CacheSubnetGroupDescription=Description SubnetIds")),),
    shown=Shown(
        Call("DescribeCacheSubnetGroups", {"CacheSubnetGroupName": "{id}"}),
        "CacheSubnetGroups.0",
        members={"Description": "{it.CacheSubnetGroupDescription}"},
    ),
)

_GROUP: Final = {"ReplicationGroupId": "{id}"}
_FOUND: Final = "r.ReplicationGroups.0"
_NODES: Final = f"{_FOUND}.NodeGroups.0"
_CHANGED: Final = (
    "AuthToken AutoMinorVersionUpgrade AutomaticFailoverEnabled CacheNodeType CacheParameterGroupName "
    "CacheSecurityGroupNames ClusterMode Engine EngineVersion IpDiscovery LogDeliveryConfigurations MultiAZEnabled "
    "NotificationTopicArn PreferredMaintenanceWindow ReplicationGroupDescription SecurityGroupIds "
    "SnapshotRetentionLimit SnapshotWindow TransitEncryptionEnabled TransitEncryptionMode"
)


def _endpoint(name: str, at: str) -> dict[str, dict[str, str]]:
    return {name: {"Address": f"{{{at}.Address}}", "Port": f"{{{at}.Port}}"}}


_REPLICATION_GROUP: Final = Row(
    _SERVICE,
    Call(
        "CreateReplicationGroup",
        takes="AtRestEncryptionEnabled CacheSubnetGroupName DataTieringEnabled GlobalReplicationGroupId KmsKeyId "
        "NetworkType NodeGroupConfiguration NumCacheClusters NumNodeGroups Port PreferredCacheClusterAZs "
        f"PrimaryClusterId ReplicasPerNodeGroup SnapshotArns SnapshotName UserGroupIds {_CHANGED}",
    ),
    "{name}",
    (Call("DeleteReplicationGroup", _GROUP),),
    attributes={
        **_endpoint("PrimaryEndPoint", f"{_NODES}.PrimaryEndpoint"),
        **_endpoint("ReaderEndPoint", f"{_NODES}.ReaderEndpoint"),
        **_endpoint("ConfigurationEndPoint", f"{_FOUND}.ConfigurationEndpoint"),
    },
    name=Name("ReplicationGroupId", 40, lower=True),
    tags=_tags("arn:aws:elasticache:{region}:{account}:replicationgroup:{id}"),
    read=Call("DescribeReplicationGroups", {"ReplicationGroupId": "{id|name}"}),
    exists=frozenset({"ReplicationGroupAlreadyExists"}),
    ready=Wait("ReplicationGroups.0.Status", frozenset({"available"}), frozenset({"create-failed"})),
    gone=Wait("ReplicationGroups.0.Status", _GONE),
    settings=(
        Change(
            Call(
                "ModifyReplicationGroup",
                {**_GROUP, "ApplyImmediately": True, "SnapshottingClusterId": "{p.SnapshottingClusterId}"},
                _CHANGED,
            ),
            on="SnapshottingClusterId",
            defaults={"SnapshotRetentionLimit": 0},
        ),
    ),
    unused=frozenset({"SnapshottingClusterId"}),
)

_CONFIGURED: Final = "NodeGroupConfiguration"
_COUNT: Final = "NumNodeGroups"


def _replication_groups() -> Provider:
    """Replication groups, whose shards are added and removed where the update policy has no other group be made."""
    made_by = provider(_REPLICATION_GROUP)

    def update(resource: Resource, before: Properties) -> Work:
        if changed(before, resource.properties, _CONFIGURED, _COUNT):
            yield from _resharded(resource, before)
        assert made_by.update is not None
        now = {name: resource.properties[name] for name in (_CONFIGURED, _COUNT) if name in resource.properties}
        return (yield from made_by.update(resource, {**without(before, (_CONFIGURED, _COUNT)), **now}))

    return made_by._replace(update=update)


def _resharded(resource: Resource, before: Properties) -> Ending:
    """Have a replication group have as many shards as it is to have, or those that are named. Raises Fault."""
    wanted, named = _count(resource.properties), _named(resource.properties)
    others = [name for name, each in _named(before).items() if name in named and named[name] != each]
    if not resource.back and (others or wanted == _count(before)):
        raise Fault(
            "NotUpdatable", f"Property {_CONFIGURED} cannot be updated but for shards that are added or removed"
        )
    group = {"ReplicationGroupId": resource.physical}
    told = Request(_SERVICE, "DescribeReplicationGroups", group)
    there = _shards((yield told))
    if wanted == len(there):
        return
    given = {**group, "NodeGroupCount": wanted, "ApplyImmediately": True}
    if wanted < len(there):
        kept = [name for name in there if name in named][:wanted] or there[:wanted]
        given["NodeGroupsToRemove"] = [name for name in there if name not in kept]
    elif any(map(_zones, named.values())):
        given["ReshardingConfiguration"] = [
            {"NodeGroupId": name} | ({"PreferredAvailabilityZones": zones} if (zones := _zones(each)) else {})
            for name, each in named.items()
        ]
    yield Request(_SERVICE, "ModifyReplicationGroupShardConfiguration", given)
    yield from until(told, lambda answer: _is_available(answer) and len(_shards(answer)) == wanted)


def _count(properties: Properties) -> int:
    return int(properties.get(_COUNT) or len(properties.get(_CONFIGURED) or ()) or 1)


def _named(properties: Properties) -> dict[str, Mapping[str, Any]]:
    """The shards that have a name in the template, with what it says of them."""
    return {str(it["NodeGroupId"]): it for it in properties.get(_CONFIGURED) or () if "NodeGroupId" in it}


def _zones(shard: Mapping[str, Any]) -> list[str]:
    first = shard.get("PrimaryAvailabilityZone")
    return [str(zone) for zone in (first, *(shard.get("ReplicaAvailabilityZones") or ())) if zone]


def _shards(answer: Mapping[str, Any]) -> list[str]:
    """The names of the shards that there are, in their order."""
    return sorted(it["NodeGroupId"] for it in answer["ReplicationGroups"][0].get("NodeGroups") or ())


def _is_available(answer: Mapping[str, Any]) -> bool:
    return bool(answer["ReplicationGroups"][0]["Status"] == "available")


_CLUSTER_ID: Final = {"CacheClusterId": "{id}"}
_RESIZED: Final = (
    "AZMode AutoMinorVersionUpgrade CacheNodeType CacheParameterGroupName CacheSecurityGroupNames EngineVersion "
    "IpDiscovery LogDeliveryConfigurations NotificationTopicArn NumCacheNodes PreferredMaintenanceWindow "
    "SnapshotRetentionLimit SnapshotWindow SecurityGroupIds=VpcSecurityGroupIds"
)
_CLUSTER: Final = Row(
    _SERVICE,
    Call(
        "CreateCacheCluster",
        takes="CacheSubnetGroupName Engine NetworkType Port PreferredAvailabilityZone PreferredAvailabilityZones "
        f"SnapshotArns SnapshotName TransitEncryptionEnabled {_RESIZED}",
    ),
    "{name}",
    (Call("DeleteCacheCluster", _CLUSTER_ID),),
    attributes={
        **_endpoint("RedisEndpoint", "r.CacheClusters.0.CacheNodes.0.Endpoint"),
        **_endpoint("ConfigurationEndpoint", "r.CacheClusters.0.ConfigurationEndpoint"),
    },
    name=Name("ClusterName", 50, lower=True, member="CacheClusterId"),
    tags=_tags("arn:aws:elasticache:{region}:{account}:cluster:{id}"),
    read=Call("DescribeCacheClusters", {"CacheClusterId": "{id|name}", "ShowCacheNodeInfo": True}),
    exists=frozenset({"CacheClusterAlreadyExists"}),
    ready=Wait("CacheClusters.0.CacheClusterStatus", frozenset({"available"}), frozenset({"create-failed"})),
    gone=Wait("CacheClusters.0.CacheClusterStatus", _GONE),
    settings=(Change(Call("ModifyCacheCluster", {**_CLUSTER_ID, "ApplyImmediately": True}, _RESIZED)),),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::ElastiCache::CacheCluster": provider(_CLUSTER),
    "AWS::ElastiCache::ReplicationGroup": _replication_groups(),
    "AWS::ElastiCache::SubnetGroup": provider(_SUBNET_GROUP),
}

"""ElastiCache: replication groups and clusters, and the groups of subnets that they are in."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Provider
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
    "AWS::ElastiCache::ReplicationGroup": provider(_REPLICATION_GROUP),
    "AWS::ElastiCache::SubnetGroup": provider(_SUBNET_GROUP),
}

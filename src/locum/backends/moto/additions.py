"""Operations of which moto has the resource, but not the operation: what they set is kept with it, and told by moto.

Their errors are those of the services' API references.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any, Final

from moto.core.utils import utcnow

from locum.backends.moto import code_deployments
from locum.backends.moto.models import backends_of, models_of
from locum.backends.port import BackendCall
from locum.core.errors import Fault

_REMOVE: Final = "Remove"
_UPDATES: Final = "Updates"
_ROLES: Final = "locum_roles"
"""The attribute of a pool of identities in moto for the roles of its identities."""


def _models(call: BackendCall) -> Any:
    return backends_of(call.service)[call.account][call.region]


# -- Athena ----------------------------------------------------------------------------------------------


def _update_work_group(call: BackendCall) -> dict[str, Any]:
    """Athena API Reference, UpdateWorkGroup: members `RemoveX` take out X, others replace it."""
    params = call.params
    group = _models(call).work_groups.get(params["WorkGroup"])
    if group is None:
        raise Fault("InvalidRequestException", f"WorkGroup {params['WorkGroup']} is not found.", 400)
    group.configuration = _updated(group.configuration, params.get("ConfigurationUpdates") or {})
    group.description = params.get("Description", group.description)
    group.state = params.get("State", group.state)
    return {}


def _updated(configuration: Mapping[str, Any], updates: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(configuration)
    for name, value in updates.items():
        if name.endswith(_UPDATES):
            part = name.removesuffix(_UPDATES)
            found[part] = _updated(found.get(part) or {}, value)
        elif not name.startswith(_REMOVE):
            found[name] = value
        elif value:
            found.pop(name.removeprefix(_REMOVE), None)
    return found


# -- Glue ------------------------------------------------------------------------------------------------

_OF_CRAWLERS: Final = {
    "Classifiers": "classifiers",
    "Configuration": "configuration",
    "CrawlerSecurityConfiguration": "crawler_security_configuration",
    "DatabaseName": "database_name",
    "Description": "description",
    "LineageConfiguration": "lineage_configuration",
    "RecrawlPolicy": "recrawl_policy",
    "Role": "role",
    "Schedule": "schedule",
    "SchemaChangePolicy": "schema_change_policy",
    "TablePrefix": "table_prefix",
    "Targets": "targets",
}


def _update_crawler(call: BackendCall) -> dict[str, Any]:
    """Glue Web API Reference, UpdateCrawler. What is not given stays as it is."""
    params = call.params
    _refuse_others(call, {"Name", *_OF_CRAWLERS})
    crawler = _models(call).crawlers.get(params["Name"])
    if crawler is None:
        raise Fault("EntityNotFoundException", f"Crawler entry with name {params['Name']} does not exist", 400)
    for name in params.keys() & _OF_CRAWLERS.keys():
        setattr(crawler, _OF_CRAWLERS[name], params[name])
    crawler.version += 1
    crawler.last_updated = utcnow()
    return {}


# -- CloudWatch ------------------------------------------------------------------------------------------

_OF_COMPOSITES: Final = {
    "AlarmRule": "alarm_rule",
    "ActionsSuppressor": "actions_suppressor",
    "ActionsSuppressorExtensionPeriod": "actions_suppressor_extension_period",
    "ActionsSuppressorWaitPeriod": "actions_suppressor_wait_period",
}


def _put_composite_alarm(call: BackendCall) -> dict[str, Any]:
    """CloudWatch API Reference, PutCompositeAlarm. Its rule is kept, and not evaluated."""
    params, models = call.params, _models(call)
    kept = models.alarms.get(params["AlarmName"])
    if kept is not None and kept.rule is None:
        raise Fault("ValidationError", f"A metric alarm with the name {params['AlarmName']} exists already.", 400)
    models.put_metric_alarm(
        name=params["AlarmName"],
        namespace="",
        metric_name="",
        comparison_operator="",
        evaluation_periods=0,
        period=0,
        threshold=0,
        statistic="",
        description=params.get("AlarmDescription", ""),
        dimensions=[],
        alarm_actions=params.get("AlarmActions", []),
        ok_actions=params.get("OKActions", []),
        insufficient_data_actions=params.get("InsufficientDataActions", []),
        unit="",
        actions_enabled=params.get("ActionsEnabled", True),
        rule=params["AlarmRule"],
        tags=params.get("Tags", []) if kept is None else [],
    )
    alarm = models.alarms[params["AlarmName"]]
    for member, attribute in _OF_COMPOSITES.items():
        setattr(alarm, attribute, params.get(member))
    return {}


# -- Cognito ---------------------------------------------------------------------------------------------


def _pool(call: BackendCall) -> Any:
    models = models_of(call.service, call.account, call.region)
    pool = None if models is None else models.identity_pools.get(call.params["IdentityPoolId"])
    if pool is None:
        raise Fault("ResourceNotFoundException", f"IdentityPool '{call.params['IdentityPoolId']}' not found.", 400)
    return pool


def _set_roles(call: BackendCall) -> dict[str, Any]:
    """Cognito Federated Identities API Reference, SetIdentityPoolRoles: all roles and mappings are replaced."""
    given = call.params
    roles = {name: given[name] for name in ("Roles", "RoleMappings") if given.get(name)}
    setattr(_pool(call), _ROLES, roles)
    return {}


def _get_roles(call: BackendCall) -> dict[str, Any]:
    """Cognito Federated Identities API Reference, GetIdentityPoolRoles."""
    return {"IdentityPoolId": call.params["IdentityPoolId"], **getattr(_pool(call), _ROLES, {})}


# -- ElastiCache -----------------------------------------------------------------------------------------

_OF_CACHES: Final = {
    "AZMode": "az_mode",
    "AutoMinorVersionUpgrade": "auto_minor_version_upgrade",
    "CacheNodeType": "cache_node_type",
    "CacheParameterGroupName": "cache_parameter_group_name",
    "CacheSecurityGroupNames": "cache_security_group_names",
    "EngineVersion": "engine_version",
    "IpDiscovery": "ip_discovery",
    "LogDeliveryConfigurations": "log_delivery_configurations",
    "NotificationTopicArn": "notification_topic_arn",
    "NumCacheNodes": "num_cache_nodes",
    "PreferredMaintenanceWindow": "preferred_maintenance_window",
    "SecurityGroupIds": "security_group_ids",
    "SnapshotRetentionLimit": "snapshot_retention_limit",
    "SnapshotWindow": "snapshot_window",
}


def _modify_cache(call: BackendCall) -> dict[str, Any]:
    """ElastiCache API Reference, ModifyCacheCluster. Changes are applied at once."""
    params, clusters = call.params, _models(call).cache_clusters
    _refuse_others(call, {"ApplyImmediately", "CacheClusterId", *_OF_CACHES})
    cluster = clusters.get(params["CacheClusterId"])
    if cluster is None:
        raise Fault("CacheClusterNotFound", f"Cache cluster {params['CacheClusterId']} not found.", 404)
    for name in params.keys() & _OF_CACHES.keys():
        setattr(cluster, _OF_CACHES[name], params[name])
    told = {"CacheClusterId": cluster.cache_cluster_id, "CacheClusterStatus": cluster.cache_cluster_status}
    return {"CacheCluster": {**told, "Engine": cluster.engine, "NumCacheNodes": cluster.num_cache_nodes}}


def _refuse_others(call: BackendCall, known: Set[str]) -> None:
    """Raise Fault where the call has a member that is not of those `known`."""
    strange = sorted(call.params.keys() - known)
    if strange:
        text = f"The embedded backend does not implement {call.service}:{call.operation} with {strange[0]}."
        raise Fault("NotImplemented", text, 501)


def _delete_subnet_group(call: BackendCall) -> dict[str, Any]:
    """ElastiCache API Reference, DeleteCacheSubnetGroup: one that a cluster or replication group uses stays."""
    models, name = _models(call), call.params["CacheSubnetGroupName"]
    if name not in models.cache_subnet_groups:
        raise Fault("CacheSubnetGroupNotFoundFault", f"CacheSubnetGroup {name} not found.", 400)
    users = [it for it in models.cache_clusters.values() if it.cache_cluster_status != "deleting"]
    users += [it for it in models.replication_groups.values() if it.status != "deleting"]
    if any(user.cache_subnet_group_name == name for user in users):
        raise Fault("CacheSubnetGroupInUse", f"Cache subnet group {name} is currently in use by a cache cluster.", 400)
    del models.cache_subnet_groups[name]
    return {}


_SLOTS: Final = 16_384
_MOST_SHARDS: Final = 500


def _reshard(call: BackendCall) -> dict[str, Any]:
    """ElastiCache API Reference, ModifyReplicationGroupShardConfiguration. Slots are spread evenly, at once."""
    params, name = call.params, call.params["ReplicationGroupId"]
    _refuse_others(call, {"ApplyImmediately", "NodeGroupCount", "NodeGroupsToRemove", "ReplicationGroupId"})
    group = _models(call).replication_groups.get(name)
    if group is None:
        raise Fault("ReplicationGroupNotFoundFault", f"Replication group {name} not found.", 404)
    if group.cluster_mode != "enabled":
        raise Fault("InvalidParameterValue", "This operation is only for replication groups in cluster mode.", 400)
    wanted, gone = params["NodeGroupCount"], set(params.get("NodeGroupsToRemove") or ())
    shards = [it for it in group.node_groups if it["node_group_id"] not in gone]
    if wanted > _MOST_SHARDS:
        text = f"A replication group has {_MOST_SHARDS} node groups at most."
        raise Fault("NodeGroupsPerReplicationGroupQuotaExceeded", text, 400)
    if wanted < 1 or len(group.node_groups) - len(shards) != max(len(group.node_groups) - wanted, 0):
        raise Fault("InvalidParameterCombination", "NodeGroupCount does not fit the node groups to remove.", 400)
    taken = {it["node_group_id"] for it in shards}
    numbers = (f"{number:04d}" for number in range(1, _SLOTS) if f"{number:04d}" not in taken)
    shards += [_shard(name, next(numbers), shards[0]) for _ in range(wanted - len(shards))]
    for number, shard in enumerate(shards):
        shard["slots"] = f"{_SLOTS * number // wanted}-{_SLOTS * (number + 1) // wanted - 1}"
    group.node_groups = shards
    group.member_clusters = [node["cache_cluster_id"] for it in shards for node in it["node_group_members"]]
    return {"ReplicationGroup": {"ReplicationGroupId": name, "Status": group.status}}


def _shard(group: str, number: str, like: Mapping[str, Any]) -> dict[str, Any]:
    """A new shard, with as many nodes as the one that it is `like`."""
    nodes = [
        {**node, "cache_cluster_id": f"{group}-{number}-{place:03d}", "cache_node_id": number}
        for place, node in enumerate(like["node_group_members"], 1)
    ]
    return {**like, "node_group_id": number, "node_group_members": nodes}


# -- OpenSearch ------------------------------------------------------------------------------------------

_OF_ELASTICSEARCH: Final = "Elasticsearch_"
_OF_DOMAINS: Final = {
    "AccessPolicies": "access_policies",
    "AdvancedOptions": "advanced_options",
    "AdvancedSecurityOptions": "advanced_security_options",
    "CognitoOptions": "cognito_options",
    "DomainEndpointOptions": "domain_endpoint_options",
    "EBSOptions": "ebs_options",
    "ElasticsearchClusterConfig": "elasticsearch_cluster_config",
    "EncryptionAtRestOptions": "encryption_at_rest_options",
    "LogPublishingOptions": "log_publishing_options",
    "NodeToNodeEncryptionOptions": "node_to_node_encryption_options",
    "SnapshotOptions": "snapshot_options",
    "VPCOptions": "vpc_options",
}


def _domain(call: BackendCall) -> Any:
    """The domain that a call names, which both services find."""
    models = models_of("opensearch", call.account, call.region)
    domain = None if models is None else models.domains.get(call.params["DomainName"])
    if domain is None:
        raise Fault("ResourceNotFoundException", f"Domain not found: {call.params['DomainName']}", 409)
    return domain


def _upgrade(call: BackendCall) -> dict[str, Any]:
    """OpenSearch Service API Reference, UpgradeDomain: from a version to those that are told to be compatible."""
    _refuse_others(call, {"DomainName", "TargetVersion", "PerformCheckOnly"})
    params, domain = call.params, _domain(call)
    target, now = params["TargetVersion"], domain.engine_version.options
    if domain.is_es:
        now = f"{_OF_ELASTICSEARCH}{domain.elasticsearch_version}"
    wanted = f"{_OF_ELASTICSEARCH}{target}" if call.service == "es" else target
    known = _compatible(call)
    if wanted not in next((it["TargetVersions"] for it in known if it["SourceVersion"] == now), ()):
        text = f"Upgrade of domain {params['DomainName']} from {now} to {wanted} is not possible."
        raise Fault("ValidationException", text, 400)
    if not params.get("PerformCheckOnly"):
        if call.service == "es":
            domain.elasticsearch_version = target
        else:
            domain.engine_version.options = target
    return {name: params[name] for name in ("DomainName", "TargetVersion", "PerformCheckOnly") if name in params}


def _compatible(call: BackendCall) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = models_of("opensearch", call.account, call.region).get_compatible_versions(None)
    return found


def _update_elasticsearch(call: BackendCall) -> dict[str, Any]:
    """Amazon ES API, UpdateElasticsearchDomainConfig, for which moto tells what there is. It is applied at once."""
    _refuse_others(call, {"DomainName", *_OF_DOMAINS})
    domain = _domain(call)
    for name in call.params.keys() & _OF_DOMAINS.keys():
        setattr(domain, _OF_DOMAINS[name], call.params[name])
    return {"DomainConfig": {}}


OPERATIONS: Final[Mapping[tuple[str, str], Callable[[BackendCall], dict[str, Any]]]] = {
    ("athena", "UpdateWorkGroup"): _update_work_group,
    ("cloudwatch", "PutCompositeAlarm"): _put_composite_alarm,
    ("cognito-identity", "GetIdentityPoolRoles"): _get_roles,
    ("cognito-identity", "SetIdentityPoolRoles"): _set_roles,
    ("codedeploy", "DeleteApplication"): code_deployments.delete_application,
    ("codedeploy", "DeleteDeploymentGroup"): code_deployments.delete_group,
    ("codedeploy", "UpdateDeploymentGroup"): code_deployments.update_group,
    ("elasticache", "DeleteCacheSubnetGroup"): _delete_subnet_group,
    ("elasticache", "ModifyCacheCluster"): _modify_cache,
    ("elasticache", "ModifyReplicationGroupShardConfiguration"): _reshard,
    ("es", "UpdateElasticsearchDomainConfig"): _update_elasticsearch,
    ("es", "UpgradeElasticsearchDomain"): _upgrade,
    ("glue", "UpdateCrawler"): _update_crawler,
    ("opensearch", "UpgradeDomain"): _upgrade,
}
"""The operations by service and name: each answers its output."""

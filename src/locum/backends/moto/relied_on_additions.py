"""The internals of moto that are used for the operations which it lacks alone (`additions`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.core.reliance import Relied

LACKS: Final = "to carry out what its service lacks"

OF_ADDITIONS: Final[Mapping[str, Mapping[str, tuple[Relied, ...]]]] = {
    "athena": {
        "moto.athena.models": (
            Relied("AthenaBackend", LACKS, has=("work_groups",)),
            Relied("WorkGroup", LACKS, has=("configuration", "description", "state")),
        ),
    },
    "cognitoidentity": {
        "moto.cognitoidentity.models": (Relied("CognitoIdentityBackend", LACKS, has=("identity_pools",)),),
    },
    "elasticache": {
        "moto.elasticache.models": (
            Relied("ElastiCacheBackend", LACKS, has=("cache_clusters", "cache_subnet_groups", "replication_groups")),
            Relied("CacheCluster", LACKS, has=("cache_cluster_id", "cache_cluster_status", "cache_subnet_group_name")),
            Relied("CacheCluster", LACKS, has=("arn", "engine", "num_cache_nodes", "port")),
            Relied("ReplicationGroup", LACKS, has=("cache_subnet_group_name", "status", "node_groups")),
            Relied("ReplicationGroup", LACKS, has=("member_clusters", "cluster_mode")),
        ),
    },
    "opensearch": {
        "moto.opensearch.models": (
            Relied("OpenSearchServiceBackend", LACKS, has=("domains", "get_compatible_versions")),
            Relied("OpenSearchDomain", LACKS, has=("engine_version", "elasticsearch_version", "is_es")),
        ),
    },
    "codedeploy": {
        "moto.codedeploy.models": (
            Relied("CodeDeployBackend", LACKS, has=("applications", "deployments", "deployment_groups")),
            Relied("Application", LACKS, has=("compute_platform",)),
            Relied("DeploymentGroup", LACKS, has=("service_role_arn", "alarm_configuration")),
            Relied("DeploymentGroup", LACKS, has=("auto_rollback_configuration", "deployment_group_name")),
            Relied("DeploymentInfo", LACKS, has=("deployment_group", "deployment_config_name", "revision", "status")),
            Relied("DeploymentInfo", LACKS, has=("override_alarm_configuration", "auto_rollback_configuration")),
            Relied("DeploymentInfo", LACKS, has=("start_time", "complete_time")),
        ),
        "moto.codedeploy.responses": (Relied("_deployment_info", LACKS, takes=("deployment",)),),
    },
}
"""By part of moto and module."""

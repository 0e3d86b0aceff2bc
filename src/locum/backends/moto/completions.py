"""The replaced parts of moto's EKS, API Gateway, ElastiCache, SSM and S3, which lack a detail of a resource."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, Final

_OF_CALLERS: Final = "arn:aws:iam::*:user/*"
"""The credentials of an integration that are those of its callers."""
_HASH: Final = "locum0"
"""What the host names of caches have in the place of a random part."""
_PUBLIC: Final = "/aws/service/"
"""The path of AWS's own parameters."""
_ENCRYPTION_OF_S3: Final = {
    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
    "BucketKeyEnabled": "false",
}


# -- EKS -------------------------------------------------------------------------------------------------


def adjust_eks() -> None:
    """Have node groups and Fargate profiles be tagged as well as clusters."""
    models = importlib.import_module("moto.eks.models").EKSBackend
    tag, untag, tell = models.tag_resource, models.untag_resource, models.list_tags_for_resource

    def tag_resource(self: Any, resource_arn: str, tags: dict[str, str]) -> None:
        part = _part_of_cluster(self, resource_arn)
        if part is None:
            tag(self, resource_arn, tags)
        else:
            part.tags.update(tags)

    def untag_resource(self: Any, resource_arn: str, tag_keys: Any) -> None:
        part = _part_of_cluster(self, resource_arn)
        if part is None:
            untag(self, resource_arn, tag_keys)
        else:
            for key in tag_keys if isinstance(tag_keys, list) else [tag_keys]:
                part.tags.pop(key, None)

    def list_tags_for_resource(self: Any, resource_arn: str) -> Any:
        part = _part_of_cluster(self, resource_arn)
        return tell(self, resource_arn) if part is None else part.tags

    models.tag_resource, models.untag_resource = tag_resource, untag_resource
    models.list_tags_for_resource = list_tags_for_resource


def _part_of_cluster(models: Any, arn: str) -> Any:
    """The node group or Fargate profile with that ARN; None where it is that of something else."""
    return next((part for part, own in _parts_of_clusters(models) if own == arn), None)


def _parts_of_clusters(models: Any) -> Iterator[tuple[Any, str]]:
    for cluster in models.clusters.values():
        yield from ((part, part.arn) for part in cluster.nodegroups.values())
        yield from ((part, part.fargate_profile_arn) for part in cluster.fargate_profiles.values())


# -- API Gateway -----------------------------------------------------------------------------------------


def adjust_api_gateway() -> None:
    """Have an integration take the credentials of its callers.

    API Gateway REST API Reference, Integration, credentials: "To require that the caller's identity be passed through
    from the request, specify the string arn:aws:iam::\\*:user/\\*." moto takes it for a role of another account.
    """
    models = importlib.import_module("moto.apigateway.models").APIGatewayBackend
    original = models.put_integration

    def put_integration(self: Any, *args: Any, credentials: str | None = None, **kwargs: Any) -> Any:
        if credentials != _OF_CALLERS:
            return original(self, *args, credentials=credentials, **kwargs)
        made = original(self, *args, credentials=f"arn:aws:iam::{self.account_id}:user/*", **kwargs)
        made.credentials = credentials
        return made

    models.put_integration = put_integration


# -- ElastiCache -----------------------------------------------------------------------------------------


def adjust_caches() -> None:
    """Have clusters tell their nodes and endpoints.

    ElastiCache User Guide, "Finding connection endpoints": those of a Memcached cluster have `cfg` in their names.
    """
    models = importlib.import_module("moto.elasticache.models").CacheCluster
    models.cache_nodes = property(_nodes)
    models.configuration_endpoint = property(_configuration)


def _host(cluster: Any, node: str) -> dict[str, Any]:
    _, _, _, region, *_ = cluster.arn.split(":")
    return {"address": f"{cluster.cache_cluster_id}.{_HASH}.{node}.{region}.cache.amazonaws.com", "port": cluster.port}


def _nodes(cluster: Any) -> list[dict[str, Any]]:
    numbers = (f"{number:04d}" for number in range(1, cluster.num_cache_nodes + 1))
    return [
        {
            "cache_node_id": number,
            "cache_node_status": "available",
            "cache_node_create_time": cluster.cache_cluster_create_time,
            "endpoint": _host(cluster, number),
            "parameter_group_status": "in-sync",
        }
        for number in numbers
    ]


def _configuration(cluster: Any) -> dict[str, Any] | None:
    return _host(cluster, "cfg") if cluster.engine == "memcached" else None


# -- Systems Manager -------------------------------------------------------------------------------------


def adjust_parameters() -> None:
    """Keep public parameters apart from those of an account, which alone are listed, tagged and deleted.

    SSM API Reference, DescribeParameters: "Lists the parameters in your AWS account". Systems Manager User Guide,
    "Working with public parameters": they are read by name and by path, and their ARNs have no account.
    """
    models = importlib.import_module("moto.ssm.models").ParameterDict
    get, contains, below = models.__getitem__, models.__contains__, models.get_keys_beginning_with

    def holder(own: Any, name: Any) -> Any:
        """Return the dictionary that has a parameter, or those of a path: that of an account, or that of AWS."""
        if not str(name).startswith(_PUBLIC):
            return own
        if "locum_public" not in vars(own):
            own.locum_public = models("", own.region_name)
            own.locum_public.locum_public = own.locum_public
        return own.locum_public

    models.__getitem__ = lambda self, name: get(holder(self, name), name)
    models.__contains__ = lambda self, name: contains(holder(self, name), name)
    models.get_keys_beginning_with = lambda self, path, recursive: below(holder(self, path), path, recursive)


# -- S3 -------------------------------------------------------------------------------------------------


def adjust_buckets() -> None:
    """Have a bucket that nobody configured encrypt with keys of S3, as each does.

    S3 User Guide, "Setting default server-side encryption behavior for Amazon S3 buckets".
    """
    models = importlib.import_module("moto.s3.models").S3Backend
    get = models.get_bucket_encryption

    def get_bucket_encryption(self: Any, bucket_name: str) -> Any:
        return get(self, bucket_name) or {"Rule": _ENCRYPTION_OF_S3}

    models.get_bucket_encryption = get_bucket_encryption

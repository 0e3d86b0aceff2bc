"""Resource policies and tags of the services whose models in moto keep them in a way of their own.

What the models have may be of any form; what a reader raises for it is its caller's to judge (`facts`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from locum.backends.moto.internals import tags_of_type
from locum.core.arn import Arn

Reader = Callable[[Any, Arn], Any]
"""(the models of a service in an account and region, the ARN of a resource) -> what they keep; None for nothing."""


def _repository_policy(models: Any, arn: Arn) -> Any:
    return getattr(models.repositories.get(arn.resource.removeprefix("repository/")), "policy", None)


def _bus_policy(models: Any, arn: Arn) -> Any:
    """The policy of an event bus, which is also about its rules: `event-bus/NAME`, `rule/NAME/RULE`, `rule/RULE`."""
    kind, _, rest = arn.resource.partition("/")
    bus, _, rule = rest.partition("/")
    name = "default" if kind == "rule" and not rule else bus
    return getattr(models.event_buses.get(name), "policy", None)


def _stream_policy(models: Any, arn: Arn) -> Any:
    return models.resource_policies.get(str(arn))


def _catalog_policy(models: Any, arn: Arn) -> Any:
    """The policy of the Data Catalog, whose statements name the resources in it."""
    return models.resource_policies.get(models.default_catalog_arn, {}).get("PolicyInJson")


POLICIES: Final[Mapping[str, Reader]] = {
    "ecr": _repository_policy,
    "events": _bus_policy,
    "glue": _catalog_policy,
    "kinesis": _stream_policy,
}
"""The readers of policies, by service as in ARNs."""


def _by_its_arn(models: Any, arn: Arn) -> Any:
    return models.list_tags_for_resource(str(arn))


def _cluster_tags(models: Any, arn: Arn) -> Any:
    """The tags of `cluster/NAME`, or of `nodegroup/CLUSTER/NAME/ID` or `fargateprofile/CLUSTER/NAME/ID`."""
    kind, cluster, *names = arn.resource.split("/")
    found = models.clusters[cluster]
    if kind == "cluster":
        return found.tags
    return {"nodegroup": found.nodegroups, "fargateprofile": found.fargate_profiles}[kind][names[0]].tags


def _ssm_tags(models: Any, arn: Arn) -> Any:
    """The tags of a parameter, whose ARN may lack the first slash of its name, or of a document or another resource."""
    kind, _, name = arn.resource.partition("/")
    tags = tags_of_type(models, _SSM_TYPES[kind])
    return tags.get(name) or (tags.get(f"/{name}") if kind == "parameter" else None)


_SSM_TYPES: Final = {
    "automation-execution": "Automation",
    "document": "Document",
    "maintenancewindow": "MaintenanceWindow",
    "managed-instance": "ManagedInstance",
    "parameter": "Parameter",
    "patchbaseline": "PatchBaseline",
}
"""Systems Manager API Reference, AddTagsToResource: the values of ResourceType."""


def _stream_tags(models: Any, arn: Arn) -> Any:
    return models.streams[arn.resource.split("/")[1]].tags


def _group_tags(models: Any, arn: Arn) -> Any:
    return models.autoscaling_groups[arn.resource.rpartition("autoScalingGroupName/")[2]].tags


def _tags_by_id(models: Any, arn: Arn) -> Any:
    return models.resource_tags.get(arn.resource.rpartition("/")[2])


def _api_tags(models: Any, arn: Arn) -> Any:
    """The tags of a REST API or of one of its stages, which others below it do not have."""
    path = arn.resource.strip("/").split("/")
    if path[0] != "restapis" or len(path) not in (2, 4):
        return None
    api = models.apis[path[1]]
    return api.tags if len(path) == 2 else api.stages[path[3]].tags if path[2] == "stages" else None


TAGS: Final[Mapping[str, Reader]] = {
    "apigateway": _api_tags,
    "autoscaling": _group_tags,
    "ecs": _by_its_arn,
    "eks": _cluster_tags,
    "kinesis": _stream_tags,
    "rds": _by_its_arn,
    "route53": _tags_by_id,
    "ssm": _ssm_tags,
}
"""The readers of tags, by service as in ARNs."""

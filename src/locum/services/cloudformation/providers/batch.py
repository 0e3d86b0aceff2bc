"""Batch: compute environments, job queues and job definitions."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from locum.services.cloudformation.providers.base import Properties, Provider, Request, Resource, Work, ended
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Tags, Wait, provider

_SERVICE: Final = "batch"
_TAGS: Final = Tags(
    Call("TagResource", {"resourceArn": "{id}", "tags": "{tags}"}),
    Call("UntagResource", {"resourceArn": "{id}", "tagKeys": "{keys}"}),
    member="tags",
    form="map",
    reserved=False,
)
_RESOURCES: Final = (
    "AllocationStrategy",
    "BidPercentage",
    "DesiredvCpus",
    "Ec2Configuration",
    "Ec2KeyPair",
    "ImageId",
    "InstanceRole",
    "InstanceTypes",
    "LaunchTemplate",
    "MaxvCpus",
    "MinvCpus",
    "PlacementGroup",
    "ScalingPolicy",
    "SecurityGroupIds",
    "Subnets",
    "Tags",
    "Type",
    "UpdateToLatestImageVersion",
)
"""What UpdateComputeEnvironment has of the resources."""

_ENVIRONMENT_ID: Final = {"computeEnvironment": "{id}"}
_ENVIRONMENT: Final = Row(
    _SERVICE,
    Call(
        "CreateComputeEnvironment",
        takes="ComputeResources Context EcsSettings EksConfiguration ServiceRole State Type UnmanagedvCpus",
    ),
    "{c.computeEnvironmentArn|r.computeEnvironments.0.computeEnvironmentArn}",
    (
        Call("UpdateComputeEnvironment", {**_ENVIRONMENT_ID, "state": "DISABLED"}),
        Call("DeleteComputeEnvironment", _ENVIRONMENT_ID),
    ),
    attributes={"ComputeEnvironmentArn": "{id}"},
    name=Name("ComputeEnvironmentName", 128),
    tags=_TAGS,
    read=Call("DescribeComputeEnvironments", {"computeEnvironments": ["{id|name}"]}),
    exists=frozenset({"InvalidParameterValueException", "ClientException"}),
    ready=Wait("computeEnvironments.0.status", frozenset({"VALID"}), frozenset({"INVALID"})),
    gone=Wait("computeEnvironments.0.status", frozenset({None, "DELETED"})),
    settings=(
        Change(
            Call(
                "UpdateComputeEnvironment",
                {
                    **_ENVIRONMENT_ID,
                    "computeResources": {name: f"{{p.ComputeResources.{name}}}" for name in _RESOURCES},
                },
                "Context ServiceRole State UnmanagedvCpus UpdatePolicy",
            ),
            on="ComputeResources",
            defaults={"State": "ENABLED"},
        ),
    ),
    unused=frozenset({"ReplaceComputeEnvironment", "UpdatePolicy"}),
)

_QUEUE_ID: Final = {"jobQueue": "{id}"}
_QUEUED: Final = (
    "ComputeEnvironmentOrder JobStateTimeLimitActions Priority SchedulingPolicyArn ServiceEnvironmentOrder State"
)
_QUEUE: Final = Row(
    _SERVICE,
    Call("CreateJobQueue", takes=f"JobQueueType {_QUEUED}"),
    "{c.jobQueueArn|r.jobQueues.0.jobQueueArn}",
    (Call("UpdateJobQueue", {**_QUEUE_ID, "state": "DISABLED"}), Call("DeleteJobQueue", _QUEUE_ID)),
    attributes={"JobQueueArn": "{id}"},
    name=Name("JobQueueName", 128),
    tags=_TAGS,
    read=Call("DescribeJobQueues", {"jobQueues": ["{id|name}"]}),
    exists=frozenset({"ClientException"}),
    ready=Wait("jobQueues.0.status", frozenset({"VALID"}), frozenset({"INVALID"})),
    gone=Wait("jobQueues.0.status", frozenset({None, "DELETED"})),
    settings=(Change(Call("UpdateJobQueue", _QUEUE_ID, _QUEUED), defaults={"State": "ENABLED"}),),
    shaped=lambda properties: {"State": "ENABLED", **properties},
)

_DEFINITION: Final = Row(
    _SERVICE,
    Call(
        "RegisterJobDefinition",
        takes="ConsumableResourceProperties ContainerProperties EcsProperties EksProperties NodeProperties Parameters "
        "PlatformCapabilities PropagateTags RetryStrategy SchedulingPriority Timeout Type",
    ),
    "{c.jobDefinitionArn}",
    (Call("DeregisterJobDefinition", {"jobDefinition": "{id}"}),),
    attributes={"JobDefinitionArn": "{id}"},
    name=Name("JobDefinitionName", 128),
    tags=_TAGS._replace(add=None, remove=None),
    unused=frozenset({"ResourceRetentionPolicy"}),
)


def _registered(resource: Resource, _before: Properties) -> Work:
    """Another revision of a job definition; the former one is withdrawn."""
    name = resource.physical.rpartition("/")[2].rpartition(":")[0]
    properties = {**resource.properties, "JobDefinitionName": name}
    made = yield from provider(_DEFINITION).create(replace(resource, properties=properties, physical=""))
    yield from ended(Request(_SERVICE, "DeregisterJobDefinition", {"jobDefinition": resource.physical}))
    return made


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Batch::ComputeEnvironment": provider(_ENVIRONMENT),
    "AWS::Batch::JobDefinition": provider(_DEFINITION)._replace(
        update=_registered, immutable=frozenset({"JobDefinitionName"})
    ),
    "AWS::Batch::JobQueue": provider(_QUEUE),
}

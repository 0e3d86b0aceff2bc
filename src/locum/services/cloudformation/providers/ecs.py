"""Clusters, task definitions and services of Elastic Container Service."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Provider
from locum.services.cloudformation.providers.steps import lenient
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Row, Shown, Tags, provider

_SERVICE: Final = "ecs"


def _tags(arn: str) -> Tags:
    return Tags(
        Call("TagResource", {"resourceArn": arn, "tags": "{tags}"}),
        Call("UntagResource", {"resourceArn": arn, "tagKeys": "{keys}"}),
        member="tags",
        key="key",
        value="value",
    )


_CLUSTER: Final = Row(
    _SERVICE,
    Call(
        "CreateCluster",
        takes="CapacityProviders settings=ClusterSettings Configuration DefaultCapacityProviderStrategy "
        "ServiceConnectDefaults",
    ),
    "{name}",
    (Call("DeleteCluster", {"cluster": "{id}"}),),
    attributes={"Arn": "{c.cluster.clusterArn}"},
    name=Name("ClusterName", 255),
    tags=_tags("{attr.Arn}"),
    settings=(
        Change(
            Call("UpdateCluster", {"cluster": "{id}"}, "settings=ClusterSettings Configuration ServiceConnectDefaults"),
            defaults={"ClusterSettings": [{"name": "containerInsights", "value": "disabled"}]},
        ),
        Change(
            Call(
                "PutClusterCapacityProviders",
                {"cluster": "{id}"},
                "CapacityProviders DefaultCapacityProviderStrategy",
            ),
            defaults={"CapacityProviders": [], "DefaultCapacityProviderStrategy": []},
        ),
    ),
    shown=Shown(
        Call("DescribeClusters", {"clusters": ["{id}"], "include": ["TAGS", "SETTINGS", "CONFIGURATIONS"]}),
        "clusters.0",
        ended={"status": "INACTIVE"},
        lists=Listing(Call("ListClusters"), "clusterArns", lambda arn: arn.rpartition("/")[2]),
    ),
)

_TASK: Final = Row(
    _SERVICE,
    Call(
        "RegisterTaskDefinition",
        takes="ContainerDefinitions Cpu EnableFaultInjection EphemeralStorage ExecutionRoleArn InferenceAccelerators "
        "IpcMode Memory NetworkMode PidMode PlacementConstraints ProxyConfiguration RequiresCompatibilities "
        "RuntimePlatform TaskRoleArn Volumes",
    ),
    "{c.taskDefinition.taskDefinitionArn}",
    (Call("DeregisterTaskDefinition", {"taskDefinition": "{id}"}),),
    attributes={"TaskDefinitionArn": "{it.taskDefinitionArn|id}"},
    name=Name("Family", 255),
    tags=_tags("{id}"),
    shown=Shown(
        Call("DescribeTaskDefinition", {"taskDefinition": "{id}", "include": ["TAGS"]}),
        "taskDefinition",
        members={"Tags": "{r.tags}"},
        ended={"status": "INACTIVE"},
        lists=Listing(Call("ListTaskDefinitions"), "taskDefinitionArns"),
    ),
)

_SERVED: Final = (
    "AvailabilityZoneRebalancing CapacityProviderStrategy DeploymentConfiguration DeploymentController DesiredCount "
    "EnableECSManagedTags EnableExecuteCommand GatewayConnectors HealthCheckGracePeriodSeconds LoadBalancers "
    "Monitoring NetworkConfiguration PlacementConstraints placementStrategy=PlacementStrategies PlatformVersion "
    "PropagateTags ServiceConnectConfiguration ServiceRegistries TaskDefinition VolumeConfigurations "
    "VpcLatticeConfigurations"
)
_OF_SERVICE: Final = {"cluster": "{p.Cluster}", "service": "{id}"}
_ECS_SERVICE: Final = Row(
    _SERVICE,
    Call(
        "CreateService",
        {"clientToken": "{client_token}"},
        f"Cluster LaunchType Role SchedulingStrategy {_SERVED}",
    ),
    "{c.service.serviceArn}",
    (Call("DeleteService", {**_OF_SERVICE, "force": True}),),
    attributes={"ServiceArn": "{id}", "Name": "{c.service.serviceName}"},
    name=Name("ServiceName", 255),
    tags=_tags("{id}"),
    settings=(
        Change(
            Call(
                "UpdateService",
                {**_OF_SERVICE, "forceNewDeployment": "{p.ForceNewDeployment.EnableForceNewDeployment}"},
                _SERVED,
            ),
            on="ForceNewDeployment",
            defaults={
                "LoadBalancers": [],
                "PlacementConstraints": [],
                "PlacementStrategies": [],
                "ServiceRegistries": [],
            },
        ),
    ),
    unused=frozenset({"ForceNewDeployment"}),
    shown=Shown(
        Call("DescribeServices", {"cluster": "{p.Cluster}", "services": ["{id}"], "include": ["TAGS"]}),
        "services.0",
        ended={"status": "INACTIVE"},
        id="arn:{partition}:ecs:{place}:{owner}:service/{p.Cluster}/{name}",
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::ECS::Cluster": provider(_CLUSTER),
    "AWS::ECS::Service": lenient(provider(_ECS_SERVICE), "ServiceNotFoundException", "ClusterNotFoundException"),
    "AWS::ECS::TaskDefinition": lenient(provider(_TASK), "The specified task definition does not exist"),
}

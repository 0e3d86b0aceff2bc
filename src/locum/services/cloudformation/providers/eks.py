"""Clusters of Elastic Kubernetes Service, and their groups of nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties, Provider, Request, Resource, Work
from locum.services.cloudformation.providers.steps import changed, without
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Shown, Tags, Wait, provider

_SERVICE: Final = "eks"
_TAGS: Final = Tags(
    Call("TagResource", {"resourceArn": "{attr.Arn}", "tags": "{tags}"}),
    Call("UntagResource", {"resourceArn": "{attr.Arn}", "tagKeys": "{keys}"}),
    member="tags",
    form="map",
)
_EXISTS: Final = frozenset({"ResourceInUseException"})


def _logged(properties: Properties) -> Properties:
    """The properties of a cluster, with its logging as the API has it: types that are on, and those off."""
    if "Logging" not in properties:
        return properties
    enabled = (properties["Logging"].get("ClusterLogging") or {}).get("EnabledTypes") or ()
    on = sorted(each["Type"] for each in enabled)
    off = sorted({"api", "audit", "authenticator", "controllerManager", "scheduler"}.difference(on))
    kinds = [{"types": types, "enabled": types is on} for types in (on, off) if types]
    return {**properties, "Logging": {"clusterLogging": kinds}}


def _setting(name: str, **more: Any) -> Change:
    return Change(Call("UpdateClusterConfig", {"name": "{id}"}, name), **more)


_CLUSTER: Final = Row(
    _SERVICE,
    Call(
        "CreateCluster",
        {"clientRequestToken": "{client_token}"},
        "AccessConfig BootstrapSelfManagedAddons ComputeConfig ControlPlaneScalingConfig DeletionProtection "
        "EncryptionConfig KubernetesNetworkConfig Logging OutpostConfig RemoteNetworkConfig ResourcesVpcConfig RoleArn "
        "StorageConfig UpgradePolicy Version ZonalShiftConfig",
    ),
    "{name}",
    (Call("DeleteCluster", {"name": "{id}"}),),
    attributes={
        "Arn": "{r.cluster.arn}",
        "CertificateAuthorityData": "{r.cluster.certificateAuthority.data}",
        "ClusterSecurityGroupId": "{r.cluster.resourcesVpcConfig.clusterSecurityGroupId}",
        "EncryptionConfigKeyArn": "{r.cluster.encryptionConfig.0.provider.keyArn}",
        "Endpoint": "{r.cluster.endpoint}",
        "Id": "{r.cluster.id}",
        "OpenIdConnectIssuerUrl": "{r.cluster.identity.oidc.issuer}",
    },
    name=Name("Name", 100),
    tags=_TAGS,
    read=Call("DescribeCluster", {"name": "{id|name}"}),
    exists=_EXISTS,
    ready=Wait("cluster.status", frozenset({"ACTIVE"}), frozenset({"FAILED"})),
    gone=Wait("cluster.status", frozenset({None})),
    settings=(
        _setting("ResourcesVpcConfig"),
        _setting("Logging", defaults={"Logging": {}}),
        _setting("AccessConfig"),
        _setting("ControlPlaneScalingConfig"),
        _setting("DeletionProtection", defaults={"DeletionProtection": False}),
        _setting("ComputeConfig KubernetesNetworkConfig StorageConfig"),
        _setting("RemoteNetworkConfig"),
        _setting("UpgradePolicy"),
        _setting("ZonalShiftConfig"),
        Change(Call("UpdateClusterVersion", {"name": "{id}"}, "Version Force")),
    ),
    shaped=_logged,
    unused=frozenset({"Force"}),
    shown=Shown(hides="Logging"),
)

_OF: Final = {"clusterName": "{p.ClusterName}", "nodegroupName": "{attr.NodegroupName|name}"}
_NODES: Final = Row(
    _SERVICE,
    Call(
        "CreateNodegroup",
        {"clientRequestToken": "{client_token}"},
        "AmiType CapacityType ClusterName DiskSize InstanceTypes Labels LaunchTemplate NodeRepairConfig NodeRole "
        "ReleaseVersion RemoteAccess ScalingConfig Subnets Taints UpdateConfig Version WarmPoolConfig",
    ),
    "{p.ClusterName}/{name}",
    (Call("DeleteNodegroup", _OF),),
    attributes={
        "Arn": "{r.nodegroup.nodegroupArn}",
        "ClusterName": "{p.ClusterName}",
        "Id": "{id}",
        "NodegroupName": "{r.nodegroup.nodegroupName}",
    },
    name=Name("NodegroupName", 63),
    tags=_TAGS,
    read=Call("DescribeNodegroup", _OF),
    exists=_EXISTS,
    ready=Wait("nodegroup.status", frozenset({"ACTIVE"}), frozenset({"CREATE_FAILED", "DEGRADED"})),
    gone=Wait("nodegroup.status", frozenset({None})),
    settings=(
        Change(
            Call("UpdateNodegroupConfig", _OF, "NodeRepairConfig ScalingConfig UpdateConfig WarmPoolConfig"),
        ),
        Change(
            Call(
                "UpdateNodegroupVersion",
                {**_OF, "force": "{p.ForceUpdateEnabled}"},
                "LaunchTemplate ReleaseVersion Version",
            )
        ),
    ),
    unused=frozenset({"ForceUpdateEnabled", "Labels", "Taints"}),
)
_OF_NODES: Final = provider(_NODES)


def _update_nodes(resource: Resource, before: Properties) -> Work:
    """Change a group of nodes: labels and taints by what is added and what is removed."""
    own = resource.properties
    if changed(before, own, "Labels", "Taints"):
        labels, former = own.get("Labels") or {}, before.get("Labels") or {}
        taints, once = own.get("Taints") or [], before.get("Taints") or []
        params = {
            "clusterName": own["ClusterName"],
            "nodegroupName": resource.attributes["NodegroupName"],
            "labels": {"addOrUpdateLabels": labels, "removeLabels": [key for key in former if key not in labels]},
            "taints": {"addOrUpdateTaints": taints, "removeTaints": [taint for taint in once if taint not in taints]},
        }
        yield Request(_SERVICE, "UpdateNodegroupConfig", {key: value for key, value in params.items() if value})
    assert _OF_NODES.update is not None
    rest = without(own, ("Labels", "Taints"))
    return (yield from _OF_NODES.update(replace(resource, properties=rest), without(before, ("Labels", "Taints"))))


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::EKS::Cluster": provider(_CLUSTER),
    "AWS::EKS::Nodegroup": _OF_NODES._replace(update=_update_nodes),
}

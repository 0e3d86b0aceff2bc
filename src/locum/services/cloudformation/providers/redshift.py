"""Subnet groups of Redshift clusters."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Provider
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Tags, provider

_ARN: Final = {"ResourceName": "arn:aws:redshift:{region}:{account}:subnetgroup:{id}"}
_SUBNETS: Final = Row(
    "redshift",
    Call("CreateClusterSubnetGroup", takes="Description SubnetIds"),
    "{name}",
    (Call("DeleteClusterSubnetGroup", {"ClusterSubnetGroupName": "{id}"}),),
    attributes={"ClusterSubnetGroupName": "{id}"},
    name=Name("ClusterSubnetGroupName", lower=True),
    tags=Tags(Call("CreateTags", {**_ARN, "Tags": "{tags}"}), Call("DeleteTags", {**_ARN, "TagKeys": "{keys}"})),
    exists=frozenset({"ClusterSubnetGroupAlreadyExists"}),
    settings=(Change(Call("ModifyClusterSubnetGroup", {"ClusterSubnetGroupName": "{id}"}, "Description SubnetIds")),),
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::Redshift::ClusterSubnetGroup": provider(_SUBNETS)}

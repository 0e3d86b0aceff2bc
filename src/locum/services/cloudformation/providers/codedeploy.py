"""CodeDeploy: applications and deployment groups."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Provider
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Shown, Tags, provider

_SERVICE: Final = "codedeploy"


def _tags(arn: str) -> Tags:
    arn = f"arn:aws:codedeploy:{{region}}:{{account}}:{arn}"
    return Tags(
        Call("TagResource", {"ResourceArn": arn, "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceArn": arn, "TagKeys": "{keys}"}),
        member="tags",
    )


_NAMED: Final = {"applicationName": "{id}"}
_APPLICATION: Final = Row(
    _SERVICE,
    Call("CreateApplication", takes="ComputePlatform"),
    "{name}",
    (Call("DeleteApplication", _NAMED),),
    name=Name("ApplicationName", 100),
    tags=_tags("application:{id}"),
    exists=frozenset({"ApplicationAlreadyExistsException"}),
    shown=Shown(Call("GetApplication", _NAMED), "application"),
)

_OF_APPLICATION: Final = {"applicationName": "{p.ApplicationName}"}
_CHANGED: Final = (
    "AlarmConfiguration AutoRollbackConfiguration AutoScalingGroups BlueGreenDeploymentConfiguration "
    "DeploymentConfigName DeploymentStyle ECSServices Ec2TagFilters Ec2TagSet LoadBalancerInfo "
    "OnPremisesInstanceTagFilters OnPremisesTagSet OutdatedInstancesStrategy "
    "ServiceRoleArn TerminationHookEnabled TriggerConfigurations"
)
_GROUP: Final = Row(
    _SERVICE,
    Call("CreateDeploymentGroup", takes=f"ApplicationName {_CHANGED}"),
    "{name}",
    (Call("DeleteDeploymentGroup", {**_OF_APPLICATION, "deploymentGroupName": "{id}"}),),
    name=Name("DeploymentGroupName", 100),
    tags=_tags("deploymentgroup:{p.ApplicationName}/{id}"),
    exists=frozenset({"DeploymentGroupAlreadyExistsException"}),
    settings=(
        Change(
            Call(
                "UpdateDeploymentGroup",
                {**_OF_APPLICATION, "currentDeploymentGroupName": "{id}"},
                _CHANGED,
            )
        ),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::CodeDeploy::Application": provider(_APPLICATION),
    "AWS::CodeDeploy::DeploymentGroup": provider(_GROUP),
}

"""Deployments of CodeDeploy as moto keeps them, which carries none of them out; and what its CodeDeploy lacks."""

from __future__ import annotations

import importlib
from typing import Any, Final

from moto.core.utils import utcnow

from locum.backends.moto import recall
from locum.backends.moto.models import all_models, backends_of, models_of
from locum.backends.moto.reliance import check
from locum.backends.moto.turns import in_turn
from locum.backends.port import BackendCall
from locum.core.deployments import Deployment, group_arn
from locum.core.errors import Fault

_SERVICE: Final = "codedeploy"
_INFO: Final = "_deployment_info"
"""moto's function for what GetDeployment and BatchGetDeployments tell."""
_ERROR: Final = "locum_error"
"""The attribute of a deployment in moto for why it failed."""


def adjust() -> None:
    """Have deployments tell why they failed."""
    responses: Any = importlib.import_module("moto.codedeploy.responses")
    tell = getattr(responses, _INFO)

    def info(deployment: Any) -> dict[str, Any]:
        return {**tell(deployment), "errorInformation": getattr(deployment, _ERROR, {})}

    setattr(responses, _INFO, info)


class MotoDeployments:
    """`core.deployments.Deployments` in moto."""

    def find(self, account: str, region: str, identifier: str) -> Deployment | None:
        """The deployment with that id, or None."""
        check(_SERVICE)
        return in_turn(_find, account, region, identifier)

    def tell(self, deployment: Deployment, status: str, code: str = "", message: str = "") -> None:
        """Have it tell its status."""
        in_turn(_tell, deployment, status, {"code": code, "message": message} if code else {})

    def under_way(self) -> list[Deployment]:
        """Those to Lambda that have begun and have not ended."""
        return in_turn(under_way)


def under_way() -> list[Deployment]:
    """The deployments of all accounts to Lambda that have not ended. To be used in moto's turn."""
    recall.here(_SERVICE)
    begun = [
        (models, name)
        for models in all_models(_SERVICE)
        for name, it in models.deployments.items()
        if it.status in ("Created", "InProgress")
    ]
    found = (_find(models.account_id, models.region_name, name) for models, name in begun)
    return [it for it in found if it is not None and it.platform == "Lambda"]


def _kept(account: str, region: str, identifier: str) -> Any:
    models = models_of(_SERVICE, account, region)
    return None if models is None else models.deployments.get(identifier)


def _find(account: str, region: str, identifier: str) -> Deployment | None:
    found = _kept(account, region, identifier)
    if found is None:
        return None
    group = found.deployment_group
    alarms = found.override_alarm_configuration or group.alarm_configuration or {}
    back = found.auto_rollback_configuration or group.auto_rollback_configuration or {}
    return Deployment(
        account,
        region,
        identifier,
        group_arn(account, region, found.application_name, found.deployment_group_name),
        found.application.compute_platform or "Server",
        group.service_role_arn,
        str(found.deployment_config_name or ""),
        found.revision or {},
        tuple(it["name"] for it in alarms.get("alarms") or ()) if alarms.get("enabled") else (),
        frozenset(back.get("events") or ()) if back.get("enabled") else frozenset(),
    )


def _tell(deployment: Deployment, status: str, error: dict[str, str]) -> None:
    recall.changing(_SERVICE)
    found = _kept(deployment.account, deployment.region, deployment.id)
    if found is not None:
        found.status = status
        found.start_time = found.start_time or utcnow()
        setattr(found, _ERROR, error)
        if status != "InProgress":
            found.complete_time = utcnow()


def delete_application(call: BackendCall) -> dict[str, Any]:
    """CodeDeploy API Reference, DeleteApplication: its deployment groups go, too. One that is not there is gone."""
    models, name = backends_of(_SERVICE)[call.account][call.region], call.params["applicationName"]
    models.applications.pop(name, None)
    models.deployment_groups.pop(name, None)
    return {}


def delete_group(call: BackendCall) -> dict[str, Any]:
    """CodeDeploy API Reference, DeleteDeploymentGroup."""
    models, params = backends_of(_SERVICE)[call.account][call.region], call.params
    models.deployment_groups.get(params["applicationName"], {}).pop(params["deploymentGroupName"], None)
    return {"hooksNotCleanedUp": []}


_CHANGED: Final = {
    "alarmConfiguration": "alarm_configuration",
    "autoRollbackConfiguration": "auto_rollback_configuration",
    "autoScalingGroups": "auto_scaling_groups",
    "blueGreenDeploymentConfiguration": "blue_green_deployment_configuration",
    "deploymentConfigName": "deployment_config_name",
    "deploymentStyle": "deployment_style",
    "ec2TagFilters": "ec2_tag_filters",
    "ec2TagSet": "ec2_tag_set",
    "ecsServices": "ecs_services",
    "loadBalancerInfo": "load_balancer_info",
    "onPremisesInstanceTagFilters": "on_premises_instance_tag_filters",
    "onPremisesTagSet": "on_premises_tag_set",
    "outdatedInstancesStrategy": "outdated_instances_strategy",
    "serviceRoleArn": "service_role_arn",
    "terminationHookEnabled": "termination_hook_enabled",
    "triggerConfigurations": "trigger_configurations",
}
"""The members of UpdateDeploymentGroup that change a group -> the attributes of moto's."""


def update_group(call: BackendCall) -> dict[str, Any]:
    """CodeDeploy API Reference, UpdateDeploymentGroup. Raises Fault where there is none, or the name is taken."""
    models, params = backends_of(_SERVICE)[call.account][call.region], call.params
    application, name = params["applicationName"], params["currentDeploymentGroupName"]
    if application not in models.applications:
        text = f"No application found for name: {application}"
        raise Fault("ApplicationDoesNotExistException", text, 400)
    groups = models.deployment_groups.get(application, {})
    group, renamed = groups.get(name), params.get("newDeploymentGroupName", name)
    if group is None:
        raise Fault("DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}", 400)
    if renamed != name and renamed in groups:
        text = f"Deployment group name already exists: {renamed}"
        raise Fault("DeploymentGroupAlreadyExistsException", text, 400)
    for member in params.keys() & _CHANGED.keys():
        setattr(group, _CHANGED[member], params[member])
    group.deployment_group_name = renamed
    groups[renamed] = groups.pop(name)
    return {"hooksNotCleanedUp": []}

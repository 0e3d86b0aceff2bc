"""Deployments of REST APIs: which stage has one, where moto takes the stage that it was made with.

API Gateway, DeleteDeployment: a deployment can be deleted once no stage points to it, whichever that was. osls makes
another deployment for a stage with each `osls deploy`, and has the one before deleted.
"""

from __future__ import annotations

from locum.backends.moto.models import models_of
from locum.backends.port import BackendCall


def follow(call: BackendCall) -> None:
    """Let the deployment that `call` is to delete be of the stage that has it now, if there is one."""
    models = models_of("apigateway", call.account, call.region) if call.operation == "DeleteDeployment" else None
    api = None if models is None else models.apis.get(call.params["restApiId"])
    deployment = None if api is None else api.deployments.get(call.params["deploymentId"])
    if api is not None and deployment is not None:
        having = (name for name, stage in api.stages.items() if stage.deployment_id == deployment.id)
        deployment.stage_name = next(having, None)

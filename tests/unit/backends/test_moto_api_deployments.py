"""Deployments of REST APIs are deleted once no stage has them, whichever they were made with."""

from __future__ import annotations

from typing import Any

import pytest

from support.inprocess import InProcess, refusal

ACTIVE = ("BadRequestException", 400, "Active stages pointing to this deployment must be moved or deleted")


@pytest.fixture
def api(plane: InProcess) -> tuple[Any, str]:
    """A client, and the id of an API that can be deployed."""
    client = plane.client("apigateway")
    made = client.create_rest_api(name="api")
    of = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "GET"}
    client.put_method(**of, authorizationType="NONE")
    client.put_integration(**of, type="MOCK")
    return client, made["id"]


def test_a_deployment_whose_stage_has_another_one_is_deleted(api: tuple[Any, str]) -> None:
    client, name = api
    first, second = (client.create_deployment(restApiId=name, stageName="dev")["id"] for _ in range(2))
    client.delete_deployment(restApiId=name, deploymentId=first)
    assert refusal(client.delete_deployment, restApiId=name, deploymentId=second) == ACTIVE


def test_a_deployment_that_a_stage_was_moved_to_is_not_deleted(api: tuple[Any, str]) -> None:
    client, name = api
    deployment = client.create_deployment(restApiId=name)["id"]
    client.create_stage(restApiId=name, stageName="dev", deploymentId=deployment)
    assert refusal(client.delete_deployment, restApiId=name, deploymentId=deployment) == ACTIVE
    client.delete_stage(restApiId=name, stageName="dev")
    client.delete_deployment(restApiId=name, deploymentId=deployment)

"""Definitions of REST APIs that moto would refuse, imported all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess, refusal

PET = {"responses": {"200": {"description": "x", "schema": {"$ref": "#/definitions/Pet"}}}}
MOCK = {"type": "mock", "responses": {"default": {"statusCode": "200"}}}
SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "pets", "version": "1"},
    "paths": {"/pets": {"get": {**PET, "x-amazon-apigateway-integration": MOCK}}},
    "definitions": {"Pet": {"type": "object"}},
}


@pytest.fixture(scope="module")
def client(plane: InProcess) -> Any:
    return plane.client("apigateway")


def test_a_definition_in_swagger_without_a_description_is_imported(client: Any) -> None:
    """What Chalice sends."""
    api = client.import_rest_api(body=json.dumps(SWAGGER))
    assert api["name"] == "pets"
    found = {it["path"]: it["id"] for it in client.get_resources(restApiId=api["id"])["items"]}
    of = {"restApiId": api["id"], "resourceId": found["/pets"], "httpMethod": "GET"}
    assert client.get_integration(**of)["type"] == "mock"


def test_a_definition_in_swagger_takes_the_place_of_another(client: Any) -> None:
    api = client.create_rest_api(name="first")["id"]
    client.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(SWAGGER))
    assert {it["path"] for it in client.get_resources(restApiId=api)["items"]} == {"/", "/pets"}


@pytest.mark.parametrize("body", ["[]", '{"openapi": "2.0", "info": {"title": "a", "version": "1"}, "paths": {}}'])
def test_what_is_no_definition_is_refused(client: Any, body: str) -> None:
    api = client.create_rest_api(name="first")["id"]
    assert refusal(client.put_rest_api, restApiId=api, body=body)

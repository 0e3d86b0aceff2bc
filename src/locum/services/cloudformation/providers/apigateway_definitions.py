"""Definitions of REST APIs, in Swagger or OpenAPI, as a backend can import them.

The embedded backend takes OpenAPI 3 alone, and integrations that have all members. API Gateway takes Swagger 2 as well
("Develop REST APIs using OpenAPI in API Gateway"), which the transform AWS::Serverless makes where nothing else is
asked for. What is sent is the definition as it is given, but for members that change nothing; the other version is sent
where a backend refuses Swagger.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Ending, Request

_INTEGRATION: Final = "x-amazon-apigateway-integration"
_VERSION: Final = "3.0.1"
_NEEDED: Final[Mapping[str, str]] = {"uri": "", "httpMethod": "POST"}
"""Members that an integration without a target, `mock`, has no use for."""


def imported(params: Mapping[str, Any], body: bytes) -> Ending:
    """Import a definition by PutRestApi with `params`."""
    definition = _decoded(body)
    if definition is None:
        yield Request("apigateway", "PutRestApi", {**params, "body": body})
        return
    completed = json.dumps(_completed(definition)).encode()
    try:
        yield Request("apigateway", "PutRestApi", {**params, "body": completed})
    except Fault as fault:
        if "swagger" not in definition or "OpenAPI 3" not in fault.message:
            raise
        text = json.dumps(_in_openapi(_completed(definition))).encode()
        yield Request("apigateway", "PutRestApi", {**params, "body": text})


def _decoded(body: bytes) -> dict[str, Any] | None:
    """A definition in JSON, which may be checked; None where it is in YAML, or none at all."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("paths"), dict) else None


def _completed(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition whose integrations without a target have all members."""
    found: dict[str, Any] = json.loads(json.dumps(definition))
    for integration in _integrations(found):
        if str(integration.get("type", "")).lower() == "mock":
            integration.update({name: value for name, value in _NEEDED.items() if name not in integration})
    return found


def _integrations(definition: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in definition["paths"].values():
        for method in path.values() if isinstance(path, Mapping) else ():
            if isinstance(method, Mapping) and isinstance(method.get(_INTEGRATION), dict):
                yield method[_INTEGRATION]


def _in_openapi(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition in Swagger 2 as one in OpenAPI 3: what is shared by methods is among its components there."""
    left_out = {"swagger", "securityDefinitions", "definitions"}
    rest = {name: value for name, value in definition.items() if name not in left_out}
    components = {
        "securitySchemes": definition.get("securityDefinitions"),
        "schemas": definition.get("definitions"),
    }
    text = json.dumps(
        {"openapi": _VERSION, **rest, "components": {name: value for name, value in components.items() if value}}
    )
    found: dict[str, Any] = json.loads(text.replace('"#/definitions/', '"#/components/schemas/'))
    return found

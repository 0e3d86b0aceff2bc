"""Definitions of REST APIs, in Swagger or OpenAPI, as moto can import them.

moto takes OpenAPI 3 alone, with a description, and integrations that have all members. API Gateway takes Swagger 2 as
well ("Develop REST APIs using OpenAPI in API Gateway"), which Chalice and the transform AWS::Serverless make.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from locum.backends.port import BackendCall

_IMPORTING: Final = frozenset({"ImportRestApi", "PutRestApi"})
_INTEGRATION: Final = "x-amazon-apigateway-integration"
_VERSION: Final = "3.0.1"
_NEEDED: Final[Mapping[str, str]] = {"uri": "", "httpMethod": "POST"}
"""Members that an integration without a target, `mock`, has no use for."""


def understood(call: BackendCall) -> BackendCall:
    """`call` with a definition that moto can import, where it has one in JSON."""
    definition = _decoded(call.params.get("body") or b"") if call.operation in _IMPORTING else None
    if definition is None:
        return call
    _complete(definition)
    if "swagger" in definition:
        definition = _in_openapi(definition)
    return replace(call, params={**call.params, "body": json.dumps(definition).encode()})


def _decoded(body: bytes | str) -> dict[str, Any] | None:
    """A definition in JSON; None where it is in YAML, or none at all."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("paths"), dict) else None


def _complete(definition: dict[str, Any]) -> None:
    """Give a definition a description, and its integrations without a target all members."""
    info = definition.get("info")
    if isinstance(info, dict):
        info.setdefault("description", "")
    for integration in _integrations(definition):
        if str(integration.get("type", "")).lower() == "mock":
            integration.update({name: value for name, value in _NEEDED.items() if name not in integration})


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

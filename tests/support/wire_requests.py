"""Requests as they come in, for the tests of `wire`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum import wire
from locum.core.errors import Fault
from locum.core.http import HttpRequest

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": "localhost:4566"}
VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15", "ec2": "2016-11-15", "autoscaling": "2011-01-01"}


def form(service: str, action: str, *pairs: str) -> HttpRequest:
    """A query request: `pairs` are `Name=value`, encoded."""
    body = "&".join((f"Action={action}", f"Version={VERSIONS[service]}", *pairs))
    return HttpRequest("POST", "/", "", FORM, body.encode())


def target(name: str, body: Any) -> HttpRequest:
    """A JSON request."""
    headers = {"x-amz-target": name, "content-type": "application/x-amz-json-1.1"}
    return HttpRequest("POST", "/", "", headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def rest(method: str, path: str, body: bytes = b"", *, host: str = "localhost:4566", **headers: str) -> HttpRequest:
    """A REST request; `path` with its query string. Header names have `_` for `-`."""
    raw_path, _, query = path.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(method, raw_path, query, {"host": host, **named}, body)


def name_of(request: HttpRequest, signing_name: str | None) -> str:
    """`service.Operation` of a request."""
    codec = wire.resolve(request, signing_name)
    return f"{codec.service}.{codec.operation}"


def read(request: HttpRequest, signing_name: str | None) -> dict[str, Any]:
    """The parameters of a request."""
    return wire.resolve(request, signing_name).parse(request, request.body)


def checked(request: HttpRequest, signing_name: str | None) -> dict[str, Any]:
    """The parameters of a request, held against the service model."""
    params = read(request, signing_name)
    wire.resolve(request, signing_name).check(params)
    return params


def refusal(request: HttpRequest, signing_name: str | None) -> Fault:
    """The fault that a request is answered with."""
    with pytest.raises(Fault) as refused:
        checked(request, signing_name)
    return refused.value

"""DeleteObjects, of which S3 carries out what is allowed, and tells in its answer what is not.

S3 API Reference, DeleteObjects: "The response [...] includes the result of deletion of each object"; what the caller
may not delete is an `AccessDenied` among its `Errors`, in an answer that is none itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from locum import authz
from locum.backends.lazy import translation
from locum.calls.request_context import RequestContext
from locum.core.calls import Call
from locum.core.http import HttpResponse
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.state import State

_OF_THE_BODY: Final = ("content-md5", "content-length", "x-amz-checksum-", "x-amz-sdk-checksum", "x-amz-trailer")
LARGEST: Final = 1000
"""The number of objects that a batch may have. S3 API Reference, DeleteObjects: "up to 1000"."""


class Part(NamedTuple):
    """The objects that a caller may delete, and the errors for the others, as the answer has them."""

    objects: tuple[Mapping[str, Any], ...]
    errors: tuple[dict[str, str], ...]


def is_batch(call: Call) -> bool:
    """Whether a call that is refused for one of its resources may be carried out on the others."""
    return call.operation == "DeleteObjects" and call.service == "s3"


def allowed_part(state: State, call: Call, facts: Mapping[str, ResourceFacts]) -> Part | None:
    """The allowed part of a batch, decided on object by object; None where it is refused whatever it names."""
    delete = call.params.get("Delete") or {}
    items = delete.get("Objects") or ()
    if not 0 < len(items) <= LARGEST or not all(item.get("Key") for item in items):
        return None
    objects, errors = [], []
    for item in items:
        one = call._replace(params={**call.params, "Delete": {**delete, "Objects": [item]}})
        found = authz.decide(state, one, authz.plan(state, one), lambda arn: facts.get(arn, UNKNOWN))
        if found.allowed:
            objects.append(item)
        elif found.failing is None:
            return None
        else:
            fault = found.fault()
            named = {name: str(item[name]) for name in ("Key", "VersionId") if name in item}
            errors.append({**named, "Code": fault.code, "Message": fault.message})
    return Part(tuple(objects), tuple(errors))


def restrict(context: RequestContext, objects: tuple[Mapping[str, Any], ...]) -> None:
    """Let a call name these objects alone, also in the request that a backend is passed."""
    restate(context, {**context.params, "Delete": {**context.params["Delete"], "Objects": list(objects)}})


def restate(context: RequestContext, params: dict[str, Any]) -> None:
    """Let a call have these parameters, also in the request that a backend is passed."""
    assert context.codec is not None
    context.params = params
    context.body = translation().restated(context.codec.model, context.codec.protocol, context.params).body
    headers = {name: value for name, value in context.request.headers.items() if not name.startswith(_OF_THE_BODY)}
    headers["content-md5"] = base64.b64encode(hashlib.md5(context.body, usedforsecurity=False).digest()).decode()
    context.request = replace(context.request, headers=headers, body=context.body)


def answer(context: RequestContext, carried: HttpResponse | None, body: bytes, part: Part) -> HttpResponse:
    """The answer to a batch: what the backend told, where it was asked, and the errors for the rest."""
    codec = context.codec
    assert codec is not None
    told: dict[str, Any] = {}
    if carried is not None:
        told = translation().read_answer(codec.model, codec.protocol, carried.status, carried.headers, body)
    if context.params["Delete"].get("Quiet"):
        told.pop("Deleted", None)
    return codec.serialize({**told, "Errors": [*told.get("Errors", ()), *part.errors]}, context.request_id)

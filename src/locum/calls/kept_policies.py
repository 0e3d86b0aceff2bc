"""Checks the policies and tags that a backend is given to keep, which decide on later calls, before it gets them.

An HTTP endpoint gets the client's own request, once it has passed: it judges by its own policies, in its own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from locum.calls.request_context import RequestContext
from locum.core.calls import Call
from locum.core.http import HttpResponse
from locum.wire import Codec
from locum.wire.models import CBOR

_OF_THE_BODY: Final = frozenset({"content-length", "x-amz-crc32"})
"""Headers that depend on the octets of the body. (DynamoDB and Lambda answer with a checksum, which clients verify.)"""


@cache
def _resource_policies() -> Any:
    """`authz.resource_policies`, loaded at the first call of a backend: its tables are large."""
    return import_module("locum.authz.resource_policies")


def admitted(codec: Codec, context: RequestContext, call: Call) -> dict[str, Any]:
    """The parameters for the backend: with policies in their stored form. Raises the service's Fault.

    It is raised for a malformed tag, too, and for a malformed permission that becomes part of a policy.
    """
    resource_policies = _resource_policies()
    if resource_policies.checked_by_model(codec.service, codec.operation):
        codec.check(context.params)
    else:
        codec.check_tags(context.params)
    params: Mapping[str, Any] = resource_policies.admitted(context.state, call)
    return context.params if params is call.params else dict(params)


def show_principals(context: RequestContext, codec: Codec, answer: HttpResponse) -> None:
    """Replace unique ids in the policies of `answer` by ARNs, as far as their users and roles exist."""
    if not isinstance(answer.body, bytes) or codec.protocol == CBOR:
        return
    body = _resource_policies().shown(context.state, codec.service, codec.operation, answer.body)
    if body is not answer.body and body != answer.body:
        answer.headers = [pair for pair in answer.headers if pair[0].lower() not in _OF_THE_BODY]
        answer.body = body

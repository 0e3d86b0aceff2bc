"""Which operation a request is: `resolve`.

1. The service of the signature's scope narrows everything down; 324 of 365 names belong to one service alone.
2. smithy-rpc-v2-cbor: `/service/<Shape>/operation/<Operation>` with the header `Smithy-Protocol`.
3. `X-Amz-Target`: JSON.
4. `Action` and `Version` in the form: query and ec2.
5. Method, path and query string: REST. S3 is looked up by its own rules (`route_s3`).
6. Unsigned: 2 to 4 among all services; then the REST operations that need no signature; then anonymous S3.

What the signature's scope excludes is never tried: a request signed for one service is not another's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.wire.codec import Codec, codec
from locum.wire.models import Service, index, service_model
from locum.wire.parsers.s3 import bucket_of_host
from locum.wire.route_rest import RestRouter
from locum.wire.route_s3 import S3Router

CBOR = "smithy-rpc-v2-cbor"
_FORM = ("query", "ec2")
_REST = ("rest-json", "rest-xml")

_CBOR_PATH = re.compile(r".*/service/([A-Za-z0-9_.]+)/operation/([A-Za-z0-9_]+)")
_ACTION = re.compile(rb"(?:^|&)Action=([^&]*)")
_VERSION = re.compile(rb"(?:^|&)Version=([^&]*)")
_NAMES_KEPT = 1024  # there are 365; clients may make up more
_ACTIONS_KEPT = 4096
_FORMS_KEPT = 1024
_SMALL_FORM = 256  # octets
_LONGEST_NAME = 200  # characters; no operation has as many
_FORM_TYPE = "application/x-www-form-urlencoded"


class _Plan(NamedTuple):
    """The services that a request may be for, by the way they are spoken to."""

    cbor: tuple[Service, ...]
    json: tuple[Service, ...]
    form: tuple[Service, ...]
    rest: tuple[Service, ...]


def resolve(request: HttpRequest, signing_name: str | None) -> Codec:
    """The codec of the operation that `request` calls.

    `signing_name` is the service in the scope of the request's signature, None where it has none. Raises Fault, as
    the service would, where there is no such operation.
    """
    plan = _everything() if signing_name is None else _signed_plan(signing_name)
    if plan.cbor and "smithy-protocol" in request.headers:
        return _by_cbor_path(plan, request)
    if plan.json and (target := request.headers.get("x-amz-target")) is not None:
        return _by_target(plan, target)
    if plan.form:
        action, version = _action_and_version(request)
        if action is not None:
            return _by_action(plan, action, version)
    if signing_name is None:
        return _unsigned(request)
    if plan.rest:
        return _by_path(plan, request)
    if plan.form:
        raise Fault("MissingAction", "The request is missing an action or a required parameter.")
    raise _unknown()


@lru_cache(maxsize=_NAMES_KEPT)
def _signed_plan(signing_name: str) -> _Plan:
    return _plan(index().signed_as(signing_name))


@cache
def _everything() -> _Plan:
    return _plan(index().services.values())


def _plan(services: Iterable[Service]) -> _Plan:
    services = tuple(services)

    def speaking(*protocols: str) -> tuple[Service, ...]:
        return tuple(service for service in services if not set(protocols).isdisjoint(service.protocols))

    return _Plan(speaking(CBOR), speaking("json"), speaking(*_FORM), speaking(*_REST))


def _unknown(operation: str = "", status: int = 404) -> Fault:
    text = f"Unknown operation: {operation[:100]}" if operation else "The request names no operation that exists"
    return Fault("UnknownOperationException", text, status)


# CBOR and JSON


def _by_cbor_path(plan: _Plan, request: HttpRequest) -> Codec:
    match = _CBOR_PATH.fullmatch(request.raw_path)
    if match is None or request.headers["smithy-protocol"] != "rpc-v2-cbor" or request.method != "POST":
        raise _unknown()
    found = _by_prefix(plan.cbor, match[1], match[2], CBOR)
    if found is None:
        raise _unknown(match[2])
    return found


def _by_target(plan: _Plan, target: str) -> Codec:
    prefix, _, operation = target.rpartition(".")
    found = _by_prefix(plan.json, prefix, operation, "json")
    if found is None:
        raise _unknown(operation, 400)
    return found


def _by_prefix(services: tuple[Service, ...], prefix: str, operation: str, protocol: str) -> Codec | None:
    candidates = [service for service in index().by_target_prefix.get(prefix, ()) if service in services]
    service = candidates[0] if len(candidates) == 1 else index().of_operation(candidates, operation)
    return codec(service, operation, protocol) if service is not None else None


# Forms


@lru_cache(maxsize=_ACTIONS_KEPT)
def _by_action(plan: _Plan, action: str, version: str | None) -> Codec:
    candidates = [service for service in plan.form if version in service.versions]
    service = candidates[0] if len(candidates) == 1 else index().of_operation(candidates, action)
    found = None
    if service is not None:
        found = codec(service, action, "ec2" if "ec2" in service.protocols else "query")
    if found is None:
        raise _invalid_action(plan, action[:100], (version or "NO_VERSION_SPECIFIED")[:100])
    return found


def _invalid_action(plan: _Plan, action: str, version: str) -> Fault:
    if len(plan.form) == 1 and plan.form[0].name == "ec2":
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
        return Fault("InvalidAction", f"The action {action} is not valid for this web service.")
    return Fault("InvalidAction", f"Could not find operation {action} for version {version}")


def _action_and_version(request: HttpRequest) -> tuple[str | None, str | None]:
    """`Action` and `Version`, each in the form or else in the query string; names, or nothing that is known.

    The parser refuses a form in which either comes twice, so that nobody can read another one.
    """
    action = version = None
    if request.method == "POST" and request.headers.get("content-type", _FORM_TYPE).startswith(_FORM_TYPE):
        body = request.body
        action, version = _names_in_small(body) if len(body) <= _SMALL_FORM else _names_in(body)
    if request.query_string and (action is None or version is None):
        others = _names_in(request.query_string.encode("utf-8", "replace"))
        action, version = action if action is not None else others[0], version if version is not None else others[1]
    return action, version


def _names_in(form: bytes) -> tuple[str | None, str | None]:
    found = (pattern.search(form) for pattern in (_ACTION, _VERSION))
    action, version = (m[1][:_LONGEST_NAME].decode("ascii", "replace") if m is not None else None for m in found)
    return action, version


_names_in_small = lru_cache(maxsize=_FORMS_KEPT)(_names_in)
"""The same small forms come again and again: all of a GetCallerIdentity is these two names."""


# REST


def _by_path(plan: _Plan, request: HttpRequest) -> Codec:
    services = plan.rest if len(plan.rest) == 1 else _of_root(plan.rest, request)
    for service in services:
        if service.name == "s3":
            return _s3(request)
        operation = _router(service.name).find(request.method, request.raw_path, request.query_string)
        found = codec(service, operation, service.protocols[0]) if operation is not None else None
        if found is not None:
            return found
    raise _unknown()


def _of_root(services: tuple[Service, ...], request: HttpRequest) -> Iterable[Service]:
    """Those of several services whose paths begin as this one does."""
    found = _named_by_root(services[0].signing_name, request.raw_path[1:].partition("/")[0])
    if len(found) == 1:
        return found
    # `POST /tags` is an operation of four Chime services; only the host can tell.
    host = request.headers.get("host", "")
    found = tuple(service for service in found if service.name != "s3control" or _is_s3_control(request))
    return sorted(found, key=lambda service: not host.startswith(f"{service.endpoint_prefix}."))


@lru_cache(maxsize=_NAMES_KEPT)
def _named_by_root(signing_name: str, segment: str) -> tuple[Service, ...]:
    roots = index().roots[signing_name]
    names = dict.fromkeys((*roots.get(unquote(segment), ()), *roots.get("*", ())))
    return tuple(index().services[name] for name in names)


def _is_s3_control(request: HttpRequest) -> bool:
    """Whether `/v20180820/...` may be S3 Control's: always in path style, where no bucket should have that name."""
    return "x-amz-account-id" in request.headers or not bucket_of_host(request.headers.get("host", ""))


def _s3(request: HttpRequest) -> Codec:
    found = codec(index().services["s3"], _s3_router().find(request), "rest-xml")
    assert found is not None
    return found


def _unsigned(request: HttpRequest) -> Codec:
    operation = None
    host = request.headers.get("host", "")
    if not host.startswith("s3.") and not bucket_of_host(host):
        operation = _unsigned_router().find(request.method, request.raw_path, request.query_string)
    if operation is not None:
        service, _, name = operation.partition(".")
        found = codec(index().services[service], name, index().services[service].protocols[0])
        if found is not None:
            return found
    return _s3(request)


@cache
def _router(service: str) -> RestRouter:
    return RestRouter.of_service(service_model(service))


@cache
def _s3_router() -> S3Router:
    return S3Router(service_model("s3"))


@cache
def _unsigned_router() -> RestRouter:
    router = RestRouter()
    for route in index().unsigned:
        router.add(route.method, route.template, f"{route.service}.{route.operation}")
    return router

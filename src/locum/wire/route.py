"""Routing: from a request to the codec of its operation.

1. The service in the signature's scope limits the candidates; 324 of 365 signing names belong to one service.
2. smithy-rpc-v2-cbor: `/service/<Shape>/operation/<Operation>` with the header `Smithy-Protocol`.
3. `X-Amz-Target`: JSON.
4. `Action` and `Version` in the form: query and ec2.
5. Method, path and query string: REST, older ones (`older_bindings`) last. S3 has its own rules (`route_s3`).
6. Unsigned: 2 to 4 among all services; then Locum's own API, and the REST operations that take unsigned requests; then
   anonymous S3. At an endpoint of AWS other than S3's, 2 to 5 among its services.

A request that is signed for one service is never routed to another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.wire.aws_hosts import aws_host
from locum.wire.codec import Codec, codec
from locum.wire.models import CBOR, REST, Service, index, service_model
from locum.wire.older_bindings import of_older_client
from locum.wire.parsers.s3 import bucket_of_host
from locum.wire.route_rest import RestRouter
from locum.wire.route_s3 import S3Router

OWN_API = "/_locum/api/"
"""The beginning of the paths of Locum's own API, which no bucket has."""

OWN_SERVICE = "locum"
"""The name of its service, also in signatures."""

_FORM = ("query", "ec2")

_CBOR_PATH = re.compile(r".*/service/([A-Za-z0-9_.]+)/operation/([A-Za-z0-9_]+)")
_ACTION = re.compile(rb"(?:^|&)Action=([^&]*)")
_VERSION = re.compile(rb"(?:^|&)Version=([^&]*)")
_CACHED_NAMES = 1024  # there are 365; clients may invent more
_CACHED_ACTIONS = 4096
_CACHED_FORMS = 1024
_SMALL_FORM = 256  # octets
_LONGEST_NAME = 200  # characters; longer than any operation's
_FORM_TYPE = "application/x-www-form-urlencoded"
_JSON_TYPE = "application/json"
_ANSWERING_IN_JSON = frozenset({"iam", "sts"})


class _ByProtocol(NamedTuple):
    """The services that a request may be for, by protocol."""

    cbor: tuple[Service, ...]
    json: tuple[Service, ...]
    form: tuple[Service, ...]
    rest: tuple[Service, ...]


def resolve(request: HttpRequest, signing_name: str | None) -> Codec:
    """The codec of the operation that `request` is for.

    `signing_name` is the service in the scope of the request's signature, None where it is unsigned. Raises the
    service's Fault where there is no such operation.
    """
    by_protocol = _unsigned_services(request) if signing_name is None else _signed_services(signing_name)
    if by_protocol.cbor and "smithy-protocol" in request.headers:
        return _by_cbor_path(by_protocol, request)
    if by_protocol.json and (target := request.headers.get("x-amz-target")) is not None:
        return _by_target(by_protocol, target)
    if by_protocol.form:
        action, version = _action_and_version(request)
        if action is not None:
            found = _by_action(by_protocol, action, version)
            return found.answering_in_json if wants_json(request, found.service) else found
    if signing_name is None and by_protocol is _all_services():
        return _unsigned(request)
    if by_protocol.rest:
        return _by_path(by_protocol, request)
    if by_protocol.form:
        raise Fault("MissingAction", "The request is missing an action or a required parameter.")
    raise _unknown()


def wants_json(request: HttpRequest, service: str) -> bool:
    """Whether a request of the query protocol asks for an answer in JSON, and `service` gives one."""
    accepted = request.headers.get("accept")
    return accepted is not None and service in _ANSWERING_IN_JSON and _JSON_TYPE in accepted


@lru_cache(maxsize=_CACHED_NAMES)
def _signed_services(signing_name: str) -> _ByProtocol:
    return _grouped(index().signed_as(signing_name))


def _unsigned_services(request: HttpRequest) -> _ByProtocol:
    """The services that an unsigned request may be for: those of its host, where that is an endpoint of AWS."""
    host = aws_host(request.headers.get("host", ""))
    if host is None or "s3" in host.signed_as:
        return _all_services()
    return _services_of_host(host.signed_as)


@lru_cache(maxsize=_CACHED_NAMES)
def _services_of_host(signed_as: tuple[str, ...]) -> _ByProtocol:
    return _grouped(service for name in signed_as for service in index().signed_as(name))


@cache
def _all_services() -> _ByProtocol:
    return _grouped(index().services.values())


def _grouped(services: Iterable[Service]) -> _ByProtocol:
    services = tuple(services)

    def speaking(*protocols: str) -> tuple[Service, ...]:
        return tuple(service for service in services if not set(protocols).isdisjoint(service.protocols))

    return _ByProtocol(speaking(CBOR), speaking("json"), speaking(*_FORM), speaking(*REST))


def _unknown(operation: str = "", status: int = 404) -> Fault:
    text = f"Unknown operation: {operation[:100]}" if operation else "The request names no operation that exists"
    return Fault("UnknownOperationException", text, status)


# CBOR and JSON


def _by_cbor_path(by_protocol: _ByProtocol, request: HttpRequest) -> Codec:
    match = _CBOR_PATH.fullmatch(request.raw_path)
    if match is None or request.headers["smithy-protocol"] != "rpc-v2-cbor" or request.method != "POST":
        raise _unknown()
    found = _by_prefix(by_protocol.cbor, match[1], match[2], CBOR)
    if found is None:
        raise _unknown(match[2])
    return found


def _by_target(by_protocol: _ByProtocol, target: str) -> Codec:
    prefix, _, operation = target.rpartition(".")
    found = _by_prefix(by_protocol.json, prefix, operation, "json")
    if found is None:
        raise _unknown(operation, 400)
    return found


def _by_prefix(services: tuple[Service, ...], prefix: str, operation: str, protocol: str) -> Codec | None:
    candidates = [service for service in index().by_target_prefix.get(prefix, ()) if service in services]
    service = candidates[0] if len(candidates) == 1 else index().of_operation(candidates, operation)
    return codec(service, operation, protocol) if service is not None else None


# Forms


@lru_cache(maxsize=_CACHED_ACTIONS)
def _by_action(by_protocol: _ByProtocol, action: str, version: str | None) -> Codec:
    candidates = [service for service in by_protocol.form if version in service.versions]
    service = candidates[0] if len(candidates) == 1 else index().of_operation(candidates, action)
    found = None
    if service is not None:
        found = codec(service, action, "ec2" if "ec2" in service.protocols else "query")
    if found is None:
        raise _invalid_action(by_protocol, action[:100], (version or "NO_VERSION_SPECIFIED")[:100])
    return found


def _invalid_action(by_protocol: _ByProtocol, action: str, version: str) -> Fault:
    if len(by_protocol.form) == 1 and by_protocol.form[0].name == "ec2":
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
        return Fault("InvalidAction", f"The action {action} is not valid for this web service.")
    return Fault("InvalidAction", f"Could not find operation {action} for version {version}")


def _action_and_version(request: HttpRequest) -> tuple[str | None, str | None]:
    """The values of `Action` and `Version`, each in the form or else in the query string.

    The parser refuses a form in which either is repeated, so that no backend can read another one.
    """
    action = version = None
    if request.method == "POST" and request.headers.get("content-type", _FORM_TYPE).startswith(_FORM_TYPE):
        body = request.body
        action, version = _small_form_names(body) if len(body) <= _SMALL_FORM else _form_names(body)
    if request.query_string and (action is None or version is None):
        others = _form_names(request.query_string.encode("utf-8", "replace"))
        action, version = action if action is not None else others[0], version if version is not None else others[1]
    return action, version


def _form_names(form: bytes) -> tuple[str | None, str | None]:
    found = (pattern.search(form) for pattern in (_ACTION, _VERSION))
    action, version = (m[1][:_LONGEST_NAME].decode("ascii", "replace") if m is not None else None for m in found)
    return action, version


_small_form_names = lru_cache(maxsize=_CACHED_FORMS)(_form_names)
"""`_form_names`, cached for small forms, which repeat: that of GetCallerIdentity has only these two names."""


# REST


def _by_path(by_protocol: _ByProtocol, request: HttpRequest) -> Codec:
    services = by_protocol.rest if len(by_protocol.rest) == 1 else _with_root(by_protocol.rest, request)
    for service in services:
        if service.name == "s3":
            return _s3(request)
        operation = _router(service.name).find(request.method, request.raw_path, request.query_string)
        found = codec(service, operation, service.rest_protocol) if operation is not None else None
        if found is not None:
            return found
    older = of_older_client(by_protocol.rest, request)
    if older is None:
        raise _unknown()
    return older


def _with_root(services: tuple[Service, ...], request: HttpRequest) -> Iterable[Service]:
    """The services that have paths with the first segment of this one."""
    found = _services_by_root(services[0].signing_name, request.raw_path[1:].partition("/")[0])
    if len(found) == 1:
        return found
    # `POST /tags` is an operation of four Chime services; only the host distinguishes them.
    host = request.headers.get("host", "")
    found = tuple(service for service in found if service.name != "s3control" or _is_s3_control(request))
    return sorted(found, key=lambda service: not host.startswith(f"{service.endpoint_prefix}."))


@lru_cache(maxsize=_CACHED_NAMES)
def _services_by_root(signing_name: str, segment: str) -> tuple[Service, ...]:
    roots = index().roots.get(signing_name)
    if roots is None:  # of services that have no path in common
        return index().signed_as(signing_name)
    names = dict.fromkeys((*roots.get(unquote(segment), ()), *roots.get("*", ())))
    return tuple(index().services[name] for name in names)


def _is_s3_control(request: HttpRequest) -> bool:
    """Whether this is a request to S3 Control: in path style, below `/v20180820/`, which no bucket should be named."""
    return "x-amz-account-id" in request.headers or not bucket_of_host(request.headers.get("host", ""))


def _s3(request: HttpRequest) -> Codec:
    found = codec(index().services["s3"], _s3_router().find(request), "rest-xml")
    assert found is not None
    return found


def _unsigned(request: HttpRequest) -> Codec:
    if request.raw_path.startswith(OWN_API):
        return _by_path(_signed_services(OWN_SERVICE), request)
    operation = None
    host = request.headers.get("host", "")
    if not host.startswith("s3.") and not bucket_of_host(host):
        operation = _unsigned_router().find(request.method, request.raw_path, request.query_string)
    if operation is not None:
        service, _, name = operation.partition(".")
        found = codec(index().services[service], name, index().services[service].rest_protocol)
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

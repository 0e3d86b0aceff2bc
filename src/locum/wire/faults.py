"""Serialization of faults: AWS's own errors in each protocol.

query     https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization
ec2       https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
json      https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization
rest-json https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
rest-xml  https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html#operation-error-serialization, and for S3
          https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
cbor      https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#operation-error-serialization

Services that left the query protocol still send their old error codes in a header:
https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.wire.error_models import ErrorModel, ErrorModels
from locum.wire.fault_members import data_members, error_type, message_name, query_error, split_headers, xml_members
from locum.wire.serializers.data import cbor_compiler, encode_cbor, encode_json, json_compiler
from locum.wire.serializers.identity import Headers, request_headers, s3_host_id, s3_request_headers
from locum.wire.serializers.namespaces import namespace_of, xml_compiler
from locum.wire.serializers.query_json import json_answer
from locum.wire.serializers.rest_formats import JSON_CONTENT_TYPE, XML_CONTENT_TYPE
from locum.wire.serializers.rpc import (
    CBOR_CONTENT_TYPE,
    EC2_CONTENT_TYPE,
    QUERY_CONTENT_TYPE,
    SMITHY_PROTOCOL,
    json_content_type,
)
from locum.wire.serializers.text import header_text
from locum.wire.serializers.xml import DECLARATION, document, escape

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

Render = Callable[[Fault, str], HttpResponse]

QUERY_JSON = "query-json"
"""The protocol of faults for a client of the query protocol that wants JSON."""

_NO_BODY_STATUSES = (204, 304)
_CACHED_RENDERERS = 512


def render_fault(
    fault: Fault,
    protocol: str,
    service_model: ServiceModel | None,
    operation: OperationModel | None,
    request_id: str,
) -> HttpResponse:
    """Serialize `fault` as the service does in `protocol`.

    `fault.code` may be the documented code or the name of a modelled shape; the response has the one that the protocol
    uses. Of `fault.members`, those that the shape has are serialized by the model; others (S3's model lacks most) as
    text in XML and unchanged in JSON and CBOR. The response to a HEAD has no body. `service_model` is None while the
    service is unknown; rest-xml is S3's then. Raises KeyError on an unknown protocol.
    """
    response = _renderer(service_model, protocol)(fault, request_id)
    if response.status in _NO_BODY_STATUSES or (operation is not None and operation.http.get("method") == "HEAD"):
        response.body = b""
    return response


@lru_cache(maxsize=_CACHED_RENDERERS)
def _renderer(service: ServiceModel | None, protocol: str) -> Render:
    return _RENDERERS[protocol](service)


def _query(service: ServiceModel | None) -> Render:
    return _enveloped(service, "query", QUERY_CONTENT_TYPE)


def _rest_xml(service: ServiceModel | None) -> Render:
    if service is None or service.service_name == "s3":
        return _s3(service)
    return _enveloped(service, "rest-xml", XML_CONTENT_TYPE)


def _enveloped(service: ServiceModel | None, protocol: str, content_type: str) -> Render:
    """The renderer of `<ErrorResponse><Error>...</Error><RequestId>`: query, and rest-xml except for S3."""
    errors, members = ErrorModels(service), xml_members(xml_compiler(service, protocol))
    namespace = f' xmlns="{namespace_of(service)}"' if service is not None else ""

    def render(fault: Fault, request_id: str) -> HttpResponse:
        error = errors.find(fault.code)
        headers, inner = split_headers(error, fault.members)
        body = (
            f"<ErrorResponse{namespace}><Error><Type>{error_type(fault)}</Type>"
            f"{_code_and_message(error, fault)}{members(error, inner)}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return _response(fault, request_headers(request_id) + headers, content_type, document(body))

    return render


def _query_json(service: ServiceModel | None) -> Render:
    errors = ErrorModels(service)

    def render(fault: Fault, request_id: str) -> HttpResponse:
        code = errors.find(fault.code).code
        error = {"Code": code, "Message": fault.message or None, "Type": error_type(fault)}
        return json_answer(fault.status, {"Error": error, "RequestId": request_id}, request_id)

    return render


def _ec2(service: ServiceModel | None) -> Render:
    errors, members = ErrorModels(service), xml_members(xml_compiler(service, "ec2"))

    def render(fault: Fault, request_id: str) -> HttpResponse:
        error = errors.find(fault.code)
        body = (
            f"{DECLARATION}<Response><Errors><Error>{_code_and_message(error, fault)}"
            f"{members(error, fault.members)}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
        return _response(fault, request_headers(request_id), EC2_CONTENT_TYPE, document(body))

    return render


def _s3(service: ServiceModel | None) -> Render:
    errors, members = ErrorModels(service), xml_members(xml_compiler(service, "rest-xml"))

    def render(fault: Fault, request_id: str) -> HttpResponse:
        error = errors.find(fault.code)
        headers, inner = split_headers(error, fault.members)
        resource = f"<Resource>{escape(fault.resource)}</Resource>" if fault.resource is not None else ""
        body = (
            f"{DECLARATION}<Error>{_code_and_message(error, fault)}{members(error, inner)}{resource}"
            f"<RequestId>{request_id}</RequestId><HostId>{s3_host_id(request_id)}</HostId></Error>"
        )
        return _response(fault, s3_request_headers(request_id) + headers, XML_CONTENT_TYPE, document(body))

    return render


def _json(service: ServiceModel | None) -> Render:
    errors, members = ErrorModels(service), data_members(json_compiler())
    content_type = json_content_type(service.metadata.get("jsonVersion") if service is not None else None)

    def render(fault: Fault, request_id: str) -> HttpResponse:
        error = errors.find(fault.code)
        headers = [*request_headers(request_id), ("x-amzn-ErrorType", header_text(error.name))]
        headers += query_error(errors, error, fault)
        body = {"__type": error.name, message_name(error, renamed=True): fault.message, **members(error, fault.members)}
        return _response(fault, headers, content_type, encode_json(body))

    return render


def _rest_json(service: ServiceModel | None) -> Render:
    errors, members = ErrorModels(service), data_members(json_compiler())

    def render(fault: Fault, request_id: str) -> HttpResponse:
        error = errors.find(fault.code)
        located, inner = split_headers(error, fault.members)
        headers = [*request_headers(request_id), ("x-amzn-ErrorType", header_text(error.name)), *located]
        body = {message_name(error, renamed=True): fault.message, **members(error, inner)}
        return _response(fault, headers, JSON_CONTENT_TYPE, encode_json(body))

    return render


def _cbor(service: ServiceModel | None) -> Render:
    errors, members = ErrorModels(service), data_members(cbor_compiler())

    def render(fault: Fault, request_id: str) -> HttpResponse:
        error = errors.find(fault.code)
        headers = [
            *request_headers(request_id),
            SMITHY_PROTOCOL,
            *query_error(errors, error, fault),
        ]
        message = message_name(error, renamed=False)
        body = {"__type": error.name, message: fault.message, **members(error, fault.members)}
        return _response(fault, headers, CBOR_CONTENT_TYPE, encode_cbor(body))

    return render


def _code_and_message(error: ErrorModel, fault: Fault) -> str:
    """The Code and Message elements. A fault without a text has no Message, like IAM's ReportNotPresent."""
    message = f"<Message>{escape(fault.message)}</Message>" if fault.message else ""
    return f"<Code>{escape(error.code)}</Code>{message}"


def _response(fault: Fault, headers: Headers, content_type: str, body: bytes) -> HttpResponse:
    return HttpResponse(fault.status, [*headers, ("Content-Type", content_type)], body)


_RENDERERS: dict[str, Callable[[ServiceModel | None], Render]] = {
    "query": _query,
    QUERY_JSON: _query_json,
    "ec2": _ec2,
    "json": _json,
    "rest-json": _rest_json,
    "rest-xml": _rest_xml,
    "smithy-rpc-v2-cbor": _cbor,
}

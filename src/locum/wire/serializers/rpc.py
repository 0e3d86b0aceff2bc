"""Serialization of the protocols that use only the body: query, ec2, json and smithy-rpc-v2-cbor."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from locum.core.http import HttpResponse
from locum.wire.serializers import Answer, Serializer, unknown_member
from locum.wire.serializers.data import DataCompiler, cbor_compiler, encode_cbor, encode_json, json_compiler
from locum.wire.serializers.identity import request_headers
from locum.wire.serializers.namespaces import namespace_of, xml_compiler
from locum.wire.serializers.xml import DECLARATION, document

if TYPE_CHECKING:
    from botocore.model import OperationModel

QUERY_CONTENT_TYPE = "text/xml"
EC2_CONTENT_TYPE = "text/xml;charset=UTF-8"
CBOR_CONTENT_TYPE = "application/cbor"
EVENT_STREAM_CONTENT_TYPE = "application/vnd.amazon.eventstream"
SMITHY_PROTOCOL = ("smithy-protocol", "rpc-v2-cbor")


def json_content_type(version: str | None) -> str:
    """The content type of the json protocol in that version (`1.0` or `1.1`)."""
    return f"application/x-amz-json-{version or '1.1'}"


def compile_query(model: OperationModel) -> Serializer:
    """Compile a query serializer: `<XResponse><XResult>...</XResult><ResponseMetadata>...`, without output no result.

    https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#response-serialization
    """
    name, shape = model.name, model.output_shape
    write = xml_compiler(model.service_model, "query").fields(_owner(model), _members(model))
    start = f'<{name}Response xmlns="{namespace_of(model.service_model)}">'
    end = f"</RequestId></ResponseMetadata></{name}Response>".encode()
    middle = "<ResponseMetadata><RequestId>"
    if shape is not None:
        wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
        start, middle = f"{start}<{wrapper}>", f"</{wrapper}>{middle}"
    before, after = start.encode(), middle.encode()

    def serialize(answer: Answer, request_id: str) -> HttpResponse:
        body = b"".join((before, document(write(answer)), after, request_id.encode(), end))
        return HttpResponse(200, [("x-amzn-RequestId", request_id), ("Content-Type", QUERY_CONTENT_TYPE)], body)

    return serialize


def compile_ec2(model: OperationModel) -> Serializer:
    """Compile an EC2 serializer: `<XResponse><requestId>...</requestId>...`.

    An operation without output returns `<return>true</return>`, as
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html shows.
    """
    name = model.name
    write = xml_compiler(model.service_model, "ec2").fields(_owner(model), _members(model))
    start = f'{DECLARATION}<{name}Response xmlns="{namespace_of(model.service_model)}"><requestId>'
    middle = "</requestId>" if model.output_shape is not None else "</requestId><return>true</return>"
    end = f"</{name}Response>"

    def serialize(answer: Answer, request_id: str) -> HttpResponse:
        body = document(f"{start}{request_id}{middle}{write(answer)}{end}")
        return HttpResponse(200, [("x-amzn-RequestId", request_id), ("Content-Type", EC2_CONTENT_TYPE)], body)

    return serialize


def compile_json(model: OperationModel) -> Serializer:
    """Compile a JSON serializer: an object, or an empty body where the operation has no output."""
    content_type = json_content_type(model.service_model.metadata.get("jsonVersion"))
    return _compile_data(model, json_compiler(), encode_json, [("Content-Type", content_type)], [])


def compile_cbor(model: OperationModel) -> Serializer:
    """Compile a CBOR serializer: a map, or neither body nor content type where the operation has no output.

    https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#responses
    """
    return _compile_data(model, cbor_compiler(), encode_cbor, [("Content-Type", CBOR_CONTENT_TYPE)], [SMITHY_PROTOCOL])


def _compile_data(
    model: OperationModel,
    compiler: DataCompiler,
    encode: Callable[[Any], bytes],
    typed: list[tuple[str, str]],
    always: list[tuple[str, str]],
) -> Serializer:
    shape = model.output_shape
    if shape is not None and shape.event_stream_name:
        return _compile_event_stream(_owner(model), shape.event_stream_name, always)
    convert = compiler.fields(_owner(model), _members(model))
    headers = always + typed if shape is not None or encode is encode_json else always

    def serialize(answer: Answer, request_id: str) -> HttpResponse:
        fields = convert(answer)
        body = encode(fields) if shape is not None else b""
        return HttpResponse(200, [("x-amzn-RequestId", request_id), *headers], body)

    return serialize


def _compile_event_stream(owner: str, member: str, always: list[tuple[str, str]]) -> Serializer:
    """Compile the serializer of an event stream, which is given as its frames: bytes, or an async iterable of bytes."""
    headers = [*always, ("Content-Type", EVENT_STREAM_CONTENT_TYPE)]

    def serialize(answer: Answer, request_id: str) -> HttpResponse:
        for name in answer:
            if name != member:
                raise unknown_member(owner, name)
        return HttpResponse(200, [*request_headers(request_id), *headers], answer.get(member, b""))

    return serialize


def _owner(model: OperationModel) -> str:
    return f"the output of {model.service_model.service_name}:{model.name}"


def _members(model: OperationModel) -> dict[str, Any]:
    return dict(model.output_shape.members) if model.output_shape is not None else {}

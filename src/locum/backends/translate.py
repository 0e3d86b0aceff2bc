"""Serialization of a call's parameters to the request that AWS's own client would send, and parsing of the response.

A backend may parse the client's request to another call than the one that was decided on: an `Action` in the query
string beside `X-Amz-Target`, an unknown sub-resource of S3, a duplicate parameter. So the embedded backend never gets
the client's request, but one that botocore's serializers make of the parameters that were parsed and allowed.

Calls in smithy-rpc-v2-cbor, which moto does not implement, are made in another protocol of the service; the response is
parsed with botocore's parsers, and the codec serializes it as CBOR.

Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
from botocore.awsrequest import HeadersDict
from botocore.utils import percent_encode_sequence

from locum.core.errors import Fault
from locum.wire import SqsNames
from locum.wire.models import CBOR, index

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

_NOT_MEMBERS: Final = frozenset({"ResponseMetadata"})


class Restated(NamedTuple):
    """A serialized request: `path` and `query` percent-encoded, `headers` by lower-case name."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def protocol_for(model: OperationModel, protocol: str) -> str | None:
    """The protocol for the backend of a call in `protocol`; None where the service has CBOR only."""
    if protocol != CBOR:
        return protocol
    return index().services[model.service_model.service_name].without_cbor


def restated(model: OperationModel, protocol: str, params: Mapping[str, Any]) -> Restated:
    """Serialize a call of `model` with `params` in `protocol`. Raises Fault where a parameter cannot be serialized."""
    try:
        serialized = _serializer(protocol, model.service_model.service_name).serialize_to_request(params, model)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Fault("ValidationException", "The request has a parameter that cannot be read.") from error
    path, _, fixed = serialized["url_path"].partition("?")
    query = serialized["query_string"]
    if not isinstance(query, str):
        query = percent_encode_sequence(query)
    body = serialized["body"]
    if isinstance(body, Mapping):
        body = urlencode(body, doseq=True)
    elif protocol == "rest-xml" and _is_xml(model):
        body = body.replace(b"\r", b"&#13;")  # which an XML parser would read as a line feed: another object's key
    headers = {name.lower(): _text(value) for name, value in serialized["headers"].items()}
    return Restated(
        serialized["method"],
        path if path.startswith("/") else f"/{path}",
        "&".join(part for part in (fixed, query) if part),
        headers,
        body.encode() if isinstance(body, str) else bytes(body),
    )


def read_answer(
    model: OperationModel, protocol: str, status: int, headers: Iterable[tuple[str, str]], body: bytes
) -> dict[str, Any]:
    """Parse a response in `protocol` to the output of `model`, a payload as bytes. Raises Fault for an error."""
    payload = _payload(model) if status < 300 else None  # botocore would parse it as text
    response = {
        "status_code": status,
        "headers": HeadersDict(headers),
        "body": body if payload is None else b"",
    }
    found: dict[str, Any] = _parser(protocol).parse(response, model.output_shape)
    if status >= 300:
        error = found.get("Error", {})
        code = str(error.get("Code") or "InternalFailure").rpartition("#")[2]
        members = {name: value for name, value in found.items() if name not in {*_NOT_MEMBERS, "Error"}}
        raise Fault(code, str(error.get("Message") or ""), status, members=members)
    output = {name: value for name, value in found.items() if name not in _NOT_MEMBERS}
    return output if payload is None else {**output, payload: body}


@cache
def _is_xml(model: OperationModel) -> bool:
    """Whether the body of a request in rest-xml is XML, and not a payload of octets or text."""
    shape = model.input_shape
    name: str | None = None if shape is None else shape.serialization.get("payload")
    return shape is not None and (name is None or shape.members[name].type_name == "structure")


def _payload(model: OperationModel) -> str | None:
    """The member of the output that is the whole body, as bytes; None where there is none."""
    shape = model.output_shape
    name: str | None = None if shape is None else shape.serialization.get("payload")
    return name if name is not None and shape.members[name].type_name == "blob" else None


class _SqsQuerySerializer(botocore.serialize.QuerySerializer):  # type: ignore[misc] # botocore has no types
    """The query protocol with the names of SQS in it, of which botocore's model knows only those in JSON."""

    _names = SqsNames()

    def _get_serialized_name(self, shape: Shape, default_name: str) -> str:
        if default_name == "key":
            return self._names.entry("tags" if shape.name == "TagKey" else "", shape)[1]
        if default_name == "value":
            return self._names.entry("", shape)[2]
        return self._names.member(default_name, shape)


@cache
def _serializer(protocol: str, service: str) -> Any:
    if (service, protocol) == ("sqs", "query"):
        return _SqsQuerySerializer()
    return botocore.serialize.create_serializer(protocol, include_validation=False)


@cache
def _parser(protocol: str) -> Any:
    return botocore.parsers.create_parser(protocol)


def _text(value: Any) -> str:
    """A header's value: Latin-1 characters for the octets on the wire, as in `core.http`."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return str(value)

"""A call said again: from its parameters to the request that AWS's own client would send, and the answer back.

A backend that reads the client's request by itself may read another call in it than the one that was decided on:
an `Action` in the query string beside `X-Amz-Target`, a sub-resource that S3 does not know, a parameter given
twice. So the embedded backend never sees the client's request. What was parsed and allowed is serialized anew
by botocore's serializers, in one spelling.

The same serves a call in smithy-rpc-v2-cbor, which moto does not speak: it is asked in another protocol of the
service, its answer is read with botocore's parsers, and the codec writes that as CBOR.

Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
from botocore.utils import percent_encode_sequence

from locum.core.errors import Fault

if TYPE_CHECKING:
    from botocore.model import OperationModel

CBOR: Final = "smithy-rpc-v2-cbor"
_NOT_MEMBERS: Final = frozenset({"ResponseMetadata"})


class Restated(NamedTuple):
    """A request: `path` and `query` percent-encoded, `headers` by lower-case name."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def protocol_for(model: OperationModel, protocol: str) -> str | None:
    """The protocol in which to repeat a call that came in `protocol`; None where the service speaks CBOR alone."""
    if protocol != CBOR:
        return protocol
    spoken = model.service_model.metadata.get("protocols", ())
    return next((other for other in spoken if other != CBOR), None)


def restated(model: OperationModel, protocol: str, params: Mapping[str, Any]) -> Restated:
    """The request of a call of `model` with `params`, in `protocol`. Raises Fault where a part cannot be said."""
    try:
        said = _serializer(protocol).serialize_to_request(params, model)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Fault("ValidationException", "The request has a parameter that cannot be read.") from error
    path, _, fixed = said["url_path"].partition("?")
    query = said["query_string"]
    if not isinstance(query, str):
        query = percent_encode_sequence(query)
    body = said["body"]
    if isinstance(body, Mapping):
        body = urlencode(body, doseq=True)
    headers = {name.lower(): _text(value) for name, value in said["headers"].items()}
    return Restated(
        said["method"],
        path if path.startswith("/") else f"/{path}",
        "&".join(part for part in (fixed, query) if part),
        headers,
        body.encode() if isinstance(body, str) else bytes(body),
    )


def read_answer(
    model: OperationModel, protocol: str, status: int, headers: Iterable[tuple[str, str]], body: bytes
) -> dict[str, Any]:
    """The output of `model` in an answer in `protocol`, a payload as bytes. Raises Fault where it is an error."""
    payload = _payload(model) if status < 300 else None  # botocore would take it for text
    response = {
        "status_code": status,
        "headers": {name.lower(): value for name, value in headers},
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


def _payload(model: OperationModel) -> str | None:
    """The member of the output that is the whole body, as bytes; None where there is none."""
    shape = model.output_shape
    name: str | None = None if shape is None else shape.serialization.get("payload")
    return name if name is not None and shape.members[name].type_name == "blob" else None


@cache
def _serializer(protocol: str) -> Any:
    return botocore.serialize.create_serializer(protocol, include_validation=False)


@cache
def _parser(protocol: str) -> Any:
    return botocore.parsers.create_parser(protocol)


def _text(value: Any) -> str:
    """A header's value; the wire has it as Latin-1 characters, an octet each (as `core.http` does)."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return str(value)

"""Answers of the query protocol in JSON, for clients that send `Accept: application/json`.

IAM and STS answer so, undocumented: the envelope of the XML answer, with the members of each structure by name, those
that are absent null, and timestamps as epoch seconds.

    {"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": ..., "Arn": ..., "UserId": ...},
     "ResponseMetadata": {"RequestId": ...}}}
    {"Error": {"Code": ..., "Message": ..., "Type": "Sender"}, "RequestId": ...}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from locum.core.http import HttpResponse
from locum.wire.serializers import Answer, Serializer
from locum.wire.serializers.data import encode_json
from locum.wire.serializers.identity import request_headers
from locum.wire.serializers.text import base64_text, epoch_number

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

JSON_ANSWER_TYPE: Final = "application/json"

_SCALARS: Final[Mapping[str, Callable[[Any], Any]]] = {"timestamp": epoch_number, "blob": base64_text}


def compile_query_json(model: OperationModel) -> Serializer:
    """Compile the serializer of an operation of the query protocol to JSON."""
    name, shape = model.name, model.output_shape

    def serialize(answer: Answer, request_id: str) -> HttpResponse:
        content: dict[str, Any] = {}
        if shape is not None:
            content[shape.serialization.get("resultWrapper", f"{name}Result")] = _complete(shape, answer)
        content["ResponseMetadata"] = {"RequestId": request_id}
        return json_answer(200, {f"{name}Response": content}, request_id)

    return serialize


def json_answer(status: int, body: Mapping[str, Any], request_id: str) -> HttpResponse:
    """A response with `body` in JSON."""
    headers = [*request_headers(request_id), ("Content-Type", JSON_ANSWER_TYPE)]
    return HttpResponse(status, headers, encode_json(body))


def _complete(shape: Shape, value: Any) -> Any:
    """`value` as plain values, with null for each member of a structure that is absent."""
    if value is None:
        return None
    kind = shape.type_name
    if kind == "structure":
        return {name: _complete(shape.members[name], value.get(name)) for name in sorted(shape.members)}
    if kind == "list":
        return [_complete(shape.member, item) for item in value]
    if kind == "map":
        return {key: _complete(shape.value, item) for key, item in value.items()}
    return _SCALARS[kind](value) if kind in _SCALARS else value

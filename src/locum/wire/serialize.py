"""The serializers by protocol: the entry point of `wire.serializers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from locum.wire.serializers import Answer, Serializer
from locum.wire.serializers.rest_formats import compile_rest_json, compile_rest_xml
from locum.wire.serializers.rpc import compile_cbor, compile_ec2, compile_json, compile_query

if TYPE_CHECKING:
    from botocore.model import OperationModel

__all__ = ["Answer", "Serializer", "compile_serializer"]

_COMPILERS: dict[str, Callable[[OperationModel], Serializer]] = {
    "query": compile_query,
    "ec2": compile_ec2,
    "json": compile_json,
    "rest-json": compile_rest_json,
    "rest-xml": compile_rest_xml,
    "smithy-rpc-v2-cbor": compile_cbor,
}


def compile_serializer(model: OperationModel, protocol: str) -> Serializer:
    """Compile the serializer of an operation: a function of an answer to its response in `protocol`.

    The answer has the member names of the output shape; None counts as absent. Timestamps are epoch seconds
    or datetimes; blobs are bytes; the payload of a streaming blob may be an async iterable of bytes, and an
    event stream is given as its frames.
    The serializer raises ValueError on a member that the shape does not have.
    Raises KeyError on an unknown protocol.
    """
    return _COMPILERS[protocol](model)

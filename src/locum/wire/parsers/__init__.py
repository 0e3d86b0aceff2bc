"""Parsing of requests to parameters: one compiled function per operation and protocol.

    scalars    text to values              values     JSON and CBOR by shape
    form       forms and their tree        xml        XML by shape
    names      member names in forms       bindings   path, query string and headers
    query      query, ec2                  rest       rest-json, rest-xml
    s3         bucket and key

Shapes are traversed when an operation is first called, so that parsing a request takes time in proportion to its size.
Parsers do not check constraints of the model; `locum.wire.validate` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from locum.core.http import HttpRequest
from locum.wire.parsers.malformed import Malformed, malformed_fault
from locum.wire.parsers.query import compile_ec2, compile_query
from locum.wire.parsers.rest import compile_rest_json, compile_rest_xml
from locum.wire.parsers.values import CBOR_SCALARS, JSON_SCALARS, ValueCompiler, read_cbor, read_json

if TYPE_CHECKING:
    from botocore.model import OperationModel

__all__ = ["Parser", "compile_parser"]

Parser = Callable[[HttpRequest, bytes], dict[str, Any]]


def compile_parser(model: OperationModel, protocol: str) -> Parser:
    """Compile the parser of an operation: a function of a request and its verified body to the parameters.

    It raises the service's Fault where the request is malformed. Timestamps are epoch seconds, blobs bytes.
    Raises KeyError on an unknown protocol.
    """
    read = _COMPILERS[protocol](model)
    service = model.service_model.service_name

    def parse(request: HttpRequest, body: bytes) -> dict[str, Any]:
        try:
            return read(request, body)
        except Malformed as error:
            raise malformed_fault(error, protocol, service) from None
        except RecursionError:
            raise malformed_fault(Malformed("The request is nested too deeply"), protocol, service) from None

    return parse


def _compile_json(model: OperationModel) -> Parser:
    return _document(model, ValueCompiler(JSON_SCALARS), read_json)


def _compile_cbor(model: OperationModel) -> Parser:
    return _document(model, ValueCompiler(CBOR_SCALARS), read_cbor)


def _document(model: OperationModel, compiler: ValueCompiler, decode: Callable[[bytes], Any]) -> Parser:
    """A parser for protocols in which the body is the input; an empty body is an empty input."""
    if model.input_shape is None:
        return lambda request, body: {}
    read = compiler.structure(model.input_shape)

    def parse(request: HttpRequest, body: bytes) -> dict[str, Any]:
        params: dict[str, Any] = read(decode(body)) if body else {}
        return params

    return parse


_COMPILERS: dict[str, Callable[[OperationModel], Parser]] = {
    "query": compile_query,
    "ec2": compile_ec2,
    "json": _compile_json,
    "rest-json": compile_rest_json,
    "rest-xml": compile_rest_xml,
    "smithy-rpc-v2-cbor": _compile_cbor,
}

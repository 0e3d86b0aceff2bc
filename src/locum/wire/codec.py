"""Codecs: parser, validator, serializer and fault renderer of one operation in one protocol, compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.wire.faults import QUERY_JSON, render_fault
from locum.wire.models import Service, find_operation, index, rebound_operation
from locum.wire.parsers import compile_parser
from locum.wire.serialize import Serializer, compile_serializer
from locum.wire.serializers.query_json import compile_query_json
from locum.wire.validate import Validator, compile_tag_validator, compile_validator

if TYPE_CHECKING:
    from botocore.model import OperationModel


class Codec:
    """The codec of one operation in one protocol: parses its requests and serializes its answers.

    `service` is botocore's name, `model` botocore's OperationModel. `unsigned_payload`: the signature of a request need
    not cover its body. `read_by` is the model by which requests are read, where that is another one. Codecs are cached:
    use `codec` or `resolve` to get one. `in_json`: it answers the query protocol's requests in JSON.
    """

    in_json = False

    def __init__(
        self, service: Service, model: OperationModel, protocol: str, read_by: OperationModel | None = None
    ) -> None:
        self.service = service.name
        self.operation: str = model.name
        self.protocol = protocol
        self.signing_name = service.signing_name
        self.api_version = service.api_version
        self.model = model
        self.unsigned_payload = model.auth_type == "v4-unsigned-body" or bool(model.unsigned_payload)
        self._read = compile_parser(read_by or model, protocol)

    def __repr__(self) -> str:
        return f"<Codec {self.service}.{self.operation} in {self.protocol}>"

    def parse(self, request: HttpRequest, body: bytes) -> dict[str, Any]:
        """Parse a request: the parameters, under the names of the input shape's members.

        `body` is the body as verified (`aws-chunked` decoded). Timestamps are epoch seconds (int where whole), blobs
        bytes. Members that were not sent are not there. Raises Fault where the request cannot be read.
        """
        return self._read(request, body)

    @cached_property
    def _validate(self) -> Validator | None:
        return compile_validator(self.model, self.protocol)

    def check(self, params: Mapping[str, Any]) -> None:
        """Hold `params` against the constraints of the model: for operations that no backend checks.

        Raises the service's own Fault where they break one.
        """
        if self._validate is not None:
            self._validate(params)

    @cached_property
    def _validate_tags(self) -> Validator | None:
        return compile_tag_validator(self.model, self.protocol)

    def check_tags(self, params: Mapping[str, Any]) -> None:
        """Hold the tags in `params` against the constraints of the model: decisions depend on what is kept of them.

        Raises the service's own Fault where they break one.
        """
        if self._validate_tags is not None:
            self._validate_tags(params)

    @cached_property
    def _serialize(self) -> Serializer:
        return compile_serializer(self.model, self.protocol)

    def serialize(self, answer: Mapping[str, Any], request_id: str) -> HttpResponse:
        """Serialize an answer, which has the names of the output shape's members."""
        return self._serialize(answer, request_id)

    def fault(self, fault: Fault, request_id: str) -> HttpResponse:
        """Serialize a fault, as the service does in this protocol."""
        return render_fault(fault, self.protocol, self.model.service_model, self.model, request_id)

    @cached_property
    def answering_in_json(self) -> Codec:
        """The same codec of the query protocol, for a client that wants JSON in the answer."""
        return _AnsweringInJson(index().services[self.service], self.model, self.protocol)


class _AnsweringInJson(Codec):
    in_json = True

    @cached_property
    def _serialize(self) -> Serializer:
        return compile_query_json(self.model)

    def fault(self, fault: Fault, request_id: str) -> HttpResponse:
        return render_fault(fault, QUERY_JSON, self.model.service_model, self.model, request_id)


def with_binding(
    service: Service, operation: str, http: Mapping[str, str], locations: Mapping[str, tuple[str, str]]
) -> Codec | None:
    """The codec of a REST operation for requests with another HTTP binding (see `models.rebound_operation`)."""
    present = codec(service, operation, service.rest_protocol)
    rebound = rebound_operation(service.name, operation, http, locations)
    if present is None or rebound is None:
        return None
    return Codec(service, present.model, present.protocol, rebound)


_codecs: dict[tuple[str, str, str], Codec] = {}


def codec(service: Service, operation: str, protocol: str) -> Codec | None:
    """The codec of an operation; None where the service has no such operation, or does not support the protocol."""
    key = (service.name, operation, protocol)
    found = _codecs.get(key)
    if found is None and protocol in service.protocols:
        model = find_operation(service.name, operation)
        if model is not None:
            found = _codecs.setdefault(key, Codec(service, model, protocol))
    return found


def codec_of(service: str, operation: str) -> Codec | None:
    """The codec of an operation in its service's preferred protocol other than CBOR; None where there is none."""
    known = index().services.get(service)
    protocol = None if known is None else known.without_cbor
    return None if known is None or protocol is None else codec(known, operation, protocol)

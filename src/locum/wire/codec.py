"""Codecs: parser, validator, serializer and fault renderer of one operation in one protocol, compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.wire.faults import render_fault
from locum.wire.models import Service, find_operation, index
from locum.wire.parsers import compile_parser
from locum.wire.serialize import Serializer, compile_serializer
from locum.wire.validate import compile_validator

if TYPE_CHECKING:
    from botocore.model import OperationModel

_CBOR = "smithy-rpc-v2-cbor"

# The services that Locum implements itself; their parameters are validated against the model's constraints. Others are
# validated by the backend. None stands for all operations.
OWNED: Mapping[str, frozenset[str] | None] = {
    "iam": None,
    "sts": None,
    "organizations": None,
    "cloudtrail": None,
    "accessanalyzer": None,
    "autoscaling": None,
    "ec2": frozenset(
        {
            "AssociateIamInstanceProfile",
            "DescribeIamInstanceProfileAssociations",
            "DescribeInstanceAttribute",
            "DescribeInstanceStatus",
            "DescribeInstances",
            "DisassociateIamInstanceProfile",
            "GetInstanceMetadataDefaults",
            "ModifyInstanceAttribute",
            "ModifyInstanceMetadataDefaults",
            "ModifyInstanceMetadataOptions",
            "RebootInstances",
            "ReplaceIamInstanceProfileAssociation",
            "RunInstances",
            "StartInstances",
            "StopInstances",
            "TerminateInstances",
        }
    ),
}


def owned(service: str, operation: str) -> bool:
    """Whether Locum implements the operation itself."""
    operations = OWNED.get(service, frozenset())
    return operations is None or operation in operations


class Codec:
    """The codec of one operation in one protocol: parses its requests and serializes its answers.

    `service` is botocore's name, `model` botocore's OperationModel. `unsigned_payload`: the signature of a request need
    not cover its body. Codecs are cached: use `codec` or `resolve` to get one.
    """

    def __init__(self, service: Service, model: OperationModel, protocol: str) -> None:
        self.service = service.name
        self.operation: str = model.name
        self.protocol = protocol
        self.signing_name = service.signing_name
        self.api_version = service.api_version
        self.model = model
        self.unsigned_payload = model.auth_type == "v4-unsigned-body" or bool(model.unsigned_payload)
        self._read = compile_parser(model, protocol)
        self._check = compile_validator(model, protocol) if owned(service.name, model.name) else None

    def __repr__(self) -> str:
        return f"<Codec {self.service}.{self.operation} in {self.protocol}>"

    def parse(self, request: HttpRequest, body: bytes) -> dict[str, Any]:
        """Parse a request: the parameters, under the names of the input shape's members.

        `body` is the verified body (`aws-chunked` decoded). Timestamps are epoch seconds (int where whole), blobs
        bytes. Members that were not sent are absent. Raises Fault where the request is malformed or, for the services
        that Locum implements, breaks a constraint of the model.
        """
        params = self._read(request, body)
        if self._check is not None:
            self._check(params)
        return params

    @cached_property
    def _serialize(self) -> Serializer:
        return compile_serializer(self.model, self.protocol)

    def serialize(self, answer: Mapping[str, Any], request_id: str) -> HttpResponse:
        """Serialize an answer, which has the names of the output shape's members."""
        return self._serialize(answer, request_id)

    def fault(self, fault: Fault, request_id: str) -> HttpResponse:
        """Serialize a fault, as the service does in this protocol."""
        return render_fault(fault, self.protocol, self.model.service_model, self.model, request_id)


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
    protocol = None if known is None else next((name for name in known.protocols if name != _CBOR), None)
    return None if known is None or protocol is None else codec(known, operation, protocol)

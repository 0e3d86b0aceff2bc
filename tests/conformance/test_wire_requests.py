"""Whatever an input shape can hold, we read from botocore's bytes what botocore was given.

For every operation of the services listed, parameters are made up from the input shape (always the same ones),
serialized by botocore, sent as botocore would, routed and parsed by us.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.serialize import create_serializer

from locum import wire
from locum.core.http import HttpRequest
from locum.wire.models import index, service_model

SERVICES = (
    ("iam", "query"),
    ("sts", "query"),
    ("autoscaling", "query"),
    ("sns", "query"),
    ("cloudwatch", "query"),
    ("ec2", "ec2"),
    ("organizations", "json"),
    ("cloudtrail", "json"),
    ("dynamodb", "json"),
    ("sqs", "json"),
    ("cloudwatch", "json"),
    ("accessanalyzer", "rest-json"),
    ("lambda", "rest-json"),
    ("apigatewayv2", "rest-json"),
    ("chime-sdk-messaging", "rest-json"),
    ("workspaces-web", "rest-json"),
    ("s3", "rest-xml"),
    ("s3control", "rest-xml"),
    ("cloudfront", "rest-xml"),
    ("cloudwatch", "smithy-rpc-v2-cbor"),
)
# Of services that share paths, the one whose host it is.
HOSTS = {"chime-sdk-messaging": "messaging-chime.us-east-1.amazonaws.com"}
# Told from ListBuckets by the host alone.
BY_HOST = {("s3", "ListDirectoryBuckets")}
DEEPEST = 4
NESTED = ("structure", "list", "map")
TEXTS = (
    "plain",
    "a<b>&amp;\"c'",
    "  spaces & =+\nlines\t",
    "ünïcödé ✓ 𝄞",
    "]]>",
    "%7B%22Version%22%3A1%7D",
    "1",
    "true",
)
LABELS = ("plain", "with/slash", "per%cent + plus", "ünïcödé ✓", "arn:aws:x:::y/z", "a..b~_-")
VALIDATION = {"ValidationError", "ValidationException", "InvalidInputException", "InvalidParameterValue"}
# Headers that every request has, whatever the caller gave.
ALWAYS_SENT = {"content-type", "content-length"}


class Maker:
    """Makes up the parameters of an operation."""

    def __init__(self, seed: str, protocol: str) -> None:
        self._random = random.Random(seed)
        self._protocol = protocol

    def structure(self, shape: Any, depth: int = 0) -> dict[str, Any]:
        if shape.metadata.get("document"):
            return {"any": ["thing", 1, None, {"deep": 1.5}]}
        made = {}
        for name, member in shape.members.items():
            located = member.serialization.get("location")
            if depth >= DEEPEST and member.type_name in NESTED and name not in shape.required_members:
                continue
            if member.serialization.get("name") == "Content-Length":
                continue
            if member.serialization.get("hostLabel"):
                value: Any = "123456789012"
            else:
                value = self._located(member, located) if located else self.value(member, depth + 1)
            if value not in ({}, []):
                made[name] = value
        return made

    def value(self, shape: Any, depth: int) -> Any:
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, depth) if depth < DEEPEST + 3 else {}
        if kind == "list":
            items = [self.value(shape.member, depth + 1) for _ in range(1 if depth >= DEEPEST else 2)]
            return [item for item in items if item not in ({}, [])]
        if kind == "map":
            made = {self._key(shape.key, n): self.value(shape.value, depth + 1) for n in range(2)}
            return {key: item for key, item in made.items() if item not in ({}, [])}
        return self._scalar(shape, TEXTS)

    def _located(self, shape: Any, location: str) -> Any:
        kind = shape.type_name
        if location == "headers":
            return {"first": "one", "second": "two, three"}
        if shape.serialization.get("jsonvalue"):
            return {"json": ["value"]}
        if kind == "list":
            texts = ('quo"ted', "com,ma", "plain") if location == "header" else LABELS
            return [self._scalar(shape.member, texts) for _ in range(3)]
        if kind == "map":
            many = shape.value.type_name == "list"
            return {"key one": ["a", "b"] if many else "a", "key&2": ["c"] if many else "c"}
        if shape.serialization.get("name") == "Bucket":
            return "my-bucket"
        if kind == "timestamp":
            return datetime.fromtimestamp(1_790_000_000, UTC)
        return self._scalar(shape, LABELS if location != "header" else ("header-value", "with, comma", '"quoted"'))

    def _scalar(self, shape: Any, texts: tuple[str, ...]) -> Any:
        kind = shape.type_name
        if kind == "string":
            return self._random.choice(shape.enum or texts)
        if kind == "blob":
            return self._random.randbytes(7)
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind in ("float", "double"):
            return self._random.choice((0.0, -1.5, 1e30, 0.25))
        if kind == "timestamp":
            return datetime.fromtimestamp(self._random.choice((0, 1_790_000_000, 1_790_000_000.5)), UTC)
        return self._random.choice((0, 7, -1, 1_790_000_000))

    def _key(self, shape: Any, number: int) -> str:
        return str(shape.enum[number % len(shape.enum)]) if shape.enum else f"key {number} & <ö>.1"


def as_read(value: Any) -> Any:
    """What we make of a value: instants become epoch seconds."""
    if isinstance(value, dict):
        return {name: as_read(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_read(item) for item in value]
    if isinstance(value, datetime):
        seconds = value.timestamp()
        return int(seconds) if seconds.is_integer() else seconds
    return value


def sent(operation: Any, protocol: str, params: Mapping[str, Any]) -> HttpRequest:
    """The request that botocore sends."""
    serialized = create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    host = HOSTS.get(operation.service_model.service_name, "localhost:4566")
    prepare_request_dict(serialized, endpoint_url=f"http://{host}", context={}, user_agent="test")
    prepared = create_request_object(serialized).prepare()
    url = urlsplit(prepared.url)
    headers = {name.lower(): value for name, value in prepared.headers.items()}
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    return HttpRequest(
        prepared.method, url.path, url.query, {**headers, "host": url.netloc, "content-length": str(len(body))}, body
    )


def parsed(codec: wire.Codec, request: HttpRequest) -> dict[str, Any]:
    """The parameters, even where they break a constraint of the model."""
    return codec.parse(request, request.body)


def without_what_is_always_sent(shape: Any, params: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in params.items()
        if name in given or shape.members[name].serialization.get("name", "").lower() not in ALWAYS_SENT
    }


@pytest.mark.parametrize(("service", "protocol"), SERVICES)
def test_every_request_of_botocore_is_routed_and_read_back(service: str, protocol: str) -> None:
    model = service_model(service)
    signing_name = index().services[service].signing_name
    for name in model.operation_names:
        operation = model.operation_model(name)
        if (service, name) in BY_HOST or operation.has_event_stream_input or operation.deprecated:
            continue
        shape = operation.input_shape
        given = Maker(name, protocol).structure(shape) if shape is not None else {}
        request = sent(operation, protocol, given)
        codec = wire.resolve(request, signing_name)
        assert (codec.service, codec.operation, codec.protocol) == (service, name, protocol)
        read = parsed(codec, request)
        if shape is not None:
            read = without_what_is_always_sent(shape, read, given)
        assert read == as_read(given), name


@pytest.mark.parametrize(("service", "protocol"), SERVICES)
def test_a_request_with_required_members_only_is_routed_to_its_operation(service: str, protocol: str) -> None:
    model = service_model(service)
    signing_name = index().services[service].signing_name
    for name in model.operation_names:
        operation = model.operation_model(name)
        if (service, name) in BY_HOST or operation.has_event_stream_input or operation.deprecated:
            continue
        shape = operation.input_shape
        everything = Maker(name, protocol).structure(shape) if shape is not None else {}
        required = {key: value for key, value in everything.items() if key in shape.required_members} if shape else {}
        assert wire.resolve(sent(operation, protocol, required), signing_name).operation == name

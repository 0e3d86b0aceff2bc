"""Whatever an output shape can hold, botocore reads from our bytes what we were given.

For every operation of the services listed, an answer is made up from the output shape (always the same one),
serialized by us, and parsed by botocore. The same for every error that their models know.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.wire.error_models import ErrorModels
from locum.wire.faults import render_fault
from locum.wire.serialize import compile_serializer

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
    ("s3", "rest-xml"),
    ("s3control", "rest-xml"),
    ("route53", "rest-xml"),
    ("cloudwatch", "smithy-rpc-v2-cbor"),
)
UNWRAPPED = ("s3", "GetBucketLocation")
# Their deprecated `Event` and their `Events` are the same element: botocore reads one as both.
SHADOWED = {"QueueConfigurationDeprecated", "TopicConfigurationDeprecated", "CloudFunctionConfiguration"}
DEEPEST = 5
REQUEST_ID = "6a5cf5e1-1f0b-4b9c-a5f0-3d7d5e2e8f10"
TEXTS = ("plain", "a<b>&amp;\"c'", "  spaces and\r\nlines\t", "ünïcödé ✓ 𝄞", "]]>", "", "%7B%22Version%22%3A1%7D")


@cache
def service_model(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


class Maker:
    """Makes up one value of a shape, and what botocore is to read for it."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def structure(self, shape: Any, depth: int = 0) -> dict[str, Any]:
        if shape.metadata.get("document"):
            return {"any": ["thing", 1, None]}
        members = dict(shape.members)
        if shape.metadata.get("union"):
            simplest = sorted(members, key=lambda name: members[name].type_name in ("structure", "list", "map"))
            name = simplest[0] if depth >= DEEPEST else self._random.choice(simplest)
            return {name: self.value(members[name], depth + 1)}
        return {
            name: self.value(member, depth + 1)
            for name, member in members.items()
            if (depth < DEEPEST or member.type_name not in ("structure", "list", "map"))
            and not (shape.name in SHADOWED and name in ("Event", "Events"))
        }

    def value(self, shape: Any, depth: int) -> Any:
        kind = shape.type_name
        in_header = "location" in shape.serialization
        if kind == "structure":
            return self.structure(shape, depth)
        if kind == "list":
            return [self.value(shape.member, depth + 1) for _ in range(1 if depth >= DEEPEST else 2)]
        if kind == "map":
            return {self._key(shape.key, n): self.value(shape.value, depth + 1) for n in range(2)}
        if kind == "string":
            return self._text(shape, in_header=in_header)
        if kind == "blob":
            return self._random.randbytes(7) if "streaming" not in shape.serialization else b"a stream"
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind in ("float", "double"):
            return self._random.choice((0.0, -1.5, 1e300, 0.1))
        if shape.serialization.get("location") == "statusCode":
            return 202
        return self._random.choice((0, 7, 1_790_000_000))

    def _key(self, shape: Any, number: int) -> str:
        return shape.enum[number % len(shape.enum)] if shape.enum else f"key {number} & <ö>"

    def _text(self, shape: Any, *, in_header: bool) -> str:
        if shape.enum:
            return str(self._random.choice(shape.enum))
        return "header-value" if in_header else self._random.choice(TEXTS)


def as_read(shape: Any, value: Any) -> Any:
    """What botocore's parser makes of `value`."""
    if shape.type_name == "structure" and not shape.metadata.get("document"):
        return {name: as_read(shape.members[name], member) for name, member in value.items()}
    if shape.type_name == "list":
        return [as_read(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: as_read(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(value, UTC)
    return value


def for_headers(located: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Header maps and raw payloads with what fits there."""
    for name, shape in located.items():
        if shape.serialization.get("location") == "headers":
            answer[name] = {"first": "one", "second": "two"}
    return answer


def as_http(response: HttpResponse, operation: str) -> dict[str, Any]:
    headers = HeadersDict()
    for name, value in response.headers:
        headers[name] = value
    return {
        "headers": headers,
        "status_code": response.status,
        "body": response.body,
        "context": {"operation_name": operation},
    }


def read(response: HttpResponse, protocol: str, shape: Any, operation: str = "X") -> dict[str, Any]:
    parsed: dict[str, Any] = create_parser(protocol).parse(as_http(response, operation), shape)
    return parsed


@pytest.mark.parametrize(("service", "protocol"), SERVICES)
def test_botocore_reads_every_answer_back(service: str, protocol: str) -> None:
    model = service_model(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        shape = operation.output_shape
        if (service, name) == UNWRAPPED or operation.has_event_stream_output:
            continue
        answer = for_headers(shape.members, Maker(name).structure(shape)) if shape is not None else {}
        raw = shape.serialization.get("payload") if shape is not None else None
        if raw is not None and shape.members[raw].type_name in ("blob", "string"):
            answer[raw] = "raw ✓"
        parsed = read(compile_serializer(operation, protocol)(answer, REQUEST_ID), protocol, shape)
        metadata = parsed.pop("ResponseMetadata", {"RequestId": REQUEST_ID})
        assert metadata.get("RequestId", REQUEST_ID) == REQUEST_ID, name
        assert parsed == (as_read(shape, answer) if shape is not None else {}), name


@pytest.mark.parametrize(("service", "protocol"), SERVICES)
def test_an_answer_of_nothing_but_absent_members_is_readable(service: str, protocol: str) -> None:
    model = service_model(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        shape = operation.output_shape
        if shape is None or (service, name) == UNWRAPPED or operation.has_event_stream_output:
            continue
        serialize = compile_serializer(operation, protocol)
        absent = serialize(dict.fromkeys(shape.members), REQUEST_ID)
        assert (absent.status, absent.body) == (serialize({}, REQUEST_ID).status, serialize({}, REQUEST_ID).body)
        read(absent, protocol, shape)


@pytest.mark.parametrize(("service", "protocol"), SERVICES)
def test_a_misspelt_member_never_goes_unnoticed(service: str, protocol: str) -> None:
    model = service_model(service)
    for name in model.operation_names:
        serialize = compile_serializer(model.operation_model(name), protocol)
        with pytest.raises(ValueError, match="NoSuchMember"):
            serialize({"NoSuchMember": "x"}, REQUEST_ID)


@pytest.mark.parametrize(("service", "protocol"), SERVICES)
def test_botocore_reads_every_modelled_error_back(service: str, protocol: str) -> None:
    model = service_model(service)
    errors = ErrorModels(model)
    for shape in model.error_shapes:
        error = errors.find(shape.error_code if protocol == "query" else shape.name)
        assert error.shape is not None
        members = {
            name: value
            for name, value in Maker(shape.name).structure(error.shape).items()
            if name.lower() not in ("message", "code")
        }
        fault = Fault(error.code, "It <failed> & ün", 409, members=members)
        response = render_fault(fault, protocol, model, None, REQUEST_ID)
        parsed = read(response, protocol, None)
        assert parsed["Error"]["Code"] == error.code
        assert parsed["Error"]["Message"] == "It <failed> & ün", shape.name
        assert parsed["ResponseMetadata"]["RequestId"] == REQUEST_ID
        known = model.shape_for_error_code(parsed["Error"]["Code"])
        if known is None:  # SQS: botocore finds the class by the name of the shape instead.
            assert parsed["Error"]["QueryErrorCode"] == shape.name
            continue
        modelled = read(response, protocol, error.shape)
        expected = as_read(error.shape, members)
        assert {name: modelled.get(name) for name in expected} == expected, shape.name


@pytest.mark.parametrize(("service", "protocol"), SERVICES)
def test_an_error_is_the_same_by_its_code_and_by_its_shape_name(service: str, protocol: str) -> None:
    model = service_model(service)
    errors = ErrorModels(model)
    for shape in model.error_shapes:
        error = errors.find(shape.name)
        if errors.find(error.code) != error:
            # CloudWatch has two shapes with one code; a fault is then named by its shape.
            assert [other.error_code for other in model.error_shapes].count(error.code) > 1
            continue
        one = render_fault(Fault(shape.name, "m"), protocol, model, None, REQUEST_ID)
        other = render_fault(Fault(error.code, "m"), protocol, model, None, REQUEST_ID)
        assert (one.headers, one.body) == (other.headers, other.body)


def client_answered_by(service: str, answer: Callable[[Any], HttpResponse]) -> Any:
    """A real client whose requests are answered by `answer(operation model)` instead of the network."""
    session = botocore.session.get_session()
    client = session.create_client(
        service, region_name="eu-west-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="secret"
    )

    def respond(event_name: str, request: Any, **_: Any) -> AWSResponse:
        operation = service_model(service).operation_model(event_name.rpartition(".")[2])
        response = answer(operation)
        assert isinstance(response.body, bytes)
        headers = HeadersDict()
        for name, value in response.headers:
            headers[name] = value
        return AWSResponse(request.url, response.status, headers, Raw(response.body))

    client.meta.events.register("before-send", respond)
    return client


class Raw(io.BytesIO):
    """A body as urllib3 hands it to botocore."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def raised_by(service: str, protocol: str, fault: Fault, call: str, **params: Any) -> tuple[str, str, int]:
    """The class and code of what a client raises, and the status it saw."""

    def answer(operation: Any) -> HttpResponse:
        return render_fault(fault, protocol, service_model(service), operation, REQUEST_ID)

    with pytest.raises(ClientError) as raised:
        getattr(client_answered_by(service, answer), call)(**params)
    response = raised.value.response
    return type(raised.value).__name__, response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_client_raises_the_modelled_exception_and_shows_the_code_of_aws() -> None:
    assert raised_by("iam", "query", Fault("NoSuchEntity", "m", 404), "get_role", RoleName="r") == (
        "NoSuchEntityException",
        "NoSuchEntity",
        404,
    )
    missing = Fault("AWS.SimpleQueueService.NonExistentQueue", "m", 400)
    assert raised_by("sqs", "json", missing, "get_queue_url", QueueName="q") == (
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        400,
    )
    assert raised_by("organizations", "json", Fault("AccountNotFoundException", "m"), "list_roots") == (
        "AccountNotFoundException",
        "AccountNotFoundException",
        400,
    )
    combination = Fault("InvalidParameterCombination", "m")
    assert raised_by("cloudwatch", "json", combination, "describe_alarms") == (
        "InvalidParameterCombinationException",
        "InvalidParameterCombination",
        400,
    )
    no_function = Fault("ResourceNotFoundException", "m", 404)
    assert raised_by("lambda", "rest-json", no_function, "get_function", FunctionName="f") == (
        "ResourceNotFoundException",
        "ResourceNotFoundException",
        404,
    )


def test_a_client_of_s3_sees_bodies_heads_and_denials_as_from_s3() -> None:
    gone = Fault("NoSuchKey", "The specified key does not exist.", 404, resource="/b/k")
    assert raised_by("s3", "rest-xml", gone, "get_object", Bucket="b", Key="k") == ("NoSuchKey", "NoSuchKey", 404)
    assert raised_by("s3", "rest-xml", gone, "head_object", Bucket="b", Key="k") == ("ClientError", "404", 404)
    denied = Fault("AccessDenied", "User: x is not authorized", 403)
    assert raised_by("s3", "rest-xml", denied, "list_buckets") == ("AccessDenied", "AccessDenied", 403)


def test_a_client_of_sqs_is_denied_with_the_code_of_the_former_query_protocol() -> None:
    denied = Fault("AccessDeniedException", "User: x is not authorized", 403)
    assert raised_by("sqs", "json", denied, "list_queues") == ("ClientError", "AccessDenied", 403)


@pytest.mark.parametrize(("given", "seen"), [({}, None), ({"LocationConstraint": "eu-west-1"}, "eu-west-1")])
def test_a_client_reads_the_location_of_a_bucket(given: dict[str, str], seen: str | None) -> None:
    def answer(operation: Any) -> HttpResponse:
        return compile_serializer(operation, "rest-xml")(given, REQUEST_ID)

    assert client_answered_by("s3", answer).get_bucket_location(Bucket="b")["LocationConstraint"] == seen


def test_the_query_form_of_sqs_is_answered_though_its_model_has_none() -> None:
    operation = service_model("sqs").operation_model("GetQueueUrl")
    body = compile_serializer(operation, "query")({"QueueUrl": "http://q"}, "r").body
    assert body == (
        b'<GetQueueUrlResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><GetQueueUrlResult>'
        b"<QueueUrl>http://q</QueueUrl></GetQueueUrlResult><ResponseMetadata><RequestId>r</RequestId>"
        b"</ResponseMetadata></GetQueueUrlResponse>"
    )
    fault = render_fault(Fault("QueueDoesNotExist", "m"), "query", service_model("sqs"), operation, "r")
    assert isinstance(fault.body, bytes)
    assert b"<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in fault.body

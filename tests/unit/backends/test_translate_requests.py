"""A call said again is the same call, in one spelling, whatever the client's request looked like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from conformance.test_wire_requests import SERVICES, Maker, parsed, sent
from locum import wire
from locum.backends import translate
from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.wire.models import CBOR, index, service_model
from support.wire_requests import rest, target


def again(operation: Any, protocol: str, params: Mapping[str, Any]) -> HttpRequest:
    """The restated request, as it would arrive."""
    said = translate.restated(operation, protocol, params)
    headers = {**said.headers, "host": "localhost", "content-length": str(len(said.body))}
    return HttpRequest(said.method, said.path, said.query, headers, said.body)


@pytest.mark.parametrize(("service", "protocol"), SERVICES)
def test_every_operation_is_read_from_its_restatement_as_from_the_clients_request(service: str, protocol: str) -> None:
    model = service_model(service)
    signing_name = index().services[service].signing_name
    for name in model.operation_names:
        operation = model.operation_model(name)
        if name == "ListDirectoryBuckets" or operation.has_event_stream_input or operation.deprecated:
            continue
        given = Maker(name, protocol).structure(operation.input_shape) if operation.input_shape is not None else {}
        request = sent(operation, protocol, given)
        codec = wire.resolve(request, signing_name)
        read = parsed(codec, request)
        if service == "chime-sdk-messaging":
            continue  # its paths are told from those of others by the host alone
        spoken = translate.protocol_for(operation, protocol)
        assert spoken is not None
        restated = again(operation, spoken, read)
        found = wire.resolve(restated, signing_name)
        assert (found.operation, found.protocol) == (name, spoken)
        assert without_length(parsed(found, restated)) == without_length(read), name


def without_length(params: dict[str, Any]) -> dict[str, Any]:
    """Lengths and types of a body belong to its spelling, where the client gave none."""
    return {name: value for name, value in params.items() if name not in ("ContentLength", "contentLength")}


def restated(request: HttpRequest, signing_name: str) -> translate.Restated:
    codec = wire.resolve(request, signing_name)
    protocol = translate.protocol_for(codec.model, codec.protocol)
    assert protocol is not None
    return translate.restated(codec.model, protocol, codec.parse(request, request.body))


def test_an_action_in_the_query_string_beside_the_target_is_gone() -> None:
    request = target("DynamoDB_20120810.GetItem", {"TableName": "t", "Key": {"k": {"S": "v"}}})
    request.query_string = "Action=DeleteTable&TableName=other"
    said = restated(request, "dynamodb")
    assert (said.path, said.query) == ("/", "")
    assert said.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"


def test_headers_that_the_operation_does_not_have_are_gone() -> None:
    request = rest("GET", "/bucket/key", x_moto_account_id="444455556666", action="DeleteObject", x_amz_target="x",
                   user_agent="region/eu-west-1", authorization="AWS4", x_forwarded_for="10.0.0.1")  # fmt: skip
    assert restated(request, "s3").headers == {}


def test_parameters_of_the_query_that_the_operation_does_not_have_are_gone() -> None:
    request = rest("GET", "/bucket/key?versionId=1&X-Amz-Signature=00&x-id=DeleteObject&other")
    assert restated(request, "s3").query == "versionId=1"


def test_a_key_is_encoded_in_one_way() -> None:
    assert restated(rest("GET", "/bucket/a%2Fb%20c+d~%c3%bc"), "s3").path == "/bucket/a/b%20c%2Bd~%C3%BC"
    assert restated(rest("GET", "/bucket/../../key"), "s3").path == "/bucket/../../key"


def test_metadata_keeps_its_underscores_and_bodies_their_octets() -> None:
    request = rest("PUT", "/bucket/key", b"\x00\xff&Action=x", x_amz_meta_a_b="c", content_type="text/x")
    request.headers = {**request.headers, "x-amz-meta-d_e": "f"}
    said = restated(request, "s3")
    assert said.body == b"\x00\xff&Action=x"
    assert {name: said.headers[name] for name in ("x-amz-meta-d_e", "content-type")} == {
        "x-amz-meta-d_e": "f",
        "content-type": "text/x",
    }


def test_a_service_that_speaks_cbor_alone_is_repeated_in_no_other_protocol() -> None:
    for name, service in index().services.items():
        if service.protocols == (CBOR,):
            model = service_model(name)
            assert translate.protocol_for(model.operation_model(model.operation_names[0]), CBOR) is None


def test_what_cannot_be_said_is_the_callers_fault() -> None:
    model = service_model("s3").operation_model("GetObject")
    with pytest.raises(Fault) as refused:
        translate.restated(model, "rest-xml", {"Bucket": "b"})
    assert (refused.value.code, refused.value.status) == ("ValidationException", 400)


def test_an_answer_is_read_by_its_model() -> None:
    model = service_model("cloudwatch").operation_model("ListMetrics")
    body = b'{"Metrics": [{"Namespace": "n", "Unheard": 1}], "Unheard": 2}'
    assert translate.read_answer(model, "json", 200, [("Content-Type", "x")], body) == {"Metrics": [{"Namespace": "n"}]}


def test_an_error_is_read_as_a_fault_with_its_status() -> None:
    model = service_model("cloudwatch").operation_model("GetDashboard")
    body = b'{"__type": "com.amazonaws.cloudwatch#ResourceNotFound", "message": "none"}'
    with pytest.raises(Fault) as refused:
        translate.read_answer(model, "json", 404, [], body)
    assert (refused.value.code, refused.value.message, refused.value.status) == ("ResourceNotFound", "none", 404)


@pytest.mark.parametrize("body", [b"", b"not json", b"<html>"])
def test_an_error_that_says_nothing_is_a_fault_all_the_same(body: bytes) -> None:
    model = service_model("cloudwatch").operation_model("GetDashboard")
    with pytest.raises(Fault) as refused:
        translate.read_answer(model, "json", 500, [], body)
    assert refused.value.status == 500
    assert refused.value.code


def test_what_is_in_a_header_of_an_answer_is_read_in_letters_of_any_case() -> None:
    model = service_model("lambda").operation_model("Invoke")
    headers = [("X-Amz-Function-Error", "Unhandled"), ("x-amz-executed-version", "7")]
    answer = translate.read_answer(model, "rest-json", 200, headers, b"{}")
    assert (answer["FunctionError"], answer["ExecutedVersion"], answer["Payload"]) == ("Unhandled", "7", b"{}")

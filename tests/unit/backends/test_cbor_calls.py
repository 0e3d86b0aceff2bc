"""Calls in smithy-rpc-v2-cbor, which moto does not speak."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from locum.wire.models import CBOR, index, service_model
from support.inprocess import ENDPOINT, REGION, Answer, InProcess, Key, arrived


def call(plane: InProcess, service: str, operation: str, params: dict[str, Any], key: Key | None = None) -> Answer:
    """A CBOR call as an SDK makes it."""
    model = service_model(service).operation_model(operation)
    said = create_serializer(CBOR).serialize_to_request(params, model)
    request = AWSRequest(said["method"], ENDPOINT + said["url_path"], said["headers"], said["body"])
    signing = key or plane.root
    credentials = Credentials(signing.access_key_id, signing.secret_access_key)
    SigV4Auth(credentials, index().services[service].signing_name, REGION).add_auth(request)
    return plane.send(arrived(request.prepare()))


def read(answer: Answer, service: str, operation: str) -> dict[str, Any]:
    """What an SDK makes of the answer."""
    response = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
    shape = service_model(service).operation_model(operation).output_shape
    found: dict[str, Any] = create_parser(CBOR).parse(response, shape)
    return found


def test_a_call_is_carried_out_and_answered_in_cbor(plane: InProcess) -> None:
    at = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    metric = {"MetricName": "m", "Timestamp": at, "Value": 1.5, "Dimensions": [{"Name": "d", "Value": "ü"}]}
    answer = call(plane, "cloudwatch", "PutMetricData", {"Namespace": "cbor", "MetricData": [metric]})
    assert (answer.status, answer.headers["smithy-protocol"]) == (200, "rpc-v2-cbor")
    answer = call(plane, "cloudwatch", "ListMetrics", {"Namespace": "cbor"})
    assert answer.headers["content-type"] == "application/cbor"
    listed = read(answer, "cloudwatch", "ListMetrics")
    assert listed["Metrics"] == [{"Namespace": "cbor", "MetricName": "m", "Dimensions": [{"Name": "d", "Value": "ü"}]}]


def test_instants_and_numbers_survive_both_ways(plane: InProcess) -> None:
    start, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    at = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    metric = {"MetricName": "n", "Timestamp": at, "Value": 0.1}
    call(plane, "cloudwatch", "PutMetricData", {"Namespace": "cbor", "MetricData": [metric]})
    asked = {"Namespace": "cbor", "MetricName": "n", "StartTime": start, "EndTime": end, "Period": 3600,
             "Statistics": ["Sum"]}  # fmt: skip
    found = read(call(plane, "cloudwatch", "GetMetricStatistics", asked), "cloudwatch", "GetMetricStatistics")
    assert [(point["Timestamp"], point["Sum"]) for point in found["Datapoints"]] == [(at, 0.1)]


def test_the_answer_is_that_of_the_same_call_in_json(plane: InProcess) -> None:
    client = plane.client("codebuild")
    json = client.list_projects()
    cbor = read(call(plane, "codebuild", "ListProjects", {}), "codebuild", "ListProjects")
    assert json.pop("ResponseMetadata")
    assert cbor.pop("ResponseMetadata")
    assert cbor == json


def test_the_request_id_is_ours(plane: InProcess) -> None:
    answer = call(plane, "cloudwatch", "ListMetrics", {})
    record = plane.record(answer.headers["x-amzn-requestid"])
    assert (record.service, record.operation, record.status) == ("cloudwatch", "ListMetrics", 200)


def test_an_error_of_motos_is_an_error_in_cbor(plane: InProcess) -> None:
    answer = call(plane, "cloudwatch", "GetDashboard", {"DashboardName": "nope"})
    error = read(answer, "cloudwatch", "GetDashboard")["Error"]
    assert (answer.status, answer.headers["content-type"]) == (404, "application/cbor")
    assert error["Code"] in ("ResourceNotFound", "DashboardNotFoundError")
    record = plane.record(answer.headers["x-amzn-requestid"])
    assert (record.status, record.error_code) == (404, "ResourceNotFound")


def test_a_denial_is_an_error_in_cbor(plane: InProcess) -> None:
    answer = call(plane, "cloudwatch", "ListMetrics", {}, plane.user("nobody-in-cbor"))
    error = read(answer, "cloudwatch", "ListMetrics")["Error"]
    assert error["Code"].startswith("AccessDenied")
    assert "cloudwatch:ListMetrics" in error["Message"]


@pytest.mark.parametrize(("service", "operation"), [("eventbridgev2", None), ("pi", "ListAvailableResourceMetrics")])
def test_what_moto_does_not_have_is_not_implemented(plane: InProcess, service: str, operation: str | None) -> None:
    model = service_model(service)
    name = operation or next(
        found
        for found in model.operation_names
        if model.operation_model(found).input_shape is None
        or not model.operation_model(found).input_shape.required_members
    )
    params = {} if operation is None else {"ServiceType": "RDS", "Identifier": "db", "MetricTypes": ["os"]}
    answer = call(plane, service, name, params)
    assert answer.status == 501
    assert read(answer, service, name)["Error"]["Code"] == "NotImplemented"

"""Logs and traces for programs: lines of JSON, and spans that continue the trace of a request."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from locum.cli.options import Options
from locum.cli.ports import check_host
from locum.cli.telemetry import JsonFormatter, tracing
from locum.core.errors import ConfigurationError
from support.inprocess import InProcess
from support.plane import refused

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """A collector of traces: its URL, and the spans that it was sent."""
    spans: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") is None:
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces", spans
        finally:
            server.shutdown()
            thread.join()


def attributes(span: Any) -> dict[str, Any]:
    return {it.key: it.value.string_value or it.value.int_value for it in span.attributes}


def test_a_call_is_a_span_of_the_trace_that_its_request_names(tmp_path: Path) -> None:
    with collector() as (url, spans):
        plane = InProcess(tmp_path, traces=url)
        request = plane.request("sts", "get_caller_identity")
        request.headers = {**request.headers, "traceparent": f"00-{TRACE}-{PARENT}-01"}
        assert plane.send(request).status == 200
        key = plane.user("ann")
        told = refused(plane.client("iam", key).list_users)
        plane.close()
    first, *_, last = sorted(spans, key=lambda span: span.end_time_unix_nano)
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
    assert first.name == "sts/GetCallerIdentity"
    assert attributes(first) == {
        "rpc.system": "aws-api",
        "rpc.service": "STS",
        "rpc.method": "GetCallerIdentity",
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "aws.request_id": attributes(first)["aws.request_id"],
        "cloud.region": "us-east-1",
        "locum.verdict": "allowed",
    }
    assert attributes(last)["locum.verdict"] == "denied"
    assert attributes(last)["error.type"] == told.code
    assert last.trace_id.hex() != TRACE
    assert last.end_time_unix_nano >= last.start_time_unix_nano > 0


def test_nothing_secret_and_no_caller_is_in_a_span(tmp_path: Path) -> None:
    with collector() as (url, spans):
        plane = InProcess(tmp_path, traces=url)
        plane.client("iam").create_user(UserName="carol")
        plane.client("secretsmanager").create_secret(Name="s", SecretString="not-to-be-told")
        plane.close()
    told = "".join(map(str, spans))
    assert spans
    for word in ("carol", "not-to-be-told", plane.root.access_key_id, "arn:aws", "000000000000"):
        assert word not in told


def test_a_collector_that_is_not_there_fails_no_call(tmp_path: Path) -> None:
    plane = InProcess(tmp_path, traces="http://127.0.0.1:9/v1/traces")
    assert plane.client("sts").get_caller_identity()["Account"] == "000000000000"
    plane.close()


@pytest.mark.parametrize("url", ["", "127.0.0.1:4318", "file:///etc/passwd", "http://"])
def test_traces_go_to_a_url_of_http_alone(url: str) -> None:
    with pytest.raises(ConfigurationError, match="--traces"):
        tracing(url)


def test_an_entry_of_the_log_is_one_line_of_json() -> None:
    try:
        raise ValueError("broken\nin two")
    except ValueError as error:
        told = JsonFormatter().format(
            logging.makeLogRecord({"msg": "it\nfailed", "levelname": "ERROR", "name": "locum.x", "created": 0.0})
        )
        raised = logging.makeLogRecord({"msg": "it", "exc_info": (ValueError, error, error.__traceback__)})
    assert "\n" not in told
    assert json.loads(told) == {
        "time": "1970-01-01T00:00:00Z",
        "level": "error",
        "logger": "locum.x",
        "message": "it",
        "traceback": "failed",
    }
    assert "ValueError: broken" in json.loads(JsonFormatter().format(raised))["traceback"]


def test_attack_no_address_of_others_is_listened_on_without_a_word(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--exposed says that this is meant"):
        Options(data=tmp_path, host="0.0.0.0")
    for host in ("::", "10.0.0.1", "localhost", "0", "0.0.0.0.", ""):
        with pytest.raises(ConfigurationError, match="cannot be listened on"):
            check_host(host, exposed=True)
    assert Options(data=tmp_path, host="0.0.0.0", exposed=True).host == "0.0.0.0"
    assert Options(data=tmp_path, exposed=True).host == "127.0.0.1"

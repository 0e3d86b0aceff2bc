"""OpenTelemetry: a span of each call of a client, which continues the trace that the request names.

Loaded where spans are asked for alone: the libraries are those of an extra. Attributes are those of OpenTelemetry's
semantic conventions for AWS and HTTP; there are no parameters among them, nor who calls.
https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from locum import __version__
from locum.calls import RequestContext

_NANOSECONDS: Final = 1_000_000_000
_PATIENCE: Final = 2
"""Seconds that an export may take, also the last one."""


class Tracing:
    """Exports spans to `url` by OTLP over HTTP, in a thread of its own. Where that fails, spans are lost."""

    def __init__(self, url: str) -> None:
        resource = Resource.create({"service.name": "locum", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=_PATIENCE)))
        self._tracer = self._provider.get_tracer("locum", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def add(self, context: RequestContext, status: int, now: float, code: str) -> None:
        """Have the span of a request that was answered `now`, by the wall clock, exported soon."""
        codec = context.codec
        span = self._tracer.start_span(
            "unknown" if codec is None else f"{codec.service}/{codec.operation}",
            self._propagator.extract(dict(context.request.headers)),
            SpanKind.SERVER,
            _attributes(context, status, code),
            start_time=int(context.wall * _NANOSECONDS),
        )
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(max(int(now * _NANOSECONDS), int(context.wall * _NANOSECONDS)))

    def close(self) -> None:
        """Export what is left, as far as that can be done soon."""
        self._provider.shutdown()


def _attributes(context: RequestContext, status: int, code: str) -> dict[str, Any]:
    codec, authorization = context.codec, context.authorization
    found = {
        "rpc.system": "aws-api",
        "http.request.method": context.request.method,
        "http.response.status_code": status,
        "aws.request_id": context.request_id,
        "cloud.region": context.region,
    }
    if codec is not None:
        found |= {"rpc.service": codec.model.service_model.service_id, "rpc.method": codec.operation}
    if authorization is not None:
        found["locum.verdict"] = "allowed" if authorization.allowed else "denied"
    return found | ({"error.type": code} if code else {})

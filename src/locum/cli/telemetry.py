"""Traces and logs for programs: the exporter of spans, and log entries as JSON."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from locum.cli.home import Plane
from locum.cli.plane_log import threads_logged
from locum.core.clock import iso8601
from locum.core.errors import ConfigurationError
from locum.core.extras import adding, installed
from locum.gateway.access_lines import JsonLines, TextLines
from locum.gateway.access_log import AccessLog

if TYPE_CHECKING:
    from locum.gateway.tracing import Tracing


LogFormat = Literal["text", "json"]


def access_log(descriptor: int | None, form: LogFormat) -> AccessLog | None:
    """The access log on a file descriptor; None where there is none."""
    if descriptor is None:
        return None
    return AccessLog(descriptor, JsonLines() if form == "json" else TextLines())


def tracing(url: str | None) -> Tracing | None:
    """The exporter of spans to `url`; None where there is none. Raises ConfigurationError."""
    if url is None:
        return None
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ConfigurationError(f"--traces {url!r} reads like http://127.0.0.1:4318/v1/traces")
    if not installed("otel"):
        raise ConfigurationError(f"--traces takes OpenTelemetry: {adding('otel')}")
    made: Tracing = import_module("locum.gateway.tracing").Tracing(url)
    return made


class JsonFormatter(logging.Formatter):
    """An entry of the log as an object of JSON in one line."""

    def format(self, record: logging.LogRecord) -> str:
        first, _, more = record.getMessage().partition("\n")
        found: dict[str, Any] = {
            "time": iso8601(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": first,
        }
        traceback = more or (self.formatException(record.exc_info) if record.exc_info else "")
        return json.dumps(found | ({"traceback": traceback} if traceback else {}))


def start_line(plane: Plane, data: Path, now: float) -> str:
    """The object in the place of the greeting."""
    told = {"message": "Locum is up", "endpoint": plane.endpoint, "account": plane.account, "region": plane.region}
    told |= {"console": plane.console} if plane.console else {}
    return json.dumps({"time": iso8601(now), "level": "info", **told, "data": str(data)})


@contextmanager
def json_log() -> Iterator[None]:
    """Have warnings and errors of this process be lines of JSON on the standard error."""
    root, handler = logging.getLogger(), logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root.addHandler(handler)
    try:
        with threads_logged():
            yield
    finally:
        root.removeHandler(handler)

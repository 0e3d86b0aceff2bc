"""The Python runtime: AWS's own client (`awslambdaric`) where it can be imported, else one over the same Runtime API.

It is executed by whichever Python 3 the function runs with, and imports nothing of Locum. Its argument is a directory
with the AWS SDK, for interpreters that have none, or nothing. The texts are those of awslambdaric.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import socket
import sys
import time
from importlib.machinery import PathFinder
from types import SimpleNamespace

TYPE_CHECKING = False  # typing, and what few functions need, takes long to load
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any

_API = "/2018-06-01/runtime"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_LOG_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t{}\t%(message)s"
_NO_CLIENT = {"client": None, "custom": None, "env": None}


class RuntimeFault(Exception):
    """An error of the runtime's own, not of the handler: `kind` is its errorType (`Runtime.HandlerNotFound`)."""

    def __init__(self, kind: str, message: str, trace: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = list(trace)


class Api:
    """A connection to the Runtime API, which is kept. RFC 9112, as far as the answers of this server need it."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._host = address
        self._socket = socket.create_connection((host, int(port)))
        self._stream = self._socket.makefile("rb")

    def next(self) -> tuple[dict[str, str], bytes]:
        """The headers (names in lower case) and the payload of the next event; waits for it."""
        return self._request("GET", "/invocation/next")

    def respond(self, request_id: str, body: bytes) -> None:
        """Send what the handler returned."""
        self._request("POST", f"/invocation/{request_id}/response", body)

    def fail(self, request_id: str, error: Mapping[str, Any]) -> None:
        """Send the error object `error` for an event, or for Init where there is none."""
        place = f"/invocation/{request_id}/error" if request_id else "/init/error"
        self._request("POST", place, json.dumps(error).encode(), {_ERROR_TYPE: error["errorType"]})

    def _request(
        self, method: str, place: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[dict[str, str], bytes]:
        lines = [f"{method} {_API}{place} HTTP/1.1", f"Host: {self._host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + body)
        status = self._stream.readline().split()
        found: dict[str, str] = {}
        for line in iter(self._stream.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            if not value:
                os._exit(1)  # the host is gone
            found[name.lower()] = value.strip()
        answer = self._stream.read(int(found["content-length"]))
        if status[1] == b"413":
            os._exit(0)
        return found, answer


class Context:
    """The second argument of a handler. Lambda Developer Guide, "Using the Lambda context object ... Python"."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        client = json.loads(headers.get("lambda-runtime-client-context", "null"))
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers["lambda-runtime-invoked-function-arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = None if client is None else SimpleNamespace(**{**_NO_CLIENT, **client})
        self._deadline = int(headers["lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout."""
        return max(0, self._deadline - int(time.time() * 1000))


def main() -> None:
    """Serve invocations, one after the other, until the process is ended."""
    root, sdk = os.environ["LAMBDA_TASK_ROOT"], sys.argv[1:]
    layers = f"{os.environ['LAMBDA_LAYERS_ROOT']}/python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[:0] = [root, f"{layers}/lib/{version}/site-packages", layers]
    sys.path += sdk
    if PathFinder.find_spec("awslambdaric"):
        sys.argv = ["awslambdaric", os.environ["_HANDLER"]]
        importlib.import_module("awslambdaric.__main__").main(sys.argv)
        return
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        log = _log()
        handler = _handler(os.environ["_HANDLER"])
    except BaseException as error:
        api.fail("", _told(error, ""))
        os._exit(1)
    while True:
        _serve(api, log, handler, *api.next())


def _serve(
    api: Api, log: logging.Handler, handler: Callable[[Any, Any], Any], headers: Mapping[str, str], event: bytes
) -> None:
    """Have the handler process one event."""
    request_id = headers["lambda-runtime-aws-request-id"]
    os.environ["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
    log.setFormatter(_formatter(request_id))
    try:
        answer = _marshalled(handler(json.loads(event), Context(headers)))
    except Exception as error:  # the handler's own, of whatever kind
        api.fail(request_id, _told(error, request_id))
    else:
        api.respond(request_id, answer)


def _log() -> logging.Handler:
    """Have what is logged go to the function's log, from `WARNING` on, as Lambda's Python runtime does."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_formatter(""))
    logging.getLogger().addHandler(handler)
    return handler


def _formatter(request_id: str) -> logging.Formatter:
    formatter = logging.Formatter(_LOG_FORMAT.format(request_id), "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    return formatter


def _handler(name: str) -> Callable[[Any, Any], Any]:
    """The handler `module.function`. Raises RuntimeFault."""
    module_name, dot, function = name.rpartition(".")
    if not dot:
        text = f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        raise RuntimeFault("Runtime.MalformedHandlerName", text)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        raise RuntimeFault("Runtime.ImportModuleError", text) from error
    except SyntaxError as error:
        where = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        text = f"Syntax error in module '{module_name}': {error}"
        raise RuntimeFault("Runtime.UserCodeSyntaxError", text, [where]) from error
    found: Callable[[Any, Any], Any] | None = getattr(module, function, None)
    if found is None:
        raise RuntimeFault("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module_name}'")
    return found


def _marshalled(answer: object) -> bytes:
    """Encode what a handler returned as JSON. Raises RuntimeFault."""
    if isinstance(answer, bytes):
        return answer
    try:
        return json.dumps(answer, default=_number).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RuntimeFault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _number(value: object) -> int | float:
    """A Decimal, as DynamoDB gives them, as the number that it is."""
    decimal = sys.modules.get("decimal")
    if decimal is None or not isinstance(value, decimal.Decimal):
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    return int(value) if value == value.to_integral_value() else float(value)


def _told(error: BaseException, request_id: str) -> dict[str, Any]:
    """The error object of `error`, which is written to the log as well."""
    if isinstance(error, RuntimeFault):
        name, stack = error.kind, error.trace
    else:
        name, stack = type(error).__name__, _stack(error.__traceback__)
    sys.stdout.write(f"[ERROR] {name}: {error}\nTraceback (most recent call last):\n{''.join(stack)}\n")
    sys.stdout.flush()
    return {"errorMessage": str(error), "errorType": name, "requestId": request_id, "stackTrace": stack}


def _stack(trace: TracebackType | None) -> list[str]:
    """The frames below those of this program, each as Lambda tells it: file, line, function, code."""
    traceback = importlib.import_module("traceback")
    frames = traceback.extract_tb(trace)
    ours = [position for position, frame in enumerate(frames) if frame.filename == __file__]
    told = [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames[ours[-1] + 1 :]]
    lines: list[str] = traceback.format_list(told)
    return lines


if __name__ == "__main__":
    main()

"""The program of a function's process: unpack the package, load the handler, hand it events, tell what came of each.

It runs in place of Lambda's Python runtime, in a process of its own that `functions` starts. Both speak over a socket,
each message a line of JSON with the `size` of what follows it:

    host -> program    {"size", "layers", "layers_root"} and the archives of the layers, whose sizes are `layers`, and
                       the deployment package; `layers_root` is where the layers are to be seen
    program -> host    {"kind": "ready", "size": 0}
    host -> program    {"size", "id", "arn", "deadline", "client_context"} and the event, as the Runtime API has them
    program -> host    {"kind": "result", "id", "size"} and what the handler returned, as JSON; or {"kind": "error"}
                       with the error object of Lambda's Python runtime

The last two are repeated for each event. In place of either answer there may be {"kind": "fatal"} with such an object,
in place of the first {"kind": "unpackable"} with a text: the program ends then. An end without an answer is an error
too, which the host puts into words.
Standard output and standard error are the function's log. The variables of the environment are Lambda's.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Final, NoReturn

from locum.compute import namespace
from locum.compute.packages import PackageError, unpack

Handler = Callable[[Any, Any], Any]

LAYERS: Final = "opt"
"""The directory of the layers, beside that of the package."""

NODE: Final = "AWS_Lambda_nodejs"
"""How AWS_EXECUTION_ENV begins for the runtimes of Node.js."""

_NODE_PROGRAM: Final = str(Path(__file__).with_suffix(".mjs"))

RESERVED: Final = 128 << 20
"""Octets of private memory beyond `MemorySize`: the kernel counts what threads reserve for their stacks as used."""

_LOG_FORMAT: Final = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t{}\t%(message)s"
"""Lambda Developer Guide, "Using the Python logging library": with the request id, as the runtime sets it up."""


class RuntimeFault(Exception):
    """An error of the runtime's own, not of the handler: `kind` is its errorType (`Runtime.HandlerNotFound`)."""

    def __init__(self, kind: str, message: str, trace: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = list(trace)


class Channel:
    """The socket to the host, whose end is the end of this process. `request_id` is the one of the event that came."""

    def __init__(self, descriptor: int) -> None:
        sock = socket.socket(fileno=descriptor)
        sock.set_inheritable(False)
        self._descriptor = descriptor
        self._stream = sock.makefile("rwb")
        self.request_id = ""

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """The next message of the host."""
        line = self._stream.readline()
        if not line:
            raise SystemExit(1)
        header: dict[str, Any] = json.loads(line)
        self.request_id = header.get("id", "")
        return header, self._stream.read(header["size"])

    def send(self, kind: str, body: bytes = b"") -> None:
        """Tell the host."""
        self._stream.write(json.dumps({"kind": kind, "id": self.request_id, "size": len(body)}).encode() + b"\n" + body)
        self._stream.flush()

    def hand_over(self, memory: int, layers: Path) -> NoReturn:
        """Go on as Node.js, which loads the handler and takes the events. `memory` is in MiB."""
        os.environ["NODE_PATH"] = f"{layers}/nodejs/node_modules"
        os.set_inheritable(self._descriptor, True)
        options = (f"--max-old-space-size={memory}", _NODE_PROGRAM, str(self._descriptor))
        os.execvp("node", ("node", *options))  # noqa: S606, S607 # the one on the function's own PATH

    def finish(self, kind: str, body: bytes = b"") -> NoReturn:
        """Tell the host and end, with whatever threads the handler left: as on Lambda, none of them goes on."""
        self.send(kind, body)
        os._exit(0)


class Context:
    """The second argument of a handler. Lambda Developer Guide, "Using the Lambda context object ... Python"."""

    def __init__(self, header: dict[str, Any]) -> None:
        client = header["client_context"]
        self.aws_request_id = header["id"]
        self.invoked_function_arn = header["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = None if client is None else SimpleNamespace(**{**_NO_CLIENT, **client})
        self._deadline: int = header["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout."""
        return max(0, self._deadline - int(time.time() * 1000))


_NO_CLIENT: Final = {"client": None, "custom": None, "env": None}


def main() -> None:
    """Serve the host: `sys.argv` has a source root, the socket's descriptor, `MemorySize` and what is to be hidden."""
    source, descriptor, memory, *hidden = sys.argv[1:]
    sys.path.remove(source)
    channel = Channel(int(descriptor))
    sys.excepthook = partial(_failed, channel)
    header, packages = channel.receive()
    root = Path(os.environ["LAMBDA_TASK_ROOT"])
    own, seen = root.parent / LAYERS, Path(header["layers_root"])
    if hidden:
        confine(hidden, {} if seen == own else {seen: own})
    namespace.die_with_parent(signal.SIGKILL)
    _limit(int(memory))
    try:
        _unpack(packages, header["layers"], root, seen)
    except PackageError as error:
        channel.finish("unpackable", str(error).encode(errors="replace"))
    if os.environ["AWS_EXECUTION_ENV"].startswith(NODE):
        channel.hand_over(int(memory), seen)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    of_layers = (seen / "python" / "lib" / version / "site-packages", seen / "python")
    sys.path[:0] = [str(root), *map(str, of_layers if header["layers"] else ())]
    log = _log()
    handler = _handler(os.environ["_HANDLER"])
    channel.send("ready")
    while True:
        header, event = channel.receive()
        log.setFormatter(_formatter(channel.request_id))
        channel.send(*_outcome(handler, header, event))


def _outcome(handler: Handler, header: dict[str, Any], event: bytes) -> tuple[str, bytes]:
    """What came of one event: the kind and the body of the answer."""
    try:
        return "result", _marshalled(handler(json.loads(event), Context(header)))
    except Exception as error:  # the handler's own, of whatever kind
        return "error", _told(type(error), error, error.__traceback__, header["id"])


def _failed(channel: Channel, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In the place of `sys.excepthook`: tell the host."""
    channel.finish("fatal", _told(kind, error, trace, channel.request_id))


def _unpack(packages: bytes, layers: Sequence[int], root: Path, layers_root: Path) -> None:
    """Unpack the layers, which have so many octets each, and the deployment package behind them. Raises PackageError.

    Together they may be as large as the quota says. A file of a later layer takes the place of an earlier one's.
    """
    start = taken = 0
    for size in layers:
        taken = unpack(packages[start : start + size], layers_root, taken)
        start += size
    unpack(packages[start:], root, taken)


def confine(hidden: Sequence[str], laid_over: Mapping[Path, Path] | None = None) -> None:
    """Hide files and directories from this process, and have others in the place of some (`laid_over`).

    Raises NamespaceUnavailable, OSError: it is of no use then.
    """
    namespace.enter_new(network=False)
    for place in hidden:
        namespace.hide(Path(place))
    for at, directory in (laid_over or {}).items():
        namespace.lay_over(at, directory)
    namespace.renounce_capabilities()


def _limit(memory: int) -> None:
    """No more private memory than `memory` MiB and what is reserved; no core dumps. getrlimit(2), RLIMIT_DATA."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = (memory << 20) + RESERVED
    if most == resource.RLIM_INFINITY or limit < most:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


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


def _handler(name: str) -> Handler:
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
    found: Handler | None = getattr(module, function, None)
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
    if not isinstance(value, Decimal):
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    return int(value) if value == value.to_integral_value() else float(value)


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None, request_id: str) -> bytes:
    """The error object of `error`, which is written to the log as well."""
    if isinstance(error, RuntimeFault):
        name, stack = error.kind, error.trace
    else:
        name, stack = kind.__name__, _stack(trace)
    told = {"errorMessage": str(error), "errorType": name, "requestId": request_id, "stackTrace": stack}
    sys.stdout.write(f"[ERROR] {name}: {error}\nTraceback (most recent call last):\n{''.join(stack)}\n")
    return json.dumps(told).encode()


def _stack(trace: TracebackType | None) -> list[str]:
    """The frames below those of this program, each as Lambda tells it: file, line, function, code."""
    frames = traceback.extract_tb(trace)
    ours = [position for position, frame in enumerate(frames) if frame.filename == __file__]
    told = [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames[ours[-1] + 1 :]]
    return traceback.format_list(told)

"""A function's execution environment: a process of its own, from the outside; `function_program` is what runs there.

It takes one invocation after the other. A timeout, or its end, ends it; then the process group is killed and its
directory removed. Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle".
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec

from locum.compute.function_log import FunctionLog, LogEvent
from locum.compute.function_program import LAYERS
from locum.compute.function_report import Times, report
from locum.compute.packages import PackageError
from locum.core.clock import Clock, iso8601, iso8601_ms
from locum.core.functions import Function

INIT_SECONDS: Final = 10.0
"""For unpacking and loading the handler, beside the function's timeout: Lambda's limit of the Init phase."""

MOST_ANSWERED: Final = 6_291_556
"""Octets of an answer. Lambda quotas, "Invocation payload": 6 MB; Lambda's error says that it is this number."""

_TASK, _TEMPORARY = "task", "tmp"
_OPT: Final = Path("/opt")
_SOURCE: Final = str(Path(__file__).resolve().parents[2])
_PYTHON: Final = (sys.executable, "-I", "-u", "-B", "-X", "utf8", "-c")
_IMPORT: Final = "import sys; sys.path.insert(0, sys.argv[1]); from locum.compute import function_program as program; "
_MAIN: Final = (*_PYTHON, f"{_IMPORT}program.main()", _SOURCE)
_CONFINE: Final = (*_PYTHON, f"{_IMPORT}program.confine(sys.argv[2:])", _SOURCE)


class Invocation(NamedTuple):
    """One event for a function: `event` is JSON. `arn` is the function as it was called, perhaps with a qualifier.

    `client_context` is the decoded JSON object of the client, or None.
    """

    request_id: str
    arn: str
    event: bytes
    client_context: Any = None


class InvocationResult(NamedTuple):
    """The result of an invocation: `payload` is what the handler returned, or an error object where `failed`.

    `log` is the end of the log, at most `function_log.TAIL` octets, `events` are all of it, for the log stream
    `stream`. `cold`: it is the first invocation of its process.
    """

    payload: bytes
    log: bytes
    failed: bool
    events: tuple[LogEvent, ...]
    stream: str
    cold: bool = True


class _Answer(msgspec.Struct, frozen=True):
    """The header of a message of the program."""

    kind: Literal["ready", "result", "error", "fatal", "unpackable"]
    size: int = 0
    id: str = ""


class Launch(NamedTuple):
    """What an execution environment is started with: the function, and the variables of its process.

    `holder` is the id of the role whose credentials are in `variables`, which expire at `expires` (epoch seconds).
    """

    function: Function
    variables: Mapping[str, str]
    holder: str
    expires: float

    def serves(self, wanted: Launch, now: float) -> bool:
        """Whether what was started with this can take an invocation of `wanted` at `now`.

        It cannot with other code, configuration or role, nor where its credentials might expire meanwhile.
        """
        lasts = now + self.function.timeout < self.expires
        return lasts and self.holder == wanted.holder and self.function == wanted.function


class FunctionProcess:
    """An execution environment: its directory, its process and the connection to it.

    It is started by its first invocation, and takes others one after the other while it is `reusable`. In between the
    process is stopped, as on Lambda. `close` leaves nothing of it.
    """

    def __init__(self, launch: Launch, stream: str, clock: Clock) -> None:
        self.launch = launch
        self.reusable = False
        self._function = launch.function
        self._clock = clock
        date = iso8601(clock())[:10].replace("-", "/")
        self._stream = f"{date}/[{launch.function.version}]{stream.replace('-', '')}"
        self._left = AsyncExitStack()
        self._stopped = False
        self._layers_root = ""
        self._process: asyncio.subprocess.Process | None = None
        self._log: FunctionLog | None = None
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def stop(self) -> None:
        """End the process, now or as soon as there is one."""
        self._stopped = True
        self.reusable = False
        self._signal(signal.SIGKILL)

    async def close(self) -> None:
        """End the process, with what it started in its group, and remove its directory."""
        self.stop()
        await self._left.aclose()

    async def invoke(self, invocation: Invocation, hidden: Sequence[str]) -> InvocationResult | None:
        """Run to an outcome, None where it was stopped. Raises PackageError."""
        cold = self._connection is None
        if self._log is None:
            self._log = FunctionLog(self._clock)
            self._left.callback(self._log.close)
        log, request_id = self._log, invocation.request_id
        log.add(f"START RequestId: {request_id} Version: {self._function.version}")
        connection = self._connection = self._connection or await self._started(log, hidden)
        self._signal(signal.SIGCONT)
        kind, payload, times = await self._exchanged(connection, invocation, cold=cold)
        if kind == "timeout":
            log.add(f"{iso8601_ms(self._clock())} {request_id} {self._timed_out}")
        log.add(f"END RequestId: {request_id}")
        pid = 0 if self._process is None else self._process.pid
        log.add(report(request_id, self._function.memory, kind, times, pid))
        self.reusable = kind in ("result", "error") and not self._stopped
        if self.reusable:
            self._signal(signal.SIGSTOP)
        logged = log.drain()
        if self._stopped:
            return None
        if kind == "unpackable":
            raise PackageError(payload.decode(errors="replace"))
        return InvocationResult(payload, logged.tail, kind != "result", logged.events, self._stream, cold)

    async def _started(
        self, log: FunctionLog, hidden: Sequence[str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Make the directory and start the process, of which `close` leaves nothing."""
        left, home = self._left, _home()
        left.push_async_callback(asyncio.to_thread, shutil.rmtree, home, ignore_errors=True)
        self._layers_root = str(_OPT) if hidden and _at_opt(self._function) else str(home / LAYERS)
        ours, theirs = socket.socketpair()
        left.callback(ours.close)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(*_MAIN, str(theirs.fileno()), str(self._function.memory), *hidden),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log.entry,
                stderr=log.entry,
                cwd=home / _TASK,
                env=self._variables(home),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        left.push_async_callback(self._ended)
        if self._stopped:
            self._signal(signal.SIGKILL)
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        left.callback(writer.close)
        return reader, writer

    def _variables(self, home: Path) -> dict[str, str]:
        """The environment, with what is of this very process."""
        layers = self._layers_root if self._function.layers else ""
        return {
            **self.launch.variables,
            **({"PATH": f"{self.launch.variables['PATH']}:{layers}/bin"} if layers else {}),
            **({"LD_LIBRARY_PATH": f"{layers}/lib"} if layers else {}),
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream,
            "HOME": str(home / _TEMPORARY),
            "LAMBDA_TASK_ROOT": str(home / _TASK),
            "TMPDIR": str(home / _TEMPORARY),
        }

    async def _exchanged(
        self, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], invocation: Invocation, *, cold: bool
    ) -> tuple[str, bytes, Times]:
        """The last answer of the process, its kind first, and what it took; `timeout` where it came too late.

        `cold`: the process is to be initialized before.
        """
        function, began, init = self._function, self._clock(), None
        try:
            if cold:
                async with asyncio.timeout(INIT_SECONDS + function.timeout):
                    code = {"layers": [*map(len, function.layers)], "layers_root": self._layers_root}
                    packages = b"".join((*function.layers, function.code))
                    kind, payload = await self._answer(connection, invocation.request_id, code, packages)
                init = self._clock() - began
                if kind != "ready":
                    return kind, payload, Times(0.0, init)
            began = self._clock()
            header = {
                "id": invocation.request_id,
                "arn": invocation.arn,
                "deadline": int((self._clock() + function.timeout) * 1000),
                "client_context": invocation.client_context,
            }
            async with asyncio.timeout(function.timeout):
                kind, payload = await self._answer(connection, invocation.request_id, header, invocation.event)
        except TimeoutError:
            text = f"RequestId: {invocation.request_id} Error: {self._timed_out}"
            kind, payload = "timeout", _error("Sandbox.Timedout", text)
        return kind, payload, Times(self._clock() - began, init)

    async def _answer(
        self,
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        request_id: str,
        header: Mapping[str, Any],
        body: bytes,
    ) -> tuple[str, bytes]:
        """Send a message and wait for the answer, or for the end of the process."""
        reader, writer = connection
        writer.write(json.dumps({**header, "size": len(body)}).encode() + b"\n" + body)
        try:
            await writer.drain()
            line = await reader.readline()
            if not line.endswith(b"\n"):
                raise EOFError
            answer = msgspec.json.decode(line, type=_Answer)
            if answer.id != header.get("id", ""):
                raise ValueError("an answer to something else")
            if answer.size <= MOST_ANSWERED:
                return answer.kind, await reader.readexactly(answer.size)
        except (OSError, EOFError):
            return "fatal", _error("Runtime.ExitError", await self._exit(request_id))
        except (ValueError, msgspec.DecodeError):  # nothing that the program says
            self._signal(signal.SIGKILL)
            return "fatal", _error("Runtime.ExitError", await self._exit(request_id))
        text = f"Response payload size exceeded maximum allowed payload size ({MOST_ANSWERED} bytes)."
        return "fatal", _error("Function.ResponseSizeTooLarge", text)

    async def _exit(self, request_id: str) -> str:
        """The end of the process, in the words of Lambda."""
        assert self._process is not None
        status = await self._process.wait()
        how = "exited without providing a reason"
        if status:
            reason = f"exit status {status}" if status > 0 else f"signal: {(signal.strsignal(-status) or '').lower()}"
            how = f"exited with error: {reason}"
        return f"RequestId: {request_id} Error: Runtime {how}"

    @property
    def _timed_out(self) -> str:
        return f"Task timed out after {self._function.timeout:.2f} seconds"

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one, and to what it started in its group."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _ended(self) -> None:
        """Kill the process, and what it started in its group."""
        assert self._process is not None
        self._signal(signal.SIGKILL)
        await self._process.wait()


async def can_hide(hidden: Sequence[str]) -> bool:
    """Whether a process of this user can hide `hidden` from itself: tried in one that runs nothing of anybody's."""
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*_CONFINE, *hidden, stdin=quiet, stdout=quiet, stderr=quiet)
    return await process.wait() == 0


def _home() -> Path:
    """A new directory (mode 0700) with the places of a process in it."""
    home = Path(tempfile.mkdtemp(prefix="locum-function-"))
    (home / _TASK).mkdir()
    (home / _TEMPORARY).mkdir()
    (home / LAYERS).mkdir()
    return home


def _at_opt(function: Function) -> bool:
    """Whether the layers of `function` can be at /opt: not where the host has its Python there."""
    ours = (sys.executable, sys.prefix, sys.base_prefix, _SOURCE, *sys.path)
    return bool(function.layers) and _OPT.is_dir() and not any(_OPT in Path(path).resolve().parents for path in ours)


def _error(kind: str, text: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": text}).encode()

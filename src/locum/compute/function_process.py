"""One invocation of a function in a process of its own, from the outside: `function_program` is what runs there.

When the invocation is over, however it ends, the process group is killed and its directory removed. Lambda Developer
Guide, "Understanding the Lambda execution environment lifecycle".
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
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
from locum.compute.packages import PackageError
from locum.core.clock import Clock, iso8601, iso8601_ms
from locum.core.functions import Function

INIT_SECONDS: Final = 10.0
"""For unpacking and loading the handler, beside the function's timeout: Lambda's limit of the Init phase."""

MOST_ANSWERED: Final = 6_291_556
"""Octets of an answer. Lambda quotas, "Invocation payload": 6 MB; Lambda's error says that it is this number."""

_TASK, _TEMPORARY = "task", "tmp"
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

    kind: Literal["ready", "result", "error", "unpackable"]
    size: int = 0


class FunctionProcess:
    """One invocation: its directory, its process and the connection to it."""

    def __init__(
        self, function: Function, invocation: Invocation, environment: Mapping[str, str], clock: Clock
    ) -> None:
        self._function = function
        self._invocation = invocation
        self._environment = environment
        self._clock = clock
        self._stopped = False
        self._process: asyncio.subprocess.Process | None = None
        self._init = 0.0
        date = iso8601(clock())[:10].replace("-", "/")
        self._stream = f"{date}/[{function.version}]{invocation.request_id.replace('-', '')}"

    def stop(self) -> None:
        """End the process, now or as soon as there is one."""
        self._stopped = True
        self._kill()

    async def run(self, hidden: Sequence[str]) -> InvocationResult | None:
        """Run to an outcome, None where it was stopped, and leave nothing behind. Raises PackageError."""
        request_id = self._invocation.request_id
        async with AsyncExitStack() as left:
            home = _home()
            left.push_async_callback(asyncio.to_thread, shutil.rmtree, home, ignore_errors=True)
            log = FunctionLog(self._clock)
            left.callback(log.close)
            log.add(f"START RequestId: {request_id} Version: {self._function.version}")
            connection = await self._started(left, home, log, hidden)
            began = self._clock()
            kind, payload = await self._exchanged(*connection)
            if kind == "timeout":
                log.add(f"{iso8601_ms(self._clock())} {request_id} {self._timed_out}")
            log.add(f"END RequestId: {request_id}")
            log.add(self._report(kind, self._clock() - began))
            logged = log.drain()
        if self._stopped:
            return None
        if kind == "unpackable":
            raise PackageError(payload.decode(errors="replace"))
        return InvocationResult(payload, logged.tail, kind != "result", logged.events, self._stream)

    def _report(self, kind: str, seconds: float) -> str:
        """The REPORT line, after `seconds` of Init and invocation together.

        Lambda Developer Guide, "Viewing CloudWatch logs for Lambda functions". Init is billed.
        """
        taken, init = (seconds - self._init) * 1000, self._init * 1000
        peak = 0 if self._process is None else _peak_memory(self._process.pid)
        fields = [
            f"REPORT RequestId: {self._invocation.request_id}",
            f"Duration: {taken:.2f} ms",
            f"Billed Duration: {math.ceil(taken + init)} ms",
            f"Memory Size: {self._function.memory} MB",
            f"Max Memory Used: {peak} MB",
            f"Init Duration: {init:.2f} ms",
        ]
        status = {"timeout": ["Status: timeout"], "error": ["Status: error"]}
        return "\t".join([*fields, *status.get(kind, ()), ""])

    async def _started(
        self, left: AsyncExitStack, home: Path, log: FunctionLog, hidden: Sequence[str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Start the process; its end of the conversation is closed, and the process gone, with `left`."""
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
            self._kill()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        left.callback(writer.close)
        return reader, writer

    def _variables(self, home: Path) -> dict[str, str]:
        """The environment, with what is of this very process."""
        return {
            **self._environment,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream,
            "HOME": str(home / _TEMPORARY),
            "LAMBDA_TASK_ROOT": str(home / _TASK),
            "TMPDIR": str(home / _TEMPORARY),
        }

    async def _exchanged(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, bytes]:
        """The last answer of the process, its kind first; `timeout` where it came too late."""
        function, invocation, began = self._function, self._invocation, self._clock()
        try:
            async with asyncio.timeout(INIT_SECONDS + function.timeout):
                kind, payload = await self._answer(reader, writer, {}, function.code)
            if kind != "ready":
                return kind, payload
            self._init = self._clock() - began
            header = {
                "id": invocation.request_id,
                "arn": invocation.arn,
                "deadline": int((self._clock() + function.timeout) * 1000),
                "client_context": invocation.client_context,
            }
            async with asyncio.timeout(function.timeout):
                return await self._answer(reader, writer, header, invocation.event)
        except TimeoutError:
            text = f"RequestId: {invocation.request_id} Error: {self._timed_out}"
            return "timeout", _error("Sandbox.Timedout", text)

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, header: Mapping[str, Any], body: bytes
    ) -> tuple[str, bytes]:
        """Send a message and wait for the answer, or for the end of the process."""
        writer.write(json.dumps({**header, "size": len(body)}).encode() + b"\n" + body)
        try:
            await writer.drain()
            answer = msgspec.json.decode(await reader.readline(), type=_Answer)
            if answer.size <= MOST_ANSWERED:
                return answer.kind, await reader.readexactly(answer.size)
        except (OSError, EOFError, ValueError, msgspec.DecodeError):  # gone, or nothing that the program says
            return "error", _error("Runtime.ExitError", await self._exit())
        text = f"Response payload size exceeded maximum allowed payload size ({MOST_ANSWERED} bytes)."
        return "error", _error("Function.ResponseSizeTooLarge", text)

    async def _exit(self) -> str:
        """The end of the process, in the words of Lambda."""
        assert self._process is not None
        status = await self._process.wait()
        how = "exited without providing a reason"
        if status:
            reason = f"exit status {status}" if status > 0 else f"signal: {(signal.strsignal(-status) or '').lower()}"
            how = f"exited with error: {reason}"
        return f"RequestId: {self._invocation.request_id} Error: Runtime {how}"

    @property
    def _timed_out(self) -> str:
        return f"Task timed out after {self._function.timeout:.2f} seconds"

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _ended(self) -> None:
        """Kill the process, and what it started in its group."""
        assert self._process is not None
        self._kill()
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
    return home


def _peak_memory(pid: int) -> int:
    """The most MiB of memory that a process has had; 0 where it is gone. proc_pid_status(5)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return 0 if found is None else -(-int(found[1]) // 1024)


def _error(kind: str, text: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": text}).encode()

"""A function's execution environment: what becomes of an invocation in it, from Init to the REPORT line.

It takes one invocation after the other. A timeout, or the end of the runtime, ends it. Lambda Developer Guide,
"Understanding the Lambda execution environment lifecycle": Init has ten seconds; one that takes longer, or fails, is
done again as a part of the invocation, within the function's timeout.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, NamedTuple

from locum.compute.functions.log import FunctionLog, LogEvent
from locum.compute.functions.memory_watch import MemoryWatch
from locum.compute.functions.report import Times, init_report, report
from locum.compute.functions.runtime_api import Answer, Event, State, error_object
from locum.compute.functions.runtime_process import InvalidEntrypoint, RuntimeProcess
from locum.compute.functions.runtimes import Runtimes
from locum.compute.functions.surroundings import Surroundings
from locum.core.clock import Clock, iso8601, iso8601_ms
from locum.core.functions import Function

INIT_SECONDS: Final = 10.0
"""For loading the handler, before it is tried again: Lambda's limit of the Init phase."""

SETTLE_SECONDS: Final = 0.05
"""Seconds that a runtime without an invocation goes on before it is stopped. [U] Lambda does not publish it."""


class Invocation(NamedTuple):
    """One event for a function: `event` is JSON. `arn` is the function as it was called, perhaps with a qualifier.

    `client_context` is the decoded JSON object of the client, or None.
    """

    request_id: str
    arn: str
    event: bytes
    client_context: Any = None


class Logged(NamedTuple):
    """Events for the log stream `stream`; `opens`: they are the first ones of it."""

    stream: str
    events: Sequence[LogEvent]
    opens: bool


Told = Callable[[Logged], None]
"""A function that is told of the log while an invocation runs."""


class InvocationResult(NamedTuple):
    """The result of an invocation: `payload` is what the handler returned, or an error object where `failed`.

    `log` is the end of the log, at most `log.TAIL` octets, `logged` what of it nobody was told yet. `cold`: it
    is the first invocation of its environment.
    """

    payload: bytes
    log: bytes
    failed: bool
    logged: Logged
    cold: bool = True

    @property
    def events(self) -> Sequence[LogEvent]:
        """The events of the log that nobody was told yet."""
        return self.logged.events

    @property
    def stream(self) -> str:
        """The log stream."""
        return self.logged.stream


class Launch(NamedTuple):
    """The parameters of an execution environment's start: the function, and the variables of its process.

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
    """An execution environment: its runtime, and its log.

    It is started by its first invocation, and takes others one after the other while it is `reusable`. Where none comes
    soon the runtime is stopped, as on Lambda. `close` leaves nothing of it.
    """

    def __init__(self, launch: Launch, stream: str, clock: Clock, runtimes: Runtimes) -> None:
        self.launch = launch
        self.reusable = self.provisioned = False
        self._function = launch.function
        self._clock = clock
        self._runtimes = runtimes
        date = iso8601(clock())[:10].replace("-", "/")
        self._stream = f"{date}/[{launch.function.version}]{stream.replace('-', '')}"
        self._left = AsyncExitStack()
        self._stopped = self._busy = self._opened = self._frozen = False
        self._timer: asyncio.TimerHandle | None = None  # for what becomes of the runtime without another invocation
        self._runtime: RuntimeProcess | None = None
        self._log: FunctionLog | None = None
        self._watch = MemoryWatch(self._pid, launch.function.memory << 20, self._kill)

    @property
    def ended(self) -> bool:
        """Whether its runtime has ended by itself."""
        return self._runtime is not None and self._runtime.api.state is State.ENDED

    def of(self, arn: str, version: str) -> bool:
        """Whether it is one of this version of a function."""
        return (self._function.arn, self._function.version) == (arn, version)

    def stop(self) -> None:
        """End the runtime, now or as soon as there is one."""
        self._stopped = True
        self.reusable = False
        self._kill()

    async def close(self) -> None:
        """End the runtime, with what it started, and remove its directory."""
        self.stop()
        self._wait_for_nothing()
        if self._runtime is not None:
            await self._runtime.close()
        await self._left.aclose()

    async def prepare(self, around: Surroundings) -> bool:
        """Initialize it without an invocation; whether it can take one now. Raises as `invoke`."""
        self._busy = True
        log = self._log = self._log or self._new_log()
        log.begin(None)
        answer = await self._initialized(around, log, "init", INIT_SECONDS)
        self._busy, self.reusable = False, answer.kind == "ready" and not self._stopped
        if self.reusable:
            self._rest(self._function.timeout)
        return self.reusable

    async def invoke(
        self, invocation: Invocation, around: Surroundings, told: Told | None = None
    ) -> InvocationResult | None:
        """Run to an outcome, None where it was stopped. `told` is told of the log while it runs.

        Raises PackageError, NoRuntime, CannotStart.
        """
        self._busy, cold, request_id = True, self._runtime is None, invocation.request_id
        log = self._log = self._log or self._new_log()
        log.begin(None if told is None else lambda events: told(self._logged(events)))
        log.add(f"START RequestId: {request_id} Version: {self._function.version}")
        self._watch.begin()
        try:
            answer, times = await self._answered(invocation, around, log)
        finally:
            self._watch.end()
        log.add(f"END RequestId: {request_id}")
        log.add(report(request_id, self._function.memory, answer.kind, times, self._pid()))
        self.reusable = answer.kind in ("result", "error") and not self._stopped
        self._busy = False
        if self.reusable:
            self._rest(self._function.timeout - times.taken)
        last = log.drain()
        if self._stopped:
            return None
        failed = answer.kind != "result"
        return InvocationResult(answer.payload, last.tail, failed, self._logged(last.events), cold)

    def _pid(self) -> int:
        return 0 if self._runtime is None else self._runtime.pid

    def _kill(self) -> None:
        if self._runtime is not None:
            self._runtime.kill()

    def _new_log(self) -> FunctionLog:
        log = FunctionLog(self._clock)
        self._left.callback(log.close)
        return log

    def _logged(self, events: Sequence[LogEvent]) -> Logged:
        opens, self._opened = not self._opened, True
        return Logged(self._stream, events, opens)

    async def _answered(self, invocation: Invocation, around: Surroundings, log: FunctionLog) -> tuple[Answer, Times]:
        """The outcome of the invocation, the kind `timeout` among the possible ones, and the time that it took."""
        began, init = self._clock(), None
        ready = Answer("ready")
        if self._runtime is None or self.ended:
            ready = await self._initialized(around, log, "init", INIT_SECONDS)
            if ready.kind == "ready":
                init = self._clock() - began
            began = self._clock()
        try:
            async with asyncio.timeout(self._function.timeout):
                if ready.kind != "ready":
                    ready = await self._initialized(around, log, "invoke", None)
                answer = ready if ready.kind != "ready" else await self._given(invocation, around, log)
        except TimeoutError:
            self._kill()
            text = f"Task timed out after {self._function.timeout:.2f} seconds"
            log.add(f"{iso8601_ms(self._clock())} {invocation.request_id} {text}")
            answer = Answer("timeout", _error("Sandbox.Timedout", invocation, text))
        if answer.kind == "ended":
            answer = await self._exited(invocation, answer, log)
        return answer, Times(self._clock() - began, init)

    async def _given(self, invocation: Invocation, around: Surroundings, log: FunctionLog) -> Answer:
        """Give the event to the runtime; to another one where it has ended before it took the event."""
        assert self._runtime is not None
        context = "" if invocation.client_context is None else json.dumps(invocation.client_context)
        deadline = int((self._clock() + self._function.timeout) * 1000)
        event = Event(invocation.request_id, invocation.arn, deadline, invocation.event, context)
        self._thaw()
        answer = await self._runtime.api.invoke(event)
        if answer.kind == "ended" and not self._runtime.api.taken and not self._stopped:
            answer = await self._initialized(around, log, "invoke", None)
            if answer.kind == "ready":
                answer = await self._runtime.api.invoke(event)
        return answer

    async def _initialized(self, around: Surroundings, log: FunctionLog, phase: str, seconds: float | None) -> Answer:
        """Start a runtime and wait until it is ready, so long."""
        began = self._clock()
        if self._runtime is not None:
            await self._runtime.close()
        runtime = self._runtime = RuntimeProcess(self._function, around, self._asked)
        if self._stopped:
            runtime.kill()
        program = await self._runtimes.program(self._function, runtime.roots)
        try:
            await runtime.start(program, self._variables(runtime, program.modules), log.entry)
            async with asyncio.timeout(seconds):
                answer = await runtime.api.initialized()
        except InvalidEntrypoint as error:
            answer = Answer("ended", str(error).encode())
        except TimeoutError:
            answer = Answer("timeout")
        if answer.kind != "ready":
            log.add(init_report(self._clock() - began, phase, answer.kind))
        return answer

    async def _exited(self, invocation: Invocation, answer: Answer, log: FunctionLog) -> Answer:
        """The error of a runtime that has ended, or was never there (`answer` says why then)."""
        assert self._runtime is not None
        kind = "Runtime.InvalidEntrypoint" if answer.payload else "Runtime.ExitError"
        payload = _error(kind, invocation, answer.payload.decode() or await self._runtime.reason())
        log.add(json.loads(payload)["errorMessage"])
        log.add(kind)
        return Answer("fatal", payload)

    def _variables(self, runtime: RuntimeProcess, modules: Sequence[str]) -> dict[str, str]:
        """The environment, with what is of this very environment."""
        (task, opt, *_), own = runtime.roots, self.launch.variables
        path = own["PATH"] if "PATH" in self._function.environment else f"{own['PATH']}:{opt}/bin"
        return {
            "HOME": runtime.roots.temporary,
            "LD_LIBRARY_PATH": f"{task}:{task}/lib:{opt}/lib",
            "NODE_PATH": ":".join((f"{opt}/nodejs/node_modules", *modules)),
            "TMPDIR": runtime.roots.temporary,
            **own,
            **{name: it for name, it in runtime.over_tls.items() if name not in self._function.environment},
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream,
            "LAMBDA_LAYERS_ROOT": opt,
            "LAMBDA_RUNTIME_DIR": runtime.roots.runtime,
            "LAMBDA_TASK_ROOT": task,
            "PATH": path if self._function.layers else own["PATH"],
        }

    # -- between invocations -----------------------------------------------------------------------------

    def _rest(self, left: float) -> None:
        """Stop the runtime some time after it asks for the next event, for which it has `left` seconds."""
        assert self._runtime is not None
        if self._runtime.api.state is State.READY:
            self._wait(SETTLE_SECONDS, self._freeze)
        else:
            self._wait(left, self._kill)

    def _asked(self) -> None:
        """The runtime asks for an event."""
        self._wait_for_nothing()
        if not self._busy:
            self._wait(SETTLE_SECONDS, self._freeze)

    def _freeze(self) -> None:
        if not self._busy and self._runtime is not None:
            self._frozen = True
            self._runtime.signal(signal.SIGSTOP)

    def _thaw(self) -> None:
        if self._frozen and self._runtime is not None:
            self._frozen = False
            self._runtime.signal(signal.SIGCONT)

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._wait_for_nothing()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _wait_for_nothing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _error(kind: str, invocation: Invocation, text: str) -> bytes:
    return error_object(kind, f"RequestId: {invocation.request_id} Error: {text}")

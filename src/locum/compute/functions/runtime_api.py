"""The Runtime API of one execution environment: what Lambda serves at AWS_LAMBDA_RUNTIME_API, for whatever runtime.

Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes". The texts of refusals, and which state a
runtime is in after which request, are those of AWS's Runtime Interface Emulator:

    Started             next -> Ready                   init/error -> InitError
    Ready               next -> Ready                   (the earlier one is refused)
    Running             response, error -> Responded    once there was an event: the host's doing
    Responded           next -> Ready

All else is refused with 403, and the id of another invocation with 400. A response in streaming mode is answered whole.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, Literal, NamedTuple

from locum.core.http import HttpRequest, HttpResponse
from locum.http.asgi import ClientGone, Receive, Scope, Send, read, write
from locum.http.bodies import Bodies, BodyRefused, BodyTooLarge

MOST_ANSWERED: Final = 6_291_556
"""Octets of an answer. Lambda quotas, "Invocation payload": 6 MB; Lambda's error says that it is this number."""

_VERSION: Final = "/2018-06-01/runtime/"
_ERROR_TYPE: Final = "lambda-runtime-function-error-type"
_JSON: Final = ("Content-Type", "application/json")
_CLOSE: Final = ("Connection", "close")


class Event(NamedTuple):
    """An event for the runtime. `deadline` is in milliseconds since 1970, `client_context` JSON, empty for none."""

    request_id: str
    arn: str
    deadline: int
    payload: bytes
    client_context: str = ""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the Runtime API's response that carries the event."""
        told = [
            _JSON,
            ("Lambda-Runtime-Aws-Request-Id", self.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(self.deadline)),
            ("Lambda-Runtime-Invoked-Function-Arn", self.arn),
            ("Lambda-Runtime-Trace-Id", self._trace_id),
        ]
        return [*told, ("Lambda-Runtime-Client-Context", self.client_context)] if self.client_context else told

    @property
    def _trace_id(self) -> str:
        """A trace header that is not sampled. X-Ray Developer Guide, "Tracing header"."""
        digest = hashlib.sha256(self.request_id.encode()).hexdigest()
        return f"Root=1-{self.deadline // 1000:08x}-{digest[:24]};Parent={digest[24:40]};Sampled=0"


class Answer(NamedTuple):
    """The outcome of a wait for a runtime: it is ready, answered, was not initialized, has ended, or takes too long."""

    kind: Literal["ready", "result", "error", "fatal", "ended", "timeout"]
    payload: bytes = b""


class State(Enum):
    """The state of a runtime, by the names of the emulator."""

    STARTED = "Started"
    READY = "Ready"
    RUNNING = "Running"
    RESPONDED = "InvocationResponse"
    INIT_ERROR = "InitError"
    ENDED = "Exited"


class RuntimeApi:
    """The API as an ASGI application, and its other side, for the host.

    `asked` is called when the runtime asks for an event. `taken`: the runtime has the event that it was given last.
    """

    def __init__(self, asked: Callable[[], None]) -> None:
        self.state = State.STARTED
        self.taken = False
        self._asked = asked
        self._bodies = Bodies()
        self._event: Event | None = None  # the current one, or the next
        self._runtime: asyncio.Future[Event | None] | None = None  # a runtime that asks for an event
        self._host: asyncio.Future[Answer] | None = None
        self._told: Answer | None = None  # before the host waited for it

    # -- for the host ------------------------------------------------------------------------------------

    async def initialized(self) -> Answer:
        """Wait until the runtime asks for an event, has failed or has ended."""
        return await self._answer()

    async def invoke(self, event: Event) -> Answer:
        """Give `event` to the runtime, and wait for what comes of it."""
        self._event, self.taken, self._told = event, False, None
        if self.state is State.READY:
            self._give()
        return await self._answer()

    def end(self) -> None:
        """Know that the runtime has ended: nothing more is waited for."""
        if self.state is not State.ENDED:
            self.state = State.ENDED
            self._tell(Answer("ended"))
            if self._runtime is not None and not self._runtime.done():
                self._runtime.set_result(None)

    async def _answer(self) -> Answer:
        if self._told is not None or self.state is State.ENDED:
            return self._told or Answer("ended")
        self._host = asyncio.get_running_loop().create_future()
        return await self._host

    def _tell(self, answer: Answer) -> None:
        if self._host is None:
            self._told = answer
        elif not self._host.done():
            self._host.set_result(answer)

    # -- for the runtime ---------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of the runtime."""
        try:
            request = await read(scope, receive, lambda _request: MOST_ANSWERED, self._bodies)
            if len(request.body) > MOST_ANSWERED:
                raise BodyTooLarge(request)
            response = await self._response(request)
        except ClientGone:
            return
        except BodyTooLarge as error:
            response = self._too_large(error.request)
        except BodyRefused:
            response = _refusal(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")
        finally:
            self._bodies.release(scope)
        await write(scope, send, response)

    async def _response(self, request: HttpRequest) -> HttpResponse:
        match request.method, request.raw_path.removeprefix(_VERSION).split("/"):
            case "GET", ["invocation", "next"]:
                return await self._next()
            case "POST", ["invocation", request_id, "response"]:
                return self._responded(request_id, Answer("result", request.body))
            case "POST", ["invocation", request_id, "error"]:
                return self._responded(request_id, Answer("error", _error_of(request)))
            case "POST", ["init", "error"]:
                return self._not_initialized(_error_of(request))
        return HttpResponse(404, [("Content-Type", "text/plain")], b"404 page not found\n")

    async def _next(self) -> HttpResponse:
        if self.state not in (State.STARTED, State.READY, State.RESPONDED):
            return self._not_allowed(State.READY)
        if self._runtime is not None and not self._runtime.done():
            self._runtime.set_result(None)
        asked = self._runtime = asyncio.get_running_loop().create_future()
        if self.state is State.STARTED:
            self._tell(Answer("ready"))
        self.state = State.READY
        self._asked()
        if self._event is not None:
            self._give()
        event = await asked
        return self._not_allowed(State.READY) if event is None else HttpResponse(200, event.headers, event.payload)

    def _give(self) -> None:
        assert self._runtime is not None
        if not self._runtime.done():
            self.state, self.taken = State.RUNNING, True
            self._runtime.set_result(self._event)

    def _responded(self, request_id: str, answer: Answer) -> HttpResponse:
        if refused := self._refused(request_id):
            return refused
        self.state, self._event = State.RESPONDED, None
        self._tell(answer)
        return _accepted()

    def _refused(self, request_id: str) -> HttpResponse | None:
        """The refusal of an answer to the invocation `request_id`, where it is not the current one."""
        if self.state is not State.RUNNING or self._event is None:
            return self._not_allowed(State.RESPONDED)
        if request_id != self._event.request_id:
            return _refusal(400, "InvalidRequestID", "Invalid request ID")
        return None

    def _not_initialized(self, payload: bytes) -> HttpResponse:
        if self.state is not State.STARTED:
            return self._not_allowed(State.INIT_ERROR)
        self.state = State.INIT_ERROR
        self._tell(Answer("fatal", payload))
        return _accepted()

    def _too_large(self, request: HttpRequest) -> HttpResponse:
        match request.raw_path.removeprefix(_VERSION).split("/"):
            case ["invocation", request_id, "response" | "error"] if self._refused(request_id) is None:
                text = f"Response payload size exceeded maximum allowed payload size ({MOST_ANSWERED} bytes)."
                self._responded(request_id, Answer("error", error_object("Function.ResponseSizeTooLarge", text)))
        text = f"Exceeded maximum allowed payload size ({MOST_ANSWERED} bytes)."
        return _refusal(413, "RequestEntityTooLarge", text, _CLOSE)

    def _not_allowed(self, wanted: State) -> HttpResponse:
        text = f"State transition from {self.state.value} to {wanted.value} failed for runtime."
        return _refusal(403, "InvalidStateTransition", f"{text} Error: State transition is not allowed")


def error_object(kind: str, text: str) -> bytes:
    """The error object of an error that is not the handler's."""
    return json.dumps({"errorType": kind, "errorMessage": text}).encode()


def _error_of(request: HttpRequest) -> bytes:
    """The error object that a runtime sends, or one made of the type in its header."""
    return request.body or error_object(request.headers.get(_ERROR_TYPE, "Runtime.Unknown"), "")


def _accepted() -> HttpResponse:
    return HttpResponse(202, [_JSON], b'{"status":"OK"}\n')


def _refusal(status: int, kind: str, text: str, *headers: tuple[str, str]) -> HttpResponse:
    body: dict[str, Any] = {"errorMessage": text, "errorType": kind}
    return HttpResponse(status, [_JSON, *headers], json.dumps(body).encode())

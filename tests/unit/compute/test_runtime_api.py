"""The Runtime API of one environment, without a process: what a runtime is told, and what it is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from locum.compute.functions.runtime_api import MOST_ANSWERED, Answer, Event, RuntimeApi
from locum.core.http import HttpRequest
from support.inprocess import Answer as Reply
from support.inprocess import exchange

EVENT = Event("request-1", "arn:aws:lambda:us-east-1:000000000000:function:app", 1_700_000_000_123, b'{"a": 1}')
OK = (202, {"status": "OK"})
NEXT, RESPONSE, ERROR, INIT_ERROR = (
    ("GET", "invocation/next"),
    ("POST", "invocation/request-1/response"),
    ("POST", "invocation/request-1/error"),
    ("POST", "init/error"),
)


class Runtime:
    """A runtime that asks the API of a host."""

    def __init__(self) -> None:
        self.times_asked = 0
        self.api = RuntimeApi(self._count)

    def _count(self) -> None:
        self.times_asked += 1

    async def asks(self, request: tuple[str, str], body: bytes = b"", **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await exchange(self.api, HttpRequest(request[0], f"/2018-06-01/runtime/{request[1]}", "", named, body))

    async def is_told(self, request: tuple[str, str], body: bytes = b"", **headers: str) -> tuple[int, Any]:
        answer = await self.asks(request, body, **headers)
        return answer.status, json.loads(answer.body)

    async def takes(self, event: Event = EVENT) -> asyncio.Task[Answer]:
        """Have the runtime take `event`; what becomes of it."""
        outcome = asyncio.create_task(self.api.invoke(event))
        await self.asks(NEXT)
        return outcome


def served(story: Callable[[Runtime], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story(Runtime()))


def refused(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errorType"]


def test_the_next_event_comes_with_the_documented_headers() -> None:
    async def story(runtime: Runtime) -> None:
        outcome = asyncio.create_task(runtime.api.invoke(EVENT._replace(client_context='{"custom": {}}')))
        told = await runtime.asks(NEXT)
        assert (told.status, told.body) == (200, b'{"a": 1}')
        trace = told.headers.pop("lambda-runtime-trace-id")
        assert trace.startswith("Root=1-6553f100-")
        assert trace.endswith(";Sampled=0")
        assert told.headers == {
            "content-length": "8",
            "content-type": "application/json",
            "lambda-runtime-aws-request-id": "request-1",
            "lambda-runtime-client-context": '{"custom": {}}',
            "lambda-runtime-deadline-ms": "1700000000123",
            "lambda-runtime-invoked-function-arn": EVENT.arn,
        }
        assert await runtime.is_told(RESPONSE, b"[1]") == OK
        assert await outcome == Answer("result", b"[1]")

    served(story)


def test_who_asks_before_there_is_an_event_waits_for_it() -> None:
    async def story(runtime: Runtime) -> None:
        asked = asyncio.create_task(runtime.asks(NEXT))
        assert await runtime.api.initialized() == Answer("ready")
        assert runtime.times_asked == 1
        outcome = asyncio.create_task(runtime.api.invoke(EVENT))
        assert (await asked).body == EVENT.payload
        assert await runtime.is_told(ERROR, b'{"errorType": "no"}') == OK
        assert await outcome == Answer("error", b'{"errorType": "no"}')

    served(story)


def test_an_error_without_a_body_has_the_type_of_its_header() -> None:
    async def story(runtime: Runtime) -> None:
        outcome = await runtime.takes()
        assert await runtime.is_told(ERROR, lambda_runtime_function_error_type="App.No") == OK
        assert json.loads((await outcome).payload) == {"errorType": "App.No", "errorMessage": ""}

    served(story)


def test_an_error_of_init_is_the_outcome_of_it_and_nothing_follows() -> None:
    async def story(runtime: Runtime) -> None:
        waiting = asyncio.create_task(runtime.api.initialized())
        assert await runtime.is_told(INIT_ERROR, b'{"errorType": "no"}') == OK
        assert await waiting == Answer("fatal", b'{"errorType": "no"}')
        assert refused(await runtime.is_told(NEXT)) == (403, "InvalidStateTransition")
        assert refused(await runtime.is_told(INIT_ERROR)) == (403, "InvalidStateTransition")

    served(story)


@pytest.mark.parametrize("request_", [RESPONSE, ERROR])
def test_an_answer_before_the_event_or_a_second_one_is_refused(request_: tuple[str, str]) -> None:
    async def story(runtime: Runtime) -> None:
        assert refused(await runtime.is_told(request_)) == (403, "InvalidStateTransition")
        outcome = await runtime.takes()
        assert await runtime.is_told(RESPONSE, b"1") == OK
        assert refused(await runtime.is_told(request_, b"2")) == (403, "InvalidStateTransition")
        assert await outcome == Answer("result", b"1")

    served(story)


def test_the_id_of_another_invocation_is_refused_and_the_own_one_still_answers() -> None:
    async def story(runtime: Runtime) -> None:
        outcome = await runtime.takes()
        for verb in ("response", "error"):
            other = ("POST", f"invocation/request-0/{verb}")
            assert await runtime.is_told(other, b"0") == (
                400,
                {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"},
            )
        assert await runtime.is_told(RESPONSE, b"1") == OK
        assert await outcome == Answer("result", b"1")

    served(story)


def test_who_has_an_event_gets_no_other_before_it_has_answered() -> None:
    async def story(runtime: Runtime) -> None:
        await runtime.takes()
        assert await runtime.is_told(NEXT) == (
            403,
            {
                "errorType": "InvalidStateTransition",
                "errorMessage": "State transition from Running to Ready failed for runtime. "
                "Error: State transition is not allowed",
            },
        )

    served(story)


def test_of_two_who_wait_for_an_event_the_latest_gets_it() -> None:
    async def story(runtime: Runtime) -> None:
        first, second = asyncio.create_task(runtime.asks(NEXT)), asyncio.create_task(runtime.asks(NEXT))
        assert (await first).status == 403
        outcome = asyncio.create_task(runtime.api.invoke(EVENT))
        assert (await second).status == 200
        outcome.cancel()

    served(story)


def test_an_answer_over_the_quota_is_refused_and_an_error_of_the_function() -> None:
    async def story(runtime: Runtime) -> None:
        outcome = await runtime.takes()
        told = await runtime.asks(RESPONSE, bytes(MOST_ANSWERED + 1))
        assert (told.status, told.headers["connection"]) == (413, "close")
        assert json.loads(told.body)["errorType"] == "RequestEntityTooLarge"
        answer = await outcome
        assert (answer.kind, json.loads(answer.payload)["errorType"]) == ("error", "Function.ResponseSizeTooLarge")

    served(story)


def test_a_streamed_answer_is_taken_whole() -> None:
    async def story(runtime: Runtime) -> None:
        outcome = await runtime.takes()
        assert await runtime.is_told(RESPONSE, b"all", lambda_runtime_function_response_mode="streaming") == OK
        assert await outcome == Answer("result", b"all")

    served(story)


def test_the_end_of_the_runtime_ends_whatever_waits() -> None:
    async def story(runtime: Runtime) -> None:
        asked = asyncio.create_task(runtime.asks(NEXT))
        assert await runtime.api.initialized() == Answer("ready")
        runtime.api.end()
        assert (await asked).status == 403
        assert await runtime.api.invoke(EVENT) == Answer("ended")
        assert not runtime.api.taken

    served(story)


@pytest.mark.parametrize(
    "place", ["/", "/2018-06-01/runtime/", "/2015-03-31/functions", "/2018-06-01/runtime/invocation//x/response"]
)
def test_there_is_nothing_else(place: str) -> None:
    async def story(runtime: Runtime) -> None:
        assert (await exchange(runtime.api, HttpRequest("GET", place, "", {}))).status == 404

    served(story)

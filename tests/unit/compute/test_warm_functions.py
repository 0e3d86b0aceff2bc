"""Warm environments: what stays for the next invocation, what begins anew, and what is ended when."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

import pytest

from locum.compute.functions.functions import Functions, Invocation
from locum.compute.functions.process import InvocationResult
from locum.compute.functions.warm import IDLE_SECONDS, MOST_WARM
from locum.core.functions import Function
from support.functions import ended, function, launch, package

pytestmark = pytest.mark.usefixtures("directories")

NOW = 1_700_000_000.0
COUNTING = """
import os, pathlib, time

print("loaded")
count = 0

def handler(event, context):
    global count
    count += 1
    kept = pathlib.Path(os.environ["TMPDIR"], "kept")
    with kept.open("a") as file:
        file.write("x")
    if event == "raise":
        raise ValueError("no")
    if event == "exit":
        os._exit(3)
    if event == "wait":
        time.sleep(600)
    return [os.getpid(), count, kept.read_text(), context.aws_request_id]
"""


class Host:
    """Functions with a clock that stands still, whose invocations are numbered."""

    def __init__(self) -> None:
        self.now = NOW
        self.functions = Functions(lambda: self.now)
        self._count = 0

    async def raw(self, made: Function, event: Any = None, **of_role: Any) -> InvocationResult:
        """What comes of an invocation."""
        self._count += 1
        invocation = Invocation(f"request-{self._count}", made.arn, json.dumps(event).encode())
        return await self.functions.invoke(launch(made, **of_role), invocation)

    async def pid(self, made: Function, event: Any = None, **of_role: Any) -> int:
        """The process that took an invocation."""
        found: int = json.loads((await self.raw(made, event, **of_role)).payload)[0]
        return found


def hosted(story: Callable[[Host], Awaitable[None]]) -> None:
    """Run `story` with a host that is closed afterwards."""

    async def run() -> None:
        host = Host()
        try:
            await story(host)
        finally:
            await host.functions.close()

    asyncio.run(run())


def test_globals_and_temporary_files_stay_and_init_runs_once() -> None:
    async def story(host: Host) -> None:
        made = function(COUNTING)
        first, second = [await host.raw(made), await host.raw(made)]
        (pid, *one), (same, *two) = json.loads(first.payload), json.loads(second.payload)
        assert (one, two) == ([1, "x", "request-1"], [2, "xx", "request-2"])
        assert pid == same
        assert (first.cold, second.cold) == (True, False)
        assert first.stream == second.stream
        assert b"\nloaded\n" in first.log
        assert b"\tInit Duration: " in first.log
        assert second.log.decode().startswith("START RequestId: request-2 ")
        assert b"loaded" not in second.log
        assert b"Init Duration" not in second.log

    hosted(story)


def test_between_invocations_the_process_is_stopped() -> None:
    async def story(host: Host) -> None:
        made = function(COUNTING)
        pid = await host.pid(made)
        found = await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        assert found is not None
        assert found.si_pid == pid
        assert await host.pid(made) == pid

    hosted(story)


def test_two_at_a_time_have_an_environment_each_and_both_stay() -> None:
    async def story(host: Host) -> None:
        made = function(COUNTING)
        first = set(await asyncio.gather(host.pid(made), host.pid(made)))
        assert len(first) == 2
        assert set(await asyncio.gather(host.pid(made), host.pid(made))) == first

    hosted(story)


@pytest.mark.parametrize(
    "change",
    [
        {"code": package(main=f"{COUNTING}\n")},
        {"environment": {"A": "b"}},
        {"timeout": 59},
        {"role": "arn:aws:iam::000000000000:role/other"},
    ],
)
def test_what_has_changed_begins_anew_and_the_old_environment_is_ended(change: dict[str, Any]) -> None:
    async def story(host: Host) -> None:
        before = await host.pid(function(COUNTING))
        assert await host.pid(function(COUNTING, **change)) != before
        assert await asyncio.to_thread(ended, before)

    hosted(story)


def test_a_role_that_was_made_anew_by_the_same_name_is_another_one() -> None:
    async def story(host: Host) -> None:
        made = function(COUNTING)
        before = await host.pid(made, holder="AROAONE")
        assert await host.pid(made, holder="AROATWO") != before
        assert await asyncio.to_thread(ended, before)

    hosted(story)


def test_an_environment_whose_credentials_would_expire_meanwhile_is_replaced() -> None:
    async def story(host: Host) -> None:
        made = function(COUNTING, timeout=60)
        before = await host.pid(made, expires=NOW + 100)
        host.now += 39
        assert await host.pid(made, expires=inf) == before
        host.now += 1
        assert await host.pid(made, expires=inf) != before

    hosted(story)


def test_an_environment_without_work_is_ended_in_the_end() -> None:
    async def story(host: Host) -> None:
        pid = await host.pid(function(COUNTING))
        host.now += IDLE_SECONDS
        await host.pid(function(COUNTING, arn="another"))
        assert await asyncio.to_thread(ended, pid)

    hosted(story)


def test_only_so_many_are_kept() -> None:
    async def story(host: Host) -> None:
        pids = [await host.pid(function(COUNTING, arn=f"function-{number}")) for number in range(MOST_WARM + 1)]
        assert await asyncio.to_thread(ended, pids[0])
        assert await host.pid(function(COUNTING, arn="function-1")) == pids[1]

    hosted(story)


def test_an_error_of_the_handler_keeps_the_environment() -> None:
    async def story(host: Host) -> None:
        made = function(COUNTING)
        pid = await host.pid(made)
        came = await host.raw(made, "raise")
        assert (came.failed, json.loads(came.payload)["requestId"]) == (True, "request-2")
        assert json.loads((await host.raw(made)).payload)[:2] == [pid, 3]

    hosted(story)


@pytest.mark.parametrize(("event", "status"), [("exit", "error"), ("wait", "timeout")])
def test_a_timeout_and_an_exit_end_the_environment(event: str, status: str) -> None:
    async def story(host: Host) -> None:
        made = function(COUNTING, timeout=10 if event == "exit" else 1)
        pid = await host.pid(made)
        came = await host.raw(made, event)
        assert came.failed
        assert came.log.decode().endswith(f"\tStatus: {status}\t\n")
        assert await asyncio.to_thread(ended, pid)
        assert json.loads((await host.raw(made)).payload)[1] == 1

    hosted(story)


def test_an_answer_given_twice_is_not_that_of_the_next_invocation() -> None:
    program = """
import http.client, os

def handler(event, context):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    def respond(request_id, body):
        api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", body)
        answer = api.getresponse()
        return [answer.status, answer.read().decode()]
    if event == "forge":
        return [respond("request-2", "1"), respond(context.aws_request_id, "1"), respond(context.aws_request_id, "2")]
    return "true"
"""

    async def story(host: Host) -> None:
        made = function(program)
        assert (await host.raw(made, "forge")).payload == b"1"
        assert (await host.raw(made)).payload == b'"true"'

    hosted(story)


ENDING = """
import os, threading

threading.Timer(0.02, os._exit, (3,)).start()

def handler(event, context): pass
"""


def test_environments_that_end_once_they_are_ready_are_not_made_without_end() -> None:
    async def story(host: Host) -> None:
        made = launch(function(ENDING))
        async with asyncio.timeout(20):
            assert await host.functions.provision(made, 3, "stream") < 3

    hosted(story)


def test_an_environment_that_has_ended_is_no_provisioned_one_and_no_other_goes_for_it() -> None:
    async def story(host: Host) -> None:
        made = function(COUNTING)
        assert await host.functions.provision(launch(made), 2, "stream") == 2
        first = await host.pid(made)
        os.kill(first, 9)
        while host.functions.provisioned(launch(made)) == 2:
            assert await asyncio.to_thread(ended, first)
        assert await host.functions.provision(launch(made), 2, "stream") == 2
        assert host.functions.provisioned(launch(made), idle=True) == 2

    hosted(story)

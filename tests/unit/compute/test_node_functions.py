"""Functions of Node.js: what comes back, what is in the log, what stays."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from locum.compute.functions import process as function_process
from locum.compute.functions.functions import Functions, Invocation, InvocationResult
from locum.core.clock import system_clock
from support import node
from support.functions import function, launch
from support.plane import needs_namespaces

pytestmark = [
    pytest.mark.usefixtures("directories"),
    pytest.mark.skipif(shutil.which("node") is None, reason="there is no node"),
]


def archive(**files: str) -> bytes:
    """A deployment package of files whose endings are behind an underscore: index_js."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(name.replace("_", ".")), text)
    return packed.getvalue()


def outcomes(program: str, *events: Any, ending: str = "js", **options: Any) -> list[InvocationResult]:
    """What comes of invocations, one after the other."""
    hidden, path = options.pop("hidden", ()), options.pop("path", "")
    fields = {"runtime": "nodejs20.x", "handler": "index.handler", "code": archive(**{f"index_{ending}": program})}
    made = function("", **{**fields, **options})

    async def run() -> list[InvocationResult]:
        functions = Functions(system_clock, hidden, search_path=path)
        try:
            return [
                await functions.invoke(launch(made), Invocation(f"request-{number}", made.arn, json.dumps(it).encode()))
                for number, it in enumerate(events, 1)
            ]
        finally:
            await functions.close()

    return asyncio.run(run())


def answers(program: str, *events: Any, **options: Any) -> list[Any]:
    """What a handler returns, or the error objects that come back."""
    return [json.loads(came.payload) for came in outcomes(program, *events, **options)]


@pytest.mark.parametrize(
    ("ending", "program"),
    [
        ("mjs", "export const handler = async (event, context) => [event, context.awsRequestId]"),
        ("js", "exports.handler = async (event, context) => [event, context.awsRequestId]"),
        ("cjs", "exports.handler = (event, context, callback) => callback(null, [event, context.awsRequestId])"),
    ],
)
def test_a_handler_of_each_kind_is_given_the_event(ending: str, program: str) -> None:
    assert answers(program, {"a": "ü"}, ending=ending) == [[{"a": "ü"}, "request-1"]]


def test_what_is_outside_of_the_handler_stays() -> None:
    program = "let count = 0\nexports.handler = async () => [process.pid, ++count]"
    (pid, one), (same, two) = answers(program, None, None)
    assert (one, two, pid) == (1, 2, same)


def test_an_error_comes_back_and_the_next_event_is_taken() -> None:
    program = "exports.handler = async event => { if (event) throw new RangeError('no'); return undefined }"
    first, second = outcomes(program, 1, 0)
    told = json.loads(first.payload)
    assert (first.failed, told["errorType"], told["errorMessage"]) == (True, "RangeError", "no")
    assert told["trace"][0] == "RangeError: no"
    assert b"\trequest-1\tERROR\tInvoke Error\t{" in first.log
    assert (second.failed, second.payload, second.cold) == (False, b"null", False)


def test_a_callback_waits_until_nothing_else_is_left_unless_it_is_told_not_to() -> None:
    program = """
exports.handler = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = event
  const done = []
  setTimeout(() => done.push('later'), 20)
  callback(null, done)
}
"""
    assert answers(program, True, False) == [["later"], []]


def test_who_never_answers_has_answered_null_once_nothing_is_left_to_wait_for() -> None:
    assert answers("exports.handler = () => new Promise(() => {})", 1, 2) == [None, None]


def test_a_rejection_between_invocations_ends_the_runtime_and_the_next_event_gets_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(function_process, "SETTLE_SECONDS", 100.0)
    program = """
let count = 0
exports.handler = async () => {
  setTimeout(() => Promise.reject(new Error('no')), 20)
  return ++count
}
"""
    made = function("", runtime="nodejs20.x", handler="index.handler", code=archive(index_js=program))

    async def run() -> None:
        functions = Functions(system_clock)
        first = await functions.invoke(launch(made), Invocation("request-1", made.arn, b"null"))
        (idle,) = functions._warm._idle
        assert idle.process._runtime is not None
        assert idle.process._runtime._watching is not None
        await idle.process._runtime._watching
        second = await functions.invoke(launch(made), Invocation("request-2", made.arn, b"null"))
        assert [(came.payload, came.cold) for came in (first, second)] == [(b"1", True), (b"1", True)]
        await functions.close()

    asyncio.run(run())


def test_a_timer_goes_on_with_the_next_invocation() -> None:
    program = """
let fired = 0
exports.handler = async event => {
  if (event) setTimeout(() => { fired++ }, 10)
  else while (!fired) await new Promise(resolve => setTimeout(resolve, 1))
  return fired
}
"""
    assert answers(program, 1, 0) == [0, 1]


def test_what_is_logged_has_the_request_and_a_level() -> None:
    (came,) = outcomes("exports.handler = async () => { console.log('a %d\\nb', 1); console.warn('c') }", None)
    lines = came.log.decode().splitlines()
    assert "\trequest-1\tINFO\ta 1" in came.log.decode()
    assert any(line.endswith("Z\trequest-1\tWARN\tc") for line in lines)


@pytest.mark.parametrize(
    ("program", "handler", "kind"),
    [
        ("", "index.handler", "Runtime.HandlerNotFound"),
        ("", "nothing.handler", "Runtime.ImportModuleError"),
        ("", "index", "Runtime.MalformedHandlerName"),
        ("require('nowhere')", "index.handler", "Runtime.ImportModuleError"),
        ("const = 1", "index.handler", "Runtime.UserCodeSyntaxError"),
        ("throw new TypeError('no')", "index.handler", "TypeError"),
        (
            "exports.handler = () => { Promise.reject(new Error('no')); return new Promise(() => {}) }",
            "index.handler",
            "Runtime.UnhandledPromiseRejection",
        ),
        ("exports.handler = async () => process.exit(3)", "index.handler", "Runtime.ExitError"),
    ],
)
def test_the_runtimes_own_errors_are_lambdas(program: str, handler: str, kind: str) -> None:
    (told,) = answers(program, None, handler=handler)
    assert told["errorType"] == kind


def test_nothing_of_the_hosts_environment_is_there_but_the_search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_OPTIONS", "--of-the-host")
    (seen,) = answers("exports.handler = async () => process.env", None)
    assert "--of-the-host" not in seen.values()
    assert seen["PATH"] == os.environ["PATH"]


@needs_namespaces
def test_hidden_files_are_not_there(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    (place / "key").write_text("secret")
    program = f"exports.handler = async () => require('fs').existsSync({json.dumps(str(place / 'key'))})"
    assert answers(program, None, hidden=(place,)) == [False]


@needs_namespaces
def test_what_npm_has_installed_globally_takes_the_place_of_the_aws_sdk(tmp_path: Path) -> None:
    """A package of that name in a layer or in the function itself comes first."""
    package = tmp_path / "@aws-sdk"
    for name in ("client-s3", "client-sqs"):
        (package / name).mkdir(parents=True)
        (package / name / "index.js").write_text(f"exports.name = 'global {name}'")
    programs = node.installation(tmp_path / "node", [package])
    program = "exports.handler = async () => ['s3', 'sqs'].map((it) => require(`@aws-sdk/client-${it}`).name)"
    packed = io.BytesIO(archive(index_js=program))
    with zipfile.ZipFile(packed, "a") as made:
        made.writestr("node_modules/@aws-sdk/client-sqs/index.js", "exports.name = 'own'")
    (tmp_path / "data").mkdir()
    for hidden in ((), (tmp_path / "data",)):
        came = answers(program, None, code=packed.getvalue(), hidden=hidden, path=str(programs))
        assert came == [["global client-s3", "own"]]

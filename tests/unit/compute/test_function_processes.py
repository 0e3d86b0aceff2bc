"""Invocations in real processes: what comes back, what is in the log, what a function does not see, what is left."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from locum.compute.functions.functions import Busy, Functions, Invocation, InvocationResult, Stopped
from locum.compute.functions.packages import PackageError
from locum.core.clock import system_clock
from locum.core.functions import Function
from support.functions import WAITING, Meeting, Visitor, ended, function, launch, package
from support.plane import needs_namespaces
from support.processes import started

pytestmark = pytest.mark.usefixtures("directories")

REQUEST = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
NEVER = (
    "import threading\ndef handler(event, context):\n    print('before', flush=True)\n    threading.Event().wait()\n"
)


async def invoked(functions: Functions, made: Function, event: bytes = b"{}", **options: Any) -> InvocationResult:
    invocation = Invocation(REQUEST, f"{made.arn}:live", event, {"custom": {"a": 1}})
    return await functions.invoke(launch(made), invocation, **options)


def outcome(made: Function, event: bytes = b"{}", hidden: tuple[Path, ...] = ()) -> InvocationResult:
    """What comes of an invocation."""

    async def once() -> InvocationResult:
        functions = Functions(system_clock, hidden)
        try:
            return await invoked(functions, made, event)
        finally:
            await functions.close()

    return asyncio.run(once())


def answer(main: str, event: bytes = b"{}", **changes: Any) -> Any:
    """What a handler returns."""
    came = outcome(function(main, **changes), event)
    assert not came.failed, came
    return json.loads(came.payload)


def error(main: str, **changes: Any) -> dict[str, Any]:
    """The error object of a function that fails."""
    came = outcome(function(main, **changes))
    assert came.failed, came
    found: dict[str, Any] = json.loads(came.payload)
    return found


# -- what comes back -----------------------------------------------------------------------------------------


def test_a_handler_is_given_the_event_and_what_it_returns_comes_back() -> None:
    assert answer("def handler(event, context): return [event]", '{"a": "ü"}'.encode()) == [{"a": "ü"}]


def test_the_context_tells_which_invocation_of_which_function_it_is() -> None:
    program = """
def handler(event, context):
    names = ("aws_request_id invoked_function_arn function_name function_version memory_limit_in_mb log_group_name")
    told = {name: getattr(context, name) for name in names.split()}
    return told | {"left": context.get_remaining_time_in_millis(), "custom": context.client_context.custom}
"""
    told = answer(program)
    assert 0 < told.pop("left") <= 60_000
    assert told == {
        "aws_request_id": REQUEST,
        "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:app:live",
        "function_name": "app",
        "function_version": "$LATEST",
        "memory_limit_in_mb": "128",
        "log_group_name": "/aws/lambda/app",
        "custom": {"a": 1},
    }


def test_boto3_is_there_with_the_credentials_of_the_role() -> None:
    program = """
import boto3

def handler(event, context):
    found = boto3.client("s3")
    return [found.meta.region_name, found.meta.endpoint_url, boto3.Session().get_credentials().token]
"""
    assert answer(program) == ["us-east-1", "http://127.0.0.1:1", "token"]


def test_numbers_of_dynamodb_are_numbers_and_octets_are_left_as_they_are() -> None:
    program = "from decimal import Decimal\ndef handler(event, context): return [Decimal('3'), Decimal('1.5')]"
    assert answer(program) == [3, 1.5]
    came = outcome(function("def handler(event, context): return b'\\xff\\x00'"))
    assert (came.payload, came.failed) == (b"\xff\x00", False)


def test_an_exception_comes_back_with_the_frames_of_the_function_alone() -> None:
    told = error("def handler(event, context):\n    return helper()\ndef helper():\n    raise ValueError('no')\n")
    assert (told["errorMessage"], told["errorType"], told["requestId"]) == ("no", "ValueError", REQUEST)
    first, second = told["stackTrace"]
    assert first.endswith('main.py", line 2, in handler\n    return helper()\n')
    assert second.endswith("main.py\", line 4, in helper\n    raise ValueError('no')\n")


@pytest.mark.parametrize(
    ("main", "handler", "kind", "message"),
    [
        ("import nowhere", "main.handler", "Runtime.ImportModuleError", "Unable to import module 'main': No module"),
        ("def (", "main.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'main': invalid syntax"),
        ("", "main.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'main'"),
        ("", "handler", "Runtime.MalformedHandlerName", "Bad handler 'handler': not enough values to unpack"),
        ("1 / 0", "main.handler", "ZeroDivisionError", "division by zero"),
        ("def handler(e, c): return {1}", "main.handler", "Runtime.MarshalError", "Unable to marshal response: Object"),
    ],
)
def test_the_runtimes_own_errors_are_lambdas(main: str, handler: str, kind: str, message: str) -> None:
    told = error(main, handler=handler)
    assert told["errorType"] == kind
    assert told["errorMessage"].startswith(message)


@pytest.mark.parametrize(
    ("ending", "how"),
    [
        ("sys.exit(3)", "exited with error: exit status 3"),
        ("os._exit(0)", "exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "exited with error: signal: killed"),
    ],
)
def test_a_process_that_ends_by_itself_is_an_error(ending: str, how: str) -> None:
    told = error(f"import os, sys\ndef handler(event, context): {ending}")
    assert told == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {REQUEST} Error: Runtime {how}"}


def test_an_answer_over_the_quota_is_an_error() -> None:
    told = error("def handler(event, context): return 'x' * 6_291_556")
    assert told["errorType"] == "Function.ResponseSizeTooLarge"


def test_memory_is_limited() -> None:
    assert error("def handler(event, context): return len(bytearray(1 << 30))")["errorType"] == "MemoryError"


@pytest.mark.parametrize(
    "program",
    [
        "kept = bytearray(b'x') * (190 << 20)",
        "for _ in range(3): subprocess.Popen([sys.executable, '-c', KEEPING], stdin=-1)",
    ],
)
def test_a_function_that_has_more_memory_than_it_may_is_killed(program: str) -> None:
    keeping = "KEEPING = 'kept = bytearray(60 << 20); kept[::4096] = kept[::4096]; input()'"
    head = f"import subprocess, sys, threading\n{keeping}"
    told = error(f"{head}\ndef handler(event, context):\n    {program}\n    threading.Event().wait()\n")
    text = f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed"
    assert told == {"errorType": "Runtime.ExitError", "errorMessage": text}


def test_a_package_that_is_none_is_refused() -> None:
    with pytest.raises(PackageError):
        outcome(function("", code=b"no archive"))


@pytest.mark.parametrize("forged", [b"garbage\n", b"GET / HTTP/1.1\r\n\r\n", b"POST /x HTTP/1.1\r\na: b\r\n" * 9999])
def test_what_a_handler_says_to_the_host_itself_harms_only_its_own_outcome(forged: bytes) -> None:
    program = f"""
import os, stat

def handler(event, context):
    for descriptor in range(3, 100):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, {forged!r})
        except OSError:
            pass
    os._exit(0)
"""
    assert error(program)["errorType"] == "Runtime.ExitError"


# -- the log -------------------------------------------------------------------------------------------------


def test_the_log_has_what_was_printed_and_logged_and_none_of_it_is_the_answer() -> None:
    program = """
import logging, os, sys

def handler(event, context):
    print("printed")
    print("wrong", file=sys.stderr)
    logging.warning("logged")
    os.system("echo from a child")
    return 1
"""
    came = outcome(function(program))
    lines = came.log.decode().splitlines()
    assert came.payload == b"1"
    assert (lines[0], lines[-2]) == (f"START RequestId: {REQUEST} Version: $LATEST", f"END RequestId: {REQUEST}")
    assert [lines[1], lines[2], lines[4]] == ["printed", "wrong", "from a child"]
    assert lines[3].startswith("[WARNING]\t")
    assert lines[3].endswith(f"Z\t{REQUEST}\tlogged")


def test_of_a_long_log_the_last_4_kb_are_kept() -> None:
    program = "def handler(event, context):\n    for number in range(100_000): print(number)\n"
    came = outcome(function(program))
    assert len(came.log) == 4096
    assert f"99998\n99999\nEND RequestId: {REQUEST}\nREPORT RequestId: ".encode() in came.log
    assert [event.message for event in came.events[1:-2]] == [f"{number}\n" for number in range(100_000)]


def test_the_report_tells_what_was_taken_of_time_and_memory() -> None:
    line = outcome(function("def handler(event, context): return 1")).log.decode().splitlines()[-1]
    name, taken, billed, size, used, init, end = line.split("\t")
    assert name == f"REPORT RequestId: {REQUEST}"
    assert re.fullmatch(r"Duration: \d+\.\d\d ms", taken)
    assert re.fullmatch(r"Billed Duration: [1-9]\d* ms", billed)
    assert re.fullmatch(r"Max Memory Used: [1-9]\d* MB", used)
    assert re.fullmatch(r"Init Duration: \d+\.\d\d ms", init)
    assert (size, end) == ("Memory Size: 128 MB", "")


def test_of_a_log_without_end_the_rest_is_counted() -> None:
    program = "def handler(event, context):\n    for _ in range(90): print('x' * 99_999)\n    print('last', end='')\n"
    start, *lines, end, report, left_out = (event.message for event in outcome(function(program)).events)
    assert set(lines) - {"last\n"} == {"x" * 99_999 + "\n"}
    assert left_out == f"{100_000 * (90 - lines.count('x' * 99_999 + chr(10)))} bytes of the log are left out\n"
    assert (start.split()[0], end.split()[0], report.split()[0]) == ("START", "END", "REPORT")


def test_an_error_is_in_the_log() -> None:
    log = outcome(function("def handler(event, context): raise ValueError('no')")).log.decode()
    assert "[ERROR] ValueError: no\nTraceback (most recent call last):\n" in log


# -- the end -------------------------------------------------------------------------------------------------


def test_a_function_that_waits_for_ever_is_over_at_its_timeout() -> None:
    came = outcome(function(NEVER, timeout=1))
    text = f"RequestId: {REQUEST} Error: Task timed out after 1.00 seconds"
    assert json.loads(came.payload) == {"errorType": "Sandbox.Timedout", "errorMessage": text}
    lines = came.log.decode().splitlines()
    assert lines[1] == "before"
    assert lines[2].endswith(f"Z {REQUEST} Task timed out after 1.00 seconds")


def test_what_a_handler_started_ends_with_it() -> None:
    program = "import subprocess\ndef handler(event, context): return subprocess.Popen(['sleep', '600']).pid"
    assert ended(answer(program))


async def visited(functions: Functions, place: Meeting) -> tuple[asyncio.Task[InvocationResult], Visitor]:
    """An invocation under way, and its handler."""
    task = asyncio.create_task(invoked(functions, function(WAITING, environment=place.environment)))
    return task, await asyncio.to_thread(place.next)


def test_a_caller_that_is_cancelled_leaves_no_process_and_no_directory(place: Meeting) -> None:
    async def cancelled() -> None:
        functions = Functions(system_clock)
        task, visitor = await visited(functions, place)
        assert visitor.directory.exists()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(visitor.gone)
        await functions.close()
        assert not visitor.directory.exists()

    asyncio.run(cancelled())


def test_closing_stops_what_runs_and_leaves_nothing(place: Meeting) -> None:
    async def closed() -> None:
        functions = Functions(system_clock)
        task, visitor = await visited(functions, place)
        await functions.close()
        assert visitor.gone()
        assert not visitor.directory.exists()
        with pytest.raises(Stopped):
            await task

    asyncio.run(closed())


def test_a_handler_may_take_as_long_as_the_longest_timeout_is(place: Meeting) -> None:
    async def long_lasting() -> None:
        functions = Functions(system_clock)
        task, visitor = await visited(functions, place)
        (process,) = functions._running.values()
        assert process._runtime is not None
        for _ in range(900):  # seconds
            process._runtime._listeners.tick()
        visitor.release("done")
        assert (await task).payload == b'"done"'
        await functions.close()

    asyncio.run(long_lasting())


def test_a_host_that_is_killed_takes_its_functions_with_it(place: Meeting, directories: Path) -> None:
    program = """
import asyncio, sys, tempfile
from locum.compute.environment import of_function
from locum.compute.functions.functions import Functions, Invocation, Launch
from locum.core.clock import system_clock
from locum.core.functions import Function
code, meeting, tempfile.tempdir = bytes.fromhex(sys.argv[1]), sys.argv[2], sys.argv[3]
made = Function(account="", region="", name="app", arn="", version="1", runtime="python3.11", handler="main.handler",
                role="", timeout=600, memory=128, environment={"MEETING": meeting}, code=code, code_sha256="")
role = {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}
launch = Launch(made, of_function(made, role, "", "/bin"), "", 1e12)
asyncio.run(Functions(system_clock).invoke(launch, Invocation("", "", b"{}")))
"""
    code = function(WAITING).code.hex()
    with started(program, code, str(place.port), str(directories)) as host:
        visitor = place.next()
        host.kill()
        host.wait()
        assert visitor.gone()
    shutil.rmtree(visitor.directory)  # which nobody was there to remove


def test_more_than_so_many_at_a_time_are_refused_and_who_is_patient_waits(place: Meeting) -> None:
    async def crowded() -> None:
        functions = Functions(system_clock, at_once=1)
        first, visitor = await visited(functions, place)
        small = function("def handler(event, context): return 2")
        with pytest.raises(Busy):
            await invoked(functions, small)
        patient = asyncio.create_task(invoked(functions, small, patient=True))
        visitor.release("1")
        assert [(await task).payload for task in (first, patient)] == [b'"1"', b"2"]
        await functions.close()

    asyncio.run(crowded())


# -- what a function does not see ----------------------------------------------------------------------------


def test_nothing_of_the_hosts_environment_is_there_but_the_search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCUM_KEYRING", "AWS_PROFILE", "GITHUB_TOKEN", "PYTHONPATH"):
        monkeypatch.setenv(name, "of the host")
    seen = answer("import os\ndef handler(event, context): return dict(os.environ)")
    assert "of the host" not in seen.values()
    assert seen["PATH"] == os.environ["PATH"]
    assert Path(seen["HOME"]).parent == Path(seen["LAMBDA_TASK_ROOT"]).parent


READING = """
import ctypes, os, pathlib

def handler(event, context):
    place = pathlib.Path(os.environ["PLACE"])
    libc = ctypes.CDLL(None)
    tried = [libc.umount2(str(place).encode(), flags) for flags in (0, 2)]
    parent = pathlib.Path(f"/proc/{os.getppid()}")
    for way in (parent / "environ", parent / "root" / str(place)[1:] / "key"):
        try:
            way.read_bytes()
            tried.append(str(way))
        except OSError:
            tried.append(-1)
    return [[path.name for path in place.iterdir()] if place.is_dir() else [], tried]
"""


@needs_namespaces
def test_hidden_files_are_not_there_and_no_way_leads_around(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    (place / "key").write_text("secret")
    came = outcome(function(READING, environment={"PLACE": str(place)}), hidden=(place,))
    assert json.loads(came.payload) == [[], [-1, -1, -1, -1]]
    assert (place / "key").read_text() == "secret"


# -- layers --------------------------------------------------------------------------------------------------


def layer(**files: str) -> bytes:
    """The archive of a layer: the contents of files by path, of which `__` is a slash and `_` a dot."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return packed.getvalue()


def test_the_modules_of_layers_are_found_behind_those_of_the_package() -> None:
    layers = (layer(python__helper_py="told = 'first'"), layer(python__helper_py="told = 'second'"))
    assert answer("import helper\ndef handler(event, context): return helper.told", layers=layers) == "second"
    own = package(main="import helper\ndef handler(event, context): return helper.told", helper="told = 'own'")
    assert answer("", layers=layers, code=own) == "own"


def test_a_layer_that_is_no_archive_is_refused() -> None:
    with pytest.raises(PackageError):
        outcome(function("def handler(event, context): return 1", layers=(b"no archive",)))


@needs_namespaces
@pytest.mark.skipif(not Path("/opt").is_dir() or "/opt/" in sys.executable, reason="needs an /opt that can be covered")
def test_layers_are_at_opt_and_the_hosts_opt_is_not_touched(tmp_path: Path) -> None:
    before = sorted(Path("/opt").iterdir())
    program = (
        "import os\ndef handler(event, context): return [open('/opt/told').read(), os.environ['PATH'].split(':')[-1]]"
    )
    came = outcome(function(program, layers=(layer(told="all is well"),)), hidden=(tmp_path / "hidden",))
    assert json.loads(came.payload) == ["all is well", "/opt/bin"]
    assert sorted(Path("/opt").iterdir()) == before

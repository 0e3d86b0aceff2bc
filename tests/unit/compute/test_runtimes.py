"""Which program takes the place of which runtime: of Python's versions, awslambdaric, `provided`; and its failures."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from locum.compute.functions import process as function_process
from locum.compute.functions.functions import Functions, Invocation, InvocationResult
from locum.compute.functions.runtimes import NoRuntime
from locum.core.clock import system_clock
from locum.core.functions import Function
from support.functions import function, launch, package
from support.plane import needs_namespaces

pytestmark = pytest.mark.usefixtures("directories")

REQUEST = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
TASK_AND_OPT = "[/var/task/bootstrap /opt/bootstrap]"
needs_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs bash and curl")

TUTORIAL = """#!/bin/bash
set -euo pipefail
source $LAMBDA_TASK_ROOT/"$(echo $_HANDLER | cut -d. -f1).sh"
while true
do
  HEADERS="$(mktemp)"
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")
  curl -sS "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response" -d "$RESPONSE"
done
"""
"""The custom runtime of the Lambda Developer Guide, "Tutorial: Building a custom runtime"."""


def archive(mode: int = 0o755, **files: str) -> bytes:
    """A package of files with that mode."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name.replace("_", "."))
            entry.external_attr = (stat.S_IFREG | mode) << 16
            made.writestr(entry, text)
    return packed.getvalue()


def provided(code: bytes, **changes: Any) -> Function:
    return function("", **{"runtime": "provided.al2023", "handler": "function.handler", "code": code, **changes})


def outcomes(made: Function, *events: Any, hidden: tuple[Path, ...] = (), path: str = "") -> list[InvocationResult]:
    """What comes of invocations, one after the other."""

    async def run() -> list[InvocationResult]:
        functions = Functions(system_clock, hidden, search_path=path)
        start = launch(made)
        try:
            invocations = [Invocation(REQUEST, made.arn, json.dumps(event).encode()) for event in events]
            return [await functions.invoke(start, invocation) for invocation in invocations]
        finally:
            await functions.close()

    return asyncio.run(run())


def error(made: Function, **options: Any) -> tuple[str, str, str]:
    """The type and the message of the error that an invocation ends with, and its log."""
    (came,) = outcomes(made, None, **options)
    assert came.failed
    told = json.loads(came.payload)
    return told["errorType"], told["errorMessage"], came.log.decode()


# -- provided ------------------------------------------------------------------------------------------------


@needs_curl
@pytest.mark.parametrize("runtime", ["provided", "provided.al2", "provided.al2023"])
def test_the_custom_runtime_of_aws_tutorial_works_unchanged(runtime: str) -> None:
    handler = 'function handler () { echo "Echoing request: \'$1\'" 1>&2; echo "[$1]"; }'
    made = provided(archive(bootstrap=TUTORIAL, function_sh=handler), runtime=runtime)
    first, second = outcomes(made, {"a": 1}, 2)
    assert (json.loads(first.payload), json.loads(second.payload)) == ([{"a": 1}], [2])
    assert b"Echoing request: '{\"a\": 1}'\n" in first.log
    assert (first.cold, second.cold) == (True, False)


@needs_namespaces
@needs_curl
def test_a_custom_runtime_of_a_layer_works_in_a_closed_environment(tmp_path: Path) -> None:
    code, layer = archive(function_sh="handler () { echo '\"well\"'; }"), archive(bootstrap=TUTORIAL)
    (came,) = outcomes(provided(code, layers=(layer,)), None, hidden=(tmp_path / "hidden",))
    assert came.payload == b'"well"'


@needs_namespaces
def test_without_a_bootstrap_the_entrypoint_is_invalid(tmp_path: Path) -> None:
    kind, text, log = error(provided(archive(main="")), hidden=(tmp_path / "hidden",))
    assert (kind, text) == (
        "Runtime.InvalidEntrypoint",
        f"RequestId: {REQUEST} Error: Couldn't find valid bootstrap(s): {TASK_AND_OPT}",
    )
    assert f"{text}\nRuntime.InvalidEntrypoint\n" in log
    assert log.count("\tPhase: init\tStatus: error") == log.count("\tPhase: invoke\tStatus: error") == 1


@needs_namespaces
@pytest.mark.parametrize(
    ("mode", "text", "reason"),
    [
        (0o644, "#!/bin/sh\n", "permission denied"),
        (0o755, "no program", "exec format error"),
        (0o755, "#!/nowhere\n", "no such file or directory"),
    ],
)
def test_a_bootstrap_that_cannot_be_executed_is_told_as_lambda_tells_it(
    mode: int, text: str, reason: str, tmp_path: Path
) -> None:
    kind, message, _ = error(provided(archive(mode, bootstrap=text)), hidden=(tmp_path / "hidden",))
    told = f"RequestId: {REQUEST} Error: fork/exec /var/task/bootstrap: {reason}"
    assert (kind, message) == ("Runtime.InvalidEntrypoint", told)


@pytest.mark.parametrize(
    ("text", "how"), [("exit 0", "exited without providing a reason"), ("exit 7", "exited with error: exit status 7")]
)
def test_a_bootstrap_that_ends_at_once_is_tried_again_and_then_an_error(text: str, how: str) -> None:
    kind, message, log = error(provided(archive(bootstrap=f"#!/bin/sh\necho started\n{text}\n")))
    assert (kind, message) == ("Runtime.ExitError", f"RequestId: {REQUEST} Error: Runtime {how}")
    assert log.count("started\n") == 2


@needs_curl
def test_a_runtime_that_ends_after_each_answer_is_started_for_each_event() -> None:
    once = TUTORIAL.replace("done\n", "exit 0\ndone\n")
    made = provided(archive(bootstrap=once, function_sh="handler () { echo $1; }"))
    assert [came.payload for came in outcomes(made, 1, 2, 3)] == [b"1", b"2", b"3"]


@needs_curl
def test_a_runtime_that_never_asks_again_is_ended_at_the_timeout() -> None:
    stuck = TUTORIAL.replace("done\n", "sleep 600\ndone\n")
    made = provided(archive(bootstrap=stuck, function_sh="handler () { echo $1; }"), timeout=1)
    first, second = outcomes(made, 1, 2)
    assert first.payload == b"1"
    assert second.failed or second.payload == b"2"


def test_init_that_takes_too_long_is_done_again_within_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_process, "INIT_SECONDS", 0.001)
    (came,) = outcomes(function("print('loading')\ndef handler(event, context): return 'well'"), None)
    assert came.payload == b'"well"'
    assert b"\tPhase: init\tStatus: timeout\n" in came.log
    assert b"Init Duration: " not in came.log.splitlines()[-1]


# -- Python --------------------------------------------------------------------------------------------------

VERSION = "import sys\ndef handler(event, context): return list(sys.version_info[:2])"
OWN = list(sys.version_info[:2])


def test_the_path_of_a_function_chooses_no_program_of_the_host(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in ("python3.98", "node"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ntouch {ran}\n")
        program.chmod(0o755)
    for runtime in ("python3.98", "nodejs20.x"):
        with suppress(NoRuntime):
            outcomes(function(VERSION, runtime=runtime, environment={"PATH": str(tmp_path)}), None)
    assert not ran.exists()


def test_a_version_that_is_not_there_is_taken_by_the_interpreter_of_locum(tmp_path: Path) -> None:
    broken = tmp_path / "python3.99"
    broken.write_text("#!/bin/sh\necho no such version >&2\nexit 127\n")
    broken.chmod(0o755)
    (came,) = outcomes(function(VERSION, runtime="python3.99"), None, path=f"{tmp_path}:{os.environ['PATH']}")
    assert json.loads(came.payload) == OWN


def others() -> list[Path]:
    """Interpreters of other minor versions on this machine: on the PATH, and those of pyenv."""
    places = [*map(Path, os.environ["PATH"].split(":")), *Path.home().glob(".pyenv/versions/3.*/bin")]
    found = [place / f"python3.{minor}" for place in places for minor in range(9, 15) if minor != OWN[1]]
    works = {it.name: it for it in found if it.exists() and not subprocess.run([it, "-c", ""], check=False).returncode}
    return list(works.values())


@needs_namespaces
@pytest.mark.skipif(not others(), reason="there is no other Python")
def test_each_version_that_is_there_runs_its_own_functions_with_the_sdk(tmp_path: Path) -> None:
    program = f"import sys\nif sys.version_info >= (3, 10): import boto3\n{VERSION}"  # as boto3 requires
    for python in others():
        made = function(program, runtime=python.name)
        (came,) = outcomes(made, None, hidden=(tmp_path / "hidden",), path=str(python.parent))
        assert json.loads(came.payload) == [3, int(python.name.partition(".")[2])], came


def test_a_package_with_awslambdaric_is_run_by_it() -> None:
    client = """
import http.client, os

def main(args):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        api.request("GET", "/2018-06-01/runtime/invocation/next")
        answer = api.getresponse()
        answer.read()
        place = f"/2018-06-01/runtime/invocation/{answer.headers['Lambda-Runtime-Aws-Request-Id']}/response"
        api.request("POST", place, '"%s by the client of the package"' % args[1])
        api.getresponse().read()
"""
    packed = io.BytesIO(package(main="def handler(event, context): return 1"))
    with zipfile.ZipFile(packed, "a") as made:
        made.writestr("awslambdaric/__init__.py", "")
        made.writestr("awslambdaric/__main__.py", client)
    (came,) = outcomes(function("", code=packed.getvalue()), None)
    assert came.payload == b'"main.handler by the client of the package"'


@needs_namespaces
def test_a_wrapper_script_starts_the_runtime(tmp_path: Path) -> None:
    layer = archive(wrapper='#!/bin/sh\nexport WRAPPED="$1"\nexec "$@"\n')
    main = "import os, sys\ndef handler(event, context): return os.environ['WRAPPED'] == sys.executable"
    made = function(main, layers=(layer,), environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"})
    (came,) = outcomes(made, None, hidden=(tmp_path / "hidden",))
    assert came.payload == b"true"


# -- Node.js -------------------------------------------------------------------------------------------------


def test_without_node_there_is_no_such_runtime(tmp_path: Path) -> None:
    with pytest.raises(NoRuntime, match="no node"):
        outcomes(function("", runtime="nodejs20.x"), None, path=str(tmp_path))

"""Credentials that last for seconds: programs that run through three rotations never see a failure."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support import javascript
from support.inside import Inside, inside, led
from support.plane import LOCUM, RunningPlane, allow, up

pytestmark = pytest.mark.xdist_group("rotation")

HERE = Path(__file__).parent
ROTATIONS = 3

Program = subprocess.Popen[str]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane whose instances get credentials for six seconds."""
    with up(tmp_path_factory.mktemp("short"), "--credential-seconds", "6") as running:
        yield running


@pytest.fixture(scope="module")
def programs(short: RunningPlane) -> Iterator[dict[str, Program]]:
    """Each in an instance of its own, started together: they rotate in the same seconds."""
    bucket = short.bucket(report=b"all is well")
    profile = short.profile(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    python = [sys.executable, str(HERE / "rotating_program.py")]
    commands = {"boto3, one session": [*python, "once"], "boto3, a session a call": [*python, "always"]}
    if javascript.installed():
        commands["javascript"] = javascript.line("rotating.mjs")
    run = [LOCUM, "run", "--data", str(short.data), "--profile", profile, "--"]
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(led([*run, *command, bucket, "report"], short.environment()))
            for name, command in commands.items()
        }


def outcomes(program: Program) -> set[str]:
    """What the program said of its calls while its access key id changed three times."""
    keys, said = set(), set()
    assert program.stdout is not None
    for line in program.stdout:
        key, _, outcome = line.rstrip().partition(" ")
        keys.add(key)
        said.add(outcome)
        if len(keys) > ROTATIONS or outcome != "ok":
            break
    assert len(keys) > ROTATIONS or said != {"ok"}
    assert program.stdin is not None
    program.stdin.close()
    return said


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["boto3, one session", "boto3, a session a call"])
def test_boto3_runs_through_three_rotations_without_a_failure(programs: dict[str, Program], name: str) -> None:
    assert outcomes(programs[name]) == {"ok"}


def test_the_javascript_sdk_runs_through_three_rotations_without_a_failure(programs: dict[str, Program]) -> None:
    if "javascript" not in programs:
        pytest.skip(javascript.LACKING)
    assert outcomes(programs["javascript"]) == {"ok"}


def test_a_new_set_is_there_before_the_old_one_expires(short: RunningPlane) -> None:
    profile = short.profile()
    path = f"meta-data/iam/security-credentials/{profile}"
    with inside(short, "--profile", profile) as app:
        first = delivered(app, path)
        while (second := delivered(app, path)) == first:
            # Asked of the service itself: the set is good for as long as it is the one that is handed out.
            assert app.call("sts", "get_caller_identity")
        assert second["Expiration"] > first["Expiration"]
        assert second["LastUpdated"] < first["Expiration"]


def delivered(app: Inside, path: str) -> dict[str, str]:
    document: dict[str, str] = json.loads(app.metadata(path))
    return document

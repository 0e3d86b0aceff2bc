"""`locum ls`, `locum doctor` and the completion of shells, about planes that run."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from support import processes
from support.plane import BIN, LOCUM, RunningPlane, needs_namespaces, trusting, up

HANDLER = "import time\n\ndef handler(event, context):\n    return 'done'\n"


def listed(plane: RunningPlane, *options: str) -> str:
    done = processes.finished([LOCUM, "ls", *options], env=plane.environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(plane: RunningPlane) -> dict[str, Any]:
    """What `locum ls --json` tells of a plane: others may run for this user."""
    (found,) = [it for it in json.loads(listed(plane, "--json")) if it["data"] == str(plane.data)]
    return dict(found)


def function(plane: RunningPlane, name: str) -> None:
    role = plane.role(trusting(Service="lambda.amazonaws.com"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("app.py", HANDLER)
    lambdas = plane.client("lambda")
    arn = f"arn:aws:iam::000000000000:role/{role}"
    code = {"ZipFile": archive.getvalue()}
    lambdas.create_function(FunctionName=name, Runtime="python3.11", Role=arn, Handler="app.handler", Code=code)
    assert json.load(lambdas.invoke(FunctionName=name)["Payload"]) == "done"


def test_a_plane_is_found_by_its_process_with_what_runs_in_it(plane: RunningPlane) -> None:
    profile = plane.profile()
    launched = plane.client("ec2").run_instances(
        ImageId="ami-10c0000000000000a",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": profile},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "\x1b[2Jmine"}]}],
    )
    instance = launched["Instances"][0]["InstanceId"]
    function(plane, "listed")
    found = told(plane)
    assert (found["endpoint"], found["account"]) == (plane.endpoint, "000000000000")
    assert [it["profile"].rpartition("/")[2] for it in found["running"]["instances"] if it["id"] == instance] == [
        profile
    ]
    assert [it["waiting"] for it in found["running"]["functions"] if it["arn"].endswith(":listed")] == [1]
    text = listed(plane)
    assert f"instance  {instance}  running  {profile}  \\x1b[2Jmine" in text  # which does not clear the screen
    assert "function  listed  0 running, 1 waiting" in text


@needs_namespaces
def test_a_task_that_runs_is_listed_and_one_that_has_ended_is_not(plane: RunningPlane) -> None:
    role = plane.role(trusting(Service="ecs-tasks.amazonaws.com"))
    line = [LOCUM, "run", "--data", str(plane.data), "--as", "ecs", "--role", role, "--", "sh", "-c", "echo up; cat"]
    pipe = subprocess.PIPE
    with processes.group(line, env=plane.environment(), stdin=pipe, stdout=pipe) as task:
        assert processes.line_of(task) == "up"
        roles = [it["role"].rpartition("/")[2] for it in told(plane)["running"]["carriers"]]
        assert role in roles
        task.communicate("")
    assert role not in [it["role"].rpartition("/")[2] for it in told(plane)["running"]["carriers"]]


def test_a_plane_that_was_killed_is_not_listed_and_one_that_hangs_is(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        os.kill(running._process.pid, signal.SIGSTOP)
        try:
            assert "it does not tell what runs in it" in listed(running)
        finally:
            os.kill(running._process.pid, signal.SIGCONT)
        running.kill()
        found = processes.finished([LOCUM, "ls", "--json"], env=running.environment(LOCUM_DATA=str(running.data)))
        assert str(running.data) not in found.stdout
        running.start()


def test_the_doctor_tells_of_this_shell(plane: RunningPlane) -> None:
    line = [LOCUM, "doctor", "--data", str(plane.data)]
    astray = processes.finished(line, env=plane.environment())
    assert astray.returncode == 1
    assert "AWS_ENDPOINT_URL is not set: AWS clients of this shell go to amazonaws.com" in astray.stdout
    path = f"{BIN}:/usr/bin:/bin"
    right = plane.environment(PATH=path, AWS_ENDPOINT_URL=plane.endpoint)
    done = processes.finished([*line, "--json"], env=right)
    assert [it for it in json.loads(done.stdout) if it["level"] == "problem"] == []
    assert done.returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_is_printed_for_each_shell(plane: RunningPlane, shell: str) -> None:
    done = processes.finished([LOCUM, "completion", shell], env=plane.environment())
    assert done.returncode == 0
    assert f"_LOCUM_COMPLETE={shell}_complete" in done.stdout


def test_bash_completes_commands_options_and_names_of_the_plane(plane: RunningPlane) -> None:
    profile = plane.profile()
    program = f"""
    eval "$({LOCUM} completion bash)"
    COMP_WORDS=(locum run --profile {profile[:-1]}); COMP_CWORD=3; _locum_completion {LOCUM}; echo "${{COMPREPLY[@]}}"
    COMPREPLY=(); COMP_WORDS=(locum doc); COMP_CWORD=1; _locum_completion {LOCUM}; echo "${{COMPREPLY[@]}}"
    """
    environment = plane.environment(LOCUM_DATA=str(plane.data))
    done = processes.finished(["bash", "-c", program], env=environment)
    names, commands = done.stdout.splitlines()
    assert profile in names.split()
    assert commands == "doctor"


def test_without_a_plane_no_names_are_completed_and_nothing_fails(tmp_path: Path) -> None:
    environment = {**os.environ, "LOCUM_DATA": str(tmp_path), "_LOCUM_COMPLETE": "bash_complete"}
    environment |= {"COMP_WORDS": "locum exec i-", "COMP_CWORD": "2"}
    done = processes.finished([LOCUM], env=environment)
    assert (done.stdout.strip(), done.stderr) == ("", "")

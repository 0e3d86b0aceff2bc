"""`locum run --container`: a container's 169.254.169.254 is its instance's, with an engine that only makes networks."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.engines import Engine, engines, needs_unshare
from support.inside import PROGRAM, Inside, led
from support.plane import ACCOUNT, LOCUM, RunningPlane, needs_namespaces
from support.processes import SECONDS, finished

IMAGE = "an/application:1"
pytestmark = [needs_namespaces, needs_unshare]


@pytest.fixture(params=engines())
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    name, rootless = request.param
    return Engine(tmp_path, name, rootless=rootless)


@pytest.fixture
def rootless(tmp_path: Path) -> Engine:
    return Engine(tmp_path, "podman", rootless=True)


def line(plane: RunningPlane, machine: Engine, *flags: str) -> list[str]:
    return [LOCUM, "run", "--data", str(plane.data), "--engine", machine.name, "--container", IMAGE, *flags]


@contextmanager
def contained(plane: RunningPlane, machine: Engine, *flags: str) -> Iterator[tuple[Any, Inside]]:
    """A program in a container that is an instance, and the launcher's process."""
    command = [*line(plane, machine, *flags), "--", sys.executable, str(PROGRAM)]
    with led(command, machine.environment(plane, AWS_ACCESS_KEY_ID="AKIAHOST")) as process:
        yield process, Inside(process)


def test_a_container_is_an_instance_and_nothing_is_left_of_it(plane: RunningPlane, machine: Engine) -> None:
    profile = plane.profile()
    with contained(plane, machine, "--profile", profile) as (_, program):
        instance = program.instance
        arn = program.call("sts", "get_caller_identity")["Arn"]
        assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{instance}"
        assert machine.left == {f"locum-{instance}", f"locum-{instance}-network"}
        environment = program.ask(environ=True)
        assert "AWS_EC2_METADATA_SERVICE_ENDPOINT" not in environment
        assert not [value for value in environment.values() if "AKIAHOST" in value]
        assert not program.ask(reach=["127.0.0.1", 1])
    assert machine.left == set()
    described = plane.client("ec2").describe_instances(InstanceIds=[instance])
    assert described["Reservations"][0]["Instances"][0]["State"]["Name"] in ("shutting-down", "terminated")


def test_the_command_lines_are_those_that_the_engines_document(plane: RunningPlane, rootless: Engine) -> None:
    done = finished([*line(plane, rootless), "--", "sh", "-c", "exit 7"], env=rootless.environment(plane))
    assert (done.returncode, done.stderr) == (7, "")
    hold, inspect, run, remove = rootless.calls
    name = run[run.index("--name") + 1]
    instance = name.removeprefix("locum-")
    label = f"locum.instance={instance}"
    own = ["--name", f"{name}-network", "--label", label]
    assert hold == ["run", "--detach", "--rm", "--network", "none", *own, "registry.k8s.io/pause:3.10"]
    assert inspect == ["inspect", "--format", "{{.State.Pid}}", f"{name}-network"]
    assert run[:3] == ["run", "--rm", "--interactive"]
    assert run[3:9] == ["--network", f"container:{name}-network", "--name", name, "--label", label]
    assert run[-4:] == [IMAGE, "sh", "-c", "exit 7"]
    variables = [run[at + 1] for at, word in enumerate(run) if word == "--env"]
    assert f"AWS_ENDPOINT_URL=http://127.0.0.1:{plane.endpoint.rpartition(':')[2]}" in variables
    assert not [text for text in variables if "SECRET" in text or "TOKEN" in text]
    assert remove == ["rm", "--force", "--volumes", name, f"{name}-network"]


def test_a_termination_ends_the_container(plane: RunningPlane, machine: Engine) -> None:
    with contained(plane, machine) as (process, program):
        plane.client("ec2").terminate_instances(InstanceIds=[program.instance])
        assert process.wait(SECONDS) != 0
    assert machine.left == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_where_the_launcher_is_ended(plane: RunningPlane, rootless: Engine, number: int) -> None:
    watched = os.pipe2(0)
    command = [*line(plane, rootless), "--", sys.executable, str(PROGRAM)]
    with led(command, rootless.environment(plane), pass_fds=[watched[1]]) as process:
        os.close(watched[1])
        assert Inside(process).instance
        process.send_signal(number)
        process.wait(SECONDS)
        os.set_blocking(watched[0], True)
        assert os.read(watched[0], 1) == b"", "all processes that had it have ended, the one that cleans up among them"
    os.close(watched[0])
    assert rootless.left == set()


def test_a_container_outlives_the_plane(plane: RunningPlane, rootless: Engine, tmp_path: Path) -> None:
    own = RunningPlane(tmp_path / "bin")
    try:
        with contained(own, rootless) as (_, program):
            instance, port = program.instance, own.endpoint.rpartition(":")[2]
            own.stop()
            own.start("--port", port)
            assert program.instance == instance
    finally:
        own.kill()


def test_an_engine_elsewhere_is_said_to_be(plane: RunningPlane, rootless: Engine) -> None:
    environment = rootless.environment(plane, ENGINE_ELSEWHERE="yes")
    done = finished([*line(plane, rootless), "--", "true"], env=environment)
    assert done.returncode == 1
    assert "cannot be joined" in done.stderr
    assert "`locum agent` in the container" in done.stderr
    assert rootless.left == set()


def test_what_does_not_go_with_a_container_is_refused(plane: RunningPlane, rootless: Engine) -> None:
    for flags in (["--closed"], ["--network", "loopback"], ["--as", "ecs"]):
        done = finished([*line(plane, rootless, *flags), "--", "true"], env=rootless.environment(plane))
        assert done.returncode != 0
    done = plane.locum("run", "--engine", "podman", "--", "true")
    assert "are for --container" in done.stderr
    nothing = plane.environment() | {"PATH": str(rootless.home)}
    done = finished([*line(plane, rootless), "--", "true"], env=nothing)
    assert "there is no podman on the PATH" in done.stderr
    assert not (rootless.home / "calls").exists()

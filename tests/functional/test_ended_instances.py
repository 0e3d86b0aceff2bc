"""A stop, a reboot or a termination by API ends what `locum run` and `locum exec` run inside, all of it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from support.inside import led
from support.plane import LOCUM, RunningPlane, fresh, needs_namespaces
from support.processes import SECONDS, line_of

pytestmark = pytest.mark.xdist_group("ended-instances")

NETWORKS = pytest.mark.parametrize("network", [pytest.param("namespace", marks=needs_namespaces), "loopback"])
ESCAPED = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    os._exit(0)
os.wait()
print("ready", flush=True)
while True:
    os.read(0, 1)
"""
"""Has its arguments executed by a process that double fork and setsid have taken away from it, and waits."""


@contextmanager
def running(plane: RunningPlane, network: str, *command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A command in an instance, which says that it is ready, and the instance's id."""
    name = fresh("ended")
    line = [LOCUM, "run", "--data", str(plane.data), "--network", network, "--", *command]
    before = _instances(plane)
    environment = plane.environment(MARK=name)
    with led(line, environment, stderr=subprocess.PIPE) as process:
        assert line_of(process) == "ready"
        (instance,) = _instances(plane) - before
        yield process, instance
        assert marked(name) == []


def _instances(plane: RunningPlane) -> set[str]:
    pages = plane.client("ec2").describe_instances()["Reservations"]
    return {it["InstanceId"] for page in pages for it in page["Instances"]}


def marked(name: str) -> list[int]:
    """The processes whose environment has the mark `name`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended meanwhile
            if f"MARK={name}".encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
    return found


def said(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.read()


@NETWORKS
@pytest.mark.parametrize("operation", ["stop_instances", "terminate_instances", "reboot_instances"])
def test_the_end_of_the_instance_is_the_end_of_its_command(plane: RunningPlane, network: str, operation: str) -> None:
    with running(plane, network, "sh", "-c", "echo ready; cat") as (process, instance):
        getattr(plane.client("ec2"), operation)(InstanceIds=[instance])
        assert process.wait(SECONDS) == 128 + signal.SIGTERM
        assert f"locum: what runs in {instance} is ended: instance {instance}" in said(process)


@NETWORKS
def test_the_exit_code_is_what_the_command_makes_of_its_end(plane: RunningPlane, network: str) -> None:
    program = (
        "import signal, sys; signal.signal(15, lambda *_: sys.exit(9)); print('ready', flush=True); signal.pause()"
    )
    with running(plane, network, sys.executable, "-c", program) as (process, instance):
        plane.client("ec2").stop_instances(InstanceIds=[instance])
        assert process.wait(SECONDS) == 9


@NETWORKS
def test_a_command_that_ignores_the_end_is_killed(plane: RunningPlane, network: str) -> None:
    program = "import signal; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
    with running(plane, network, sys.executable, "-c", program) as (process, instance):
        plane.client("ec2").stop_instances(InstanceIds=[instance])
        assert process.wait(SECONDS) == 128 + signal.SIGKILL


@NETWORKS
def test_nothing_escapes_by_a_double_fork_and_a_session_of_its_own(plane: RunningPlane, network: str) -> None:
    immune = "trap '' TERM HUP; while :; do sleep 1000; done"
    with running(plane, network, sys.executable, "-c", ESCAPED, "sh", "-c", immune) as (process, instance):
        plane.client("ec2").terminate_instances(InstanceIds=[instance])
        assert process.wait(SECONDS) == 128 + signal.SIGTERM


@NETWORKS
def test_what_a_command_leaves_behind_ends_with_it(plane: RunningPlane, network: str) -> None:
    name = fresh("left")
    line = [sys.executable, "-c", ESCAPED, "sleep", "1000"]
    command = [LOCUM, "run", "--data", str(plane.data), "--network", network, "--", *line]
    with led(command, plane.environment(MARK=name)) as process:
        assert line_of(process) == "ready"
        process.terminate()
        assert process.wait(SECONDS) == 128 + signal.SIGTERM
    assert marked(name) == []


@NETWORKS
def test_nothing_is_left_of_an_instance_whose_launcher_is_killed(plane: RunningPlane, network: str) -> None:
    name = fresh("killed")
    line = [sys.executable, "-c", ESCAPED, "sleep", "1000"]
    command = [LOCUM, "run", "--data", str(plane.data), "--network", network, "--", *line]
    with led(command, plane.environment(MARK=name)) as process:
        assert line_of(process) == "ready"
        ends = [os.pidfd_open(pid) for pid in marked(name) if pid != process.pid]
        process.kill()
        for end in ends:
            assert select.select([end], [], [], SECONDS)[0]
            os.close(end)


@needs_namespaces
def test_what_was_executed_in_the_instance_ends_with_it_too(plane: RunningPlane) -> None:
    with running(plane, "namespace", "sh", "-c", "echo ready; cat") as (process, instance):
        line = [LOCUM, "exec", "--data", str(plane.data), instance, "--", "sh", "-c", "echo ready; cat"]
        with led(line, plane.environment()) as visitor:
            assert line_of(visitor) == "ready"
            plane.client("ec2").stop_instances(InstanceIds=[instance])
            assert process.wait(SECONDS) == 128 + signal.SIGTERM
            assert visitor.wait(SECONDS) in (128 + signal.SIGTERM, 128 + signal.SIGKILL)


@NETWORKS
def test_an_instance_that_ended_while_its_launcher_stood_still_ends_when_that_goes_on(
    plane: RunningPlane, network: str
) -> None:
    with running(plane, network, "sh", "-c", "echo ready; cat") as (process, instance):
        process.send_signal(signal.SIGSTOP)
        plane.client("ec2").terminate_instances(InstanceIds=[instance])
        process.send_signal(signal.SIGCONT)
        assert process.wait(SECONDS) == 128 + signal.SIGTERM


@needs_namespaces
def test_a_command_sees_no_process_of_the_host(plane: RunningPlane) -> None:
    program = "import json, os; print(json.dumps([os.getpid(), [n for n in os.listdir('/proc') if n.isdigit()]]))"
    own, seen = json.loads(plane.locum("run", "--", sys.executable, "-c", program).stdout)
    assert set(seen) == {"1", str(own)}

"""What runs under `locum run` and `locum exec` outlives the plane, and what does not run any more is terminated."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.inside import led
from support.plane import LOCUM, RunningPlane, allow, needs_namespaces, up
from support.processes import SECONDS, line_of, tell

pytestmark = pytest.mark.xdist_group("restart-of-the-plane")

PROGRAM = Path(__file__).with_name("lasting_program.py")
NETWORKS = pytest.mark.parametrize("network", [pytest.param("namespace", marks=needs_namespaces), "loopback"])
WAITING = [sys.executable, "-c", "import sys; print('ready', flush=True); sys.exit(int(sys.stdin.readline() or 0))"]
"""Ends when it is told to, with the code that it is told."""

marks = itertools.count(1)


def unused_port() -> int:
    """A port that nobody is given by chance: below those that the kernel gives out (ip_local_port_range)."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sock.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("all ports are taken")


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane of this module's own, on the same port after each restart. It has all the time to wait for launchers."""
    port = str(unused_port())
    with up(tmp_path_factory.mktemp("restarted"), "--port", port, "--launcher-grace", str(SECONDS)) as running:
        yield running


@pytest.fixture
def plane(restarted: RunningPlane) -> Iterator[RunningPlane]:
    """It, running; also after a test that failed while it was away."""
    yield restarted
    if not restarted.running:
        restarted.start()


@pytest.fixture(scope="module")
def profile(restarted: RunningPlane) -> str:
    return restarted.profile(allow("s3:ListAllMyBuckets"))


class Application:
    """`lasting_program.py`, running."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.rounds: list[dict[str, Any]] = []
        self.id = self.well()["id"]

    def well(self) -> dict[str, Any]:
        """The next round, begun from now on, in which both the API and the metadata service answered."""
        mark = str(next(marks))
        tell(self.process, mark)
        while True:
            line = line_of(self.process)
            assert line, "the application has ended"
            self.rounds.append(json.loads(line))
            last = self.rounds[-1]
            if last["mark"] == mark and (last["buckets"], last["metadata"]) == ("ok", "ok"):
                return last

    @property
    def outcomes(self) -> set[str]:
        """Everything that it met so far."""
        return {outcome for last in self.rounds for outcome in (last["buckets"], last["metadata"])}


@contextmanager
def application(plane: RunningPlane, command: str, *flags: str) -> Iterator[Application]:
    line = [LOCUM, command, "--data", str(plane.data), *flags, "--", sys.executable, str(PROGRAM)]
    with led(line, plane.environment()) as process:
        yield Application(process)


@contextmanager
def waiting(plane: RunningPlane, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A program in an instance, which waits, and the instance's id."""
    before = instances(plane)
    line = [LOCUM, "run", "--data", str(plane.data), *flags, "--", *WAITING]
    with led(line, plane.environment(), stderr=subprocess.PIPE) as process:
        assert line_of(process) == "ready"
        (instance,) = instances(plane) - before
        yield process, instance


def told(process: subprocess.Popen[str], code: int) -> tuple[int, str]:
    """The exit code of the launcher and what it complained of, once the program was told to end with `code`."""
    assert process.stderr is not None
    tell(process, str(code))
    return process.wait(SECONDS), process.stderr.read()


def instances(plane: RunningPlane) -> set[str]:
    pages = plane.client("ec2").describe_instances()["Reservations"]
    return {instance["InstanceId"] for page in pages for instance in page["Instances"]}


def state_of(plane: RunningPlane, instance: str) -> str:
    found = plane.client("ec2").describe_instances(InstanceIds=[instance])
    state: str = found["Reservations"][0]["Instances"][0]["State"]["Name"]
    return state


def reconciled(plane: RunningPlane, instance: str) -> str:
    """What `locum exec` says of an instance whose launcher does not come back: it waits until that is certain."""
    return plane.locum("exec", instance, "--", "true").stderr


def ends(plane: RunningPlane, instance: str) -> list[dict[str, Any]]:
    """The records of an instance's termination. The plane is restarted first: nothing is under way any more."""
    plane.stop()
    plane.start()
    asked = [{"AttributeKey": "ResourceName", "AttributeValue": instance}]
    found = plane.client("cloudtrail").lookup_events(LookupAttributes=asked)["Events"]
    events: list[dict[str, Any]] = [json.loads(event["CloudTrailEvent"]) for event in found]
    return [event for event in events if event["eventName"] == "TerminateInstances"]


def by_ec2(event: dict[str, Any]) -> bool:
    return (event["eventType"], event["userIdentity"]["invokedBy"]) == ("AwsServiceEvent", "ec2.amazonaws.com")


# -- what runs goes on --------------------------------------------------------------------------------------


@NETWORKS
def test_an_application_goes_on_through_three_restarts_with_no_more_than_connection_errors(
    plane: RunningPlane, profile: str, network: str
) -> None:
    """It lists buckets, which the embedded backend forgets: an empty list is a right answer."""
    with application(plane, "run", "--network", network, "--profile", profile) as app:
        for end in (plane.stop, plane.kill, plane.stop):
            app.well()
            end()
            plane.start()
        app.well()
        assert state_of(plane, app.id) == "running"
    assert app.outcomes <= {"ok", "connection"}
    assert state_of(plane, app.id) == "terminated"


def test_credentials_and_tokens_of_before_a_restart_are_good_after_it(plane: RunningPlane, profile: str) -> None:
    with application(plane, "run", "--profile", profile) as app:
        before = app.well()
        plane.kill()
        plane.start()
        assert app.well()["key"] == before["key"]


@needs_namespaces
def test_inside_a_namespace_the_gateway_s_port_stays_whatever_the_next_plane_listens_on(
    plane: RunningPlane, profile: str
) -> None:
    port = urlsplit(plane.endpoint).port
    with application(plane, "run", "--profile", profile) as app:
        plane.kill()
        plane.start("--port", "0")
        assert urlsplit(plane.endpoint).port != port
        app.well()
        plane.stop()
        plane.start()
        app.well()


@NETWORKS
def test_what_runs_in_an_instance_that_is_kept_goes_on_and_the_instance_stays(
    plane: RunningPlane, profile: str, network: str
) -> None:
    before = instances(plane)
    assert plane.locum("run", "--keep", "--profile", profile, "--", "true").returncode == 0
    (instance,) = instances(plane) - before
    with application(plane, "exec", "--network", network, instance) as app:
        plane.kill()
        plane.start()
        app.well()
    assert app.outcomes <= {"ok", "connection"}
    assert state_of(plane, instance) == "running"
    assert ends(plane, instance) == []


@needs_namespaces
def test_after_a_restart_exec_joins_the_namespace_that_is_there(plane: RunningPlane, profile: str) -> None:
    namespace = [sys.executable, "-c", "import os; print(os.readlink('/proc/self/ns/net'))"]
    with application(plane, "run", "--profile", profile) as app:
        first = plane.locum("exec", app.id, "--", *namespace)
        for end in (plane.stop, plane.kill):
            end()
            plane.start()
            second = plane.locum("exec", app.id, "--", *namespace)
            assert (second.returncode, second.stdout) == (0, first.stdout)
        with application(plane, "exec", app.id) as other:
            assert other.id == app.id
        app.well()


def test_a_signal_reaches_the_command_and_its_exit_code_the_caller_while_the_plane_is_away(plane: RunningPlane) -> None:
    program = (
        "import signal, sys; awaited = {signal.SIGUSR1}; signal.pthread_sigmask(signal.SIG_BLOCK, awaited); "
        "print('ready', flush=True); print(signal.sigwait(awaited).name, flush=True); sys.exit(5)"
    )
    line = [LOCUM, "run", "--data", str(plane.data), "--", sys.executable, "-c", program]
    with led(line, plane.environment(), stderr=subprocess.DEVNULL) as process:
        assert line_of(process) == "ready"
        plane.kill()
        process.send_signal(signal.SIGUSR1)
        assert line_of(process) == "SIGUSR1"
        assert process.wait(SECONDS) == 5
    plane.start()


# -- what does not run any more is terminated, once ---------------------------------------------------------


def test_an_instance_whose_command_has_ended_is_terminated_and_recorded_once(plane: RunningPlane) -> None:
    with waiting(plane) as (process, instance):
        assert told(process, 3) == (3, "")
    assert state_of(plane, instance) == "terminated"
    (event,) = ends(plane, instance)
    assert by_ec2(event)


def test_an_instance_whose_launcher_is_killed_is_terminated_and_recorded_once(plane: RunningPlane) -> None:
    with waiting(plane) as (process, instance):
        process.kill()
    while state_of(plane, instance) != "terminated":
        pass  # the plane learns of it from a socket that closes: asked until it knows
    (event,) = ends(plane, instance)
    assert by_ec2(event)


def test_a_program_that_ends_while_the_plane_is_away_gives_its_code_and_its_instance_is_terminated_at_the_next_start(
    plane: RunningPlane,
) -> None:
    with waiting(plane) as (process, instance):
        plane.kill()
        code, errors = told(process, 7)
        assert code == 7
        assert errors.startswith(f"locum: {instance} was not terminated: no Locum is running on {plane.data}")
        assert errors.endswith("It will be when the plane starts again\n")
    plane.start("--launcher-grace", "0.5")
    assert f"instance {instance} is terminated" in reconciled(plane, instance)
    (event,) = ends(plane, instance)
    assert by_ec2(event)


def test_an_instance_whose_launcher_is_killed_while_the_plane_is_away_is_terminated_at_the_next_start_once(
    plane: RunningPlane,
) -> None:
    with waiting(plane) as (process, instance):
        plane.stop()
        process.kill()
    plane.start("--launcher-grace", "0.5")
    assert f"instance {instance} is terminated" in reconciled(plane, instance)
    (event,) = ends(plane, instance)
    assert by_ec2(event)
    assert len(ends(plane, instance)) == 1

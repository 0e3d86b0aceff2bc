"""`locum up --driver process`: instances are real, from their launch to their end, and nothing is left of them."""

from __future__ import annotations

import gzip
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.driven import (
    STUBBORN,
    WAIT,
    ended,
    holder,
    inside,
    launched,
    output,
    pidfds,
    processes_of,
    said,
    scaled,
    state_of,
    terminate_all,
    until,
)
from support.plane import RunningPlane, needs_namespaces, up

pytestmark = [needs_namespaces, pytest.mark.xdist_group("process-driver")]


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("driven"), "--driver", "process") as running:
        yield running
        if not running.running:
            running.start()
        terminate_all(running)


@pytest.fixture
def plane(driven: RunningPlane) -> RunningPlane:
    if not driven.running:
        driven.start()
    return driven


# -- a start -------------------------------------------------------------------------------------------------


def test_user_data_runs_as_the_first_process_with_the_instance_s_metadata_service(plane: RunningPlane) -> None:
    script = """
token=$(curl -sX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
echo I am $(curl -s -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id)
echo done >&2"""
    (instance,) = launched(plane, script)
    assert said(plane, instance, "done\n") == f"I am {instance}\ndone\n"


def test_each_instance_has_credentials_of_its_own_profile(plane: RunningPlane) -> None:
    first, second = plane.profile(), plane.profile()
    told = "aws sts get-caller-identity --query Arn --output text; echo end"
    for profile in (first, second):
        (instance,) = launched(plane, told, IamInstanceProfile={"Name": profile})
        assert f":assumed-role/{profile}/{instance}\nend" in said(plane, instance, "end")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (gzip.compress(b"#!/bin/sh\necho unpacked\n", mtime=0), "unpacked\n"),
        (b"#!/no/such/interpreter\n", "locum: /proc/self/fd"),
        (b"#cloud-config\nhostname: x\n", "locum: user data is not run: it is for cloud-init"),
        (b"Content-Type: multipart/mixed\n\n", "locum: user data is not run: it is for cloud-init"),
        (b"just text", "locum: user data is not run: it does not begin with #!"),
        (gzip.compress(bytes(5 << 20), mtime=0), "locum: user data is not run: unpacked it has more than"),
        (b"\x1f\x8bnonsense", "locum: user data is not run: it cannot be unpacked"),
    ],
)
def test_user_data_is_run_or_the_console_says_why_not(plane: RunningPlane, given: bytes, shown: str) -> None:
    (instance,) = launched(plane, UserData=given)
    assert said(plane, instance, shown)


def test_the_console_keeps_the_last_64_kilobytes_of_an_endless_output(plane: RunningPlane) -> None:
    (instance,) = launched(plane, "yes 0123456789abcde | head -c 1000000; echo; echo the end; yes")
    said(plane, instance, "y\ny\n")
    assert len(output(plane, instance)) == 64 << 10
    file = plane.data / "instances" / instance / "console"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_size <= 128 << 10
    plane.client("ec2").terminate_instances(InstanceIds=[instance])
    until(lambda: not file.exists())


def test_instances_of_a_group_are_real_and_replaced(plane: RunningPlane) -> None:
    with scaled(plane, 2, InstanceType="t3.micro") as of_group:
        until(lambda: len(of_group()) == 2)
        first, second = of_group()
        assert inside(plane, first, "echo here") == "here\n"
        plane.client("ec2").terminate_instances(InstanceIds=[first])
        until(lambda: len({*of_group()} - {first}) == 2)
        (third,) = {*of_group()} - {second}
        assert inside(plane, third, "echo there") == "there\n"


def test_run_with_keep_runs_in_the_instance_that_the_driver_made(plane: RunningPlane) -> None:
    done = plane.locum("run", "--keep", "--", "sh", "-c", "readlink /proc/self/ns/net")
    instance = done.stderr.split()[1]
    assert inside(plane, instance, "readlink /proc/self/ns/net") == done.stdout


def test_an_instance_of_run_is_the_launchers_alone(plane: RunningPlane) -> None:
    done = plane.locum("run", "--", "sh", "-c", "echo $$; ls /proc | grep -c '^[0-9]'")
    assert done.stdout.splitlines()[0] == "2"
    assert done.returncode == 0


# -- an end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["stop_instances", "terminate_instances"])
def test_everything_inside_ends_with_the_instance_also_what_escaped(plane: RunningPlane, operation: str) -> None:
    (instance,) = launched(plane, f'(setsid sh -c "{STUBBORN}" &)\n{WAIT}')
    said(plane, instance, "up")
    launcher = holder(plane, instance)
    assert launcher is not None
    ends = pidfds([launcher, *processes_of(plane, instance)])
    assert len(ends) >= 5  # launcher, first process, script, its child, the one that escaped with one of its own
    getattr(plane.client("ec2"), operation)(InstanceIds=[instance])
    ended(ends)
    if operation == "terminate_instances":
        until(lambda: not (plane.data / "instances" / instance).exists())


def test_a_start_is_a_new_inside_and_user_data_does_not_run_again(plane: RunningPlane) -> None:
    ec2 = plane.client("ec2")
    (instance,) = launched(plane, "echo once")
    said(plane, instance, "once")
    before = holder(plane, instance)
    ec2.stop_instances(InstanceIds=[instance])
    assert "is stopped, not running" in plane.locum("exec", instance, "--", "true").stderr
    ec2.start_instances(InstanceIds=[instance])
    assert inside(plane, instance, "ls /proc | grep '^[0-9]'").split()[0] == "1"
    assert holder(plane, instance) not in (before, None)
    assert output(plane, instance).count("once") == 1


def test_a_reboot_ends_everything_and_starts_again(plane: RunningPlane) -> None:
    (instance,) = launched(plane, WAIT)
    said(plane, instance, "up")
    ends = pidfds(processes_of(plane, instance))
    plane.client("ec2").reboot_instances(InstanceIds=[instance])
    ended(ends)
    assert inside(plane, instance, "echo again") == "again\n"
    assert state_of(plane, instance) == "running"


def test_a_stop_and_a_start_at_once_are_both_done(plane: RunningPlane) -> None:
    ec2 = plane.client("ec2")
    (instance,) = launched(plane, WAIT)
    said(plane, instance, "up")
    first = holder(plane, instance)
    for _ in range(3):
        ec2.stop_instances(InstanceIds=[instance])
        ec2.start_instances(InstanceIds=[instance])
    until(lambda: holder(plane, instance) not in (first, None))
    assert inside(plane, instance, "echo up") == "up\n"


@pytest.mark.parametrize(
    ("behavior", "command", "state"),
    [("stop", "shutdown -h now", "stopped"), ("terminate", "poweroff", "terminated"), ("stop", "halt", "stopped")],
)
def test_an_instance_that_shuts_itself_down_behaves_as_it_is_to(
    plane: RunningPlane, behavior: str, command: str, state: str
) -> None:
    (instance,) = launched(plane, command, InstanceInitiatedShutdownBehavior=behavior)
    until(lambda: state_of(plane, instance) == state)
    until(lambda: holder(plane, instance) is None)


def test_one_that_is_protected_against_termination_is_stopped_by_its_shutdown(plane: RunningPlane) -> None:
    given: dict[str, Any] = {"InstanceInitiatedShutdownBehavior": "terminate", "DisableApiTermination": True}
    (instance,) = launched(plane, "poweroff", **given)
    until(lambda: state_of(plane, instance) == "stopped")
    attribute = {"InstanceId": instance, "DisableApiTermination": {"Value": False}}
    plane.client("ec2").modify_instance_attribute(**attribute)


def test_launches_go_on_when_the_process_that_forks_launchers_is_killed(plane: RunningPlane) -> None:
    (first,) = launched(plane, WAIT)
    said(plane, first, "up")
    launcher = holder(plane, first)
    forker = int(Path(f"/proc/{launcher}/stat").read_text().rpartition(")")[2].split()[1])
    ends = pidfds([forker])
    os.kill(forker, signal.SIGKILL)
    ended(ends)
    (second,) = launched(plane, WAIT)
    said(plane, second, "up")
    assert holder(plane, first) == launcher


def test_an_instance_that_reboots_itself_goes_on(plane: RunningPlane) -> None:
    (instance,) = launched(plane, f"{WAIT}")
    said(plane, instance, "up")
    first = holder(plane, instance)
    plane.locum("exec", instance, "--", "sh", "-c", "kill -TERM 1")
    until(lambda: holder(plane, instance) not in (first, None))
    assert state_of(plane, instance) == "running"
    assert inside(plane, instance, "echo again") == "again\n"


def test_user_data_that_never_ends_is_ended_by_a_termination(plane: RunningPlane) -> None:
    (instance,) = launched(plane, f"echo begun\n{STUBBORN}")
    said(plane, instance, "begun")
    plane.client("ec2").terminate_instances(InstanceIds=[instance])
    until(lambda: not (plane.data / "instances" / instance).exists())


def test_an_instance_that_is_terminated_while_it_starts_never_runs(plane: RunningPlane) -> None:
    for _ in range(5):
        (instance,) = launched(plane, "echo begun; sleep 100000")
        plane.client("ec2").terminate_instances(InstanceIds=[instance])
        until(lambda instance=instance: not (plane.data / "instances" / instance).exists())  # type: ignore[misc]


def test_an_instance_whose_launcher_is_killed_is_recovered(plane: RunningPlane) -> None:
    """As EC2 recovers an instance whose host failed: it runs again, and its user data does not."""
    (instance,) = launched(plane, f"echo once\n{WAIT}")
    said(plane, instance, "up")
    launcher = holder(plane, instance)
    assert launcher is not None
    ends = pidfds(processes_of(plane, instance))
    os.kill(launcher, signal.SIGKILL)
    ended(ends)
    until(lambda: holder(plane, instance) not in (launcher, None))
    assert inside(plane, instance, "echo again") == "again\n"
    assert output(plane, instance).count("once") == 1


# -- restarts of the plane -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stop", "kill"])
def test_instances_outlive_the_plane(plane: RunningPlane, kind: str) -> None:
    (instance,) = launched(plane, WAIT)
    said(plane, instance, "up")
    before = inside(plane, instance, "readlink /proc/self/ns/net"), holder(plane, instance)
    getattr(plane, kind)()
    plane.start()
    assert (inside(plane, instance, "readlink /proc/self/ns/net"), holder(plane, instance)) == before


def test_a_plane_that_is_killed_while_it_launches_goes_on_with_the_next_start(plane: RunningPlane) -> None:
    ids = launched(plane, WAIT, count=6)
    plane.kill()
    plane.start()
    for instance in ids:
        assert inside(plane, instance, "echo here") == "here\n"
        assert output(plane, instance).count("up") <= 1
    assert len({holder(plane, instance) for instance in ids}) == 6


def test_a_shutdown_from_inside_while_the_plane_is_away_counts(plane: RunningPlane) -> None:
    (instance,) = launched(plane, f"trap 'poweroff' HUP; {WAIT}")
    said(plane, instance, "up")
    script = next(pid for pid in processes_of(plane, instance) if Path(f"/proc/{pid}/comm").read_text() != "python\n")
    first = processes_of(plane, instance)[0]
    plane.kill()
    ends = pidfds([first])
    os.kill(script, signal.SIGHUP)
    ended(ends)
    plane.start()
    until(lambda: state_of(plane, instance) == "stopped")
    until(lambda: holder(plane, instance) is None)


def test_a_plane_with_the_driver_record_ends_what_another_left(plane: RunningPlane) -> None:
    (instance,) = launched(plane, WAIT)
    said(plane, instance, "up")
    launcher = holder(plane, instance)
    assert launcher is not None
    ends = pidfds([launcher, *processes_of(plane, instance)])
    plane.kill()
    plane.start("--driver", "record")
    ended(ends)
    assert state_of(plane, instance) == "running"
    plane.stop()
    plane.start()
    assert inside(plane, instance, "echo again") == "again\n"


@pytest.mark.nightly
def test_nothing_is_left_when_the_data_directory_has_gone(tmp_path: Path) -> None:
    with up(tmp_path, "--driver", "process") as plane:
        (instance,) = launched(plane, f'(setsid sh -c "{STUBBORN}" &)\n{WAIT}')
        said(plane, instance, "up")
        launcher = holder(plane, instance)
        assert launcher is not None
        ends = pidfds([launcher, *processes_of(plane, instance)])
        plane.kill()
        plane.data.rename(tmp_path / "gone")
        ended(ends)
        (tmp_path / "gone").rename(plane.data)
        plane.start("--driver", "record")

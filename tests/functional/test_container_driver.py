"""`locum up --driver container`: each instance is a container, from launch to end, and nothing is left of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from locum.compute.namespace import descendants
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
from support.engines import Engine, engines, needs_unshare
from support.plane import ACCOUNT, LOCUM, RunningPlane, fresh, needs_namespaces
from support.processes import finished

IMAGE = "an/application:1"
pytestmark = [needs_namespaces, needs_unshare, pytest.mark.xdist_group("container-driver")]


class ContainerPlane(RunningPlane):
    """A plane whose instances are containers of the engine of `machine`."""

    def __init__(self, home: Path, machine: Engine, image: str = IMAGE) -> None:
        self.machine = machine
        super().__init__(home, "--driver", "container", "--container-image", image)

    def environment(self, **more: str) -> dict[str, str]:
        return {**super().environment(**self.machine.variables), **more}


@contextmanager
def containing(home: Path, machine: Engine, image: str = IMAGE) -> Iterator[ContainerPlane]:
    """Such a plane; in the end, all its instances are terminated and nothing is left of them."""
    plane = ContainerPlane(home, machine, image)
    try:
        yield plane
        if not plane.running:
            plane.start()
        terminate_all(plane)
        assert machine.left == set()
        plane.stop()
    finally:
        plane.kill()


@pytest.fixture(scope="module", params=engines())
def every(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerPlane]:
    """With each kind of an engine."""
    home, (name, rootless) = tmp_path_factory.mktemp("every"), request.param
    with containing(home, Engine(home / "engine", name, rootless=rootless)) as plane:
        yield plane


@pytest.fixture(scope="module")
def contained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerPlane]:
    home = tmp_path_factory.mktemp("contained")
    with containing(home, Engine(home / "engine", "podman", rootless=True)) as plane:
        yield plane


@pytest.fixture
def plane(contained: ContainerPlane) -> ContainerPlane:
    if not contained.running:
        contained.start()
    return contained


def containers(instance: str) -> set[str]:
    return {f"locum-{instance}", f"locum-{instance}-network"}


# -- a start -------------------------------------------------------------------------------------------------


def test_an_instance_is_a_container_that_is_root_and_wears_its_profile(every: ContainerPlane) -> None:
    profile = every.profile()
    told = "id -u; aws sts get-caller-identity --query Arn --output text; echo end"
    (instance,) = launched(every, told, IamInstanceProfile={"Name": profile})
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{instance}"
    assert said(every, instance, "end") == f"0\n{arn}\nend\n"
    assert containers(instance) <= every.machine.left
    assert inside(every, instance, "echo $$ $AWS_ENDPOINT_URL").split()[1] == every.endpoint
    done = every.locum("exec", instance, "--", "sh", "-c", "exit 7")
    assert done.returncode == 7
    every.client("ec2").terminate_instances(InstanceIds=[instance])
    until(lambda: not (every.data / "instances" / instance).exists())
    assert not containers(instance) & every.machine.left


def test_instances_of_a_group_are_containers_and_replaced(plane: ContainerPlane) -> None:
    with scaled(plane, 1) as of_group:
        until(lambda: len(of_group()) == 1)
        (first,) = of_group()
        assert inside(plane, first, "echo here") == "here\n"
        plane.client("ec2").terminate_instances(InstanceIds=[first])
        while not (others := set(of_group()) - {first}):
            pass
        assert inside(plane, others.pop(), "echo there") == "there\n"


def test_user_data_is_in_no_command_line_and_no_variable(plane: ContainerPlane) -> None:
    secret = fresh("secret")
    (instance,) = launched(plane, f": {secret}\n{WAIT}")
    said(plane, instance, "up")
    assert not [call for call in plane.machine.calls if secret in str(call)]
    for pid in processes_of(plane, instance):
        assert secret not in Path(f"/proc/{pid}/cmdline").read_text()
        assert secret not in Path(f"/proc/{pid}/environ").read_text()


def test_user_data_that_cannot_run_is_said_on_the_console(plane: ContainerPlane) -> None:
    (instance,) = launched(plane, UserData="#cloud-config\nhostname: x\n")
    said(plane, instance, "user data is not run: it is for cloud-init")
    (instance,) = launched(plane, UserData="#!/no/such/interpreter\n")
    said(plane, instance, "part-001")


@pytest.mark.nightly
def test_an_instance_that_is_terminated_while_it_starts_leaves_nothing(plane: ContainerPlane) -> None:
    for _ in range(3):
        (instance,) = launched(plane, WAIT)
        plane.client("ec2").terminate_instances(InstanceIds=[instance])
        until(lambda instance=instance: not (plane.data / "instances" / instance).exists())  # type: ignore[misc]
        assert not containers(instance) & plane.machine.left


@pytest.mark.nightly
def test_an_image_without_a_shell_is_said_on_the_console_and_leaves_nothing(tmp_path: Path) -> None:
    with containing(tmp_path, Engine(tmp_path / "engine", "podman", rootless=True), "no/shell:1") as plane:
        (instance,) = launched(plane, WAIT)
        text = said(plane, instance, "the container has not started")
        assert "exec /bin/sh: no such file or directory" in text


# -- an end --------------------------------------------------------------------------------------------------


def test_a_stop_ends_also_what_ignores_it_and_a_start_is_a_new_container(plane: ContainerPlane) -> None:
    ec2 = plane.client("ec2")
    (instance,) = launched(plane, f'echo once\n(setsid sh -c "{STUBBORN}" &)\n{WAIT}')
    said(plane, instance, "up")
    ends = pidfds(processes_of(plane, instance))
    ec2.stop_instances(InstanceIds=[instance])
    ended(ends)
    until(lambda: holder(plane, instance) is None)
    assert not containers(instance) & plane.machine.left
    ec2.start_instances(InstanceIds=[instance])
    assert inside(plane, instance, "echo again") == "again\n"
    assert output(plane, instance).count("once") == 1


def test_processes_are_sent_sigterm_before_they_are_killed(plane: ContainerPlane) -> None:
    (instance,) = launched(plane, "trap 'echo goodbye; exit' TERM\nsleep 100000 &\necho up\nwait")
    said(plane, instance, "up")
    plane.client("ec2").stop_instances(InstanceIds=[instance])
    said(plane, instance, "goodbye")


def test_a_reboot_is_a_new_container_and_user_data_does_not_run_again(plane: ContainerPlane) -> None:
    (instance,) = launched(plane, f"echo once\n{WAIT}")
    said(plane, instance, "up")
    ends = pidfds(processes_of(plane, instance))
    plane.client("ec2").reboot_instances(InstanceIds=[instance])
    ended(ends)
    assert inside(plane, instance, "echo again") == "again\n"
    assert output(plane, instance).count("once") == 1


def test_an_instance_that_shuts_itself_down_is_stopped(plane: ContainerPlane) -> None:
    (instance,) = launched(plane, "echo up; kill -USR2 1")
    until(lambda: state_of(plane, instance) == "stopped")
    until(lambda: holder(plane, instance) is None)
    assert not containers(instance) & plane.machine.left


@pytest.mark.parametrize("guarded", [True, False])
def test_an_instance_whose_launcher_is_killed_is_recovered(plane: ContainerPlane, guarded: bool) -> None:
    """Also where the process that removes its containers is killed with it."""
    (instance,) = launched(plane, f"echo once\n{WAIT}")
    said(plane, instance, "up")
    launcher = holder(plane, instance)
    assert launcher is not None
    command = Path(f"/proc/{launcher}/cmdline").read_bytes()
    below = descendants(launcher)
    (guard,) = [pid for pid in below if Path(f"/proc/{pid}/cmdline").read_bytes() == command]
    ends = pidfds([pid for pid in below if pid != guard])
    if not guarded:
        os.kill(guard, signal.SIGKILL)
    os.kill(launcher, signal.SIGKILL)
    ended(ends)
    until(lambda: holder(plane, instance) not in (launcher, guard, None))
    assert inside(plane, instance, "echo again") == "again\n"
    assert output(plane, instance).count("once") == 1


@pytest.mark.nightly
def test_a_container_that_another_has_removed_is_made_again(plane: ContainerPlane) -> None:
    (instance,) = launched(plane, WAIT)
    said(plane, instance, "up")
    ends = pidfds(processes_of(plane, instance))
    finished(["podman", "rm", "--force", f"locum-{instance}"], env=plane.environment())
    ended(ends)
    until(lambda: f"locum-{instance}" in plane.machine.left)
    assert inside(plane, instance, "echo again") == "again\n"


# -- restarts of the plane -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stop", "kill"])
def test_containers_outlive_the_plane(plane: ContainerPlane, kind: str) -> None:
    (instance,) = launched(plane, WAIT)
    said(plane, instance, "up")
    before = holder(plane, instance), processes_of(plane, instance)
    port = plane.endpoint.rpartition(":")[2]
    getattr(plane, kind)()
    plane.start("--port", port)
    told = "aws sts get-caller-identity --query Account --output text 2>&1 || echo no credentials"
    assert "no credentials" in inside(plane, instance, told)  # it has no profile, and is answered so
    assert (holder(plane, instance), processes_of(plane, instance)) == before


def test_a_plane_with_the_driver_record_ends_what_another_left(tmp_path: Path) -> None:
    machine = Engine(tmp_path / "engine", "podman", rootless=True)
    with containing(tmp_path, machine) as plane:
        (instance,) = launched(plane, WAIT)
        said(plane, instance, "up")
        launcher = holder(plane, instance)
        assert launcher is not None
        ends = pidfds([launcher, *processes_of(plane, instance)])
        plane.kill()
        recorder = RunningPlane(tmp_path, "--driver", "record")
        try:
            ended(ends)
            until(lambda: machine.left == set())
            assert state_of(recorder, instance) == "running"
            recorder.stop()
        finally:
            recorder.kill()


# -- refusals ------------------------------------------------------------------------------------------------


def test_what_does_not_go_is_said_before_the_plane_starts(tmp_path: Path) -> None:
    machine = Engine(tmp_path / "engine", "podman", rootless=True)
    environment = {"HOME": str(tmp_path), **machine.variables}

    def refusal(*flags: str, **more: str) -> str:
        done = finished([LOCUM, "up", "--data", str(tmp_path / "data"), *flags], env=environment | more)
        assert done.returncode == 1
        assert not (tmp_path / "data").exists()
        return done.stderr

    image = "--container-image", IMAGE
    assert "takes --container-image" in refusal("--driver", "container")
    assert "take --driver container" in refusal(*image)
    assert "--closed takes --driver process" in refusal("--driver", "container", *image, "--closed")
    nowhere = refusal("--driver", "container", *image, "--engine", "docker", PATH=str(machine.home / "bin"))
    assert "there is no docker on the PATH" in nowhere
    assert "there is no daemon" in refusal("--driver", "container", *image, ENGINE_DEAD="yes")


def test_nothing_comes_in_by_run_command_and_no_other_files_are_shown(plane: ContainerPlane) -> None:
    profile = plane.profile({"Effect": "Allow", "Action": ["ssm:*", "ssmmessages:*"], "Resource": "*"})
    (instance,) = launched(plane, WAIT, IamInstanceProfile={"Name": profile})
    said(plane, instance, "up")
    assert plane.client("ssm").describe_instance_information()["InstanceInformationList"] == []
    done = plane.locum("exec", "--aws-hosts", instance, "--", "true")
    assert "runs without AWS's host names" in done.stderr

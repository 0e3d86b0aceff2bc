"""Tasks, pods and functions of `locum run --as`: through restarts, without namespaces, and beside one another."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.inside import inside, led
from support.plane import ACCOUNT, LOCUM, RunningPlane, document, fresh, needs_namespaces, trusting, up
from support.processes import SECONDS, line_of

pytestmark = pytest.mark.xdist_group("carriers-of-roles")

PODS = {"Service": "pods.eks.amazonaws.com"}
TRUSTS_PODS = document({"Effect": "Allow", "Principal": PODS, "Action": ["sts:AssumeRole", "sts:TagSession"]})
TRUSTS = {
    "ecs": trusting(Service="ecs-tasks.amazonaws.com"),
    "pod": TRUSTS_PODS,
    "lambda": trusting(Service="lambda.amazonaws.com"),
}
WHO = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
POD_TOKEN = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"


def left(plane: RunningPlane) -> list[Path]:
    """The directories of carriers."""
    return list((plane.data / "carriers").iterdir())


@pytest.mark.parametrize("kind", TRUSTS)
def test_without_a_namespace_it_is_its_role_too(plane: RunningPlane, kind: str) -> None:
    role = plane.role(TRUSTS[kind])
    done = plane.locum("run", "--network", "loopback", "--as", kind, "--role", role, "--", sys.executable, "-c", WHO)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/")
    assert left(plane) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ecs", "ECS was unable to assume the role 'arn:aws:iam::000000000000:role/{}'"),
        ("lambda", "The role defined for the function cannot be assumed by Lambda."),
    ],
)
def test_a_role_that_trusts_another_service_starts_nothing(plane: RunningPlane, kind: str, text: str) -> None:
    role = plane.role(trusting(Service="ec2.amazonaws.com"))
    done = plane.locum("run", "--as", kind, "--role", role, "--", "echo", "it ran")
    assert (done.returncode, done.stdout) == (1, "")
    assert text.format(role) in done.stderr


def test_a_pod_whose_role_trusts_another_service_is_told_so(plane: RunningPlane) -> None:
    role = plane.role(trusting(Service="ec2.amazonaws.com"))
    done = plane.locum("run", "--as", "pod", "--role", role, "--", sys.executable, "-c", WHO)
    assert done.returncode == 1
    assert "Unauthorized Exception! EKS does not have permissions to assume the associated role." in done.stderr


def test_a_role_that_is_not_there_is_a_clear_error(plane: RunningPlane) -> None:
    done = plane.locum("run", "--as", "ecs", "--role", "nobody", "--", "true")
    assert done.returncode == 1
    assert "The role with name nobody cannot be found" in done.stderr


@needs_namespaces
def test_another_carrier_reaches_neither_endpoint_nor_token(plane: RunningPlane) -> None:
    pods, tasks = plane.role(TRUSTS["pod"]), plane.role(TRUSTS["ecs"])
    with inside(plane, "--as", "pod", "--role", pods) as pod, inside(plane, "--as", "ecs", "--role", tasks) as task:
        arn = pod.call("sts", "get_caller_identity")["Arn"]
        assert f"/{pods}/eks-default-locum-run-" in arn
        assert f"/{tasks}/" in task.call("sts", "get_caller_identity")["Arn"]
        assert pod.ask(read=POD_TOKEN) is not None
        assert task.ask(read=POD_TOKEN) is None
        assert task.ask(list=str(plane.data)) == []
        (own, _) = sorted(left(plane), key=lambda folder: len(folder.name), reverse=True)
        assert task.ask(read=str(own / "secrets" / POD_TOKEN.removeprefix("/var/run/secrets/"))) is None
    assert left(plane) == []


@needs_namespaces
def test_the_rest_of_run_is_there_inside_as_it_is_outside(plane: RunningPlane) -> None:
    script = "ls -A /var/run; cat /var/run/secrets/eks.amazonaws.com/serviceaccount/token"
    role = plane.role(trusting(AWS="*"))
    done = plane.locum("run", "--as", "irsa", "--role", role, "--", "sh", "-c", script)
    *names, token = done.stdout.split()
    assert set(names) == {entry.name for entry in Path("/var/run").iterdir()} | {"secrets"}
    assert token.count(".") == 2


@needs_namespaces
def test_what_a_killed_launcher_had_is_taken_away(plane: RunningPlane) -> None:
    line = [LOCUM, "run", "--data", str(plane.data), "--as", "pod", "--role", plane.role(TRUSTS["pod"])]
    with led([*line, "--", "sh", "-c", "echo up; exec cat"], plane.environment()) as process:
        assert line_of(process) == "up"
        assert len(left(plane)) == 1
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)
        done = plane.locum("run", "--", "true")  # a turn of the plane
        assert done.returncode == 0
    assert left(plane) == []


def test_the_issuer_is_that_of_the_cluster_which_eks_has(plane: RunningPlane) -> None:
    name, eks = fresh("cluster"), plane.client("eks")
    network = {"subnetIds": ["subnet-1", "subnet-2"]}
    own = f"arn:aws:iam::{ACCOUNT}:role/{plane.role(trusting(Service='eks.amazonaws.com'))}"
    made = eks.create_cluster(name=name, roleArn=own, resourcesVpcConfig=network)
    issuer = made["cluster"]["identity"]["oidc"]["issuer"]
    role = plane.role(trusting(AWS="*"))
    done = plane.locum("run", "--as", "irsa", "--cluster", name, "--role", role, "--", "true")
    assert f"--url {issuer} " in done.stderr


# -- a restart in the middle ---------------------------------------------------------------------------------


@pytest.fixture
def own_plane(tmp_path: Path) -> Iterator[RunningPlane]:
    with up(tmp_path) as running:
        yield running


@needs_namespaces
@pytest.mark.parametrize("kind", ["ecs", "pod"])
def test_a_restart_of_the_plane_leaves_its_credentials_good(own_plane: RunningPlane, kind: str) -> None:
    plane = own_plane
    role = plane.role(TRUSTS[kind])
    with inside(plane, "--as", kind, "--role", role) as app:
        before = app.call("sts", "get_caller_identity")["Arn"]
        plane.kill()
        plane.start()
        assert app.call("sts", "get_caller_identity")["Arn"] == before
        if kind == "ecs":  # what it names its credentials by is still good, too
            uri = app.ask(environ=True)["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
            status, body = app.ask(page=["169.254.170.2", uri])
            assert (status, json.loads(body)["RoleArn"]) == (200, f"arn:aws:iam::{ACCOUNT}:role/{role}")
        else:
            assert app.ask(read=POD_TOKEN).count(".") == 2
    assert left(plane) == []

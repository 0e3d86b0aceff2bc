"""Nodes over PostgreSQL, of which one has workers, and the embedded backend of all."""

from __future__ import annotations

import io
import shutil
import socket
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from locum.cli.wrapped_keyring import WRAPPING_FILE
from support.plane import ACCOUNT, Key, RunningPlane, boto3_client, fresh, trusting, up
from support.postgresql import ONE_SERVER, server
from support.workers import through, worker_pids

pytestmark = [ONE_SERVER, pytest.mark.nightly]

IMAGE = "ami-12c6146b"


class Nodes:
    """`holder` has the backend, and a worker; `other` uses it."""

    def __init__(self, folder: Path, left: ExitStack) -> None:
        database = server()
        database.empty("workers")
        journal = "--journal", f"postgresql://locum@/workers?host={database.directory}", "--no-console"
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        homes = [folder / "holder", folder / "other"]
        for home in homes:
            (home / "plane").mkdir(mode=0o700, parents=True)
        self.holder = left.enter_context(up(homes[0], *journal, "--workers", "2", "--serve-backend", address))
        shutil.copy(self.holder.data / WRAPPING_FILE, homes[1] / "plane")
        self.other: RunningPlane = left.enter_context(up(homes[1], *journal, "--backend", f"*=locum://{address}"))
        [pid] = worker_pids(self.holder)
        self._worker = left.enter_context(through(self.holder, pid))

    def worker(self, service: str, key: Key | None = None) -> Any:
        return boto3_client(service, self._worker, key or self.holder.root)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with ExitStack() as left:
        yield Nodes(tmp_path_factory.mktemp("nodes"), left)


def test_the_embedded_backend_is_one_for_workers_and_nodes(nodes: Nodes) -> None:
    name, body = fresh("bucket"), b"x" * (5 << 20)
    nodes.worker("s3").create_bucket(Bucket=name)
    nodes.other.client("s3").put_object(Bucket=name, Key="k", Body=body)
    assert nodes.worker("s3").get_object(Bucket=name, Key="k")["Body"].read() == body
    assert nodes.holder.client("s3").head_object(Bucket=name, Key="k")["ContentLength"] == len(body)


def test_what_one_process_made_the_backend_knows_of_at_once(nodes: Nodes) -> None:
    """A role that was made a moment ago on another node is passed to a function."""
    for make, use in ((nodes.worker, nodes.other.client), (nodes.other.client, nodes.worker)):
        name = fresh("role")
        trust = trusting(Service="lambda.amazonaws.com")
        arn = make("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        code = {"ZipFile": _package()}
        made = use("lambda").create_function(
            FunctionName=name, Runtime="python3.11", Role=arn, Handler="index.handler", Code=code
        )
        assert made["Role"] == arn


def _package() -> bytes:
    with zipfile.ZipFile(package := io.BytesIO(), "w") as file:
        file.writestr("index.py", "def handler(event, context):\n    return event\n")
    return package.getvalue()


def test_a_session_of_a_worker_is_one_on_another_node(nodes: Nodes) -> None:
    user, key = nodes.other.user()
    role = fresh("role")
    trust = trusting(AWS=f"arn:aws:iam::{ACCOUNT}:user/{user}")
    arn = nodes.worker("iam").create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    session = Key.of(nodes.worker("sts", key).assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"])
    assert role in nodes.other.client("sts", session).get_caller_identity()["Arn"]


@pytest.mark.parametrize("by", ["worker", "other"])
def test_what_a_caller_waits_for_is_done_once(nodes: Nodes, by: str) -> None:
    client = {"worker": nodes.worker, "other": nodes.other.client}[by]
    service = {"worker": "autoscaling", "other": "elasticloadbalancing"}[by]
    client("iam").create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")
    about = {"AttributeKey": "EventName", "AttributeValue": "CreateServiceLinkedRole"}
    found = nodes.other.client("cloudtrail").lookup_events(LookupAttributes=[about])["Events"]
    assert len([it for it in found if f"{service}.amazonaws.com" in it["CloudTrailEvent"]]) == 1


def test_an_instance_of_a_worker_is_on_the_node_of_its_plane(nodes: Nodes) -> None:
    instance = nodes.worker("ec2").run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    found = nodes.other.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    assert [it["InstanceId"] for it in found] == [instance]
    nodes.other.client("ec2").terminate_instances(InstanceIds=[instance])

"""The embedded backend of one node, used by another over TLS."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from support.plane import RunningPlane, fresh, refused, up

pytestmark = pytest.mark.nightly


class Nodes(NamedTuple):
    """`holder` has the backend, `other` has the same key ring, and `stranger` has not. `address` is the holder's."""

    holder: RunningPlane
    other: RunningPlane
    stranger: RunningPlane
    address: str


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    homes = [tmp_path_factory.mktemp(name) for name in ("holder", "other", "stranger")]
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with ExitStack() as left:
        holder = left.enter_context(up(homes[0], "--serve-backend", address, "--no-console"))
        _share_key(holder, homes[1] / "plane")
        remote = "--backend", f"*=locum://{address}", "--no-console"
        other, stranger = (left.enter_context(up(home, *remote)) for home in homes[1:])
        yield Nodes(holder, other, stranger, address)


def _share_key(plane: RunningPlane, data: Path) -> None:
    """Have a directory that is yet to be used have the key ring of a plane."""
    data.mkdir(mode=0o700)
    for name in ("lock", "keyring"):
        shutil.copy(plane.data / name, data / name)


def test_a_node_has_what_another_nodes_backend_has(nodes: Nodes) -> None:
    name = fresh("bucket")
    nodes.other.client("s3").create_bucket(Bucket=name)
    body = b"x" * (9 << 20)
    nodes.holder.client("s3").put_object(Bucket=name, Key="k", Body=body)
    assert nodes.other.client("s3").get_object(Bucket=name, Key="k")["Body"].read() == body
    url = nodes.other.client("sqs").create_queue(QueueName=fresh("queue"))["QueueUrl"]
    nodes.other.client("sqs").send_message(QueueUrl=url, MessageBody="m")
    found = nodes.other.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)
    assert found["Messages"][0]["Body"] == "m"


def test_a_node_of_another_installation_gets_nothing(nodes: Nodes) -> None:
    name = fresh("bucket")
    why = refused(nodes.stranger.client("s3").create_bucket, Bucket=name)
    assert (why.code, why.status) == ("ServiceUnavailable", 503)
    assert name not in [it["Name"] for it in nodes.holder.client("s3").list_buckets()["Buckets"]]

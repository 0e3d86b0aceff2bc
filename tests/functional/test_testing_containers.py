"""`LocumContainer` by testcontainers' own package, which runs it on an engine whose container is a process."""

from __future__ import annotations

import socket
from importlib import import_module
from pathlib import Path

import pytest

from support.engine_api import engine

pytest.importorskip("testcontainers", reason="testcontainers is not installed")


def test_a_container_has_what_localstacks_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    with engine(tmp_path, port) as server:
        monkeypatch.setenv("DOCKER_HOST", server.url)
        monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
        monkeypatch.setenv("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
        # Late: testcontainers reads the environment when it is imported.
        made = import_module("locum.testing.containers").LocumContainer
        with made(edge_port=port, region_name="eu-west-1") as container:
            assert server.made["Image"] == "locum:latest"
            assert container.get_url() == container.get_endpoint_url() == f"http://127.0.0.1:{port}"
            assert container.get_client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
            queue = container.get_client("sqs").create_queue(QueueName="q")["QueueUrl"]
            assert container.get_client("sqs", region_name="eu-west-1").list_queues()["QueueUrls"] == [queue]
            iam = container.get_client("iam")
            iam.create_user(UserName="mia")
            key = iam.create_access_key(UserName="mia")["AccessKey"]
            given = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
            assert container.get_client("sts", **given).get_caller_identity()["Arn"].endswith(":user/mia")
        assert server.process is None

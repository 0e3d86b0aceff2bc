"""The records of calls that services make: each with its own source and its own cause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from support.inprocess import InProcess
from support.plane import ACCOUNT, trusting

SOURCES = tuple(f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}" for name in ("first", "second"))


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path)
    yield running
    running.close()


def test_calls_of_a_service_that_are_alike_keep_their_own_source_and_cause(plane: InProcess) -> None:
    trust = trusting(Service="lambda.amazonaws.com")
    plane.client("iam").create_role(RoleName="app", AssumeRolePolicyDocument=trust)
    params = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/app", "RoleSessionName": "function"}
    for source in SOURCES:
        actor = service_principal("lambda.amazonaws.com", ACCOUNT, source)
        plane.run(plane.node.calls.make(ServiceCall(actor, "sts", "AssumeRole", params, "us-east-1"), f"for {source}"))
    found = [record for record in plane.records() if record.operation == "AssumeRole"]
    assert {(record.source_arn, record.cause) for record in found} == {(arn, f"for {arn}") for arn in SOURCES}

"""Attacks on trails: to switch one off, and to have events lost, or seen by others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import allow, fresh, refused
from support.trails import Deliveries


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test, which has its event history alone."""
    running = InProcess(tmp_path)
    yield running
    running.close()


def made(events: list[dict[str, Any]]) -> list[str]:
    """The names of the users that were created."""
    return sorted(event["requestParameters"]["userName"] for event in events if event["eventName"] == "CreateUser")


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "AWS", ""])
def test_attack_another_partition_does_not_get_around_a_denial(plane: InProcess, partition: str) -> None:
    """What is changed is what the policy was asked about."""
    trail = Deliveries(plane)
    denied = {"Effect": "Deny", "Action": "*", "Resource": trail.arn}
    client = plane.client("cloudtrail", plane.user(fresh("eve"), allow("cloudtrail:*"), denied))
    assert refused(client.stop_logging, Name=trail.arn).code == "AccessDeniedException"
    elsewhere = trail.arn.replace("arn:aws:", f"arn:{partition}:")
    for operation in (client.stop_logging, client.delete_trail, client.update_trail, client.get_trail):
        assert refused(operation, Name=elsewhere).code == "TrailNotFoundException"
    assert trail.status()["IsLogging"] is True

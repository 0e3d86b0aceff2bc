"""Attacks by and on delegated administrators of CloudTrail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.inprocess import InProcess
from support.plane import document, refused
from unit.services.cloudtrail.test_cloudtrail_delegates import MEMBERS, House, store_of


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    running = InProcess(tmp_path / "data")
    yield House(running)
    running.close()


def test_attack_a_sid_of_the_default_policy_in_ones_own_takes_nothing_away(house: House) -> None:
    house.register()
    arn = store_of(house.manager, TerminationProtectionEnabled=False)
    denied = {"Effect": "Deny", "Principal": {"AWS": MEMBERS[0]}, "Action": "cloudtrail:GetEventDataStore"}
    text = document({"Sid": "DelegatedAdministrators", **denied, "Resource": arn})
    house.manager.put_resource_policy(ResourceArn=arn, ResourcePolicy=text)
    changed = house.client().update_event_data_store(EventDataStore=arn, RetentionPeriod=30)
    assert changed["RetentionPeriod"] == 30
    assert refused(house.client().get_event_data_store, EventDataStore=arn).code == "AccessDeniedException"

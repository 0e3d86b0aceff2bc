"""What is announced to an instance, and that nothing is until there is something to announce."""

from __future__ import annotations

import json

import pytest

from locum.core.clock import iso8601
from locum.state import MaintenanceEvent, Notices
from support.metadata import Metadata, instance
from support.one_account import NOW

SOON = int(NOW) + 120


def announcing(**notices: object) -> Metadata:
    return Metadata((instance(notices=Notices(**notices)),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "spot/",
        "spot/instance-action",
        "spot/termination-time",
        "events/recommendations/rebalance",
        "autoscaling/target-lifecycle-state",
    ],
)
def test_nothing_is_announced_to_an_instance_that_is_left_alone(path: str) -> None:
    metadata = announcing()
    assert metadata.get(f"meta-data/{path}", metadata.token()).status == 404


def test_an_interruption_is_announced_with_its_time() -> None:
    metadata = announcing(interruption="terminate", interruption_at=SOON)
    assert json.loads(metadata.text("meta-data/spot/instance-action")) == {
        "action": "terminate",
        "time": iso8601(SOON),
    }
    assert metadata.text("meta-data/spot/termination-time") == iso8601(SOON)


@pytest.mark.parametrize("action", ["stop", "hibernate"])
def test_only_a_termination_has_a_termination_time(action: str) -> None:
    metadata = announcing(interruption=action, interruption_at=SOON)
    assert json.loads(metadata.text("meta-data/spot/instance-action"))["action"] == action
    assert metadata.lines("meta-data/spot/") == ["instance-action"]


def test_a_rebalance_is_recommended() -> None:
    metadata = announcing(rebalance_at=SOON)
    assert json.loads(metadata.text("meta-data/events/recommendations/rebalance")) == {"noticeTime": iso8601(SOON)}


def test_the_target_state_in_the_group_is_told() -> None:
    assert announcing(lifecycle_state="InService").text("meta-data/autoscaling/target-lifecycle-state") == "InService"


def test_maintenance_is_scheduled_until_it_is_history() -> None:
    reboot = MaintenanceEvent(
        id="instance-event-0d59937288b749b32",
        code="system-reboot",
        description="scheduled reboot",
        not_before=1_548_061_243,
        not_after=1_548_062_243,
    )
    stop = MaintenanceEvent(
        id="instance-event-1", code="instance-stop", description="stop", not_before=1_548_061_243, state="canceled"
    )
    metadata = announcing(maintenance=(reboot, stop))
    assert json.loads(metadata.text("meta-data/events/maintenance/scheduled")) == [
        {
            "NotBefore": "21 Jan 2019 09:00:43 GMT",
            "Code": "system-reboot",
            "Description": "scheduled reboot",
            "EventId": "instance-event-0d59937288b749b32",
            "NotAfter": "21 Jan 2019 09:17:23 GMT",
            "State": "active",
        }
    ]
    (past,) = json.loads(metadata.text("meta-data/events/maintenance/history"))
    assert (past["EventId"], past["State"], "NotAfter" in past) == ("instance-event-1", "canceled", False)


def test_what_is_announced_while_it_runs_is_there_with_the_next_request() -> None:
    metadata = announcing()
    metadata.altered(notices=Notices(interruption="stop", interruption_at=SOON))
    assert "spot/" in metadata.lines("meta-data/")
    metadata.altered(notices=Notices())
    assert "spot/" not in metadata.lines("meta-data/")

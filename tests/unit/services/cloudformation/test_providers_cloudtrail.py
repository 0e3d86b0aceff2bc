"""The resource types of CloudTrail Lake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Resource
from support.channels import ACTIVITY
from support.inprocess import InProcess, refusal
from support.remaking import Remaking, own

CHANNEL = "AWS::CloudTrail::Channel"
POLICY = "AWS::CloudTrail::ResourcePolicy"
STORE = "AWS::CloudTrail::EventDataStore"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


@pytest.fixture(scope="module")
def cloudtrail(plane: InProcess) -> Any:
    return plane.client("cloudtrail")


def selecting(*conditions: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}, *conditions]}]


def tags(cloudtrail: Any, arn: str) -> dict[str, str]:
    return own(cloudtrail.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"])


def test_a_store_is_made_changed_and_deleted(cloudtrail: Any, making: Remaking) -> None:
    only_read = selecting({"Field": "readOnly", "Equals": ["true"]})
    made = making.create(
        STORE,
        AdvancedEventSelectors=only_read,
        RetentionPeriod=90,
        TerminationProtectionEnabled=False,
        IngestionEnabled=False,
        MaxEventSize="Large",
        Tags=[{"Key": "a", "Value": "1"}],
    )

    def seen() -> dict[str, Any]:
        found: dict[str, Any] = cloudtrail.get_event_data_store(EventDataStore=made.physical)
        return found

    assert made.attributes["EventDataStoreArn"] == made.physical == seen()["EventDataStoreArn"]
    assert (made.attributes["Status"], seen()["RetentionPeriod"]) == ("STOPPED_INGESTION", 90)
    assert tags(cloudtrail, made.physical) == {"a": "1"}
    assert cloudtrail.get_event_configuration(EventDataStore=made.physical)["MaxEventSize"] == "Large"
    changed = {"Name": "shop-events", "RetentionPeriod": 7, "TerminationProtectionEnabled": False}
    after = making.update(made, **changed, Tags=[{"Key": "b", "Value": "2"}])
    assert (after.attributes["Status"], seen()["RetentionPeriod"], seen()["Name"]) == ("ENABLED", 7, "shop-events")
    assert tags(cloudtrail, made.physical) == {"b": "2"}
    assert cloudtrail.get_event_configuration(EventDataStore=made.physical)["MaxEventSize"] == "Standard"
    making.delete(after)
    making.delete(after)
    assert seen()["Status"] == "PENDING_DELETION"


def test_a_store_that_an_interrupted_creation_has_made_is_found_again(cloudtrail: Any, making: Remaking) -> None:
    made = making.create(STORE, "Again", TerminationProtectionEnabled=False)
    assert making.again(made).physical == made.physical
    making.delete(made)


def test_a_protected_store_is_not_deleted(cloudtrail: Any, making: Remaking) -> None:
    made = making.create(STORE, "Protected")
    with pytest.raises(Fault, match="termination protection"):
        making.delete(made)
    making.delete(making.update(made, TerminationProtectionEnabled=False))
    cloudtrail.restore_event_data_store(EventDataStore=made.physical)
    assert refusal(cloudtrail.restore_event_data_store, EventDataStore=made.physical)[0] == (
        "InvalidEventDataStoreStatusException"
    )
    making.delete(made)


@pytest.fixture(scope="module")
def activity(making: Remaking) -> Iterator[Resource]:
    """A store for events from outside of AWS."""
    made = making.create(STORE, "Activity", AdvancedEventSelectors=[ACTIVITY], TerminationProtectionEnabled=False)
    yield made
    making.delete(made)


def test_a_channel_is_made_changed_and_deleted(cloudtrail: Any, making: Remaking, activity: Resource) -> None:
    places = [{"Type": "EVENT_DATA_STORE", "Location": activity.physical}]
    given = {"Source": "Custom", "Destinations": places}
    made = making.create(CHANNEL, **given, Tags=[{"Key": "a", "Value": "1"}])
    assert made.attributes["ChannelArn"] == made.physical == making.again(made).physical
    assert tags(cloudtrail, made.physical) == {"a": "1"}
    after = making.update(made, **given, Name="events")
    assert cloudtrail.get_channel(Channel=made.physical)["Name"] == "events"
    assert tags(cloudtrail, made.physical) == {}
    making.delete(after)
    making.delete(after)
    assert refusal(cloudtrail.get_channel, Channel=made.physical)[0] == "ChannelNotFoundException"


def test_a_policy_is_put_changed_and_deleted(cloudtrail: Any, making: Remaking, activity: Resource) -> None:
    def given(action: str) -> dict[str, Any]:
        allowed = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Resource": activity.physical}
        statement = {**allowed, "Action": f"cloudtrail:{action}"}
        return {
            "ResourceArn": activity.physical,
            "ResourcePolicy": {"Version": "2012-10-17", "Statement": [statement]},
        }

    def shown() -> str:
        return str(cloudtrail.get_resource_policy(ResourceArn=activity.physical)["ResourcePolicy"])

    made = making.create(POLICY, **given("StartQuery"))
    assert made.physical == activity.physical
    assert "cloudtrail:StartQuery" in shown()
    with pytest.raises(Fault, match="already exists"):
        making.create(POLICY, **given("GetEventDataStore"))
    after = making.update(made, **given("GetEventDataStore"))
    assert "cloudtrail:GetEventDataStore" in shown()
    making.delete(after)
    making.delete(after)
    told = refusal(cloudtrail.get_resource_policy, ResourceArn=activity.physical)
    assert told[0] == "ResourcePolicyNotFoundException"

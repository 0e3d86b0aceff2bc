"""Event data stores: their settings, their states and their quotas, through the whole plane."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.services.cloudtrail.event_data_stores import MOST, MOST_CHANGES, MOST_DELETED
from locum.services.verbs import Outcome
from locum.state import EventDataStore, put
from support.inprocess import InProcess, refusal
from support.plane import allow

MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
READ = {"Field": "readOnly", "Equals": ["true"]}
INSIGHT = {"Field": "eventCategory", "Equals": ["Insight"]}


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "data")
    yield running
    running.close()


@pytest.fixture
def client(plane: InProcess) -> Any:
    return plane.client("cloudtrail")


def made(client: Any, name: str = "store", **params: Any) -> str:
    return str(client.create_event_data_store(Name=name, **params)["EventDataStoreArn"])


def selecting(*statements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"FieldSelectors": list(statements)}]


def test_a_store_has_the_documented_defaults(client: Any) -> None:
    created = client.create_event_data_store(Name="defaults", TagsList=[{"Key": "a", "Value": "b"}])
    assert created["Status"] == "CREATED"
    assert created["TagsList"] == [{"Key": "a", "Value": "b"}]
    shown = client.get_event_data_store(EventDataStore=created["EventDataStoreArn"])
    assert shown["CreatedTimestamp"] == shown["UpdatedTimestamp"]
    assert {name: shown[name] for name in ("Name", "Status", "RetentionPeriod", "BillingMode")} == {
        "Name": "defaults",
        "Status": "ENABLED",
        "RetentionPeriod": 366,
        "BillingMode": "EXTENDABLE_RETENTION_PRICING",
    }
    assert (shown["MultiRegionEnabled"], shown["OrganizationEnabled"]) == (True, False)
    assert shown["TerminationProtectionEnabled"] is True
    assert shown["AdvancedEventSelectors"][0]["FieldSelectors"] == [MANAGEMENT]
    (listed,) = client.list_event_data_stores()["EventDataStores"]
    assert listed == {"EventDataStoreArn": created["EventDataStoreArn"], "Name": "defaults"}
    fixed = made(client, "fixed", BillingMode="FIXED_RETENTION_PRICING", StartIngestion=False)
    shown = client.get_event_data_store(EventDataStore=fixed.rpartition("/")[2])
    assert (shown["RetentionPeriod"], shown["Status"]) == (2557, "STOPPED_INGESTION")


def test_settings_are_changed_one_by_one(client: Any) -> None:
    store = made(client)
    changes: list[dict[str, Any]] = [
        {"Name": "renamed"},
        {"RetentionPeriod": 7},
        {"MultiRegionEnabled": False},
        {"TerminationProtectionEnabled": False},
        {"AdvancedEventSelectors": selecting(MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]})},
    ]
    for change in changes:
        before = client.get_event_data_store(EventDataStore=store)
        client.update_event_data_store(EventDataStore=store, **change)
        after = client.get_event_data_store(EventDataStore=store)
        kept = before.keys() - change.keys() - {"UpdatedTimestamp", "ResponseMetadata"}
        assert {name: after[name] for name in change} == change
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_a_store_is_deleted_after_seven_days_and_restored_before(client: Any) -> None:
    store = made(client)
    assert refusal(client.delete_event_data_store, EventDataStore=store)[0] == (
        "EventDataStoreTerminationProtectedException"
    )
    client.update_event_data_store(EventDataStore=store, TerminationProtectionEnabled=False)
    client.delete_event_data_store(EventDataStore=store)
    assert client.get_event_data_store(EventDataStore=store)["Status"] == "PENDING_DELETION"
    for call, code in (
        (client.delete_event_data_store, "InactiveEventDataStoreException"),
        (client.start_event_data_store_ingestion, "InvalidEventDataStoreStatusException"),
        (client.stop_event_data_store_ingestion, "InvalidEventDataStoreStatusException"),
    ):
        assert refusal(call, EventDataStore=store)[0] == code
    assert refusal(client.update_event_data_store, EventDataStore=store, RetentionPeriod=9)[0] == (
        "InactiveEventDataStoreException"
    )
    assert refusal(client.create_event_data_store, Name="store")[0] == "EventDataStoreAlreadyExistsException"
    assert client.restore_event_data_store(EventDataStore=store)["Status"] == "ENABLED"
    assert refusal(client.restore_event_data_store, EventDataStore=store)[0] == "InvalidEventDataStoreStatusException"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"KmsKeyId": "alias/a"}, "UnsupportedOperationException"),
        ({"RetentionPeriod": 2558, "BillingMode": "FIXED_RETENTION_PRICING"}, "InvalidParameterException"),
        ({"OrganizationEnabled": True}, "OrganizationsNotInUseException"),
        ({"TagsList": [{"Key": "aws:a", "Value": "b"}]}, "InvalidTagParameterException"),
        ({"TagsList": [{"Key": "a", "Value": "b"}] * 2}, "InvalidTagParameterException"),
        ({"TagsList": [{"Key": str(n), "Value": "b"} for n in range(51)]}, "TagsLimitExceededException"),
        ({"AdvancedEventSelectors": selecting(MANAGEMENT) * 6}, "InvalidEventSelectorsException"),
        ({"AdvancedEventSelectors": []}, "InvalidEventSelectorsException"),
        ({"AdvancedEventSelectors": selecting(READ)}, "InvalidEventSelectorsException"),
        ({"AdvancedEventSelectors": selecting(INSIGHT)}, "UnsupportedOperationException"),
    ],
)  # fmt: skip
def test_what_a_store_cannot_be_is_refused(client: Any, params: dict[str, Any], code: str) -> None:
    assert refusal(client.create_event_data_store, Name="refused", **params)[0] == code
    assert client.list_event_data_stores()["EventDataStores"] == []


def test_an_update_of_nothing_and_a_cheaper_billing_mode_are_refused(client: Any) -> None:
    store = made(client)
    for params in ({}, {"BillingMode": "FIXED_RETENTION_PRICING"}):
        assert refusal(client.update_event_data_store, EventDataStore=store, **params)[0] == "InvalidParameterException"


def test_attack_more_stores_than_the_quota(plane: InProcess, client: Any) -> None:
    stores = [made(client, f"store-{n}", TerminationProtectionEnabled=False) for n in range(MOST)]
    code = "EventDataStoreMaxLimitExceededException"
    assert refusal(client.create_event_data_store, Name="more")[0] == code
    made(plane.client("cloudtrail", region="eu-west-1"))
    client.delete_event_data_store(EventDataStore=stores[0])
    made(client, "more")
    assert refusal(client.restore_event_data_store, EventDataStore=stores[0])[0] == code


def test_attack_stores_are_made_and_deleted_without_end(plane: InProcess, client: Any) -> None:
    store = made(client, TerminationProtectionEnabled=False)
    ledger = plane.node.runtime.ledger
    (found,) = ledger.state.every(EventDataStore)
    fields: dict[str, Any] = {
        "account": found.account,
        "region": found.region,
        "created": 1.0,
        "updated": 1.0,
        "selectors": (),
    }
    waiting = [
        EventDataStore(id=f"{n:036}", name=str(n), retention=7, billing="", deleted=found.created, **fields)
        for n in range(MOST_DELETED)
    ]
    plane.run(ledger.transact(lambda _state: Outcome({}, tuple(map(put, waiting))), lambda _outcome: ()))
    for call, params in (
        (client.delete_event_data_store, {"EventDataStore": store}),
        (client.create_event_data_store, {"Name": "more"}),
    ):
        assert refusal(call, **params)[0] == "EventDataStoreMaxLimitExceededException"


def test_attack_settings_are_changed_without_end(plane: InProcess, client: Any) -> None:
    store = made(client)
    for number in range(MOST_CHANGES):
        client.update_event_data_store(EventDataStore=store, MultiRegionEnabled=bool(number % 2))
    assert refusal(client.stop_event_data_store_ingestion, EventDataStore=store)[0] == "OperationNotPermittedException"
    (found,) = plane.node.ledger.state.every(EventDataStore)
    assert len(found.past) == MOST_CHANGES


def test_attack_a_store_of_another_account_is_not_there(plane: InProcess, client: Any) -> None:
    store = made(client)
    other = plane.client("cloudtrail", plane.account("111122223333"))
    assert other.list_event_data_stores()["EventDataStores"] == []
    assert refusal(other.get_event_data_store, EventDataStore=store)[0] == "AccessDeniedException"
    assert (
        refusal(other.get_event_data_store, EventDataStore=store.rpartition("/")[2])[0]
        == "EventDataStoreNotFoundException"
    )


def test_attack_a_denied_store_is_denied_by_its_arn_and_its_id(plane: InProcess, client: Any) -> None:
    store, open_store = made(client, "denied"), made(client, "allowed")
    key = plane.user(
        "auditor",
        {"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "cloudtrail:*", "Resource": store},
    )
    auditor = plane.client("cloudtrail", key)
    assert auditor.get_event_data_store(EventDataStore=open_store)["Name"] == "allowed"
    for name in (store, store.rpartition("/")[2]):
        for call in (
            auditor.get_event_data_store,
            auditor.delete_event_data_store,
            auditor.restore_event_data_store,
            auditor.start_event_data_store_ingestion,
            auditor.stop_event_data_store_ingestion,
            auditor.list_queries,
        ):
            assert refusal(call, EventDataStore=name)[0] == "AccessDeniedException"
    assert refusal(auditor.list_tags, ResourceIdList=[open_store, store])[0] == "AccessDeniedException"
    assert refusal(auditor.add_tags, ResourceId=store, TagsList=[{"Key": "a"}])[0] == "AccessDeniedException"


def test_attack_tags_at_creation_take_the_permission_to_tag(plane: InProcess) -> None:
    creator = plane.client(
        "cloudtrail",
        plane.user("creator", {"Effect": "Allow", "Action": "cloudtrail:CreateEventDataStore", "Resource": "*"}),
    )
    made(creator, "plain")
    refused = refusal(creator.create_event_data_store, Name="tagged", TagsList=[{"Key": "a", "Value": "b"}])
    assert (refused[0], "cloudtrail:AddTags" in refused[2]) == ("AccessDeniedException", True)


def test_stores_outlive_a_restart(plane: InProcess, client: Any) -> None:
    selectors = selecting(MANAGEMENT, {"Field": "eventName", "NotStartsWith": ["List"]})
    store = made(client, AdvancedEventSelectors=selectors)
    before = client.get_event_data_store(EventDataStore=store)
    plane.close()
    plane.start()
    after = plane.client("cloudtrail").get_event_data_store(EventDataStore=store)
    assert json.dumps(before | {"ResponseMetadata": 0}, default=str) == json.dumps(
        after | {"ResponseMetadata": 0}, default=str
    )


def test_the_event_configuration_is_kept_and_what_would_not_be_done_is_refused(client: Any) -> None:
    store = made(client)
    named = {"EventDataStore": store}
    shown = client.put_event_configuration(**named, MaxEventSize="Large")
    assert (shown["EventDataStoreArn"], shown["MaxEventSize"], shown["ContextKeySelectors"]) == (store, "Large", [])
    assert client.get_event_configuration(EventDataStore=store.rpartition("/")[2])["MaxEventSize"] == "Large"
    for params, code in (
        ({**named, "ContextKeySelectors": [{"Type": "TagContext", "Equals": ["a"]}]}, "UnsupportedOperationException"),
        ({**named, "TrailName": "both"}, "InvalidParameterCombinationException"),
        ({**named, "AggregationConfigurations": []}, "InvalidParameterCombinationException"),
        ({"TrailName": "nothing"}, "TrailNotFoundException"),
        ({}, "InvalidParameterCombinationException"),
    ):
        assert refusal(client.put_event_configuration, **params)[0] == code
    assert client.get_event_configuration(**named)["ContextKeySelectors"] == []


def test_attack_a_denial_of_the_event_configuration_stands_for_each_name(plane: InProcess, client: Any) -> None:
    store = made(client)
    denied = {"Effect": "Deny", "Action": "*", "Resource": store}
    eve = plane.client("cloudtrail", plane.user("eve", allow("cloudtrail:*"), denied))
    for name in (store, store.rpartition("/")[2]):
        told = refusal(eve.put_event_configuration, EventDataStore=name, MaxEventSize="Large")
        assert told[0] == "AccessDeniedException"
    assert client.get_event_configuration(EventDataStore=store)["MaxEventSize"] == "Standard"

"""Channels of CloudTrail Lake and resource policies, through the whole plane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.channels import ACTIVITY, Channels
from support.inprocess import InProcess, refusal
from support.plane import allow, document, fresh, refused

MEMBER = "444455556666"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "data")
    yield running
    running.close()


@pytest.fixture
def channels(plane: InProcess) -> Channels:
    return Channels(plane)


def place(channels: Channels, store: str) -> list[dict[str, str]]:
    return [{"Type": "EVENT_DATA_STORE", "Location": channels.arn_of(store)}]


def test_a_channel_is_made_changed_and_deleted(channels: Channels) -> None:
    client, other = channels.cloudtrail, channels.store_for("other")
    tags = [{"Key": "a", "Value": "b"}]
    arn = channels.channel("okta", "OktaSystemLogEvents", other, Tags=tags)
    shown = client.get_channel(Channel=arn.rpartition("/")[2])
    assert (shown["Name"], shown["Source"], shown["Destinations"]) == (
        "okta",
        "OktaSystemLogEvents",
        place(channels, other),
    )
    assert client.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"] == tags
    client.remove_tags(ResourceId=arn, TagsList=[{"Key": "a"}])
    client.update_channel(Channel=arn, Name="renamed", Destinations=place(channels, channels.store))
    shown = client.get_channel(Channel=arn)
    assert (shown["Name"], shown["Destinations"]) == ("renamed", place(channels, channels.store))
    listed = [(it["Name"], it["ChannelArn"]) for it in client.list_channels()["Channels"]]
    assert sorted(listed) == [("events", channels.arn), ("renamed", arn)]
    client.delete_channel(Channel=arn)
    assert refusal(client.get_channel, Channel=arn)[0] == "ChannelNotFoundException"
    assert client.list_tags(ResourceIdList=[channels.arn])["ResourceTagList"][0]["TagsList"] == []


def test_what_a_channel_cannot_be_is_refused(channels: Channels) -> None:
    client = channels.cloudtrail
    managed = client.create_event_data_store(Name="managed")["EventDataStoreArn"]
    wanted = {"Name": "refused", "Source": "GitHub", "Destinations": place(channels, channels.store)}
    for change, code in (
        ({"Source": "Nobody"}, "InvalidSourceException"),
        ({"Source": "Custom"}, "ChannelAlreadyExistsException"),
        ({"Name": "events"}, "ChannelAlreadyExistsException"),
        ({"Destinations": [{"Type": "AWS_SERVICE", "Location": "ssm"}]}, "InvalidParameterException"),
        (
            {"Destinations": [{"Type": "EVENT_DATA_STORE", "Location": managed}]},
            "InvalidEventDataStoreCategoryException",
        ),
        ({"Destinations": place(channels, "0f3c1a2b-1111-2222-3333-444455556666")}, "EventDataStoreNotFoundException"),
        ({"Tags": [{"Key": "aws:a", "Value": "b"}]}, "InvalidTagParameterException"),
    ):
        assert refusal(client.create_channel, **{**wanted, **change})[0] == code
    assert refusal(client.get_channel, Channel="a/b")[0] == "ChannelARNInvalidException"
    assert len(client.list_channels()["Channels"]) == 1


def test_a_store_of_a_channel_is_not_deleted(channels: Channels) -> None:
    client, store = channels.cloudtrail, channels.store
    assert refusal(client.delete_event_data_store, EventDataStore=store)[0] == "ChannelExistsForEDSException"
    client.delete_channel(Channel=channels.arn)
    client.delete_event_data_store(EventDataStore=store)
    gone = refusal(client.create_channel, Name="new", Source="Custom", Destinations=place(channels, store))
    assert gone[0] == "InactiveEventDataStoreException"


def test_a_store_for_events_from_outside_has_no_others(channels: Channels) -> None:
    client = channels.cloudtrail
    managed = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
    both = {"Name": "both", "AdvancedEventSelectors": [ACTIVITY, managed]}
    assert refusal(client.create_event_data_store, **both)[0] == "InvalidEventSelectorsException"
    changed = refusal(client.update_event_data_store, EventDataStore=channels.store, AdvancedEventSelectors=[managed])
    assert changed[0] == "InvalidEventSelectorsException"
    for call in (client.stop_event_data_store_ingestion, client.start_event_data_store_ingestion):
        assert refusal(call, EventDataStore=channels.store)[0] == "InvalidEventDataStoreCategoryException"


def policy(channels: Channels, principal: Any, **members: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "cloudtrail-data:PutAuditEvents"}
    return document({**statement, "Resource": channels.arn, **members})


def test_a_policy_is_put_shown_and_deleted(plane: InProcess, channels: Channels) -> None:
    client, named = channels.cloudtrail, {"ResourceArn": channels.arn}
    assert refusal(client.get_resource_policy, **named)[0] == "ResourcePolicyNotFoundException"
    plane.user("joe")
    arn = "arn:aws:iam::000000000000:user/joe"
    text = policy(channels, {"AWS": arn})
    assert arn in client.put_resource_policy(**named, ResourcePolicy=text)["ResourcePolicy"]
    assert arn in client.get_resource_policy(**named)["ResourcePolicy"]
    iam = plane.client("iam")
    for name in iam.list_access_keys(UserName="joe")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="joe", AccessKeyId=name["AccessKeyId"])
    iam.delete_user(UserName="joe")
    assert arn not in client.get_resource_policy(**named)["ResourcePolicy"]
    client.delete_resource_policy(**named)
    assert refusal(client.delete_resource_policy, **named)[0] == "ResourcePolicyNotFoundException"


def test_a_policy_that_does_not_fit_is_refused(channels: Channels) -> None:
    client, anybody = channels.cloudtrail, {"AWS": MEMBER}
    store = channels.arn_of(channels.store)
    many = [{"Effect": "Allow", "Principal": anybody, "Action": "cloudtrail-data:PutAuditEvents"}] * 21
    for text in (
        "{",
        policy(channels, {"AWS": "arn:aws:iam::000000000000:user/nobody"}),
        policy(channels, anybody, Action="cloudtrail:GetChannel"),
        policy(channels, anybody, Action="*"),
        policy(channels, anybody, Resource="*"),
        policy(channels, anybody, Resource=store),
        policy(channels, {"AWS": [f"{100000000000 + n}" for n in range(51)]}),
        document(*({**statement, "Resource": channels.arn} for statement in many)),
    ):
        told = refusal(client.put_resource_policy, ResourceArn=channels.arn, ResourcePolicy=text)
        assert told[0] == "ResourcePolicyNotValidException", text
    for arn, code in (
        ("arn:aws:cloudtrail:us-east-1:000000000000:trail/all", "ResourceTypeNotSupportedException"),
        ("arn:aws:cloudtrail:us-east-1:000000000000:dashboard/all", "ResourceNotFoundException"),
        (f"{channels.arn}0", "ResourceNotFoundException"),
        (channels.store, "ResourceARNNotValidException"),
    ):
        told = refusal(client.put_resource_policy, ResourceArn=arn, ResourcePolicy=policy(channels, anybody))
        assert told[0] == code
    assert refusal(client.get_resource_policy, ResourceArn=channels.arn)[0] == "ResourcePolicyNotFoundException"


def test_the_policy_of_a_store_lets_another_account_ask(plane: InProcess, channels: Channels) -> None:
    client, key = channels.cloudtrail, plane.account(MEMBER)
    store = client.create_event_data_store(Name="shared")["EventDataStoreArn"]
    name, theirs = store.rpartition("/")[2], plane.client("cloudtrail", key)
    asked = {"QueryStatement": f"SELECT eventName FROM {name}", "EventDataStoreOwnerAccountId": "000000000000"}
    assert refused(theirs.start_query, **asked).code == "AccessDeniedException"
    statement = {"Effect": "Allow", "Principal": {"AWS": MEMBER}, "Resource": store}
    actions = ["cloudtrail:StartQuery", "cloudtrail:GetQueryResults", "cloudtrail:Put*"]
    client.put_resource_policy(ResourceArn=store, ResourcePolicy=document({**statement, "Action": actions}))
    query = theirs.start_query(**asked)["QueryId"]
    plane.run(plane.node.lake.runner.settled())
    owner = {"EventDataStoreOwnerAccountId": "000000000000"}
    assert theirs.get_query_results(QueryId=query, **owner)["QueryResultRows"]
    for call, params in (
        (theirs.describe_query, {"QueryId": query, **owner}),
        (theirs.get_event_data_store, {"EventDataStore": store}),
        (theirs.delete_event_data_store, {"EventDataStore": store}),
        (theirs.put_resource_policy, {"ResourceArn": store, "ResourcePolicy": "{}"}),
    ):
        assert refused(call, **params).code == "AccessDeniedException"


def test_attack_a_query_on_what_is_not_shared_is_not_read_beside_what_is(plane: InProcess, channels: Channels) -> None:
    """The ARN of a store that is shared does not open the result of a query that reads another one as well."""
    client, key = channels.cloudtrail, plane.account(MEMBER)
    shared = client.create_event_data_store(Name="shared")["EventDataStoreArn"]
    secret = client.create_event_data_store(Name="secret")["EventDataStoreArn"]
    statement = {"Effect": "Allow", "Principal": {"AWS": MEMBER}, "Resource": shared, "Action": "cloudtrail:*"}
    client.put_resource_policy(ResourceArn=shared, ResourcePolicy=document(statement))
    one, two = (arn.rpartition("/")[2] for arn in (shared, secret))
    query = channels.lake.ended(f"SELECT a.eventID FROM {one} a, {two} b")
    theirs = plane.client("cloudtrail", key)
    told = refused(theirs.get_query_results, EventDataStore=shared, QueryId=query)
    assert told.code == "AccessDeniedException"


@pytest.mark.parametrize("named", ["arn", "id"])
def test_attack_no_name_of_a_channel_gets_around_a_denial(plane: InProcess, channels: Channels, named: str) -> None:
    denied = {"Effect": "Deny", "Action": "*", "Resource": channels.arn}
    client = plane.client("cloudtrail", plane.user(fresh("eve"), allow("cloudtrail:*"), denied))
    name = channels.arn if named == "arn" else channels.arn.rpartition("/")[2]
    assert refused(client.get_channel, Channel=name).code == "AccessDeniedException"
    assert refused(client.delete_channel, Channel=name).code == "AccessDeniedException"
    elsewhere = channels.arn.replace("arn:aws:", "arn:aws-cn:")
    assert refused(client.delete_channel, Channel=elsewhere).code == "ChannelARNInvalidException"

"""DynamoDB: tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.steps import truth, without
from locum.services.cloudformation.providers.table import (
    Call,
    Change,
    Each,
    Listing,
    Name,
    Part,
    Row,
    Shown,
    Tags,
    Wait,
    provider,
)

_TABLE: Final = {"TableName": "{id}"}
_ARN: Final = {"ResourceArn": "{attr.Arn}"}
_STREAM: Final = {"ResourceArn": "{r.Table.LatestStreamArn|attr.StreamArn}"}
_THROUGHPUT: Final = ("ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput")


def _shaped(properties: Properties) -> Properties:
    """The properties as the API has them; those that are lists of one item are put by a call for the item."""
    found = {name: _SHAPES[name](value) if name in _SHAPES else value for name, value in properties.items()}
    stream = found.pop("StreamSpecification", None)
    if stream is not None:
        found["StreamSpecification"] = [{"StreamEnabled": True, **without(stream, ["ResourcePolicy"])}]
        if "ResourcePolicy" in stream:
            found["StreamPolicy"] = [{**stream["ResourcePolicy"], "View": stream.get("StreamViewType")}]
    insights = [_insights(index) for index in found.get("GlobalSecondaryIndexes", ())]
    if any(insights):
        found["IndexInsights"] = [item for item in insights if item]
        found["GlobalSecondaryIndexes"] = [without(index, [_INSIGHTS]) for index in found["GlobalSecondaryIndexes"]]
    own = found.pop(_INSIGHTS, None)
    if own and truth(own.get("Enabled")):
        found["Insights"] = {"Mode": own.get("Mode")}
    return found


_INSIGHTS: Final = "ContributorInsightsSpecification"


def _insights(index: Mapping[str, Any]) -> dict[str, Any]:
    given = index.get(_INSIGHTS, {})
    return {"IndexName": index["IndexName"], "Mode": given.get("Mode")} if truth(given.get("Enabled")) else {}


def _encryption(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"Enabled" if name == "SSEEnabled" else name: value for name, value in given.items()}


_SHAPES: Final[dict[str, Callable[[Any], Any]]] = {
    "KinesisStreamSpecification": lambda given: [given],
    "ResourcePolicy": lambda given: given["PolicyDocument"],
    "SSESpecification": _encryption,
}

_FLOWS: Final = {**_TABLE, "StreamArn": "{item.StreamArn}"}
_PRECISION: Final = {"ApproximateCreationDateTimePrecision": "{item.ApproximateCreationDateTimePrecision}"}
_WATCHED: Final = {**_TABLE, "IndexName": "{item.IndexName}"}


def _insight(action: str, given: Mapping[str, str]) -> Call:
    mode = {"ContributorInsightsMode": "{p.Insights.Mode}"} if action == "ENABLE" and given is _TABLE else {}
    return Call("UpdateContributorInsights", {**given, "ContributorInsightsAction": action, **mode})


def _index_update(**what: Any) -> Call:
    return Call("UpdateTable", {**_TABLE, "GlobalSecondaryIndexUpdates": [what]}, "AttributeDefinitions")


_SETTINGS: Final = (
    Change(
        Call("UpdateTable", _TABLE, "BillingMode ProvisionedThroughput"),
        defaults={"BillingMode": "PROVISIONED"},
    ),
    Change(Call("UpdateTable", _TABLE, "OnDemandThroughput")),
    Change(Call("UpdateTable", _TABLE, "WarmThroughput")),
    Change(Call("UpdateTable", _TABLE, "SSESpecification"), defaults={"SSESpecification": {"Enabled": False}}),
    Change(Call("UpdateTable", _TABLE, "TableClass"), defaults={"TableClass": "STANDARD"}),
    Change(Call("UpdateTable", _TABLE, "DeletionProtectionEnabled"), defaults={"DeletionProtectionEnabled": False}),
    Change(
        Call("UpdateTimeToLive", _TABLE, "TimeToLiveSpecification"),
        removed=Call(
            "UpdateTimeToLive",
            {
                **_TABLE,
                "TimeToLiveSpecification": {
                    "AttributeName": "{p.TimeToLiveSpecification.AttributeName}",
                    "Enabled": False,
                },
            },
        ),
        at_creation=True,
    ),
    Change(
        Call("UpdateContinuousBackups", _TABLE, "PointInTimeRecoverySpecification"),
        defaults={"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}},
        at_creation=True,
    ),
    Change(
        Call("PutResourcePolicy", _ARN, "Policy=ResourcePolicy"),
        removed=Call("DeleteResourcePolicy", _ARN),
        at_creation=True,
    ),
    Change(_insight("ENABLE", _TABLE), on="Insights", removed=_insight("DISABLE", _TABLE), at_creation=True),
)

_ITEMS: Final = (
    Each(
        "StreamSpecification",
        Call("UpdateTable", {**_TABLE, "StreamSpecification": "{item}"}),
        Call("UpdateTable", {**_TABLE, "StreamSpecification": {"StreamEnabled": False}}),
        key="stream",
        apart=False,
        replaced=True,
    ),
    Each(
        "StreamPolicy",
        Call("PutResourcePolicy", {**_STREAM, "Policy": "{item.PolicyDocument}"}),
        Call("DeleteResourcePolicy", _STREAM),
        key="policy",
        goes=True,
    ),
    Each(
        "GlobalSecondaryIndexes",
        _index_update(Create="{item}"),
        _index_update(Delete={"IndexName": "{item.IndexName}"}),
        key="{item.IndexName}",
        apart=False,
        replaced=True,
        change=_index_update(
            Update={"IndexName": "{item.IndexName}", **{name: f"{{item.{name}}}" for name in _THROUGHPUT}}
        ),
        varying=frozenset(_THROUGHPUT),
    ),
    Each(
        "KinesisStreamSpecification",
        Call("EnableKinesisStreamingDestination", {**_FLOWS, "EnableKinesisStreamingConfiguration": _PRECISION}),
        Call("DisableKinesisStreamingDestination", _FLOWS),
        key="{item.StreamArn}",
        goes=True,
        replaced=True,
    ),
    Each(
        "IndexInsights",
        _insight("ENABLE", {**_WATCHED, "ContributorInsightsMode": "{item.Mode}"}),
        _insight("DISABLE", _WATCHED),
        key="{item.IndexName}",
        goes=True,
    ),
)

_ENABLED: Final = ("ENABLED", "ENABLING", "UPDATING")


def _billing(table: Mapping[str, Any]) -> str:
    """The billing mode, which a table shows that ever had another one than the default."""
    return str((table.get("BillingModeSummary") or {}).get("BillingMode") or "PROVISIONED")


def _shown_encryption(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "SSEEnabled": shown.get("Status") in _ENABLED,
        "SSEType": shown.get("SSEType"),
        "KMSMasterKeyId": shown.get("KMSMasterKeyArn"),
    }


TABLES: Final = Row(
    service="dynamodb",
    create=Call(
        "CreateTable",
        {"StreamSpecification": "{p.StreamSpecification.0}"},
        "AttributeDefinitions BillingMode DeletionProtectionEnabled GlobalSecondaryIndexes KeySchema "
        "LocalSecondaryIndexes OnDemandThroughput ProvisionedThroughput SSESpecification TableClass VectorIndexes "
        "WarmThroughput",
    ),
    name=Name("TableName", 255),
    tags=Tags(
        add=Call("TagResource", {**_ARN, "Tags": "{tags}"}),
        remove=Call("UntagResource", {**_ARN, "TagKeys": "{keys}"}),
    ),
    exists=frozenset({"ResourceInUseException"}),
    read=Call("DescribeTable", {"TableName": "{id|name}"}),
    physical="{name}",
    attributes={"Arn": "{r.Table.TableArn}", "StreamArn": "{r.Table.LatestStreamArn}"},
    settings=_SETTINGS,
    items=_ITEMS,
    ready=Wait("Table.TableStatus", frozenset({"ACTIVE"})),
    gone=Wait("Table.TableStatus", frozenset()),
    deletes=(Call("DeleteTable", _TABLE),),
    shaped=_shaped,
    unused=frozenset({"AttributeDefinitions"}),
    shown=Shown(
        members={"StreamSpecification": {"StreamViewType": "{it.StreamSpecification.StreamViewType}"}},
        parts=(
            Part("BillingMode", path="Table", item=_billing),
            Part("SSESpecification", path="Table.SSEDescription", item=_shown_encryption),
            Part("Tags", Call("ListTagsOfResource", {"ResourceArn": "{attr.Arn}"}), "Tags"),
            Part(
                "TimeToLiveSpecification",
                Call("DescribeTimeToLive", _TABLE),
                "TimeToLiveDescription",
                lambda it: {
                    "AttributeName": it.get("AttributeName"),
                    "Enabled": it.get("TimeToLiveStatus") in _ENABLED,
                },
            ),
            Part(
                "PointInTimeRecoverySpecification",
                Call("DescribeContinuousBackups", _TABLE),
                "ContinuousBackupsDescription.PointInTimeRecoveryDescription",
                lambda it: {
                    "PointInTimeRecoveryEnabled": it.get("PointInTimeRecoveryStatus") in _ENABLED,
                    "RecoveryPeriodInDays": it.get("RecoveryPeriodInDays"),
                },
            ),
        ),
        lists=Listing(Call("ListTables"), "TableNames"),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::DynamoDB::Table": provider(TABLES)}

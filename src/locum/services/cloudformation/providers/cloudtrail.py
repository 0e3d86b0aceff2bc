"""Trails of CloudTrail."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.steps import lenient, truth, without
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Tags, provider

_ID: Final = {"TrailName": "{id}"}
_TOLD: Final = (
    "CloudWatchLogsLogGroupArn CloudWatchLogsRoleArn EnableLogFileValidation IncludeGlobalServiceEvents "
    "IsMultiRegionTrail IsOrganizationTrail KmsKeyId=KMSKeyId S3BucketName S3KeyPrefix SnsTopicName"
)


def _switched(properties: Properties) -> Properties:
    """The properties, of which `IsLogging` is there where it is true."""
    return properties if truth(properties.get("IsLogging")) else without(properties, ("IsLogging",))


_TRAIL: Final = Row(
    "cloudtrail",
    Call("CreateTrail", takes=_TOLD),
    "{name}",
    (Call("DeleteTrail", {"Name": "{id}"}),),
    attributes={
        "Arn": "{r.trailList.0.TrailARN}",
        "SnsTopicArn": "{r.trailList.0.SnsTopicARN}",
    },
    name=Name("TrailName", 128, member="Name"),
    tags=Tags(
        Call("AddTags", {"ResourceId": "{attr.Arn}", "TagsList": "{tags}"}),
        Call("RemoveTags", {"ResourceId": "{attr.Arn}", "TagsList": "{tags}"}),
        member="TagsList",
    ),
    read=Call("DescribeTrails", {"trailNameList": ["{id|name}"]}),
    exists=frozenset({"TrailAlreadyExistsException"}),
    settings=(
        Change(
            Call("UpdateTrail", {"Name": "{id}"}, _TOLD),
            defaults={
                "CloudWatchLogsLogGroupArn": "",
                "CloudWatchLogsRoleArn": "",
                "EnableLogFileValidation": False,
                "IncludeGlobalServiceEvents": True,
                "IsMultiRegionTrail": False,
                "IsOrganizationTrail": False,
                "KMSKeyId": "",
                "S3KeyPrefix": "",
                "SnsTopicName": "",
            },
        ),
        Change(
            Call("PutEventSelectors", _ID, "AdvancedEventSelectors EventSelectors"),
            removed=Call(
                "PutEventSelectors",
                {**_ID, "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]},
            ),
            at_creation=True,
        ),
        Change(
            Call("PutInsightSelectors", _ID, "InsightSelectors"),
            defaults={"InsightSelectors": []},
            at_creation=True,
        ),
        Change(
            Call("StartLogging", {"Name": "{id}"}),
            on="IsLogging",
            removed=Call("StopLogging", {"Name": "{id}"}),
            at_creation=True,
        ),
    ),
    shaped=_switched,
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::CloudTrail::Trail": lenient(provider(_TRAIL), "TrailNotFoundException")}

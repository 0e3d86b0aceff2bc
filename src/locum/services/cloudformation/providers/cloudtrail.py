"""CloudTrail: trails, event data stores, channels, and the resource policies of those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Made, Properties, Provider, Request, Resource, Work
from locum.services.cloudformation.providers.guards import new_only
from locum.services.cloudformation.providers.steps import lenient, truth, without
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider
from locum.services.cloudformation.providers.templates import filled

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

_STORE: Final = {"EventDataStore": "{id}"}
_SETTINGS: Final = (
    "AdvancedEventSelectors BillingMode KmsKeyId MultiRegionEnabled OrganizationEnabled RetentionPeriod "
    "TerminationProtectionEnabled"
)
_TAGS: Final = Tags(
    Call("AddTags", {"ResourceId": "{id}", "TagsList": "{tags}"}),
    Call("RemoveTags", {"ResourceId": "{id}", "TagsList": "{tags}"}),
)


def _stopped(properties: Properties) -> Properties:
    """The properties, of which `IngestionEnabled` is there where it is false."""
    taken_in = truth(properties.get("IngestionEnabled", True))
    return without(properties, ("IngestionEnabled",)) if taken_in else {**properties, "IngestionEnabled": False}


def _takes_in(item: Mapping[str, Any]) -> bool:
    """Whether a store takes in events, as a template would have it."""
    return bool(item["Status"] != "STOPPED_INGESTION")


_STORES: Final = Row(
    "cloudtrail",
    Call("CreateEventDataStore", takes=f"{_SETTINGS} StartIngestion=IngestionEnabled"),
    "{c.EventDataStoreArn}",
    (Call("DeleteEventDataStore", _STORE),),
    attributes={
        "EventDataStoreArn": "{id}",
        "CreatedTimestamp": "{r.CreatedTimestamp}",
        "UpdatedTimestamp": "{r.UpdatedTimestamp}",
        "Status": "{r.Status}",
    },
    name=Name("Name", 128),
    tags=_TAGS._replace(member="TagsList"),
    read=Call("GetEventDataStore", _STORE),
    settings=(
        Change(
            Call("UpdateEventDataStore", _STORE, f"{_SETTINGS} Name"),
            defaults={"MultiRegionEnabled": True, "OrganizationEnabled": False, "TerminationProtectionEnabled": True},
        ),
        Change(
            Call("PutEventConfiguration", _STORE, "ContextKeySelectors MaxEventSize"),
            defaults={"ContextKeySelectors": [], "MaxEventSize": "Standard"},
            at_creation=True,
        ),
        Change(
            Call("StopEventDataStoreIngestion", _STORE),
            on="IngestionEnabled",
            removed=Call("StartEventDataStoreIngestion", _STORE),
        ),
    ),
    shaped=_stopped,
    shown=Shown(
        at="",
        parts=(
            Part("IngestionEnabled", item=_takes_in),
            Part("Tags", Call("ListTags", {"ResourceIdList": ["{id}"]}), "ResourceTagList.0.TagsList"),
        ),
        ended={"Status": "PENDING_DELETION"},
        lists=Listing(Call("ListEventDataStores"), "EventDataStores", "{item.EventDataStoreArn}"),
    ),
)


_CHANNEL: Final = {"Channel": "{id}"}
_CHANNELS: Final = Row(
    "cloudtrail",
    Call("CreateChannel", takes="Destinations Source"),
    "{c.ChannelArn}",
    (Call("DeleteChannel", _CHANNEL),),
    attributes={"ChannelArn": "{id}"},
    name=Name("Name", 128),
    tags=_TAGS,
    settings=(Change(Call("UpdateChannel", _CHANNEL, "Destinations Name")),),
    shown=Shown(
        Call("GetChannel", _CHANNEL),
        "",
        parts=(Part("Tags", Call("ListTags", {"ResourceIdList": ["{id}"]}), "ResourceTagList.0.TagsList"),),
        lists=Listing(Call("ListChannels"), "Channels", "{item.ChannelArn}"),
    ),
)

_RESOURCE: Final = {"ResourceArn": "{id}"}
_POLICIES: Final = Row(
    "cloudtrail",
    Call("PutResourcePolicy", takes="ResourceArn ResourcePolicy"),
    "{p.ResourceArn}",
    (Call("DeleteResourcePolicy", _RESOURCE),),
    settings=(Change(Call("PutResourcePolicy", _RESOURCE, "ResourcePolicy")),),
    shown=Shown(Call("GetResourcePolicy", _RESOURCE), ""),
)


def _policy_of(resource: Resource) -> Request:
    """The call that shows the policy that is there already."""
    return Request("cloudtrail", "GetResourcePolicy", {"ResourceArn": resource.properties["ResourceArn"]})


def _found_again(row: Row, exists: str) -> Provider:
    """The provider of `row`, which finds what an interrupted creation has made, and which `exists`, in the list."""
    made_by, lists = provider(row), row.shown.lists if row.shown else None

    def create(resource: Resource) -> Work:
        try:
            return (yield from made_by.create(resource))
        except Fault as fault:
            if not resource.again or fault.code != exists or lists is None or row.name is None:
                raise
        name = row.name.of(resource, resource.properties)
        answer = yield Request("cloudtrail", lists.call.operation, {})
        arns = [filled(lists.id, {"item": it}) for it in answer[lists.path] if it["Name"] == name]
        if not arns:
            raise Fault("NotFound", f"{name} is not there any more.", 404)
        member = row.physical.removeprefix("{c.").removesuffix("}")  # of the answer to the creation
        return Made(arns[0], {member: arns[0]})

    return made_by._replace(create=create)


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::CloudTrail::Channel": _found_again(_CHANNELS, "ChannelAlreadyExistsException"),
    "AWS::CloudTrail::EventDataStore": lenient(
        _found_again(_STORES, "EventDataStoreAlreadyExistsException"), "InactiveEventDataStoreException"
    ),
    "AWS::CloudTrail::ResourcePolicy": new_only(provider(_POLICIES), _policy_of, at="ResourcePolicy"),
    "AWS::CloudTrail::Trail": lenient(provider(_TRAIL), "TrailNotFoundException"),
}

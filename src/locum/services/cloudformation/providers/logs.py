"""Log groups of CloudWatch Logs, and what belongs to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.guards import unread_only
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider

_SERVICE: Final = "logs"
_NAMED: Final = {"logGroupName": "{id}"}
_OF_GROUP: Final = {"logGroupName": "{p.LogGroupName}"}
_EXISTS: Final = frozenset({"ResourceAlreadyExistsException"})

_GROUP: Final = Row(
    _SERVICE,
    Call("CreateLogGroup", takes="DeletionProtectionEnabled KmsKeyId LogGroupClass"),
    "{name}",
    (Call("DeleteLogGroup", _NAMED),),
    attributes={"Arn": "{r.logGroups.0.arn}", "LogGroupArn": "{r.logGroups.0.logGroupArn}"},
    name=Name("LogGroupName", 512),
    tags=Tags(
        Call("TagLogGroup", {**_NAMED, "tags": "{tags}"}),
        Call("UntagLogGroup", {**_NAMED, "tags": "{keys}"}),
        member="tags",
        form="map",
    ),
    read=Call("DescribeLogGroups", {"logGroupNamePrefix": "{id}"}),
    exists=_EXISTS,
    settings=(
        Change(
            Call("PutRetentionPolicy", _NAMED, "RetentionInDays"),
            removed=Call("DeleteRetentionPolicy", _NAMED),
            at_creation=True,
        ),
        Change(Call("AssociateKmsKey", _NAMED, "KmsKeyId"), removed=Call("DisassociateKmsKey", _NAMED)),
        Change(
            Call("PutDataProtectionPolicy", {"logGroupIdentifier": "{id}"}, "policyDocument=DataProtectionPolicy"),
            removed=Call("DeleteDataProtectionPolicy", {"logGroupIdentifier": "{id}"}),
            at_creation=True,
        ),
        Change(
            Call("PutIndexPolicy", {"logGroupIdentifier": "{id}", "policyDocument": "{p.FieldIndexPolicies.0}"}),
            on="FieldIndexPolicies",
            removed=Call("DeleteIndexPolicy", {"logGroupIdentifier": "{id}"}),
            at_creation=True,
        ),
        Change(
            Call("PutResourcePolicy", {"resourceArn": "{attr.LogGroupArn}"}, "policyDocument=ResourcePolicyDocument"),
            removed=Call("DeleteResourcePolicy", {"resourceArn": "{attr.LogGroupArn}"}),
            at_creation=True,
        ),
        Change(
            Call(
                "PutLogGroupDeletionProtection",
                {"logGroupIdentifier": "{id}"},
                "deletionProtectionEnabled=DeletionProtectionEnabled",
            ),
            defaults={"DeletionProtectionEnabled": False},
        ),
        Change(
            Call(
                "PutBearerTokenAuthentication",
                {"logGroupIdentifier": "{id}"},
                "bearerTokenAuthenticationEnabled=BearerTokenAuthenticationEnabled",
            ),
            defaults={"BearerTokenAuthenticationEnabled": False},
            at_creation=True,
        ),
    ),
    shown=Shown(
        at="logGroups",
        where={"logGroupName": "{id}"},
        parts=(Part("Tags", Call("ListTagsLogGroup", _NAMED), "tags"),),
        told="RetentionInDays KmsKeyId",
        lists=Listing(Call("DescribeLogGroups"), "logGroups", "{item.logGroupName}"),
    ),
)

_STREAM: Final = Row(
    _SERVICE,
    Call("CreateLogStream", takes="LogGroupName"),
    "{name}",
    (Call("DeleteLogStream", {**_OF_GROUP, "logStreamName": "{id}"}),),
    name=Name("LogStreamName", 512),
    exists=_EXISTS,
    shown=Shown(
        Call("DescribeLogStreams", {**_OF_GROUP, "logStreamNamePrefix": "{id}"}),
        "logStreams",
        where={"logStreamName": "{id}"},
        lists=Listing(Call("DescribeLogStreams", _OF_GROUP), "logStreams", "{item.logStreamName}"),
    ),
)


def _filter(kind: str, takes: str, head: str | None = "") -> Row:
    """A filter of a log group, which one call makes and changes."""
    return Row(
        _SERVICE,
        Call(f"Put{kind}", takes=f"LogGroupName {takes}"),
        "{name}",
        (Call(f"Delete{kind}", {**_OF_GROUP, "filterName": "{id}"}),),
        name=Name("FilterName", 512, head=head),
        settings=(Change(Call(f"Put{kind}", {**_OF_GROUP, "filterName": "{id}"}, takes)),),
        shown=Shown(
            Call(f"Describe{kind}s", {**_OF_GROUP, "filterNamePrefix": "{id}"}),
            f"{kind[0].lower()}{kind[1:]}s",
            where={"filterName": "{id}"},
            hides="Distribution",
        ),
    )


_POLICY: Final = Row(
    _SERVICE,
    Call("PutResourcePolicy", takes="PolicyDocument"),
    "{name}",
    (Call("DeleteResourcePolicy", {"policyName": "{id}"}),),
    name=Name("PolicyName", 255),
    settings=(Change(Call("PutResourcePolicy", {"policyName": "{id}"}, "PolicyDocument")),),
    shown=Shown(
        Call("DescribeResourcePolicies"),
        "resourcePolicies",
        where={"policyName": "{id}"},
        lists=Listing(Call("DescribeResourcePolicies"), "resourcePolicies", "{item.policyName}"),
    ),
)


def _with_dimensions(properties: Properties) -> Properties:
    """Properties of a metric filter, with the dimensions of metrics by their names."""
    transformations = [dict(each) for each in properties.get("MetricTransformations") or ()]
    for each in transformations:
        if isinstance(each.get("Dimensions"), list):
            each["Dimensions"] = {dimension["Key"]: dimension["Value"] for dimension in each["Dimensions"]}
    return {**properties, "MetricTransformations": transformations}


def _filters(row: Row) -> Provider:
    return unread_only(provider(row), "FilterName", "LogGroupName")


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Logs::LogGroup": provider(_GROUP),
    "AWS::Logs::LogStream": provider(_STREAM),
    "AWS::Logs::MetricFilter": _filters(
        replace(
            _filter(
                "MetricFilter",
                "ApplyOnTransformedLogs EmitSystemFieldDimensions FieldSelectionCriteria FilterPattern "
                "MetricTransformations",
                head=None,
            ),
            shaped=_with_dimensions,
        )
    ),
    "AWS::Logs::ResourcePolicy": unread_only(provider(_POLICY), "PolicyName"),
    "AWS::Logs::SubscriptionFilter": _filters(
        _filter(
            "SubscriptionFilter",
            "ApplyOnTransformedLogs DestinationArn Distribution EmitSystemFields FieldSelectionCriteria FilterPattern "
            "RoleArn",
        )
    ),
}

"""S3: buckets and their policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from locum.services.cloudformation.providers.base import Made, Properties, Provider, Request, Resource, Work
from locum.services.cloudformation.providers.guards import named, new_only
from locum.services.cloudformation.providers.s3_shapes import shaped
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
    provider,
)

_BUCKET: Final = {"Bucket": "{id}"}
_DASHED: Final = frozenset(
    {
        *("us-east-1", "us-west-1", "us-west-2", "eu-west-1", "sa-east-1"),
        *("ap-northeast-1", "ap-southeast-1", "ap-southeast-2"),
    }
)
"""Regions whose website endpoints have a dash before the region: S3 User Guide, "Website endpoints"."""


def _put(
    name: str, operation: str, members: dict[str, Any], removed: str = "", cleared: dict[str, Any] | None = None
) -> Change:
    """A configuration `name`, put by `operation`; removed by another one, or by `members` cleared."""
    undo = Call(removed or operation, {**_BUCKET, **(cleared or {})})
    return Change(Call(operation, {**_BUCKET, **members}), on=name, removed=undo, at_creation=True)


def _whole(name: str, noun: str, member: str = "") -> Change:
    """A configuration that has operations of its own to put and to delete it."""
    return _put(name, f"Put{noun}", {member or name: f"{{p.{name}}}"}, f"Delete{noun}")


def _several(noun: str) -> Each:
    """Configurations with ids, of which a bucket has several."""
    one = {**_BUCKET, "Id": "{item.Id}"}
    put = Call(f"PutBucket{noun}", {**one, noun: "{item}"})
    return Each(f"{noun}s", put, Call(f"DeleteBucket{noun}", one), key="{item.Id}", goes=True)


_SETTINGS: Final = (
    _whole("PublicAccessBlockConfiguration", "PublicAccessBlock"),
    _whole("OwnershipControls", "BucketOwnershipControls"),
    _put("AccessControl", "PutBucketAcl", {"ACL": "{p.AccessControl}"}, cleared={"ACL": "private"}),
    _whole("BucketEncryption", "BucketEncryption", "ServerSideEncryptionConfiguration"),
    _put(
        "VersioningConfiguration",
        "PutBucketVersioning",
        {"VersioningConfiguration": "{p.VersioningConfiguration}"},
        cleared={"VersioningConfiguration": {"Status": "Suspended"}},
    ),
    _put(
        "ObjectLockConfiguration",
        "PutObjectLockConfiguration",
        {"ObjectLockConfiguration": "{p.ObjectLockConfiguration}"},
        cleared={"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
    ),
    Change(
        Call(
            "PutObjectLockConfiguration",
            {
                **_BUCKET,
                "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": "{p.ObjectLockConfiguration.Rule}"},
            },
        ),
        on="ObjectLockEnabled",
    ),
    _whole("CorsConfiguration", "BucketCors", "CORSConfiguration"),
    _put(
        "LifecycleConfiguration",
        "PutBucketLifecycleConfiguration",
        {
            "LifecycleConfiguration": {"Rules": "{p.LifecycleConfiguration.Rules}"},
            "TransitionDefaultMinimumObjectSize": "{p.LifecycleConfiguration.TransitionDefaultMinimumObjectSize}",
        },
        "DeleteBucketLifecycle",
    ),
    _whole("WebsiteConfiguration", "BucketWebsite"),
    _put(
        "LoggingConfiguration",
        "PutBucketLogging",
        {"BucketLoggingStatus": {"LoggingEnabled": "{p.LoggingConfiguration}"}},
        cleared={"BucketLoggingStatus": {}},
    ),
    _put(
        "NotificationConfiguration",
        "PutBucketNotificationConfiguration",
        {"NotificationConfiguration": "{p.NotificationConfiguration}"},
        cleared={"NotificationConfiguration": {}},
    ),
    _whole("ReplicationConfiguration", "BucketReplication"),
    _put(
        "AccelerateConfiguration",
        "PutBucketAccelerateConfiguration",
        {"AccelerateConfiguration": "{p.AccelerateConfiguration}"},
        cleared={"AccelerateConfiguration": {"Status": "Suspended"}},
    ),
    _put(
        "AbacStatus",
        "PutBucketAbac",
        {"AbacStatus": {"Status": "{p.AbacStatus}"}},
        cleared={"AbacStatus": {"Status": "Disabled"}},
    ),
    _put(
        "MetadataTableConfiguration",
        "CreateBucketMetadataTableConfiguration",
        {"MetadataTableConfiguration": "{p.MetadataTableConfiguration}"},
        "DeleteBucketMetadataTableConfiguration",
    ),
    _put(
        "MetadataConfiguration",
        "CreateBucketMetadataConfiguration",
        {"MetadataConfiguration": "{p.MetadataConfiguration}"},
        "DeleteBucketMetadataConfiguration",
    ),
)

_BUCKETS: Final = Row(
    service="s3",
    create=Call(
        "CreateBucket",
        {
            "CreateBucketConfiguration": {"LocationConstraint": "{p.Location}"},
            "ObjectOwnership": "{p.OwnershipControls.Rules.0.ObjectOwnership}",
        },
        "ObjectLockEnabledForBucket=ObjectLockEnabled BucketNamespace",
    ),
    name=Name("BucketName", 63, lower=True, member="Bucket"),
    exists=frozenset({"BucketAlreadyOwnedByYou"}),
    physical="{name}",
    attributes={
        "Arn": "arn:aws:s3:::{id}",
        "DomainName": "{id}.s3.amazonaws.com",
        "DualStackDomainName": "{id}.s3.dualstack.{region}.amazonaws.com",
        "RegionalDomainName": "{id}.s3.{region}.amazonaws.com",
        "WebsiteURL": "http://{id}.s3-website-{region}.amazonaws.com",
    },
    tags=Tags(
        add=Call("PutBucketTagging", {**_BUCKET, "Tagging": {"TagSet": "{tags}"}}),
        remove=Call("DeleteBucketTagging", _BUCKET),
        member="",
        whole=True,
    ),
    settings=_SETTINGS,
    items=tuple(
        _several(f"{noun}Configuration") for noun in ("Analytics", "IntelligentTiering", "Inventory", "Metrics")
    ),
    deletes=(Call("DeleteBucket", _BUCKET),),
    shaped=shaped,
    shown=Shown(
        Call("HeadBucket", {**_BUCKET, "ExpectedBucketOwner": "{account}"}),
        "",
        parts=(
            Part("VersioningConfiguration", Call("GetBucketVersioning", _BUCKET)),
            Part(
                "PublicAccessBlockConfiguration",
                Call("GetPublicAccessBlock", _BUCKET),
                "PublicAccessBlockConfiguration",
            ),
            Part(
                "BucketEncryption.ServerSideEncryptionConfiguration",
                Call("GetBucketEncryption", _BUCKET),
                "ServerSideEncryptionConfiguration.Rules",
                {
                    "ServerSideEncryptionByDefault": "{item.ApplyServerSideEncryptionByDefault}",
                    "BucketKeyEnabled": "{item.BucketKeyEnabled}",
                },
            ),
            Part("OwnershipControls.Rules", Call("GetBucketOwnershipControls", _BUCKET), "OwnershipControls.Rules"),
            Part("Tags", Call("GetBucketTagging", _BUCKET), "TagSet"),
        ),
        lists=Listing(Call("ListBuckets"), "Buckets", "{item.Name}"),
    ),
)


def _buckets() -> Provider:
    """Buckets. Those outside us-east-1 are made with their location, and have another website endpoint."""
    row = provider(_BUCKETS)
    row_update = row.update
    assert row_update is not None

    def create(resource: Resource) -> Work:
        if resource.region == "us-east-1":
            return (yield from row.create(resource))
        located = replace(resource, properties={**resource.properties, "Location": resource.region})
        return _told(resource, (yield from row.create(located)))

    def update(resource: Resource, before: Properties) -> Work:
        return _told(resource, (yield from row_update(resource, before)))

    return row._replace(create=create, update=update)


def _told(resource: Resource, made: Made) -> Made:
    if resource.region in _DASHED:
        return made
    url = f"http://{made.physical}.s3-website.{resource.region}.amazonaws.com"
    return made._replace(attributes={**made.attributes, "WebsiteURL": url})


def _named(resource: Resource) -> Request | None:
    """In us-east-1, a bucket can be created that the account has already: API Reference, "CreateBucket"."""
    name = resource.properties.get("BucketName")
    return Request("s3", "HeadBucket", {"Bucket": name}) if name else None


_POLICY: Final = {"Bucket": "{id}"}
_POLICIES: Final = Row(
    service="s3",
    create=Call("PutBucketPolicy", takes="Bucket Policy=PolicyDocument"),
    physical="{p.Bucket}",
    settings=(Change(Call("PutBucketPolicy", _POLICY, "Policy=PolicyDocument")),),
    deletes=(Call("DeleteBucketPolicy", _POLICY),),
    shown=Shown(Call("GetBucketPolicy", _POLICY), "", members={"PolicyDocument": "{it.Policy}"}),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::S3::Bucket": new_only(
        _buckets(),
        _named,
        unless_denied=True,
        told="{name} already exists (Service: S3, Status Code: 0, Request ID: null)",
    ),
    "AWS::S3::BucketPolicy": new_only(provider(_POLICIES), named("s3", "GetBucketPolicy", "Bucket", "Bucket")),
}

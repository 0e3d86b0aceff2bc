"""S3's resource types."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from locum.agents.stacks.work import carried_out
from locum.core.actors import on_behalf_of
from locum.core.errors import Fault
from locum.core.principal import Caller, Principal
from locum.services.cloudformation.providers import PROVIDERS
from support.inprocess import InProcess
from support.plane import ACCOUNT
from support.providers import Making
from support.remade import code, remade


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Making:
    return Making(plane)


def told(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in answer.items() if name != "ResponseMetadata"}


PUBLIC = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
BUCKET: dict[str, Any] = {
    "PublicAccessBlockConfiguration": PUBLIC,
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        ]
    },
    "VersioningConfiguration": {"Status": "Enabled"},
    "CorsConfiguration": {
        "CorsRules": [{"Id": "r", "AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": "30"}],
    },
    "LifecycleConfiguration": {
        "Rules": [
            {"Id": "plain", "Status": "Enabled", "ExpirationInDays": "30"},
            {
                "Id": "more",
                "Status": "Enabled",
                "Prefix": "logs/",
                "TagFilters": [{"Key": "a", "Value": "b"}],
                "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 60}],
                "NoncurrentVersionExpiration": {"NoncurrentDays": 9},
            },
        ]
    },
    "WebsiteConfiguration": {"IndexDocument": "index.html", "ErrorDocument": "error.html"},
    "AccelerateConfiguration": {"AccelerationStatus": "Enabled"},
    "Tags": [{"Key": "cost", "Value": "7"}],
}


def test_a_bucket_has_its_configurations(making: Making, s3: Any) -> None:
    made = making.create("AWS::S3::Bucket", "Things", **BUCKET)
    name = {"Bucket": made.physical}
    assert made.physical.startswith("shop-things-")
    assert made.attributes["Arn"] == f"arn:aws:s3:::{made.physical}"
    assert made.attributes["RegionalDomainName"] == f"{made.physical}.s3.us-east-1.amazonaws.com"
    assert made.attributes["WebsiteURL"] == f"http://{made.physical}.s3-website-us-east-1.amazonaws.com"
    assert s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"] == PUBLIC
    (rule,) = s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert s3.get_bucket_versioning(**name)["Status"] == "Enabled"
    (cors,) = s3.get_bucket_cors(**name)["CORSRules"]
    assert cors["MaxAgeSeconds"] == 30
    plain, more = s3.get_bucket_lifecycle_configuration(**name)["Rules"]
    assert (plain["Filter"], plain["Expiration"]) == ({"Prefix": ""}, {"Days": 30})
    assert more["Filter"] == {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}}
    assert more["Transitions"] == [{"Days": 60, "StorageClass": "GLACIER"}]
    website = told(s3.get_bucket_website(**name))
    assert website == {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
    assert s3.get_bucket_accelerate_configuration(**name)["Status"] == "Enabled"
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(**name)["TagSet"]}
    assert tags == {"team": "blue", "cost": "7", "aws:cloudformation:stack-name": "shop"}
    assert remade(making, made).physical == made.physical
    making.delete(made)


def test_a_bucket_loses_what_it_is_not_to_have(making: Making, s3: Any) -> None:
    made = making.create("AWS::S3::Bucket", **BUCKET)
    name = {"Bucket": made.physical}
    making.update(made, Tags=[{"Key": "new", "Value": "1"}])
    assert code(s3.get_public_access_block, **name) == "NoSuchPublicAccessBlockConfiguration"
    assert code(s3.get_bucket_cors, **name) == "NoSuchCORSConfiguration"
    assert code(s3.get_bucket_website, **name) == "NoSuchWebsiteConfiguration"
    assert code(s3.get_bucket_lifecycle_configuration, **name) == "NoSuchLifecycleConfiguration"
    assert s3.get_bucket_versioning(**name)["Status"] == "Suspended"
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(**name)["TagSet"]}
    assert tags == {"team": "blue", "new": "1", "aws:cloudformation:stack-name": "shop"}
    making.delete(made)
    assert code(s3.head_bucket, **name) == "404"
    making.delete(made)


def test_a_bucket_in_another_region_is_made_there(making: Making, plane: InProcess, s3: Any) -> None:
    draft = making.create("AWS::S3::Bucket", "Draft")
    wanted = replace(draft, region="eu-central-1", token="ELSEWHERE000", physical="", attributes={})
    actor = on_behalf_of(Caller(Principal.root(ACCOUNT)), "cloudformation.amazonaws.com")
    work = PROVIDERS["AWS::S3::Bucket"].create(wanted)
    made = plane.run(carried_out(plane.node.calls.make, actor, "eu-central-1", work))
    assert s3.get_bucket_location(Bucket=made.physical)["LocationConstraint"] == "eu-central-1"
    assert made.attributes["WebsiteURL"].endswith(".s3-website.eu-central-1.amazonaws.com")


def test_a_bucket_logs_notifies_and_is_inventoried(making: Making, plane: InProcess, s3: Any) -> None:
    arn = f"arn:aws:s3:::{making.create('AWS::S3::Bucket', 'Sink').physical}"
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:notices"
    policy = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:*", "Resource": queue}
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    plane.client("sqs").create_queue(QueueName="notices", Attributes={"Policy": document})
    inventory = {
        "Id": "all",
        "Enabled": True,
        "IncludedObjectVersions": "All",
        "ScheduleFrequency": "Daily",
        "Prefix": "x/",
        "Destination": {"BucketArn": arn, "Format": "CSV"},
    }
    made = making.create(
        "AWS::S3::Bucket",
        NotificationConfiguration={
            "EventBridgeConfiguration": {},
            "QueueConfigurations": [
                {
                    "Event": "s3:ObjectCreated:*",
                    "Queue": queue,
                    "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}},
                }
            ],
        },
        InventoryConfigurations=[inventory],
    )
    name = {"Bucket": made.physical}
    found = s3.get_bucket_notification_configuration(**name)
    (notice,) = found["QueueConfigurations"]
    assert notice["Events"] == ["s3:ObjectCreated:*"]
    assert notice["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "in/"}]
    kept = s3.get_bucket_inventory_configuration(**name, Id="all")["InventoryConfiguration"]
    assert (kept["IsEnabled"], kept["Schedule"]) == (True, {"Frequency": "Daily"})
    assert kept["Destination"]["S3BucketDestination"]["Bucket"] == arn
    making.update(made, InventoryConfigurations=[inventory])
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(**name)


def test_a_bucket_that_is_another_stacks_is_not_adopted(making: Making, plane: InProcess) -> None:
    plane.client("s3").create_bucket(Bucket="theirs-already", ObjectOwnership="ObjectWriter")
    with pytest.raises(Fault, match=r"theirs-already already exists \(Service: S3, Status Code: 0, Request ID: null\)"):
        making.create("AWS::S3::Bucket", BucketName="theirs-already")


def test_a_bucket_policy_is_put_changed_and_deleted(making: Making, s3: Any) -> None:
    bucket = making.create("AWS::S3::Bucket").physical

    def policy(action: str) -> dict[str, Any]:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": ACCOUNT},
            "Action": action,
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    made = making.create("AWS::S3::BucketPolicy", Bucket=bucket, PolicyDocument=policy("s3:GetObject"))
    assert made.physical == bucket
    assert "s3:GetObject" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    making.update(made, Bucket=bucket, PolicyDocument=policy("s3:PutObject"))
    assert "s3:PutObject" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    making.delete(made)
    assert code(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    making.delete(made)

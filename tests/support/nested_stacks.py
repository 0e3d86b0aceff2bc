"""Stacks within stacks: their templates, in a bucket, and what is in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from support.plane import fresh
from support.waiting_stacks import Crafts, template

STACK: Final = "AWS::CloudFormation::Stack"
TOPIC: Final[dict[str, Any]] = {"Type": "AWS::SNS::Topic"}
RETAINED: Final[dict[str, Any]] = {"DeletionPolicy": "Retain"}


class Bucket:
    """A bucket of templates for nested stacks."""

    def __init__(self, there: Crafts) -> None:
        self.name, self.s3 = fresh("templates"), there.plane.client("s3")
        self.s3.create_bucket(Bucket=self.name)

    def put(self, key: str, resources: Mapping[str, Any], **sections: Any) -> str:
        """The URL of a template."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=json.dumps({"Resources": resources, **sections}).encode())
        return f"https://{self.name}.s3.amazonaws.com/{key}"


class Pair(NamedTuple):
    """A stack `Inner` in another one, and the URL of its template, `inner` in a bucket."""

    bucket: Bucket
    url: str
    outer: str
    inner: str


def queue(delay: Any, **properties: Any) -> dict[str, Any]:
    """A queue with that delay in seconds."""
    return {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": delay, **properties}}


def nested(url: str, **properties: Any) -> dict[str, Any]:
    """A nested stack."""
    return {"Type": STACK, "Properties": {"TemplateURL": url, **properties}}


def made(there: Crafts, resources: Mapping[str, Any], outputs: Mapping[str, Any] | None = None) -> str:
    """The ARN of a new stack."""
    stack = there.create(resources, outputs)
    assert there.status(stack) == "CREATE_COMPLETE"
    return stack


def pair(there: Crafts, resources: Mapping[str, Any], **sections: Any) -> Pair:
    """A new stack, with one in it of these resources."""
    bucket = Bucket(there)
    url = bucket.put("inner", resources, **sections)
    outer = made(there, {"Inner": nested(url)})
    return Pair(bucket, url, outer, there.resource(outer, "Inner").physical)


def delay_of(there: Crafts, url: str) -> str:
    """The delay of the queue with that URL."""
    sqs = there.plane.client("sqs")
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]["DelaySeconds"])


def delay_in(there: Crafts, stack: str, logical: str = "Queue") -> str:
    """The delay of a queue of a stack."""
    return delay_of(there, there.resource(stack, logical).physical)


class Nesting:
    """A stack `outer`, and one by itself, `inner`, which is to be nested in it as `Inner`."""

    def __init__(self, there: Crafts, inner: Mapping[str, Any] | None = None, **params: Any) -> None:
        self.there, self.bucket = there, Bucket(there)
        resources = inner or {"Queue": queue(1)}
        self.url = self.bucket.put("inner", resources)
        self.outer = made(there, {"Topic": TOPIC})
        self.inner = there.create(resources, **params)
        assert there.status(self.inner) == "CREATE_COMPLETE"

    def body(self, **properties: Any) -> dict[str, Any]:
        """The resources of the outer stack with the inner one."""
        return {"Topic": TOPIC, "Inner": {**nested(self.url, **properties), **RETAINED}}

    def proposed(self, client: Any = None, **properties: Any) -> dict[str, Any]:
        """The change set of the import."""
        client = client or self.there.cloudformation
        found = client.create_change_set(
            StackName=self.outer,
            ChangeSetName=fresh("nests"),
            ChangeSetType="IMPORT",
            TemplateBody=template(self.body(**properties)),
            ResourcesToImport=[entry("Inner", self.inner)],
        )
        return dict(self.there.cloudformation.describe_change_set(ChangeSetName=found["Id"]))

    def reason(self, **properties: Any) -> str:
        """Why the change set fails."""
        found = self.proposed(**properties)
        assert found["Status"] == "FAILED"
        return str(found["StatusReason"])

    def executed(self, client: Any = None, **properties: Any) -> str:
        """The status of the outer stack after the import."""
        found = self.proposed(client, **properties)
        assert found["Status"] == "CREATE_COMPLETE", found["StatusReason"]
        (client or self.there.cloudformation).execute_change_set(ChangeSetName=found["ChangeSetId"])
        return self.there.status(self.outer)


def entry(logical: str, stack: str) -> dict[str, Any]:
    """What an import says of a stack that it nests."""
    return {"ResourceType": STACK, "LogicalResourceId": logical, "ResourceIdentifier": {"StackId": stack}}

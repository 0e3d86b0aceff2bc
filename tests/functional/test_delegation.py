"""Temporary delegation with real clients: a product sets something up with what its customer lets it, and no more."""

from __future__ import annotations

import json
from typing import Any

from support.plane import ACCOUNT, REGION, Key, RunningPlane, allow, document, fresh, refused

PUBLISH = {"Effect": "Allow", "Principal": {"Service": "iam.amazonaws.com"}, "Action": "SNS:Publish"}
SEND = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}


class Product:
    """The provider's side: a topic that it hears of its requests by, and a template."""

    def __init__(self, plane: RunningPlane) -> None:
        self.name = fresh("product")
        self.sns, self.sqs, self.iam = plane.client("sns"), plane.client("sqs"), plane.client("iam")
        self.topic = self.sns.create_topic(Name=self.name)["TopicArn"]
        statement = {**PUBLISH, "Resource": self.topic}
        self.sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=document(statement))
        queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"
        fills = {**SEND, "Resource": queue_arn, "Condition": {"ArnEquals": {"aws:SourceArn": self.topic}}}
        self.queue = self.sqs.create_queue(QueueName=self.name, Attributes={"Policy": document(fills)})["QueueUrl"]
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=queue_arn)
        template = document(
            allow(["s3:CreateBucket", "s3:ListBucket"], "arn:aws:s3:::@{bucket}*"), allow("iam:GetUser")
        )
        self.template = self.iam.create_policy(PolicyName=self.name, PolicyDocument=template)["Policy"]["Arn"]

    def asks(self, bucket: str, **more: Any) -> str:
        """The id of a new request."""
        parameters = [{"Name": "bucket", "Values": [bucket], "Type": "string"}]
        answer = self.iam.create_delegation_request(
            Description="Sets up a bucket",
            Permissions={"PolicyTemplateArn": self.template, "Parameters": parameters},
            RequestorWorkflowId=fresh("workflow"),
            NotificationChannel=self.topic,
            SessionDuration=3600,
            **more,
        )
        return str(answer["DelegationRequestId"])

    def told(self, count: int) -> list[dict[str, Any]]:
        """The next `count` notifications that come by the topic."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=20)
            assert answer.get("Messages"), f"{len(found)} notifications came, {count} were to come"
            for message in answer["Messages"]:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                found.append(message)
        return [json.loads(json.loads(message["Body"])["Message"]) for message in found]


def test_a_customer_lets_a_product_set_something_up(plane: RunningPlane) -> None:
    product = Product(plane)
    bucket = fresh("delegated")
    request = product.asks(bucket, OwnerAccountId=ACCOUNT)
    _, owner = plane.user()
    approver_name, approver = plane.user(
        allow(["iam:AcceptDelegationRequest", "iam:SendDelegationToken"]), allow("s3:*"), allow("iam:GetUser")
    )
    mine, theirs = plane.client("iam", owner), plane.client("iam", approver)

    mine.associate_delegation_request(DelegationRequestId=request)
    seen = mine.get_delegation_request(DelegationRequestId=request, DelegationPermissionCheck=True)
    assert seen["DelegationRequest"]["State"] == "ASSIGNED"
    assert f"arn:aws:s3:::{bucket}*" in seen["DelegationRequest"]["PermissionPolicy"]
    assert seen["PermissionCheckResult"] == "DENIED"
    assert refused(mine.accept_delegation_request, DelegationRequestId=request).code == "AccessDenied"
    mine.update_delegation_request(DelegationRequestId=request, Notes="Please have a look")
    theirs.accept_delegation_request(DelegationRequestId=request)
    mine.send_delegation_token(DelegationRequestId=request)

    told = product.told(5)
    assert [(one["Type"], one["State"]) for one in told] == [
        ("StateChange", "ASSIGNED"),
        ("StateChange", "PENDING_APPROVAL"),
        ("StateChange", "ACCEPTED"),
        ("StateChange", "FINALIZED"),
        ("ExchangeToken", "FINALIZED"),
    ]
    traded = plane.client("sts").get_delegated_access_token(TradeInToken=told[-1]["ExchangeToken"])
    assert traded["AssumedPrincipal"] == f"arn:aws:iam::{ACCOUNT}:user/{approver_name}"

    given = Key.of(traded["Credentials"])
    assert plane.client("sts", given).get_caller_identity()["Arn"] == traded["AssumedPrincipal"]
    plane.client("s3", given).create_bucket(Bucket=bucket)
    assert refused(plane.client("s3", given).create_bucket, Bucket=fresh("other")).code == "AccessDenied"
    assert plane.client("iam", given).get_user()["User"]["UserName"] == approver_name
    assert refused(plane.client("iam", given).accept_delegation_request, DelegationRequestId=request).status == 403

    (event,) = plane.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "AccessKeyId", "AttributeValue": given.access_key_id}], MaxResults=1
    )["Events"]
    identity = json.loads(event["CloudTrailEvent"])["userIdentity"]
    assert identity["invokedByDelegate"] == {"accountId": ACCOUNT}

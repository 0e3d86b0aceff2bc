"""Resource types of SQS, SNS and Systems Manager's parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.errors import Fault
from support.inprocess import InProcess
from support.plane import ACCOUNT
from support.providers import Making
from support.remade import code, remade


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Making:
    return Making(plane)


@pytest.fixture(scope="module")
def sqs(plane: InProcess) -> Any:
    return plane.client("sqs")


@pytest.fixture(scope="module")
def sns(plane: InProcess) -> Any:
    return plane.client("sns")


@pytest.fixture(scope="module")
def ssm(plane: InProcess) -> Any:
    return plane.client("ssm")


def policy(action: str, resource: str = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def attributes(sqs: Any, url: str) -> dict[str, str]:
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found


def test_a_queue_has_its_attributes_and_tags(making: Making, sqs: Any) -> None:
    dead = making.create("AWS::SQS::Queue", "Dead").attributes["Arn"]
    made = making.create(
        "AWS::SQS::Queue",
        "Jobs",
        VisibilityTimeout="60",
        DelaySeconds=5,
        RedrivePolicy={"deadLetterTargetArn": dead, "maxReceiveCount": 3},
        Tags=[{"Key": "cost", "Value": "7"}],
    )
    name = made.attributes["QueueName"]
    assert name.startswith("shop-Jobs-")
    assert made.attributes["Arn"] == f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    assert made.physical == made.attributes["QueueUrl"]
    assert made.physical.endswith(f"/{ACCOUNT}/{name}")
    found = attributes(sqs, made.physical)
    assert (found["VisibilityTimeout"], found["DelaySeconds"]) == ("60", "5")
    assert json.loads(found["RedrivePolicy"])["deadLetterTargetArn"] == dead
    tags = sqs.list_queue_tags(QueueUrl=made.physical)["Tags"]
    assert (tags["team"], tags["cost"]) == ("blue", "7")
    assert remade(making, made).physical == made.physical
    after = making.update(made, VisibilityTimeout=90, Tags=[{"Key": "new", "Value": "1"}])
    found = attributes(sqs, made.physical)
    assert (after.attributes, found["VisibilityTimeout"], found["DelaySeconds"]) == (made.attributes, "90", "0")
    assert "RedrivePolicy" not in found
    assert "cost" not in sqs.list_queue_tags(QueueUrl=made.physical)["Tags"]
    making.delete(after)
    assert "NonExistentQueue" in code(sqs.get_queue_url, QueueName=name)
    making.delete(after)


def test_a_fifo_queue_is_named_like_one(making: Making, sqs: Any) -> None:
    made = making.create("AWS::SQS::Queue", FifoQueue="true", ContentBasedDeduplication=True)
    assert made.attributes["QueueName"].endswith(".fifo")
    assert attributes(sqs, made.physical)["ContentBasedDeduplication"] == "true"
    plain = making.create("AWS::SQS::Queue", FifoQueue=False)
    assert not plain.attributes["QueueName"].endswith(".fifo")


def test_a_queue_that_is_there_is_nobodys_new_queue(making: Making, sqs: Any) -> None:
    sqs.create_queue(QueueName="theirs")
    with pytest.raises(Fault, match="'theirs' already exists"):
        making.create("AWS::SQS::Queue", QueueName="theirs")


def test_a_queue_policy_is_that_of_its_queues(making: Making, sqs: Any) -> None:
    one, two = (making.create("AWS::SQS::Queue").physical for _ in range(2))
    made = making.create("AWS::SQS::QueuePolicy", Queues=[one], PolicyDocument=policy("sqs:SendMessage"))
    assert "sqs:SendMessage" in attributes(sqs, one)["Policy"]
    after = making.update(made, Queues=[two], PolicyDocument=policy("sqs:ReceiveMessage"))
    assert not attributes(sqs, one).get("Policy")
    assert "sqs:ReceiveMessage" in attributes(sqs, two)["Policy"]
    making.delete(after)
    assert not attributes(sqs, two).get("Policy")


def test_a_topic_has_its_attributes_and_subscriptions(making: Making, sns: Any) -> None:
    one, two = (making.create("AWS::SQS::Queue").attributes["Arn"] for _ in range(2))
    made = making.create(
        "AWS::SNS::Topic",
        "News",
        DisplayName="news",
        KmsMasterKeyId="alias/aws/sns",
        Subscription=[{"Protocol": "sqs", "Endpoint": one}],
        DeliveryStatusLogging=[{"Protocol": "sqs", "SuccessFeedbackSampleRate": "50"}],
        Tags=[{"Key": "cost", "Value": "7"}],
    )

    def endpoints() -> list[str]:
        found = sns.list_subscriptions_by_topic(TopicArn=made.physical)["Subscriptions"]
        return [item["Endpoint"] for item in found]

    found = sns.get_topic_attributes(TopicArn=made.physical)["Attributes"]
    assert made.physical == made.attributes["TopicArn"]
    assert made.physical == f"arn:aws:sns:us-east-1:{ACCOUNT}:{made.attributes['TopicName']}"
    assert (found["DisplayName"], found["KmsMasterKeyId"], endpoints()) == ("news", "alias/aws/sns", [one])
    assert remade(making, made).physical == made.physical
    after = making.update(made, DisplayName="other", Subscription=[{"Protocol": "sqs", "Endpoint": two}])
    found = sns.get_topic_attributes(TopicArn=made.physical)["Attributes"]
    assert (found["DisplayName"], found.get("KmsMasterKeyId", ""), endpoints()) == ("other", "", [two])
    tags = {tag["Key"] for tag in sns.list_tags_for_resource(ResourceArn=made.physical)["Tags"]}
    assert ("team" in tags, "cost" in tags) == (True, False)
    making.delete(after)
    assert code(sns.get_topic_attributes, TopicArn=made.physical) == "NotFound"
    making.delete(after)


def test_a_topic_policy_leaves_the_one_of_a_new_topic(making: Making, sns: Any) -> None:
    topic = making.create("AWS::SNS::Topic").physical
    made = making.create("AWS::SNS::TopicPolicy", Topics=[topic], PolicyDocument=policy("sns:Publish", topic))

    def kept() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        return found

    assert kept()["Statement"][0]["Action"] == "sns:Publish"
    making.delete(made)
    assert kept()["Id"] == "__default_policy_ID"


def test_a_subscription_is_filtered_and_ended(making: Making, sns: Any) -> None:
    topic, queue = making.create("AWS::SNS::Topic").physical, making.create("AWS::SQS::Queue").attributes["Arn"]
    fixed = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue}
    made = making.create("AWS::SNS::Subscription", **fixed, RawMessageDelivery=True, FilterPolicy={"kind": ["a"]})

    def kept() -> tuple[str, Any]:
        found = sns.get_subscription_attributes(SubscriptionArn=made.physical)["Attributes"]
        return found["RawMessageDelivery"], json.loads(found.get("FilterPolicy", "{}"))

    assert (made.attributes["Arn"], kept()) == (made.physical, ("true", {"kind": ["a"]}))
    after = making.update(made, **fixed, FilterPolicy={"kind": ["b"]})
    assert kept() == ("false", {"kind": ["b"]})
    making.delete(after)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    making.delete(after)


def test_a_parameter_has_its_value_and_tags(making: Making, ssm: Any) -> None:
    fixed = {"Name": "/shop/x", "Type": "String"}
    made = making.create("AWS::SSM::Parameter", **fixed, Value="1", Tags={"cost": "7"}, Tier="Advanced")
    assert made.physical == "/shop/x"
    assert made.attributes["Arn"] == f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/shop/x"
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/shop/x")["TagList"]
    assert {tag["Key"] for tag in tags} >= {"team", "cost"}
    assert remade(making, made).physical == made.physical
    after = making.update(made, **fixed, Value="2", Description="two", Tags={"new": "1"})
    assert ssm.get_parameter(Name="/shop/x")["Parameter"]["Value"] == after.attributes["Value"] == "2"
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/shop/x")["TagList"]
    assert "cost" not in {tag["Key"] for tag in tags}
    making.delete(after)
    assert code(ssm.get_parameter, Name="/shop/x") == "ParameterNotFound"
    making.delete(after)


def test_a_secure_parameter_is_refused(making: Making) -> None:
    with pytest.raises(Fault, match="SecureString"):
        making.create("AWS::SSM::Parameter", Type="SecureString", Value="1")

"""What Systems Manager tells of commands: EventBridge, and the topic of the sender, by the role that is passed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from locum.core.clock import system_clock
from locum.services.verbs import Outcome
from locum.state import AnyEntity, CommandInvocation, ManagedInstance, put
from support.inprocess import InProcess

_accounts = itertools.count(730000000000)


class Plane(InProcess):
    """A plane with an instance that seems to be managed, so that it takes commands, and two queues."""

    def __init__(self, data: Path) -> None:
        self.now = float(int(system_clock()))
        self.account_id = f"{next(_accounts):012d}"  # moto keeps what is in an account as long as this process runs
        super().__init__(data, lambda: self.now, account=self.account_id)
        made = self.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
        self.instance = str(made["Instances"][0]["InstanceId"])
        now, region = int(self.now), "us-east-1"
        self.having(
            ManagedInstance(account=self.account_id, id=self.instance, region=region, registered=now, pinged=now)
        )

    def having(self, *entities: AnyEntity) -> None:
        events = tuple(map(put, entities))
        self.run(self.node.ledger.transact(lambda _state: Outcome({}, events), lambda _outcome: ()))

    def command(self, **params: Any) -> str:
        answer = self.client("ssm").send_command(
            DocumentName="AWS-RunShellScript", InstanceIds=[self.instance], Parameters={"commands": ["x"]}, **params
        )
        return str(answer["Command"]["CommandId"])

    def become(self, command: str, status: Any) -> None:
        """What the agent commits."""
        key = f"{command}/{self.instance}"
        found = self.node.ledger.state.get(CommandInvocation, self.account_id, key)
        assert found is not None
        self.having(replace(found, status=status, details=status))

    def queue(self, name: str, service: str) -> str:
        """The ARN of a new queue that a service may send to."""
        sqs = self.client("sqs")
        arn = f"arn:aws:sqs:us-east-1:{self.account_id}:{name}"
        allowed = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.create_queue(QueueName=name, Attributes={"Policy": policy})
        return arn

    def received(self, name: str) -> list[dict[str, Any]]:
        self.carry_out()
        self.carry_out()
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    made = Plane(tmp_path / "plane")
    yield made
    made.close()


def test_what_is_to_run_is_in_no_record(plane: Plane) -> None:
    plane.client("ssm").send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=[plane.instance], Parameters={"commands": ["echo hidden-word"]}
    )
    (record, *_) = plane.records()
    assert record.operation == "SendCommand"
    assert plane.instance in repr(record.parameters)
    assert "hidden-word" not in repr(record)


def test_eventbridge_is_told_of_each_status_of_a_command_and_its_invocations(plane: Plane) -> None:
    events = plane.client("events")
    arn = plane.queue("heard", "events.amazonaws.com")
    events.put_rule(Name="ssm", EventPattern=json.dumps({"source": ["aws.ssm"]}))
    events.put_targets(Rule="ssm", Targets=[{"Id": "queue", "Arn": arn}])
    command = plane.command()
    plane.become(command, "InProgress")
    plane.become(command, "Success")
    told = [(event["detail-type"].split()[2], event["detail"]["status"]) for event in plane.received("heard")]
    assert told == [
        ("Invocation", "InProgress"),
        ("Status-change", "InProgress"),
        ("Invocation", "Success"),
        ("Status-change", "Success"),
    ]


def test_a_command_whose_invocations_end_together_is_told_to_have_ended(plane: Plane) -> None:
    events = plane.client("events")
    arn = plane.queue("heard", "events.amazonaws.com")
    events.put_rule(Name="ssm", EventPattern=json.dumps({"source": ["aws.ssm"]}))
    events.put_targets(Rule="ssm", Targets=[{"Id": "queue", "Arn": arn}])
    made = plane.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    other, now = str(made["Instances"][0]["InstanceId"]), int(plane.now)
    plane.having(ManagedInstance(account=plane.account_id, id=other, region="us-east-1", registered=now, pinged=now))
    ssm, ids = plane.client("ssm"), [plane.instance, other]
    parameters = {"commands": ["x"]}
    sent = ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=ids, Parameters=parameters)
    ssm.cancel_command(CommandId=sent["Command"]["CommandId"])
    told = [(event["detail-type"].split()[2], event["detail"]["status"]) for event in plane.received("heard")]
    assert sorted(told) == [
        ("Invocation", "Cancelled"),
        ("Invocation", "Cancelled"),
        ("Status-change", "Cancelled"),
    ]


def test_a_topic_is_told_what_it_is_to_be_told_by_the_role_that_was_passed(plane: Plane) -> None:
    sns, iam = plane.client("sns"), plane.client("iam")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=plane.queue("news", "sns.amazonaws.com"))
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="telling", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    may = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName="telling", PolicyName="may", PolicyDocument=policy)
    wanted = {"NotificationArn": topic, "NotificationEvents": ["Success"], "NotificationType": "Command"}
    command = plane.command(ServiceRoleArn=role, NotificationConfig=wanted)
    plane.become(command, "InProgress")
    plane.become(command, "Success")
    (told,) = [json.loads(message["Message"]) for message in plane.received("news")]
    assert (told["commandId"], told["status"]) == (command, "Success")

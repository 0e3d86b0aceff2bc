"""Events of instances and groups: what EventBridge, topics and queues are told, once each, whatever happens between."""

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
from locum.state import AutoScalingGroup, Instance, LifecycleHook, PendingEffect, put
from locum.state.entities import Notices
from support.inprocess import InProcess

IMAGE = "ami-12c6146b"
_accounts = itertools.count(720000000000)
STATES = "EC2 Instance State-change Notification"


class Plane(InProcess):
    """A plane whose clock the test turns, with a queue to which a rule sends events."""

    def __init__(self, data: Path) -> None:
        self.now = float(int(system_clock()))
        self.account_id = f"{next(_accounts):012d}"  # moto keeps what is in an account as long as this process runs
        super().__init__(data, lambda: self.now, account=self.account_id)

    def listen(self, **pattern: Any) -> None:
        """Have the events of a pattern sent to the queue."""
        sqs, events = self.client("sqs"), self.client("events")
        arn = self.queue("heard")
        rule = events.put_rule(Name="all", EventPattern=json.dumps(pattern))["RuleArn"]
        told = {"Service": "events.amazonaws.com"}
        allowed = {"Effect": "Allow", "Principal": told, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.set_queue_attributes(QueueUrl=self.url("heard"), Attributes={"Policy": policy})
        events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
        assert rule

    def queue(self, name: str) -> str:
        self.client("sqs").create_queue(QueueName=name)
        return f"arn:aws:sqs:us-east-1:{self.account_id}:{name}"

    def url(self, name: str) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])

    def received(self, name: str = "heard") -> list[dict[str, Any]]:
        """What came to a queue since it was asked last."""
        found: list[dict[str, Any]] = []
        self.carry_out()
        sqs, url = self.client("sqs"), self.url(name)
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def launched(self) -> str:
        made = self.client("ec2").run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
        return str(made["Instances"][0]["InstanceId"])

    def group(self, **params: Any) -> None:
        scaling = self.client("autoscaling")
        scaling.create_launch_configuration(LaunchConfigurationName="plain", ImageId=IMAGE, InstanceType="t3.nano")
        given = {"MinSize": 1, "MaxSize": 3, "AvailabilityZones": ["us-east-1a"], **params}
        scaling.create_auto_scaling_group(AutoScalingGroupName="web", LaunchConfigurationName="plain", **given)

    def reconcile(self, seconds: float = 0) -> None:
        self.now += seconds
        self.run(self.node.duties.scaling.reconcile())

    def role(self, service: str, *actions: str) -> str:
        """The ARN of a new role that a service may assume."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        made = iam.create_role(
            RoleName="telling",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        may = {"Effect": "Allow", "Action": list(actions) or "iam:GetUser", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        iam.put_role_policy(RoleName="telling", PolicyName="may", PolicyDocument=policy)
        return str(made["Role"]["Arn"])


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    made = Plane(tmp_path / "plane")
    yield made
    made.close()


def states(events: list[dict[str, Any]]) -> list[str]:
    return [event["detail"]["state"] for event in events if event["detail-type"] == STATES]


def test_every_state_of_an_instance_is_told_once_and_in_order(plane: Plane) -> None:
    plane.listen(source=["aws.ec2"])
    ec2, it = plane.client("ec2"), plane.launched()
    ec2.stop_instances(InstanceIds=[it])
    ec2.stop_instances(InstanceIds=[it])
    ec2.start_instances(InstanceIds=[it])
    ec2.reboot_instances(InstanceIds=[it])
    ec2.terminate_instances(InstanceIds=[it])
    events = plane.received()
    assert states(events) == [
        *("pending", "running", "stopping", "stopped"),
        *("pending", "running", "shutting-down", "terminated"),
    ]
    causes = [plane.record(it.cause).operation for it in plane.records() if it.operation == "PutEvents"]
    assert causes == [
        operation
        for operation in ("TerminateInstances", "StartInstances", "StopInstances", "RunInstances")
        for _ in range(2)
    ]
    first = events[0]
    assert first["source"] == "aws.ec2"
    assert first["region"] == "us-east-1"
    assert first["resources"] == [f"arn:aws:ec2:us-east-1:{plane.account_id}:instance/{it}"]
    assert first["detail"] == {"instance-id": it, "state": "pending"}
    assert plane.received() == []


def test_while_nobody_uses_eventbridge_nothing_is_made_and_it_is_not_loaded(plane: Plane) -> None:
    plane.launched()
    assert list(plane.node.ledger.state.every(PendingEffect)) == []
    assert not plane.node.runtime.backends.default.in_use("events")


def test_a_restart_between_the_change_and_its_telling_neither_loses_nor_doubles_it(plane: Plane) -> None:
    plane.listen(source=["aws.ec2"])
    it = plane.launched()
    plane.received()
    plane.client("ec2").stop_instances(InstanceIds=[it])
    plane.close()
    plane.start()
    plane.carry_out()
    put_events = [record for record in plane.records() if record.operation == "PutEvents"]
    assert len(put_events) == len(("pending", "running", "stopping", "stopped"))
    assert not any(isinstance(it, PendingEffect) for it in plane.node.ledger.state.every(PendingEffect))


def test_what_an_agent_commits_is_told_as_what_a_caller_does(plane: Plane) -> None:
    plane.listen(source=["aws.ec2"])
    it = plane.launched()
    plane.received()

    def noticed(state: Any) -> Outcome:
        found = state.get(Instance, plane.account_id, it)
        notices = Notices(interruption="terminate", interruption_at=int(plane.now) + 120, rebalance_at=int(plane.now))
        return Outcome({}, (put(replace(found, notices=notices)),))

    for _ in range(2):  # a notice that stands is told once
        plane.run(plane.node.ledger.transact(noticed, lambda _: ()))
    warning, rebalance = plane.received()
    assert warning["detail-type"] == "EC2 Spot Instance Interruption Warning"
    assert warning["detail"] == {"instance-id": it, "instance-action": "terminate"}
    assert rebalance["detail-type"] == "EC2 Instance Rebalance Recommendation"


def test_nobody_but_a_service_puts_events_of_a_service(plane: Plane) -> None:
    plane.listen(**{"detail-type": ["forged", "own"]})
    entry = {"DetailType": "forged", "Detail": "{}", "Source": "aws.ec2"}
    own = {"DetailType": "own", "Detail": "{}", "Source": "my.app"}
    answer = plane.client("events").put_events(Entries=[entry, own, {**entry, "Source": "aws.partner.of.mine"}])
    assert answer["FailedEntryCount"] == 2
    assert [it.get("ErrorCode") for it in answer["Entries"]] == [
        "NotAuthorizedForSourceException",
        None,
        "NotAuthorizedForSourceException",
    ]
    assert [event["detail-type"] for event in plane.received()] == ["own"]
    assert plane.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 1
    assert plane.received() == []


def test_launches_hooks_and_terminations_of_a_group_are_told(plane: Plane) -> None:
    plane.listen(source=["aws.autoscaling"])
    hook = {"LifecycleHookName": "wait", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
    plane.group(LifecycleHookSpecificationList=[{**hook, "NotificationMetadata": "more"}])
    plane.reconcile()
    (action,) = plane.received()
    scaling, detail = plane.client("autoscaling"), action["detail"]
    assert action["detail-type"] == "EC2 Instance-launch Lifecycle Action"
    assert detail["NotificationMetadata"] == "more"
    assert (detail["Origin"], detail["Destination"]) == ("EC2", "AutoScalingGroup")
    scaling.complete_lifecycle_action(
        AutoScalingGroupName="web",
        LifecycleHookName="wait",
        LifecycleActionToken=detail["LifecycleActionToken"],
        LifecycleActionResult="CONTINUE",
    )
    plane.reconcile()
    (launch,) = plane.received()
    assert launch["detail-type"] == "EC2 Instance Launch Successful"
    assert launch["detail"]["EC2InstanceId"] == detail["EC2InstanceId"]
    assert launch["resources"][1].endswith(detail["EC2InstanceId"])
    scaling.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=0, DesiredCapacity=0)
    plane.reconcile()
    (gone,) = plane.received()
    assert gone["detail-type"] == "EC2 Instance Terminate Successful"
    assert gone["detail"]["Description"] == f"Terminating EC2 instance: {detail['EC2InstanceId']}"


def test_a_refresh_is_told_from_its_start_to_its_end(plane: Plane) -> None:
    plane.listen(source=["aws.autoscaling"], **{"detail-type": [{"prefix": "EC2 Auto Scaling Instance Refresh"}]})
    plane.group()
    plane.reconcile()
    scaling = plane.client("autoscaling")
    made = scaling.start_instance_refresh(AutoScalingGroupName="web")["InstanceRefreshId"]
    plane.reconcile()
    plane.reconcile(600)
    told = plane.received()
    assert [event["detail-type"].rpartition(" ")[2] for event in told] == ["Started", "Succeeded"]
    assert told[0]["detail"] == {"InstanceRefreshId": made, "AutoScalingGroupName": "web"}


def test_the_target_of_a_hook_is_told_by_the_hooks_role_after_a_test(plane: Plane) -> None:
    queue = plane.queue("hooked")
    plane.group(DesiredCapacity=0, MinSize=0)
    scaling, role = plane.client("autoscaling"), plane.role("autoscaling.amazonaws.com", "sqs:SendMessage")
    scaling.put_lifecycle_hook(
        AutoScalingGroupName="web",
        LifecycleHookName="wait",
        LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
        NotificationTargetARN=queue,
        RoleARN=role,
    )
    (test,) = plane.received("hooked")
    assert test["Event"] == "autoscaling:TEST_NOTIFICATION"
    scaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    plane.reconcile()
    (action,) = plane.received("hooked")
    assert action["Service"] == "AWS Auto Scaling"
    assert action["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
    assert action["LifecycleActionToken"]


def test_a_hook_whose_role_may_not_tell_its_target_is_refused(plane: Plane) -> None:
    queue = plane.queue("hooked")
    plane.group(DesiredCapacity=0, MinSize=0)
    scaling, role = plane.client("autoscaling"), plane.role("autoscaling.amazonaws.com")
    with pytest.raises(scaling.exceptions.ClientError, match="Unable to publish test message"):
        scaling.put_lifecycle_hook(
            AutoScalingGroupName="web",
            LifecycleHookName="wait",
            LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
            NotificationTargetARN=queue,
            RoleARN=role,
        )
    assert scaling.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"] == []


@pytest.mark.parametrize("target", ["arn:aws:sns:us-east-1:123456789012:old", "no ARN"])
def test_a_hook_of_an_older_journal_that_was_never_tested_tells_nobody_and_stops_nothing(
    plane: Plane, target: str
) -> None:
    plane.group(DesiredCapacity=0, MinSize=0)
    (group,) = plane.node.ledger.state.every(AutoScalingGroup)
    hook = LifecycleHook(
        account=group.account,
        region=group.region,
        group=group.name,
        name="old",
        transition="autoscaling:EC2_INSTANCE_LAUNCHING",
        settings={"NotificationTargetARN": target},
    )
    plane.run(plane.node.ledger.transact(lambda _state: Outcome({}, (put(hook),)), lambda _outcome: ()))
    plane.client("autoscaling").set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    plane.reconcile()
    (group,) = plane.node.ledger.state.every(AutoScalingGroup)
    assert [it.lifecycle for it in group.members] == ["Pending:Wait"]


def test_the_topics_of_a_group_get_the_notices_that_they_are_configured_for(plane: Plane) -> None:
    sns, scaling = plane.client("sns"), plane.client("autoscaling")
    topic, queue = sns.create_topic(Name="news")["TopicArn"], plane.queue("news")
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": queue}]})
    plane.client("sqs").set_queue_attributes(QueueUrl=plane.url("news"), Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    plane.group(DesiredCapacity=0, MinSize=0)
    types = ["autoscaling:EC2_INSTANCE_LAUNCH"]
    scaling.put_notification_configuration(AutoScalingGroupName="web", TopicARN=topic, NotificationTypes=types)
    plane.carry_out()
    assert [json.loads(it["Message"])["Event"] for it in plane.received("news")] == ["autoscaling:TEST_NOTIFICATION"]
    for size in (1, 0):
        scaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=size)
        plane.reconcile()
    plane.carry_out()
    (told,) = plane.received("news")
    assert told["Subject"] == 'Auto Scaling: launch for group "web"'
    assert json.loads(told["Message"])["Event"] == types[0]
    (shown,) = scaling.describe_notification_configurations()["NotificationConfigurations"]
    assert shown == {"AutoScalingGroupName": "web", "TopicARN": topic, "NotificationType": types[0]}
    scaling.delete_notification_configuration(AutoScalingGroupName="web", TopicARN=topic)
    assert scaling.describe_notification_configurations()["NotificationConfigurations"] == []

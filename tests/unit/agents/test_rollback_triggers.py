"""Rollback triggers: an alarm that goes off while a stack is made, or for a while after, undoes what was made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from locum.state import Stack, State
from support.inprocess import InProcess
from support.plane import ACCOUNT, document, fresh, refused, trusting
from support.waiting_stacks import Crafts, crafts, template

HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
READY = {
    "Type": "AWS::CloudFormation::WaitCondition",
    "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "43200"},
}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("alarmed")) as made:
        yield made


def queue(delay: int = 0) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": delay}}


def alarm(plane: InProcess) -> str:
    """The ARN of a new alarm, which is not off."""
    client, name = plane.client("cloudwatch"), fresh("alarm")
    measured = {"MetricName": "m", "Namespace": "n", "Period": 60, "EvaluationPeriods": 1, "Statistic": "Sum"}
    client.put_metric_alarm(AlarmName=name, ComparisonOperator="GreaterThanThreshold", Threshold=1, **measured)
    goes(plane, name, "OK")
    return str(client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"])


def goes(plane: InProcess, arn: str, state: str) -> None:
    name = arn.rpartition(":")[2]
    plane.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")


def triggered(*arns: str, minutes: int = 0) -> dict[str, Any]:
    triggers = [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in arns]
    return {"RollbackConfiguration": {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": minutes}}


def watched(there: Crafts, stack: str) -> None:
    """Go on until everything of a stack is made and its alarms are watched."""
    key = f"us-east-1/{stack.rpartition('/')[2]}"

    def reached(state: State) -> bool:
        it = state.get(Stack, ACCOUNT, key)
        return it is not None and it.watched > 0

    there.until(reached)


def update(there: Crafts, stack: str, resources: dict[str, Any], **more: Any) -> None:
    there.cloudformation.update_stack(StackName=stack, TemplateBody=template(resources), **more)


def delay_of(there: Crafts, stack: str) -> str:
    sqs, url = there.plane.client("sqs"), there.resource(stack, "Queue").physical
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]
    return str(found["DelaySeconds"])


def test_a_stack_whose_alarms_stay_calm_is_complete_and_tells_of_them(there: Crafts) -> None:
    arn = alarm(there.plane)
    stack = there.create({"Queue": queue()}, **triggered(arn))
    found = there.described(stack)
    assert found["StackStatus"] == "CREATE_COMPLETE"
    assert found["RollbackConfiguration"] == triggered(arn)["RollbackConfiguration"]


def test_an_alarm_that_goes_off_while_a_stack_waits_undoes_its_creation(there: Crafts) -> None:
    arn = alarm(there.plane)
    stack = there.create({"Queue": queue(), "Handle": HANDLE, "Ready": READY}, **triggered(arn))
    there.waits(stack, "Ready")
    goes(there.plane, arn, "ALARM")
    there.later(11)
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    told = f"The following rollback trigger(s) are in ALARM state: [{arn}]. Rollback requested by user."
    name = stack.split("/")[1]
    assert f"ROLLBACK_IN_PROGRESS {told}" in there.reasons(stack, name)


def test_an_alarm_that_goes_off_in_the_time_after_an_update_undoes_it(there: Crafts) -> None:
    arn = alarm(there.plane)
    stack = there.create({"Queue": queue()})
    assert there.status(stack) == "CREATE_COMPLETE"
    update(there, stack, {"Queue": queue(3)}, **triggered(arn, minutes=30))
    watched(there, stack)
    assert delay_of(there, stack) == "3"
    there.later(1700)
    goes(there.plane, arn, "ALARM")
    there.later(11)
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_of(there, stack) == "0"


def test_the_update_is_complete_once_the_time_is_over_also_after_a_restart(there: Crafts) -> None:
    arn = alarm(there.plane)
    stack = there.create({"Queue": queue()}, **triggered(arn, minutes=10))
    watched(there, stack)
    there.later(500)
    there.restart()
    assert there.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"
    there.later(101)
    assert there.status(stack) == "CREATE_COMPLETE"
    update(there, stack, {"Queue": queue(3)})
    watched(there, stack)
    there.later(601)
    assert there.status(stack) == "UPDATE_COMPLETE"
    there.later(20)
    goes(there.plane, arn, "ALARM")
    there.later(20)
    assert there.status(stack) == "UPDATE_COMPLETE"


def test_a_time_without_triggers_is_waited_for_and_may_be_cut_short_by_cancelling(there: Crafts) -> None:
    stack = there.create({"Queue": queue()})
    there.status(stack)
    update(there, stack, {"Queue": queue(3)}, RollbackConfiguration={"MonitoringTimeInMinutes": 180})
    watched(there, stack)
    there.cloudformation.cancel_update_stack(StackName=stack)
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_of(there, stack) == "0"


def test_nothing_is_made_where_an_alarm_is_off_or_missing(there: Crafts) -> None:
    off, there_not = alarm(there.plane), f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:nowhere"
    goes(there.plane, off, "ALARM")
    for arn in (off, there_not):
        stack = there.create({"Queue": queue()}, **triggered(arn))
        assert there.status(stack) == "ROLLBACK_COMPLETE"
        assert there.reasons(stack, "Queue") == []


def test_the_alarm_of_another_account_with_the_same_name_is_not_taken_for_it(there: Crafts) -> None:
    arn = alarm(there.plane).replace(ACCOUNT, "111122223333")
    stack = there.create({"Queue": queue()}, **triggered(arn))
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    assert f"missing: [{arn}]" in " ".join(there.reasons(stack, stack.split("/")[1]))


def test_a_stack_that_may_not_see_its_alarms_is_not_made_unwatched(there: Crafts) -> None:
    iam, name = there.plane.client("iam"), fresh("unwatched")
    trust = trusting(Service="cloudformation.amazonaws.com")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allowed))
    stack = there.create({"Queue": queue()}, RoleARN=role, **triggered(alarm(there.plane)))
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    assert "cloudwatch:DescribeAlarms" in " ".join(there.reasons(stack, stack.split("/")[1]))


def test_a_rollback_is_not_watched(there: Crafts) -> None:
    arn = alarm(there.plane)
    stack = there.create({"Queue": queue()}, **triggered(arn))
    there.status(stack)
    update(there, stack, {"Queue": queue(3), "Handle": HANDLE, "Ready": READY})
    there.waits(stack, "Ready")
    goes(there.plane, arn, "ALARM")
    there.later(11)
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert there.cloudformation.delete_stack(StackName=stack)
    assert there.status(stack) == "DELETE_COMPLETE"


def test_triggers_stay_until_a_call_gives_others_or_none(there: Crafts) -> None:
    arn = alarm(there.plane)
    stack = there.create({"Queue": queue()}, **triggered(arn, minutes=0))
    there.status(stack)
    update(there, stack, {"Queue": queue(3)}, RollbackConfiguration={"MonitoringTimeInMinutes": 0})
    assert there.described(stack)["RollbackConfiguration"]["RollbackTriggers"][0]["Arn"] == arn
    goes(there.plane, arn, "ALARM")
    update(there, stack, {"Queue": queue(4)}, RollbackConfiguration={"RollbackTriggers": []})
    assert there.status(stack) == "UPDATE_COMPLETE"


def test_a_change_set_brings_the_triggers_that_it_was_made_with(there: Crafts) -> None:
    arn = alarm(there.plane)
    stack = there.create({"Queue": queue()})
    there.status(stack)
    named = {"StackName": stack, "ChangeSetName": "watched"}
    there.cloudformation.create_change_set(TemplateBody=template({"Queue": queue(3)}), **named, **triggered(arn))
    shown = there.cloudformation.describe_change_set(**named)["RollbackConfiguration"]
    assert shown == triggered(arn)["RollbackConfiguration"]
    goes(there.plane, arn, "ALARM")
    there.cloudformation.execute_change_set(**named)
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"


def test_what_is_no_rollback_configuration_is_refused(there: Crafts) -> None:
    arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:a"
    kind = "AWS::CloudWatch::Alarm"
    for given in (
        {"RollbackTriggers": [{"Arn": arn, "Type": kind}] * 6},
        {"RollbackTriggers": [{"Arn": "arn:aws:sns:us-east-1:1:a", "Type": kind}]},
        {"RollbackTriggers": [{"Arn": arn, "Type": "AWS::SNS::Topic"}]},
        {"MonitoringTimeInMinutes": 181},
    ):
        fault = refused(
            there.cloudformation.create_stack,
            StackName="no-triggers",
            TemplateBody=template({"Queue": queue()}),
            RollbackConfiguration=given,
        )
        assert fault.code == "ValidationError"

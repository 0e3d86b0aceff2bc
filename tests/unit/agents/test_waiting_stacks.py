"""Wait conditions, signals, creation policies, nested stacks and notifications: who is waited for, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from support.inprocess import refusal
from support.plane import allow, document, fresh, trusting
from support.waiting_stacks import Crafts, crafts, template

CONDITION = {"Type": "AWS::CloudFormation::WaitCondition", "DependsOn": "Handle"}
STACK = "AWS::CloudFormation::Stack"
HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("waiting")) as made:
        yield made


def waiting(there: Crafts, count: int = 1, timeout: int = 600, **params: Any) -> tuple[str, str]:
    """A stack with the wait condition `Ready`, and the URL of its handle."""
    properties = {"Handle": {"Ref": "Handle"}, "Count": count, "Timeout": str(timeout)}
    resources = {"Handle": HANDLE, "Ready": {**CONDITION, "Properties": properties}}
    stack = there.create(resources, {"Data": {"Fn::GetAtt": ["Ready", "Data"]}}, **params)
    there.waits(stack, "Ready")
    return stack, there.resource(stack, "Handle").physical


def signal(identifier: str, status: str = "SUCCESS", **more: Any) -> bytes:
    return json.dumps({"Status": status, "UniqueId": identifier, "Reason": "done", "Data": "", **more}).encode()


# -- wait conditions -----------------------------------------------------------------------------------------


def test_a_wait_condition_is_complete_once_as_many_have_signalled(there: Crafts) -> None:
    stack, url = waiting(there, 2)
    assert there.put(url, signal("one", Data="first")).status == 200
    assert there.resource(stack, "Ready").status == "CREATE_IN_PROGRESS"
    assert there.put(url, signal("two", Data="second")).status == 200
    found = there.described(stack)
    assert found["StackStatus"] == "CREATE_COMPLETE"
    assert json.loads(found["Outputs"][0]["OutputValue"]) == {"one": "first", "two": "second"}


def test_the_reason_of_a_creation_is_not_told_once_a_resource_is_begun(there: Crafts) -> None:
    """As AWS recorded it."""
    stack, url = waiting(there)
    told = there.plane.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    assert (told["StackStatus"], "StackStatusReason" in told) == ("CREATE_IN_PROGRESS", False)
    there.put(url, signal("one"))
    assert there.status(stack) == "CREATE_COMPLETE"


def test_a_signal_that_is_sent_again_counts_once(there: Crafts) -> None:
    stack, url = waiting(there, 2)
    for _ in range(3):
        assert there.put(url, signal("one")).status == 200
    assert there.resource(stack, "Ready").status == "CREATE_IN_PROGRESS"
    there.put(url, signal("two"))
    assert there.status(stack) == "CREATE_COMPLETE"


def test_a_signal_of_a_failure_fails_the_condition(there: Crafts) -> None:
    stack, url = waiting(there, 2, OnFailure="DO_NOTHING")
    there.put(url, signal("one", "FAILURE", Reason="no disk"))
    assert there.status(stack) == "CREATE_FAILED"
    told = "CREATE_FAILED WaitCondition received failed message: 'no disk' for uniqueId: one"
    assert there.reasons(stack, "Ready")[-1] == told


def test_a_wait_condition_times_out(there: Crafts) -> None:
    stack, url = waiting(there, 2, OnFailure="DO_NOTHING")
    there.put(url, signal("one"))
    there.later(601)
    assert there.status(stack) == "CREATE_FAILED"
    told = "CREATE_FAILED WaitCondition timed out. Received 1 conditions when expecting 2"
    assert there.reasons(stack, "Ready")[-1] == told
    assert there.put(url, signal("two")).status == 403


def test_the_time_of_a_wait_condition_goes_on_after_a_restart(there: Crafts) -> None:
    stack, url = waiting(there, 2, OnFailure="DO_NOTHING")
    there.put(url, signal("one"))
    there.restart()
    there.later(601)
    assert there.status(stack) == "CREATE_FAILED"


def test_a_restart_loses_no_signal(there: Crafts) -> None:
    stack, url = waiting(there, 2)
    there.put(url, signal("one"))
    there.restart()
    there.put(url, signal("two"))
    assert there.status(stack) == "CREATE_COMPLETE"


def test_a_handle_is_of_its_own_stack(there: Crafts) -> None:
    stack, url = waiting(there)
    properties = {"Handle": url, "Timeout": "60"}
    other = there.create(
        {"Ready": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": properties}}, OnFailure="DO_NOTHING"
    )
    assert there.status(other) == "CREATE_FAILED"
    there.put(url, signal("one"))
    assert there.status(stack) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        signal(""),
        signal("one", "DONE"),
        signal("one", UniqueId=[1]),
        signal("one", Data="x" * 4096),
        b"[1]",
    ],
)
def test_what_is_no_signal_is_refused(there: Crafts, body: bytes) -> None:
    stack, url = waiting(there)
    assert there.put(url, body).status == 400
    assert there.resource(stack, "Handle").received == b""
    there.put(url, signal("one"))
    assert there.status(stack) == "CREATE_COMPLETE"


def test_a_handle_keeps_so_many_signals_and_no_more(there: Crafts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.services.cloudformation.signals.MOST_SIGNALS", 3)
    stack, url = waiting(there, 9)
    assert [there.put(url, signal(str(number))).status for number in range(5)] == [200, 200, 200, 400, 400]
    there.cloudformation.delete_stack(StackName=stack)
    assert there.status(stack) == "DELETE_COMPLETE"


def test_the_signals_that_a_handle_keeps_have_a_size(there: Crafts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.services.cloudformation.signals.MOST_OCTETS", 2048)
    stack, url = waiting(there, 9)
    answers = [there.put(url, signal(str(number), Data="x" * 900)).status for number in range(4)]
    assert (answers[0], answers[-1]) == (200, 400)
    there.cloudformation.delete_stack(StackName=stack)
    assert there.status(stack) == "DELETE_COMPLETE"


def test_other_tags_of_a_stack_do_not_concern_its_wait_condition(there: Crafts) -> None:
    stack, url = waiting(there)
    there.put(url, signal("one"))
    assert there.status(stack) == "CREATE_COMPLETE"
    there.cloudformation.update_stack(StackName=stack, UsePreviousTemplate=True, Tags=[{"Key": "a", "Value": "b"}])
    assert there.status(stack) == "UPDATE_COMPLETE"


# -- creation policies ---------------------------------------------------------------------------------------


def instance(there: Crafts, count: int = 1, **params: Any) -> str:
    """A stack whose instance `Machine` waits for signals."""
    image = there.plane.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    policy = {"ResourceSignal": {"Count": count, "Timeout": "PT1H30M"}}
    machine = {"Type": "AWS::EC2::Instance", "CreationPolicy": policy, "Properties": {"ImageId": image}}
    stack = there.create({"Machine": machine}, **params)
    there.waits(stack, "Machine")
    return stack


def signalled(there: Crafts, stack: str, identifier: str, status: str = "SUCCESS") -> None:
    there.cloudformation.signal_resource(
        StackName=stack, LogicalResourceId="Machine", UniqueId=identifier, Status=status
    )


def test_a_resource_with_a_creation_policy_is_complete_once_as_many_have_signalled(there: Crafts) -> None:
    stack = instance(there, 2)
    signalled(there, stack, "one")
    assert there.resource(stack, "Machine").status == "CREATE_IN_PROGRESS"
    there.restart()
    signalled(there, stack, "two")
    assert there.status(stack) == "CREATE_COMPLETE"
    assert there.reasons(stack, "Machine") == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS Resource creation Initiated",
        "CREATE_IN_PROGRESS Received SUCCESS signal with UniqueId one",
        "CREATE_IN_PROGRESS Received SUCCESS signal with UniqueId two",
        "CREATE_COMPLETE",
    ]


def test_a_resource_takes_so_many_signals_and_no_more(there: Crafts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.services.cloudformation.signals.MOST_SIGNALS", 2)
    stack = instance(there, 9)
    for identifier in ("one", "two"):
        signalled(there, stack, identifier)
    with pytest.raises(there.cloudformation.exceptions.ClientError, match="too many signals"):
        signalled(there, stack, "three")
    there.cloudformation.delete_stack(StackName=stack)
    assert there.status(stack) == "DELETE_COMPLETE"


def test_signals_of_failures_fail_a_resource_which_is_deleted(there: Crafts) -> None:
    stack = instance(there)
    machine = there.resource(stack, "Machine").physical
    signalled(there, stack, "one", "FAILURE")
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    told = "Received 1 FAILURE signal(s) out of 1. Unable to satisfy 100% MinSuccessfulInstancesPercent requirement"
    assert f"CREATE_FAILED {told}" in there.reasons(stack, "Machine")
    found = there.plane.client("ec2").describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] in ("shutting-down", "terminated")


def test_signals_that_do_not_come_in_time_fail_the_resource(there: Crafts) -> None:
    stack = instance(there, OnFailure="DO_NOTHING")
    there.later(5401)
    assert there.status(stack) == "CREATE_FAILED"
    told = "CREATE_FAILED Failed to receive 1 resource signal(s) within the specified duration"
    assert there.reasons(stack, "Machine")[-1] == told


def test_a_signal_is_sent_once_or_becomes_one_of_a_failure(there: Crafts) -> None:
    stack, send = instance(there, 2), there.cloudformation.signal_resource
    signalled(there, stack, "one")
    again = {"StackName": stack, "LogicalResourceId": "Machine", "UniqueId": "one"}
    assert "already exists" in refusal(send, **again, Status="SUCCESS")[2]
    signalled(there, stack, "one", "FAILURE")
    signalled(there, stack, "two")
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    assert refusal(send, **again, Status="FAILURE")[0] == "ValidationError"
    assert refusal(send, **{**again, "LogicalResourceId": "Nobody"}, Status="SUCCESS")[0] == "ValidationError"


def test_nobody_signals_who_may_not(there: Crafts) -> None:
    stack = instance(there)
    stranger = there.plane.client("cloudformation", there.plane.user(fresh("user")))
    sent = {"StackName": stack, "LogicalResourceId": "Machine", "UniqueId": "one", "Status": "SUCCESS"}
    assert refusal(stranger.signal_resource, **sent)[0] == "AccessDenied"
    signalled(there, stack, "one")
    assert there.status(stack) == "CREATE_COMPLETE"


# -- nested stacks -------------------------------------------------------------------------------------------


def stored(there: Crafts, resources: Mapping[str, Any], outputs: Mapping[str, Any] | None = None) -> str:
    """The URL of a template in S3."""
    bucket, s3 = fresh("templates"), there.plane.client("s3")
    s3.create_bucket(Bucket=bucket)
    inner = json.loads(template(resources, outputs))
    inner["Parameters"] = {"Name": {"Type": "String", "Default": "none"}}
    s3.put_object(Bucket=bucket, Key="inner.json", Body=json.dumps(inner))
    return f"https://{bucket}.s3.amazonaws.com/inner.json"


def nested(url: str, **properties: Any) -> dict[str, Any]:
    return {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, **properties}}}


def topic(name: str) -> dict[str, Any]:
    return {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}, "DisplayName": name}}}


def test_a_nested_stack_is_made_with_its_parameters_and_told_by_its_outputs(there: Crafts) -> None:
    name, url = fresh("topic"), stored(there, topic("one"), {"Arn": {"Ref": "Topic"}})
    outer = there.create(
        nested(url, Parameters={"Name": name}),
        {"Arn": {"Fn::GetAtt": ["Inner", "Outputs.Arn"]}},
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    found = there.described(outer)
    assert found["StackStatus"] == "CREATE_COMPLETE"
    assert found["Outputs"][0]["OutputValue"].endswith(f":{name}")
    inner = there.described(there.resource(outer, "Inner").physical)
    assert (inner["ParentId"], inner["RootId"]) == (outer, outer)
    assert inner["Tags"] == [{"Key": "team", "Value": "blue"}]
    there.cloudformation.delete_stack(StackName=outer)
    assert there.status(outer) == there.status(inner["StackId"]) == "DELETE_COMPLETE"


def test_the_root_of_a_nested_stack_in_a_nested_stack_is_the_outermost(there: Crafts) -> None:
    name, innermost = fresh("topic"), stored(there, topic("one"))
    outer = there.create(nested(stored(there, nested(innermost, Parameters={"Name": name}))))
    assert there.status(outer) == "CREATE_COMPLETE"
    middle = there.resource(outer, "Inner").physical
    inner = there.described(there.resource(middle, "Inner").physical)
    assert (inner["ParentId"], inner["RootId"]) == (middle, outer)


def test_a_nested_stack_that_fails_fails_the_outer_one_and_both_are_rolled_back(there: Crafts) -> None:
    outer = there.create(nested(stored(there, {"Thing": there.custom()})))
    there.answer(there.asked(), "FAILED", Reason="no")
    there.answer(there.asked())
    assert there.status(outer) == "ROLLBACK_COMPLETE"
    inner = there.resource(outer, "Inner").physical
    told = f"Embedded stack {inner} was not successfully created: The following resource(s) failed to create: [Thing]."
    assert f"CREATE_FAILED {told}" in there.reasons(outer, "Inner")
    assert there.status(inner) == "DELETE_COMPLETE"


def test_an_update_reaches_into_nested_stacks_also_where_nothing_differs_outside(there: Crafts) -> None:
    name, url = fresh("topic"), stored(there, topic("one"))
    outer = there.create(nested(url, Parameters={"Name": name}))
    assert there.status(outer) == "CREATE_COMPLETE"
    bucket = url.removeprefix("https://").partition(".")[0]
    inner = json.loads(template(topic("two")))
    inner["Parameters"] = {"Name": {"Type": "String"}}
    there.plane.client("s3").put_object(Bucket=bucket, Key="inner.json", Body=json.dumps(inner))
    tags = [{"Key": "a", "Value": "b"}]
    there.cloudformation.update_stack(StackName=outer, UsePreviousTemplate=True, Tags=tags)
    assert there.status(outer) == "UPDATE_COMPLETE"
    arn = f"arn:aws:sns:us-east-1:000000000000:{name}"
    assert there.plane.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "two"


def test_a_nested_stack_without_changes_is_no_failure(there: Crafts) -> None:
    url = stored(there, topic("one"))
    both = nested(url, Parameters={"Name": fresh("topic")})
    outer = there.create(both)
    assert there.status(outer) == "CREATE_COMPLETE"
    there.update(outer, {**both, "More": {"Type": "AWS::CDK::Metadata"}})
    assert there.status(outer) == "UPDATE_COMPLETE"


def test_a_nested_update_that_fails_goes_back_with_the_outer_one(there: Crafts) -> None:
    url = stored(there, {"Thing": there.custom(Name={"Ref": "Name"})})
    outer = there.create(nested(url, Parameters={"Name": "one"}))
    there.answer(there.asked())
    assert there.status(outer) == "CREATE_COMPLETE"
    there.update(outer, nested(url, Parameters={"Name": "two"}))
    there.answer(there.asked(), "FAILED", Reason="no")
    there.answer(there.asked())
    assert there.status(outer) == "UPDATE_ROLLBACK_COMPLETE"
    inner = there.resource(outer, "Inner").physical
    reason = next(it for it in there.reasons(outer, "Inner") if it.startswith("UPDATE_FAILED"))
    told = "Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: The following resource(s) failed to update: [Thing]."
    assert reason == f"UPDATE_FAILED Embedded stack {inner} was not successfully updated. {told}"


def test_a_restart_while_a_nested_stack_is_made_makes_it_once(there: Crafts) -> None:
    outer = there.create(nested(stored(there, {"Thing": there.custom()})))
    asking = there.asked()
    there.waits(asking.told["StackId"], "Thing")
    there.restart()
    there.answer(asking)
    assert there.status(outer) == "CREATE_COMPLETE"
    assert there.resource(outer, "Inner").physical == asking.told["StackId"]
    parents = [it.get("ParentId") for it in there.cloudformation.describe_stacks()["Stacks"]]
    assert parents.count(outer) == 1


def test_a_nested_stack_is_made_with_the_permissions_of_the_caller(there: Crafts) -> None:
    url = stored(there, topic("one"))
    may = there.plane.user(fresh("user"), allow(["cloudformation:*", "s3:*"]))
    client = there.plane.client("cloudformation", may)
    body = template(nested(url, Parameters={"Name": fresh("topic")}))
    outer = client.create_stack(StackName=fresh("stack"), TemplateBody=body)["StackId"]
    assert there.status(outer) == "ROLLBACK_COMPLETE"
    inner = there.resource(outer, "Inner").physical
    assert any("not authorized to perform: sns:" in it for it in there.reasons(inner, "Topic"))


def test_a_nested_stack_is_made_in_the_role_of_the_outer_one(there: Crafts) -> None:
    url, iam = stored(there, topic("one")), there.plane.client("iam")
    role = fresh("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trusting(Service="cloudformation.amazonaws.com"))
    may = document(allow(["cloudformation:*", "s3:*", "sns:*"]))
    iam.put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=may)
    arn = f"arn:aws:iam::000000000000:role/{role}"
    outer = there.create(nested(url, Parameters={"Name": fresh("topic")}), RoleARN=arn)
    assert there.status(outer) == "CREATE_COMPLETE"
    there.cloudformation.delete_stack(StackName=outer)
    assert there.status(outer) == "DELETE_COMPLETE"
    made = [it for it in there.plane.records(300) if it.operation == "CreateTopic"]
    assert made
    assert role in repr(made[0].identity)


# -- notifications -------------------------------------------------------------------------------------------


def notices(there: Crafts, stack: str) -> list[dict[str, str]]:
    """What the topic is told of a stack until it is complete, oldest first."""
    told: list[dict[str, str]] = []
    while not told or (told[-1]["ResourceStatus"], told[-1]["PhysicalResourceId"]) != ("CREATE_COMPLETE", stack):
        lines = [line.split("=", 1) for line in there.message().splitlines()]
        assert all(value[0] == value[-1] == "'" for _, value in lines)
        told.append({"PhysicalResourceId": "", **{name: value[1:-1] for name, value in lines}})
    return told


def test_a_topic_is_told_of_the_events_of_a_stack_as_they_are_described(there: Crafts) -> None:
    stack = there.create(
        {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 7}}}, NotificationARNs=[there.topic]
    )
    told = notices(there, stack)
    name = stack.split("/")[1]
    shown = [(it["LogicalResourceId"], it["ResourceStatus"]) for it in told]
    assert shown[0] == (name, "CREATE_IN_PROGRESS")
    assert shown[-2:] == [("Queue", "CREATE_COMPLETE"), (name, "CREATE_COMPLETE")]
    assert {it["StackId"] for it in told} == {stack}
    assert [it["ResourceProperties"] for it in told] == ["null", *['{"DelaySeconds":"7"}'] * (len(told) - 2), "null"]
    assert ["PrincipalId" in it for it in told] == [it["LogicalResourceId"] == name for it in told]
    events = there.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    described = {it["EventId"]: it.get("ResourceProperties", "null") for it in events}
    assert {it["EventId"]: it["ResourceProperties"] for it in told} == described


def test_attack_a_topic_is_told_no_secret(there: Crafts) -> None:
    ssm, name = there.plane.client("ssm"), fresh("kept")
    ssm.put_parameter(Name=name, Value="read-by-reference", Type="String")
    reference = f"{{{{resolve:ssm:{name}:1}}}}"
    values = {"Silent": {"Ref": "Word"}, "Read": reference, "Open": "told"}
    kept = {
        logical: {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
        for logical, value in values.items()
    }
    body = {"Parameters": {"Word": {"Type": "String", "NoEcho": True}}, "Resources": kept}
    stack = there.cloudformation.create_stack(
        StackName=fresh("silent"),
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": "Word", "ParameterValue": "given-as-parameter"}],
        NotificationARNs=[there.topic],
    )["StackId"]
    told = notices(there, stack)
    shown = {it["LogicalResourceId"]: json.loads(it["ResourceProperties"]) for it in told}
    assert {logical: shown[logical]["Value"] for logical in values} == {
        "Silent": "****",
        "Read": reference,
        "Open": "told",
    }
    assert not [it for it in told if "given-as-parameter" in str(it) or "read-by-reference" in str(it)]


def test_a_topic_is_told_of_a_resource_whose_properties_are_too_long_for_a_message(there: Crafts) -> None:
    templates = fresh("templates")
    s3 = there.plane.client("s3")
    s3.create_bucket(Bucket=templates)
    thing = {"Type": "AWS::CloudFormation::WaitCondition", "Metadata": {}, "Properties": {}}
    long = {**thing, "Properties": {"Handle": "x" * 270_000, "Timeout": "1"}}
    s3.put_object(Bucket=templates, Key="long", Body=json.dumps({"Resources": {"Long": long}}).encode())
    stack = there.cloudformation.create_stack(
        StackName=fresh("long"),
        TemplateURL=f"https://{templates}.s3.amazonaws.com/long",
        NotificationARNs=[there.topic],
        OnFailure="DO_NOTHING",
    )["StackId"]
    assert there.status(stack) == "CREATE_FAILED"
    messages = [there.message() for _ in range(3)]
    assert "LogicalResourceId='Long'" in messages[1]
    assert "ResourceProperties='null'" in messages[1]
    while "CREATE_FAILED" not in messages[-1] or f"PhysicalResourceId='{stack}'" not in messages[-1]:
        messages.append(there.message())

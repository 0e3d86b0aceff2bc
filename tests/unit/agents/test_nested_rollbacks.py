"""The update of a nested stack goes back with those around it: to what it was, whatever is at its TemplateURL now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from locum.state import Stack
from support.nested_stacks import Bucket, delay_in, delay_of, made, nested, pair, queue
from support.plane import allow, fresh
from support.waiting_stacks import Crafts, crafts

UPDATED = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"]
BACK = [
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("back")) as made:
        yield made


def after(other: str, resource: Mapping[str, Any]) -> dict[str, Any]:
    return {**resource, "DependsOn": other}


def statuses(there: Crafts, stack: str) -> list[str]:
    return [it.split(" ")[0] for it in there.reasons(stack, stack.split("/")[1])]


def is_there(there: Crafts, stack: str, status: str) -> None:
    """Go on until a stack has that status."""
    key = f"us-east-1/{stack.rpartition('/')[2]}"

    def reached(state: Any) -> bool:
        found = state.get(Stack, "000000000000", key)
        return found is not None and found.status == status

    there.until(reached)


FAILS = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": "https://nobody", "Timeout": "1"}}


def test_content_that_changed_at_the_url_is_taken_back(there: Crafts) -> None:
    bucket = Bucket(there)
    export = fresh("export")
    outputs = {"Outputs": {"Delay": {"Value": "one", "Export": {"Name": export}}}}
    url = bucket.put("inner", {"Queue": queue(1)}, **outputs)
    outer = made(there, {"Inner": nested(url)}, {"Told": {"Fn::GetAtt": ["Inner", "Outputs.Delay"]}})
    inner = there.resource(outer, "Inner").physical
    physical = there.resource(inner, "Queue").physical
    outputs["Outputs"]["Delay"]["Value"] = "two"
    bucket.put("inner", {"Queue": queue(2), "More": queue(3)}, **outputs)
    there.update(outer, {"Inner": nested(url), "Fails": after("Inner", FAILS)})
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert statuses(there, inner)[-5:] == UPDATED + BACK
    assert delay_of(there, physical) == "1"
    assert there.described(inner)["Outputs"][0]["OutputValue"] == "one"
    exports = there.cloudformation.get_paginator("list_exports").paginate()
    assert [it["Value"] for page in exports for it in page["Exports"] if it["Name"] == export] == ["one"]
    body = there.cloudformation.get_template(StackName=inner)["TemplateBody"]
    assert body["Resources"] == {"Queue": queue(1)}
    resources = there.cloudformation.describe_stack_resources(StackName=inner)["StackResources"]
    assert [it["LogicalResourceId"] for it in resources] == ["Queue"]


def test_what_was_replaced_within_comes_back_as_it_is_not_deleted_before_the_root_is_done(there: Crafts) -> None:
    bucket, first = Bucket(there), fresh("first")
    url = bucket.put("inner", {"Queue": queue(1, QueueName=first)})
    outer = made(there, {"Inner": nested(url)})
    inner = there.resource(outer, "Inner").physical
    before = there.resource(inner, "Queue").physical
    bucket.put("inner", {"Queue": queue(1, QueueName=fresh("second"))})
    there.update(outer, {"Inner": nested(url), "Thing": after("Inner", there.custom())})
    asking = there.asked()
    is_there(there, inner, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    assert there.resource(inner, "Queue").physical != before
    assert delay_of(there, before) == "1"
    there.answer(asking, "FAILED", Reason="no")
    there.answer(there.asked())
    assert there.status(outer) == "UPDATE_ROLLBACK_COMPLETE"
    assert there.resource(inner, "Queue").physical == before
    assert delay_of(there, before) == "1"


def test_a_nested_stack_cleans_up_once_the_root_is_updated(there: Crafts) -> None:
    bucket = Bucket(there)
    innermost = bucket.put("innermost", {"Queue": queue(1), "Gone": queue(2)})
    url = bucket.put("middle", {"Inner": nested(innermost)})
    outer = made(there, {"Middle": nested(url)})
    middle = there.resource(outer, "Middle").physical
    inner = there.resource(middle, "Inner").physical
    gone = there.resource(inner, "Gone").physical
    bucket.put("innermost", {"Queue": queue(3)})
    bucket.put("middle", {"Inner": nested(innermost), "Topic": {"Type": "AWS::SNS::Topic"}})
    there.update(outer, {"Middle": nested(url), "Thing": after("Middle", there.custom())})
    asking = there.asked()
    for stack in (middle, inner):
        is_there(there, stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    assert delay_of(there, gone) == "2"
    there.answer(asking)
    assert there.status(outer) == there.status(middle) == there.status(inner) == "UPDATE_COMPLETE"
    resources = there.cloudformation.describe_stack_resources(StackName=inner)["StackResources"]
    assert [it["LogicalResourceId"] for it in resources] == ["Queue"]
    assert statuses(there, inner)[-3:] == [*UPDATED, "UPDATE_COMPLETE"]


def test_stacks_within_nested_stacks_go_back_with_the_root(there: Crafts) -> None:
    bucket = Bucket(there)
    innermost = bucket.put("innermost", {"Queue": queue(1)})
    url = bucket.put("middle", {"Inner": nested(innermost)})
    outer = made(there, {"Middle": nested(url)})
    middle = there.resource(outer, "Middle").physical
    inner = there.resource(middle, "Inner").physical
    bucket.put("innermost", {"Queue": queue(2)})
    bucket.put("middle", {"Inner": nested(innermost), "Topic": {"Type": "AWS::SNS::Topic"}})
    there.update(outer, {"Middle": nested(url), "Fails": after("Middle", FAILS)})
    assert there.status(outer) == "UPDATE_ROLLBACK_COMPLETE"
    assert there.status(middle) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, inner) == "1"
    resources = there.cloudformation.describe_stack_resources(StackName=middle)["StackResources"]
    assert [it["LogicalResourceId"] for it in resources] == ["Inner"]


def test_the_policy_of_a_nested_stack_does_not_keep_it_from_going_back(there: Crafts) -> None:
    bucket, url, outer, inner = pair(there, {"Queue": queue(1)})
    bucket.put("inner", {"Queue": queue(2)})
    there.update(outer, {"Inner": nested(url), "Thing": after("Inner", there.custom())})
    asking = there.asked()
    is_there(there, inner, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    deny = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    there.cloudformation.set_stack_policy(StackName=inner, StackPolicyBody=json.dumps({"Statement": [deny]}))
    there.answer(asking, "FAILED", Reason="no")
    there.answer(there.asked())
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, inner) == "1"


def test_a_restart_in_the_middle_goes_on_without_the_template_at_the_url(there: Crafts) -> None:
    bucket = Bucket(there)
    url = bucket.put("inner", {"Thing": there.custom(Of="one"), "Queue": queue(1)})
    outer = there.create({"Inner": nested(url)})
    there.answer(there.asked())
    assert there.status(outer) == "CREATE_COMPLETE"
    inner = there.resource(outer, "Inner").physical
    bucket.put("inner", {"Thing": there.custom(Of="two"), "Queue": queue(2)})
    there.update(outer, {"Inner": nested(url), "Fails": after("Inner", FAILS)})
    there.answer(there.asked())
    back = there.asked()
    assert back.told["ResourceProperties"]["Of"] == "one"
    bucket.s3.delete_object(Bucket=bucket.name, Key="inner")
    there.waits(inner, "Thing")
    there.restart()
    there.answer(back)
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, inner) == "1"
    assert statuses(there, inner).count("UPDATE_ROLLBACK_IN_PROGRESS") == 1
    assert not there.is_asked()


def test_a_restart_before_it_goes_back_keeps_what_it_was(there: Crafts) -> None:
    bucket, url, outer, inner = pair(there, {"Queue": queue(1)})
    bucket.put("inner", {"Queue": queue(2)})
    there.update(outer, {"Inner": nested(url), "Thing": after("Inner", there.custom())})
    asking = there.asked()
    there.waits(outer, "Thing")
    there.restart()
    is_there(there, inner, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    there.answer(asking, "FAILED", Reason="no")
    there.answer(there.asked())
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, inner) == "1"


def test_parameters_that_are_secret_come_back_and_are_not_shown(there: Crafts) -> None:
    bucket = Bucket(there)
    secret = {"Parameters": {"Word": {"Type": "String", "NoEcho": True}}}
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Word"}}}
    url = bucket.put("inner", {"Kept": parameter}, **secret)
    outer = made(there, {"Inner": nested(url, Parameters={"Word": "first-secret"})})
    inner = there.resource(outer, "Inner").physical
    there.update(outer, {"Inner": nested(url, Parameters={"Word": "second-secret"}), "Fails": after("Inner", FAILS)})
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    name = there.resource(inner, "Kept").physical
    assert there.plane.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "first-secret"
    assert there.described(inner)["Parameters"] == [{"ParameterKey": "Word", "ParameterValue": "****"}]


def test_a_client_does_nothing_to_a_nested_stack_that_waits_for_its_root(there: Crafts) -> None:
    bucket, url, outer, inner = pair(there, {"Queue": queue(1)})
    bucket.put("inner", {"Queue": queue(2)})
    there.update(outer, {"Inner": nested(url), "Thing": after("Inner", there.custom())})
    asking = there.asked()
    is_there(there, inner, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    body = json.dumps({"Resources": {"Queue": queue(7)}})
    with pytest.raises(ClientError, match="can not be updated"):
        there.cloudformation.update_stack(StackName=inner, TemplateBody=body)
    with pytest.raises(ClientError, match="cannot be deleted while in status"):
        there.cloudformation.delete_stack(StackName=inner)
    with pytest.raises(ClientError, match="can not be rolled back"):
        there.cloudformation.rollback_stack(StackName=inner)
    there.answer(asking)
    assert there.status(outer) == there.status(inner) == "UPDATE_COMPLETE"


def test_going_back_takes_no_permission_but_to_update(there: Crafts) -> None:
    bucket, url, outer, inner = pair(there, {"Queue": queue(1)})
    bucket.put("inner", {"Queue": queue(2)})
    user, iam = fresh("user"), there.plane.client("iam")
    updates = allow(["cloudformation:UpdateStack", "cloudformation:DescribeStacks", "sqs:*", "sns:*"])
    key = there.plane.user(user, updates)
    reads = {"Version": "2012-10-17", "Statement": [allow("s3:GetObject")]}
    iam.put_user_policy(UserName=user, PolicyName="reads", PolicyDocument=json.dumps(reads))
    body = {"Resources": {"Inner": nested(url), "Thing": after("Inner", there.custom())}}
    client = there.plane.client("cloudformation", key)
    client.update_stack(StackName=outer, TemplateBody=json.dumps(body))
    asking = there.asked()
    iam.delete_user_policy(UserName=user, PolicyName="reads")
    there.answer(asking, "FAILED", Reason="no")
    there.answer(there.asked())
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, inner) == "1"


def test_a_nested_rollback_that_failed_goes_on_with_that_of_the_root(there: Crafts) -> None:
    bucket = Bucket(there)
    url = bucket.put("inner", {"Thing": there.custom(Of="one")})
    outer = there.create({"Inner": nested(url)})
    there.answer(there.asked())
    assert there.status(outer) == "CREATE_COMPLETE"
    inner = there.resource(outer, "Inner").physical
    bucket.put("inner", {"Thing": there.custom(Of="two")})
    there.update(outer, {"Inner": nested(url), "Fails": after("Inner", FAILS)})
    there.answer(there.asked())
    there.answer(there.asked(), "FAILED", Reason="not now")
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_FAILED"
    there.cloudformation.continue_update_rollback(StackName=outer)
    there.answer(there.asked())
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_root_that_failed_and_was_kept_rolls_its_parts_back_later_or_deletes_them(there: Crafts) -> None:
    bucket, url, outer, inner = pair(there, {"Queue": queue(1)})
    bucket.put("inner", {"Queue": queue(2)})
    body = json.dumps({"Resources": {"Inner": nested(url), "Fails": after("Inner", FAILS)}})

    def fail() -> None:
        there.cloudformation.update_stack(StackName=outer, TemplateBody=body, DisableRollback=True)
        assert there.status(outer) == "UPDATE_FAILED"
        is_there(there, inner, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

    fail()
    there.cloudformation.rollback_stack(StackName=outer)
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, inner) == "1"
    fail()
    there.update(outer, {"Inner": nested(url)})
    assert there.status(outer) == there.status(inner) == "UPDATE_COMPLETE"
    bucket.put("inner", {"Queue": queue(3)})
    fail()
    there.cloudformation.delete_stack(StackName=outer)
    assert there.status(outer) == there.status(inner) == "DELETE_COMPLETE"


def test_a_stack_that_is_updated_by_itself_waits_for_nobody(there: Crafts) -> None:
    _, url, outer, inner = pair(there, {"Queue": queue(1)})
    there.update(outer, {"Inner": nested(url), "Thing": there.custom()})
    asking = there.asked()
    there.waits(outer, "Thing")
    there.until(lambda _: there.resource(outer, "Inner").status == "UPDATE_COMPLETE")
    there.update(inner, {"Queue": queue(9)})
    assert there.status(inner) == "UPDATE_COMPLETE"
    there.answer(asking, "FAILED", Reason="no")
    there.answer(there.asked())
    assert there.status(outer) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, inner) == "9"


def test_a_restart_while_a_nested_stack_is_updated_updates_it_once(there: Crafts) -> None:
    bucket = Bucket(there)
    url = bucket.put("inner", {"Thing": there.custom(Of="one")})
    outer = there.create({"Inner": nested(url)})
    there.answer(there.asked())
    assert there.status(outer) == "CREATE_COMPLETE"
    inner = there.resource(outer, "Inner").physical
    bucket.put("inner", {"Thing": there.custom(Of="two")})
    there.update(outer, {"Inner": nested(url), "Meta": {"Type": "AWS::CDK::Metadata"}})
    asking = there.asked()
    there.waits(inner, "Thing")
    there.restart()
    there.answer(asking)
    assert there.status(outer) == there.status(inner) == "UPDATE_COMPLETE"
    assert statuses(there, inner)[-3:] == [*UPDATED, "UPDATE_COMPLETE"]
    assert not there.is_asked()


def test_an_update_that_is_cancelled_goes_back_in_its_nested_stacks(there: Crafts) -> None:
    bucket = Bucket(there)
    url = bucket.put("inner", {"Queue": queue(1), "Thing": there.custom(Of="one")})
    outer = there.create({"Inner": nested(url)})
    there.answer(there.asked())
    assert there.status(outer) == "CREATE_COMPLETE"
    inner = there.resource(outer, "Inner").physical
    bucket.put("inner", {"Queue": queue(2), "Thing": there.custom(Of="two")})
    there.update(outer, {"Inner": nested(url), "Meta": {"Type": "AWS::CDK::Metadata"}})
    asking = there.asked()
    there.cloudformation.cancel_update_stack(StackName=outer)
    there.answer(asking)
    back = there.asked()
    assert back.told["ResourceProperties"]["Of"] == "one"
    there.answer(back)
    assert there.status(outer) == there.status(inner) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, inner) == "1"

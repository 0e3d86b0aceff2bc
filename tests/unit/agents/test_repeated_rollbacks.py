"""An operation that failed is done when it is asked for again: what it did not do is not taken for done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.nested_stacks import delay_in, made, queue
from support.plane import allow, document, fresh, trusting
from support.waiting_stacks import Crafts, crafts, template

FAILS = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": "https://nobody", "Timeout": "1"}}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("again")) as plane:
        yield plane


def after(other: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {**resource, "DependsOn": other}


def complete(there: Crafts, size: int = 1) -> str:
    """A stack with the custom resource `Thing` of that size."""
    stack = there.create({"Thing": there.custom(Size=size)})
    there.answer(there.asked())
    assert there.status(stack) == "CREATE_COMPLETE"
    return stack


def sizes(there: Crafts) -> tuple[str, str]:
    """The size that is asked for, and the one before, by the next request, which succeeds."""
    asking = there.asked()
    there.answer(asking)
    told = asking.told
    assert told["RequestType"] == "Update"
    return told["ResourceProperties"]["Size"], told["OldResourceProperties"]["Size"]


class Restricted:
    """A user who has a stack made, and what he may not do to queues."""

    def __init__(self, there: Crafts) -> None:
        self._there, self._user = there, fresh("user")
        key = there.plane.user(self._user, {"Effect": "Allow", "Action": "*", "Resource": "*"})
        self.client = there.plane.client("cloudformation", key)
        self._iam = there.plane.client("iam")

    def deny(self, *actions: str) -> None:
        """Deny these actions from now on, and no others."""
        statement = {"Effect": "Deny", "Action": list(actions) or "none:None", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._iam.put_user_policy(UserName=self._user, PolicyName="denies", PolicyDocument=document)


def test_a_custom_resource_whose_rollback_failed_is_asked_again(there: Crafts) -> None:
    stack = complete(there)
    there.update(stack, {"Thing": there.custom(Size=2), "Fails": after("Thing", FAILS)})
    there.answer(there.asked())
    for _ in range(2):
        there.answer(there.asked(), "FAILED", Reason="not now")
        assert there.status(stack) == "UPDATE_ROLLBACK_FAILED"
        there.cloudformation.continue_update_rollback(StackName=stack)
    assert sizes(there) == ("1", "2")
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert not there.is_asked()


def test_a_custom_resource_whose_deletion_failed_is_asked_again(there: Crafts) -> None:
    stack = complete(there)
    for status, ended in (("FAILED", "DELETE_FAILED"), ("SUCCESS", "DELETE_COMPLETE")):
        there.cloudformation.delete_stack(StackName=stack)
        asking = there.asked()
        assert (asking.told["RequestType"], asking.told["PhysicalResourceId"]) == ("Delete", "the-thing")
        there.answer(asking, status, Reason="not now")
        assert there.status(stack) == ended


def test_a_custom_resource_whose_update_failed_and_was_kept_is_asked_for_the_same_again(there: Crafts) -> None:
    stack = complete(there)
    body = template({"Thing": there.custom(Size=2)})
    there.cloudformation.update_stack(StackName=stack, TemplateBody=body, DisableRollback=True)
    there.answer(there.asked(), "FAILED", Reason="not now")
    assert there.status(stack) == "UPDATE_FAILED"
    there.cloudformation.update_stack(StackName=stack, TemplateBody=body)
    assert sizes(there) == ("2", "1")
    assert there.status(stack) == "UPDATE_COMPLETE"
    assert not there.is_asked()


def test_a_restart_while_a_rollback_is_continued_asks_nobody_twice(there: Crafts) -> None:
    stack = complete(there)
    there.update(stack, {"Thing": there.custom(Size=2), "Fails": after("Thing", FAILS)})
    there.answer(there.asked())
    there.answer(there.asked(), "FAILED", Reason="not now")
    assert there.status(stack) == "UPDATE_ROLLBACK_FAILED"
    there.cloudformation.continue_update_rollback(StackName=stack)
    asking = there.asked()
    there.waits(stack, "Thing")
    there.restart()
    there.answer(asking)
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert not there.is_asked()


def test_a_resource_whose_rollback_was_denied_goes_back_when_it_is_continued(there: Crafts) -> None:
    user = Restricted(there)
    stack = made(there, {"Queue": queue(1)})
    body = template({"Queue": queue(2), "Thing": after("Queue", there.custom())})
    user.client.update_stack(StackName=stack, TemplateBody=body)
    asking = there.asked()
    user.deny("sqs:SetQueueAttributes")
    there.answer(asking, "FAILED", Reason="no")
    assert there.status(stack) == "UPDATE_ROLLBACK_FAILED"
    assert delay_in(there, stack) == "2"
    user.deny()
    user.client.continue_update_rollback(StackName=stack)
    there.answer(there.asked())
    assert there.status(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert delay_in(there, stack) == "1"


def test_an_update_that_was_denied_and_kept_is_done_when_it_is_asked_for_again(there: Crafts) -> None:
    user = Restricted(there)
    stack = made(there, {"Queue": queue(1)})
    user.deny("sqs:SetQueueAttributes")
    body = template({"Queue": queue(2)})
    user.client.update_stack(StackName=stack, TemplateBody=body, DisableRollback=True)
    assert there.status(stack) == "UPDATE_FAILED"
    user.deny()
    user.client.update_stack(StackName=stack, TemplateBody=body)
    assert there.status(stack) == "UPDATE_COMPLETE"
    assert delay_in(there, stack) == "2"


def test_what_a_failed_update_did_not_do_is_done_by_the_next_one_that_keeps_it(there: Crafts) -> None:
    user = Restricted(there)
    stack = made(there, {"Queue": queue(1, VisibilityTimeout=10)})
    user.deny("sqs:SetQueueAttributes")
    body = template({"Queue": queue(2, VisibilityTimeout=20)})
    user.client.update_stack(StackName=stack, TemplateBody=body, DisableRollback=True)
    assert there.status(stack) == "UPDATE_FAILED"
    user.deny()
    user.client.update_stack(StackName=stack, TemplateBody=template({"Queue": queue(3, VisibilityTimeout=20)}))
    assert there.status(stack) == "UPDATE_COMPLETE"
    url = there.resource(stack, "Queue").physical
    found = there.plane.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["DelaySeconds"], found["VisibilityTimeout"]) == ("3", "20")


@pytest.mark.parametrize("tried", [["second"], [], None])
@pytest.mark.parametrize("last", ["third", "first", "second"])
def test_attack_a_policy_that_a_failed_update_did_not_remove_is_not_left_by_the_next_one(
    there: Crafts, tried: list[str] | None, last: str
) -> None:
    def role(policies: list[str] | None) -> dict[str, Any]:
        granted = json.loads(document(allow("s3:*")))
        inline = [{"PolicyName": name, "PolicyDocument": granted} for name in policies or ()]
        properties: dict[str, Any] = {"AssumeRolePolicyDocument": json.loads(trusting(Service="ec2.amazonaws.com"))}
        properties |= {} if policies is None else {"Policies": inline}
        return {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}

    more: dict[str, Any] = {"Capabilities": ["CAPABILITY_IAM"]}
    user = Restricted(there)
    stack = there.create(role(["first"]), **more)
    assert there.status(stack) == "CREATE_COMPLETE"
    user.deny("iam:PutRolePolicy", "iam:DeleteRolePolicy")
    body = template(role(tried))
    user.client.update_stack(StackName=stack, TemplateBody=body, DisableRollback=True, **more)
    assert there.status(stack) == "UPDATE_FAILED"
    user.deny()
    user.client.update_stack(StackName=stack, TemplateBody=template(role([last])), **more)
    assert there.status(stack) == "UPDATE_COMPLETE"
    name = there.resource(stack, "Role").physical
    assert there.plane.client("iam").list_role_policies(RoleName=name)["PolicyNames"] == [last]

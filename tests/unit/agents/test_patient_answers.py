"""DescribeStacks waits a moment for what has just begun, so that clients that ask every 30 seconds need not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.calls.verbs import MOST_WAITING
from locum.core.errors import StorageError
from locum.core.http import HttpRequest
from locum.services.verbs import Settings
from support.inprocess import Answer, Key, exchange
from support.nested_stacks import Bucket, nested, queue
from support.plane import ACCOUNT, allow, document, fresh, trusting
from support.waiting_stacks import PATIENCE, Crafts, crafts

HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
READY = {
    "Type": "AWS::CloudFormation::WaitCondition",
    "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"},
}
QUEUES = {"Jobs": {"Type": "AWS::SQS::Queue"}}
WAITS = {"Handle": HANDLE, "Ready": READY}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane whose answers are as patient as the tests are."""
    with crafts(tmp_path_factory.mktemp("patient"), settings=Settings(patience=PATIENCE)) as made:
        yield made


def told(there: Crafts, stack: str) -> str:
    found: str = there.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    return found


def waiting(there: Crafts) -> str:
    """A stack that waits for a signal."""
    stack = there.create(WAITS)
    there.waits(stack, "Ready")
    return stack


def signal(there: Crafts, stack: str) -> HttpRequest:
    """The request that ends the wait."""
    url = there.resource(stack, "Handle").physical
    body = json.dumps({"Status": "SUCCESS", "UniqueId": "one", "Reason": "done", "Data": ""}).encode()
    host, _, path = url.partition("://")[2].partition("/")
    path, _, query = path.partition("?")
    return HttpRequest("PUT", f"/{path}", query, {"host": host, "content-length": str(len(body))}, body)


def in_turn(there: Crafts, asked: HttpRequest, *meanwhile: HttpRequest) -> Answer:
    """The answer to `asked`, which does not come before the last of the others is sent."""

    async def run() -> Answer:
        gateway = there.plane.node.gateway
        answer = asyncio.ensure_future(exchange(gateway, asked))
        for request in meanwhile:
            await exchange(gateway, request_of_status(there))
            assert not answer.done()
            assert (await exchange(gateway, request)).status == 200
        return await answer

    return there.plane.run(run())


def request_of_status(there: Crafts) -> HttpRequest:
    """A call that has been taken after those before it."""
    return there.plane.request("sts", "get_caller_identity")


def asking(there: Crafts, stack: str, key: Key | None = None) -> HttpRequest:
    return there.plane.request("cloudformation", "describe_stacks", key, StackName=stack)


def test_the_first_question_finds_the_stack_complete(there: Crafts) -> None:
    stack = there.create(QUEUES)
    assert told(there, stack) == "CREATE_COMPLETE"
    there.update(stack, {"Jobs": {**QUEUES["Jobs"], "Properties": {"DelaySeconds": 3}}})
    assert told(there, stack) == "UPDATE_COMPLETE"
    there.cloudformation.delete_stack(StackName=stack)
    assert told(there, stack) == "DELETE_COMPLETE"


def test_the_first_question_finds_a_request_of_cloud_control_done(there: Crafts) -> None:
    client, desired = there.plane.client("cloudcontrol"), json.dumps({"QueueName": fresh("asked")})
    made = client.create_resource(TypeName="AWS::SQS::Queue", DesiredState=desired)["ProgressEvent"]
    assert made["OperationStatus"] == "IN_PROGRESS"
    told_ = client.get_resource_request_status(RequestToken=made["RequestToken"])["ProgressEvent"]
    assert told_["OperationStatus"] == "SUCCESS"


def test_the_first_question_finds_a_drift_detected(there: Crafts) -> None:
    stack = there.create(QUEUES)
    assert told(there, stack) == "CREATE_COMPLETE"
    detection = there.cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    found = there.cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert (found["DetectionStatus"], found["StackDriftStatus"]) == ("DETECTION_COMPLETE", "IN_SYNC")


def test_the_first_question_finds_an_operation_of_a_stack_set_ended(there: Crafts) -> None:
    client, iam, name = there.cloudformation, there.plane.client("iam"), fresh("set")
    administers, executes = (f"AWSCloudFormationStackSet{it}Role" for it in ("Administration", "Execution"))
    trusts: tuple[dict[str, Any], ...] = (
        {"Service": "cloudformation.amazonaws.com"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:role/{administers}"},
    )
    for role, trusted, action in zip((administers, executes), trusts, ("sts:AssumeRole", "*"), strict=True):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trusting(**trusted))
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=document(allow(action)))
    client.create_stack_set(StackSetName=name, TemplateBody=json.dumps({"Resources": QUEUES}))
    made = client.create_stack_instances(StackSetName=name, Accounts=[ACCOUNT], Regions=["us-east-1"])
    found = client.describe_stack_set_operation(StackSetName=name, OperationId=made["OperationId"])
    assert found["StackSetOperation"]["Status"] == "SUCCEEDED"


def test_an_update_of_a_nested_stack_does_not_wait_for_itself(there: Crafts) -> None:
    """CloudFormation looks at the nested stack, which waits for the one around it, before that is done."""
    bucket = Bucket(there)
    outer = there.create({"Inner": nested(bucket.put("first", {"Jobs": queue(1)}))})
    assert told(there, outer) == "CREATE_COMPLETE"
    there.update(outer, {"Inner": nested(bucket.put("second", {"Jobs": queue(2)}))})
    asked = asking(there, there.resource(outer, "Inner").physical)
    assert told(there, outer) == "UPDATE_COMPLETE"
    assert b"<StackStatus>UPDATE_COMPLETE</StackStatus>" in there.plane.send(asked).body


def test_an_answer_comes_when_the_operation_ends(there: Crafts) -> None:
    stack = waiting(there)
    answer = in_turn(there, asking(there, stack), signal(there, stack))
    assert b"<StackStatus>CREATE_COMPLETE</StackStatus>" in answer.body


def test_who_may_not_look_any_more_when_it_ends_is_refused(there: Crafts) -> None:
    name = fresh("curious")
    key = there.plane.user(name, allow("cloudformation:DescribeStacks"))
    stack = waiting(there)
    revoked = there.plane.request("iam", "delete_user_policy", UserName=name, PolicyName="own")
    answer = in_turn(there, asking(there, stack, key), revoked, signal(there, stack))
    assert (answer.status, b"AccessDenied" in answer.body) == (403, True)


def test_who_may_not_look_is_refused_at_once(there: Crafts) -> None:
    key = there.plane.user(fresh("stranger"))
    stack = waiting(there)
    assert there.plane.send(asking(there, stack, key)).status == 403
    there.plane.send(signal(there, stack))


def test_what_began_long_ago_is_told_of_at_once(there: Crafts) -> None:
    stack = waiting(there)
    there.later(PATIENCE)
    assert told(there, stack) == "CREATE_IN_PROGRESS"
    there.plane.send(signal(there, stack))


def test_a_clock_that_is_set_back_has_nobody_wait_longer(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings: dict[str, Any] = {"settings": Settings(patience=0.05)}
    with crafts(tmp_path_factory.mktemp("impatient"), **settings) as there:
        there.later(86_400)
        stack = waiting(there)
        there.later(-86_400)
        assert told(there, stack) == "CREATE_IN_PROGRESS"


def test_a_stack_that_only_a_change_set_is_to_make_is_not_waited_for(there: Crafts) -> None:
    name = fresh("reviewed")
    body = json.dumps({"Resources": QUEUES})
    there.cloudformation.create_change_set(
        StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body
    )
    assert told(there, name) == "REVIEW_IN_PROGRESS"


def test_attack_of_many_who_wait_some_are_told_at_once_and_the_others_by_one_end(there: Crafts) -> None:
    stack, further = waiting(there), 50

    async def run() -> tuple[list[Answer], list[Answer]]:
        gateway, asked = there.plane.node.gateway, asking(there, stack)
        answers = {asyncio.ensure_future(exchange(gateway, asked)) for _ in range(MOST_WAITING + further)}
        told_at_once: set[asyncio.Future[Answer]] = set()
        while len(told_at_once) < further:
            done, answers = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
            told_at_once |= done
        await exchange(gateway, signal(there, stack))
        return [it.result() for it in told_at_once], list(await asyncio.gather(*answers))

    at_once, waited = there.plane.run(run())
    assert (len(at_once), len(waited)) == (further, MOST_WAITING)
    assert all(b"<StackStatus>CREATE_IN_PROGRESS</StackStatus>" in answer.body for answer in at_once)
    assert all(b"<StackStatus>CREATE_COMPLETE</StackStatus>" in answer.body for answer in waited)


def test_attack_a_name_that_is_deleted_while_it_is_looked_at_is_none_any_more(there: Crafts) -> None:
    name = waiting(there).split("/")[1]
    deletion = there.plane.request("cloudformation", "delete_stack", StackName=name)
    answer = in_turn(there, asking(there, name), deletion)
    assert (answer.status, b"does not exist" in answer.body) == (400, True)


def test_attack_who_waits_does_not_hold_up_the_end_of_the_plane(tmp_path: Path) -> None:
    with crafts(tmp_path, settings=Settings(patience=PATIENCE)) as there:
        asked = asking(there, waiting(there))

        async def run() -> list[Answer]:
            gateway = there.plane.node.gateway
            first = asyncio.ensure_future(exchange(gateway, asked))
            await exchange(gateway, request_of_status(there))
            assert not first.done()
            async with asyncio.timeout(PATIENCE / 2):
                there.plane.node.calls.hurry()
                there.plane.node.calls.hurry()
                return [await first, await exchange(gateway, asked)]

        assert all(b"CREATE_IN_PROGRESS" in answer.body for answer in there.plane.run(run()))


def test_attack_storage_that_fails_while_somebody_waits_is_no_fault_of_the_call(tmp_path: Path) -> None:
    with crafts(tmp_path, settings=Settings(patience=PATIENCE)) as there:
        asked = asking(there, waiting(there))

        async def run() -> Answer:
            answer = asyncio.ensure_future(exchange(there.plane.node.gateway, asked))
            await exchange(there.plane.node.gateway, request_of_status(there))
            assert not answer.done()
            there.plane.node.ledger._writer.subscriptions.end(StorageError("the disk is gone"))
            return await answer

        answer = there.plane.run(run())
        assert (answer.status, b"CREATE_IN_PROGRESS" in answer.body) == (200, True)

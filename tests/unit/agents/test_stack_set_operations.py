"""Operations of stack sets while they are under way: order, tolerance, stops, queues, and restarts in the middle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from locum.state import Stack, StackDrift, StackResource, StackSetResult, State
from support.inprocess import Key
from support.plane import ACCOUNT, allow, refused, trusting
from support.stack_sets import ADMINISTRATION, EXECUTION, StackSets, administration_role, execution_role
from support.stacks import template
from support.waiting_stacks import Crafts, crafts

ACCOUNTS = ["666600000001", "666600000002", "666600000003"]
BROKEN = "666600000009"
HERE, WEST = "us-east-1", "eu-west-1"
ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:role/{ADMINISTRATION}"
QUEUE = template({"Queue": {"Type": "AWS::SQS::Queue"}})
WAITING = template(
    {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Ready": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"},
        },
    }
)


class Waiting:
    """A plane whose stack sets wait until they are signalled; `keys` are those of the accounts."""

    def __init__(self, there: Crafts) -> None:
        self.there = there
        by = administration_role(there.plane)
        self.keys: dict[str, Key] = {account: there.plane.account(account) for account in ACCOUNTS}
        for key in self.keys.values():
            execution_role(there.plane, key, by)
        execution_role(there.plane, there.plane.account(BROKEN), by, allow("sqs:*"))
        self.sets = StackSets(there.plane)

    def restart(self) -> None:
        self.there.restart()
        self.sets = StackSets(self.there.plane)

    def begin(self, name: str, accounts: list[str], *regions: str, **more: Any) -> str:
        """Begin to create instances: the id of the operation."""
        wanted = {"Accounts": accounts, "Regions": list(regions or (HERE,))}
        made: str = self.sets.client.create_stack_instances(StackSetName=name, **wanted, **more)["OperationId"]
        return made

    def running(self, operation: str) -> list[str]:
        """The accounts that an operation works on now."""
        found = self.state.every(StackSetResult)
        return sorted(it.target for it in found if it.operation == operation and it.status == "RUNNING")

    def until_waiting(self, *accounts: str, place: str = HERE) -> None:
        """Go on until a stack waits in each account."""

        def waits(state: State) -> bool:
            found = {it.account for it in self.waiters(state) if it.region == place}
            return set(accounts) <= found

        self.there.until(waits)

    def waiters(self, state: State) -> list[StackResource]:
        """The wait conditions that wait."""
        return [it for it in state.every(StackResource) if it.logical == "Ready" and it.status == "CREATE_IN_PROGRESS"]

    def signal(self, account: str, status: str = "SUCCESS") -> None:
        """Have what waits in an account end."""
        handles = {it.stack: it.physical for it in self.state.every(StackResource) if it.logical == "Handle"}
        body = json.dumps({"Status": status, "UniqueId": "one", "Reason": "no luck", "Data": ""}).encode()
        for it in self.waiters(self.state):
            if it.account == account:
                assert self.there.put(handles[it.stack], body).status == 200

    @property
    def state(self) -> State:
        return self.there.plane.node.runtime.ledger.state

    def stacks_in(self, account: str) -> list[Stack]:
        return list(self.state.table(Stack, account).values())

    def status(self, name: str, operation: str) -> str:
        told = self.sets.client.describe_stack_set_operation(StackSetName=name, OperationId=operation)
        found: str = told["StackSetOperation"]["Status"]
        return found


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("sets")) as there:
        yield Waiting(there)


def test_one_account_at_a_time_and_one_region_after_the_other(waiting: Waiting) -> None:
    waiting.sets.make("ordered", WAITING)
    order = {"RegionOrder": [WEST, HERE]}
    operation = waiting.begin("ordered", ACCOUNTS[:2], HERE, WEST, OperationPreferences=order)
    for place in (WEST, HERE):
        for account in ACCOUNTS[:2]:
            waiting.until_waiting(account, place=place)
            assert waiting.running(operation) == [account]
            assert [it.region for it in waiting.waiters(waiting.state)] == [place]
            waiting.signal(account)
    assert waiting.sets.settled("ordered", operation) == "SUCCEEDED"


def test_regions_beside_each_other_and_accounts_too(waiting: Waiting) -> None:
    waiting.sets.make("parallel", WAITING)
    wide = {"RegionConcurrencyType": "PARALLEL", "MaxConcurrentPercentage": 100, "FailureToleranceCount": 1}
    operation = waiting.begin("parallel", ACCOUNTS[:2], HERE, WEST, OperationPreferences=wide)
    for place in (WEST, HERE):
        waiting.until_waiting(*ACCOUNTS[:2], place=place)
    assert waiting.running(operation) == sorted(ACCOUNTS[:2] * 2)
    for account in ACCOUNTS[:2]:
        waiting.signal(account)
    assert waiting.sets.settled("parallel", operation) == "SUCCEEDED"


def test_more_failures_than_tolerated_end_it(waiting: Waiting) -> None:
    waiting.sets.make("failing", QUEUE)
    operation = waiting.begin("failing", [*ACCOUNTS[:1], BROKEN], HERE, WEST)
    assert waiting.sets.settled("failing", operation) == "FAILED"
    results = waiting.sets.results("failing", operation)
    found = {place: status for place, (status, _) in results.items()}
    assert found == {
        (ACCOUNTS[0], HERE): "SUCCEEDED",
        (BROKEN, HERE): "FAILED",
        (ACCOUNTS[0], WEST): "CANCELLED",
        (BROKEN, WEST): "CANCELLED",
    }
    assert results[BROKEN, WEST][1] == "Cancelled since failure tolerance has exceeded"
    told = waiting.sets.client.describe_stack_set_operation(StackSetName="failing", OperationId=operation)
    assert told["StackSetOperation"]["StatusDetails"] == {"FailedStackInstancesCount": 1}
    only = {"Filters": [{"Name": "DETAILED_STATUS", "Values": "CANCELLED"}]}
    assert len(waiting.sets.instances("failing", **only)) == 2
    tolerant = {"FailureTolerancePercentage": 50}
    operation = waiting.begin("failing", [*ACCOUNTS[:1], BROKEN], HERE, WEST, OperationPreferences=tolerant)
    assert waiting.sets.settled("failing", operation) == "SUCCEEDED"
    assert waiting.sets.instances("failing")[BROKEN, WEST]["Status"] == "OUTDATED"


def test_an_operation_that_is_stopped_finishes_what_has_begun(waiting: Waiting) -> None:
    waiting.sets.make("stopped", WAITING)
    operation = waiting.begin("stopped", ACCOUNTS)
    waiting.until_waiting(ACCOUNTS[0])
    waiting.sets.client.stop_stack_set_operation(StackSetName="stopped", OperationId=operation)
    assert waiting.status("stopped", operation) == "STOPPING"
    waiting.signal(ACCOUNTS[0])
    assert waiting.sets.settled("stopped", operation) == "STOPPED"
    found = waiting.sets.results("stopped", operation)
    assert [status for status, _ in found.values()] == ["SUCCEEDED", "CANCELLED", "CANCELLED"]
    fault = refused(waiting.sets.client.stop_stack_set_operation, StackSetName="stopped", OperationId=operation)
    assert fault.code == "InvalidOperationException"


def test_another_operation_waits_only_where_the_set_says_so(waiting: Waiting) -> None:
    waiting.sets.make("busy", WAITING)
    operation = waiting.begin("busy", ACCOUNTS[:1])
    for call, params in (
        (waiting.sets.client.update_stack_set, {"UsePreviousTemplate": True}),
        (waiting.sets.client.create_stack_instances, {"Accounts": ACCOUNTS[1:], "Regions": [HERE]}),
        (waiting.sets.client.delete_stack_set, {}),
    ):
        fault = refused(call, StackSetName="busy", **params)
        assert fault.code == "OperationInProgressException"
        assert fault.message.startswith("Another Operation on StackSet arn:aws:cloudformation:us-east-1:000000000000:")
        assert fault.message.endswith(f" is in progress: {operation}")
    waiting.until_waiting(ACCOUNTS[0])
    waiting.signal(ACCOUNTS[0])
    assert waiting.sets.settled("busy", operation) == "SUCCEEDED"


def test_operations_of_a_managed_set_wait_for_those_that_they_conflict_with(waiting: Waiting) -> None:
    waiting.sets.make("queued", WAITING, ManagedExecution={"Active": True})
    first = waiting.begin("queued", ACCOUNTS[:1])
    waiting.until_waiting(ACCOUNTS[0])
    client = waiting.sets.client
    wanted = {"StackSetName": "queued", "Accounts": ACCOUNTS[:1], "Regions": [HERE]}
    conflicting = client.delete_stack_instances(RetainStacks=False, **wanted)["OperationId"]
    beside = waiting.begin("queued", ACCOUNTS[1:2])
    waiting.until_waiting(ACCOUNTS[1])
    assert (waiting.status("queued", conflicting), waiting.status("queued", beside)) == ("QUEUED", "RUNNING")
    waiting.signal(ACCOUNTS[0])
    waiting.signal(ACCOUNTS[1])
    assert waiting.sets.settled("queued", conflicting) == "SUCCEEDED"
    assert waiting.status("queued", first) == "SUCCEEDED"
    assert [account for account, _ in waiting.sets.instances("queued")] == ACCOUNTS[1:2]


def test_an_operation_that_is_asked_for_again_is_the_same_one(waiting: Waiting) -> None:
    waiting.sets.make("again", QUEUE)
    assert waiting.begin("again", ACCOUNTS[:1], OperationId="once") == "once"
    assert waiting.sets.settled("again", "once") == "SUCCEEDED"
    assert waiting.begin("again", ACCOUNTS[:1], OperationId="once") == "once"
    assert len(waiting.sets.client.list_stack_set_operations(StackSetName="again")["Summaries"]) == 1
    wanted = {"StackSetName": "again", "Accounts": ACCOUNTS, "Regions": [HERE], "OperationId": "once"}
    fault = refused(waiting.sets.client.create_stack_instances, **wanted)
    assert fault.code == "OperationIdAlreadyExistsException"
    token = {"StackSetName": "again-set", "TemplateBody": QUEUE, "ClientRequestToken": "token"}
    made = [waiting.sets.client.create_stack_set(**token)["StackSetId"] for _ in range(2)]
    assert made[0] == made[1]
    fault = refused(waiting.sets.client.create_stack_set, **token | {"ClientRequestToken": "other"})
    assert fault.code == "NameAlreadyExistsException"


@pytest.mark.parametrize("action", ["CREATE", "DELETE"])
def test_a_restart_in_the_middle_does_nothing_twice(waiting: Waiting, action: str) -> None:
    name = f"restarted-{action.lower()}"
    waiting.sets.make(name, WAITING)
    before = {account: len(waiting.stacks_in(account)) for account in ACCOUNTS}
    wide = {"MaxConcurrentCount": 3, "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}
    operation = waiting.begin(name, ACCOUNTS, OperationPreferences=wide)
    waiting.until_waiting(*ACCOUNTS[:2])
    waiting.restart()
    waiting.until_waiting(*ACCOUNTS)
    for account in ACCOUNTS:
        waiting.signal(account)
    assert waiting.sets.settled(name, operation) == "SUCCEEDED"
    assert {account: len(waiting.stacks_in(account)) - 1 for account in ACCOUNTS} == before
    if action == "DELETE":
        wanted = {"StackSetName": name, "Accounts": ACCOUNTS, "Regions": [HERE], "RetainStacks": False}
        operation = waiting.sets.client.delete_stack_instances(**wanted)["OperationId"]
        waiting.restart()
        assert waiting.sets.settled(name, operation) == "SUCCEEDED"
        assert waiting.sets.instances(name) == {}
        waiting.sets.client.delete_stack_set(StackSetName=name)


def test_a_restart_while_drift_is_detected_checks_each_stack_once(waiting: Waiting) -> None:
    waiting.sets.make("checked", QUEUE)
    made = waiting.begin("checked", ACCOUNTS)
    assert waiting.sets.settled("checked", made) == "SUCCEEDED"
    wide = {"MaxConcurrentCount": 3, "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}
    begun = {"StackSetName": "checked", "OperationPreferences": wide}
    operation = waiting.sets.client.detect_stack_set_drift(**begun)["OperationId"]
    fault = refused(waiting.sets.client.detect_stack_set_drift, **begun)
    assert fault.code == "OperationInProgressException"
    waiting.there.until(lambda state: any(True for _ in state.every(StackDrift)))
    waiting.restart()
    assert waiting.sets.settled("checked", operation) == "SUCCEEDED"
    assert [len(waiting.state.table(StackDrift, account)) for account in ACCOUNTS] == [1, 1, 1]
    assert {it["DriftStatus"] for it in waiting.sets.instances("checked").values()} == {"IN_SYNC"}


def test_what_failed_is_made_again_by_another_operation(waiting: Waiting) -> None:
    waiting.sets.make("retried", WAITING)
    operation = waiting.begin("retried", ACCOUNTS[:1])
    waiting.until_waiting(ACCOUNTS[0])
    waiting.signal(ACCOUNTS[0], "FAILURE")
    assert waiting.sets.settled("retried", operation) == "FAILED"
    _, reason = waiting.sets.results("retried", operation)[ACCOUNTS[0], HERE]
    assert reason.startswith("ResourceLogicalId:Ready, ResourceType:AWS::CloudFormation::WaitCondition, ")
    failed = waiting.sets.instances("retried")[ACCOUNTS[0], HERE]["StackId"]
    operation = waiting.begin("retried", ACCOUNTS[:1])
    waiting.there.until(
        lambda state: any(
            it.arn == failed and it.status.startswith("DELETE") for it in state.table(Stack, ACCOUNTS[0]).values()
        )
    )
    waiting.restart()
    waiting.until_waiting(ACCOUNTS[0])
    waiting.signal(ACCOUNTS[0])
    assert waiting.sets.settled("retried", operation) == "SUCCEEDED"
    assert waiting.sets.instances("retried")[ACCOUNTS[0], HERE]["StackId"] != failed


def test_a_trust_that_is_withdrawn_in_the_middle_holds_for_what_has_not_begun(waiting: Waiting) -> None:
    waiting.sets.make("midway", WAITING)
    account = "666600000004"
    iam = waiting.there.plane.client("iam", waiting.there.plane.account(account))
    execution_role(waiting.there.plane, waiting.there.plane.account(account), ADMINISTRATOR)
    operation = waiting.begin("midway", [ACCOUNTS[0], account])
    waiting.until_waiting(ACCOUNTS[0])
    nobody = trusting(AWS=f"arn:aws:iam::{account}:root")
    iam.update_assume_role_policy(RoleName=EXECUTION, PolicyDocument=nobody)
    waiting.signal(ACCOUNTS[0])
    assert waiting.sets.settled("midway", operation) == "FAILED"
    found = waiting.sets.results("midway", operation)
    assert [found[place, HERE][0] for place in (ACCOUNTS[0], account)] == ["SUCCEEDED", "FAILED"]
    assert waiting.stacks_in(account) == []


def test_a_stack_goes_on_in_its_session_however_long_it_waits(waiting: Waiting) -> None:
    body = json.loads(WAITING)
    body["Resources"]["Ready"]["Properties"]["Timeout"] = "43200"
    body["Resources"]["Queue"] = {"Type": "AWS::SQS::Queue", "DependsOn": "Ready"}
    waiting.sets.make("patient", json.dumps(body))
    operation = waiting.begin("patient", ACCOUNTS[:1])
    waiting.until_waiting(ACCOUNTS[0])
    clock = waiting.there.plane.node.runtime.clock
    clock.move(clock.ahead + 3 * 3600)
    waiting.signal(ACCOUNTS[0])
    assert waiting.sets.settled("patient", operation) == "SUCCEEDED"

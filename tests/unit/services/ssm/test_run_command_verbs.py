"""Run Command without a plane: what is sent to whom, what is shown of it, and what becomes of what cannot be run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.services.asking import Reply
from locum.services.ssm import OPERATIONS
from locum.services.ssm.documents import steps_of
from locum.services.ssm.invocations import Ended, finished, lost, result_of, without_delivery
from locum.services.ssm.scripts import plan_of
from locum.services.ssm.sending import KEPT, MOST_KEPT
from locum.state import Command, CommandInvocation, Instance, ManagedInstance, PluginResult
from support.one_account import ACCOUNT, OTHER, Plane

IDS = [f"i-{number:017x}" for number in range(1, 5)]
SHELL = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["echo secret-word"]}}


class Nodes(Plane):
    """An account with four managed instances."""

    def __init__(self, documents: dict[str, Any] | None = None) -> None:
        super().__init__("ssm", OPERATIONS, reply=self._told)
        self.documents = documents or {}
        for number, instance in enumerate(IDS):
            self.instance(instance, {"number": str(number), "all": "yes"})

    def instance(self, instance: str, tags: dict[str, str], account: str = ACCOUNT, region: str = "us-east-1") -> None:
        now = int(self.now)
        self.having(
            Instance(
                account=account,
                id=instance,
                region=region,
                reservation="r-1",
                state_changed=now,
                launched=now,
                zone=f"{region}a",
                private_ip="172.31.0.9",
                tags=tags,
            ),
            ManagedInstance(account=account, id=instance, region=region, registered=now, pinged=now),
        )

    def send(self, **params: Any) -> Command:
        answer = self.call("SendCommand", **{**SHELL, **params})
        found = self.state.get(Command, ACCOUNT, answer["Command"]["CommandId"])
        assert found is not None
        return found

    def invocation(self, command: Command, instance: str = IDS[0]) -> CommandInvocation:
        found = self.state.get(CommandInvocation, ACCOUNT, f"{command.id}/{instance}")
        assert found is not None
        return found

    def end(self, command: Command, codes: dict[str, int | None]) -> None:
        """What agents do: instances have ended with these exit codes."""
        for instance, code in codes.items():
            done = result_of("aws:runShellScript", Ended(code, self.now, self.now + 1))
            self.having(finished(self.invocation(command, instance), [done]))

    def status(self, command: Command) -> tuple[str, str]:
        (shown,) = self.call("ListCommands", CommandId=command.id)["Commands"]
        return shown["Status"], shown["StatusDetails"]

    def _told(self, ask: Ask) -> Reply:
        name = ask.call.params.get("Name", "")
        if name not in self.documents:
            return Fault("InvalidDocument", "no such document")
        return {"Name": name, "DocumentType": "Command", "Content": json.dumps(self.documents[name])}


def test_targets_are_the_instances_that_all_of_them_name() -> None:
    nodes = Nodes()
    both = [{"Key": "tag:all", "Values": ["yes"]}, {"Key": "tag:number", "Values": ["1", "2"]}]
    command = nodes.send(Targets=both)
    assert [nodes.invocation(command, instance).status for instance in IDS[1:3]] == ["Pending", "Pending"]
    (shown,) = nodes.call("ListCommands", CommandId=command.id)["Commands"]
    assert (shown["TargetCount"], shown["Targets"], shown["InstanceIds"]) == (2, both, [])
    nobody = nodes.send(Targets=[{"Key": "tag:all", "Values": ["no"]}])
    assert nodes.status(nobody) == ("Failed", "NoInstancesInTag")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"InstanceIds": [IDS[0], IDS[0]]}, "DuplicateInstanceId"),
        ({"InstanceIds": ["i-0ffffffffffffffff"]}, "InvalidInstanceId"),
        ({"Targets": [{"Key": "InstanceIds", "Values": ["i-0ffffffffffffffff"]}]}, "InvalidInstanceId"),
        ({"Targets": [{"Key": "resource-groups:Name", "Values": ["x"]}]}, "NotImplemented"),
        ({"Targets": [{"Key": "other", "Values": ["x"]}]}, "InvalidTarget"),
        ({"InstanceIds": [IDS[0]], "Targets": [{"Key": "tag:all", "Values": ["yes"]}]}, "ValidationException"),
        ({}, "ValidationException"),
        ({"InstanceIds": [IDS[0]], "DocumentName": "AWS-UpdateSSMAgent"}, "NotImplemented"),
        ({"InstanceIds": [IDS[0]], "DocumentName": "AWS-RunPowerShellScript"}, "UnsupportedPlatformType"),
        ({"InstanceIds": [IDS[0]], "DocumentName": "absent"}, "InvalidDocument"),
        ({"InstanceIds": [IDS[0]], "Parameters": {}}, "InvalidParameters"),
        ({"InstanceIds": [IDS[0]], "Parameters": {"commands": ["x"], "other": ["y"]}}, "InvalidParameters"),
        (
            {"InstanceIds": [IDS[0]], "Parameters": {"commands": ["x"], "executionTimeout": ["0"]}},
            "InvalidParameters",
        ),
        (
            {"InstanceIds": [IDS[0]], "Parameters": {"commands": ["x"], "executionTimeout": ["172801"]}},
            "InvalidParameters",
        ),
        ({"InstanceIds": [IDS[0]], "NotificationConfig": {"NotificationArn": "x"}}, "InvalidNotificationConfig"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_nothing_is_there(params: dict[str, Any], code: str) -> None:
    nodes = Nodes()
    with pytest.raises(Fault) as caught:
        nodes.send(**params)
    assert caught.value.code == code
    assert nodes.call("ListCommands")["Commands"] == []


def test_an_instance_of_another_account_or_region_or_one_that_has_ended_is_not_there() -> None:
    nodes = Nodes()
    nodes.instance("i-0aaaaaaaaaaaaaaaa", {"all": "yes"}, account=OTHER)
    nodes.instance("i-0bbbbbbbbbbbbbbbb", {"all": "yes"}, region="eu-west-1")
    ended = nodes.state.get(Instance, ACCOUNT, IDS[3])
    assert ended is not None
    nodes.having(replace(ended, state="terminated"))
    for instance in ("i-0aaaaaaaaaaaaaaaa", "i-0bbbbbbbbbbbbbbbb", IDS[3]):
        with pytest.raises(Fault, match="not in a valid state"):
            nodes.send(InstanceIds=[instance])
    (shown,) = nodes.call("ListCommands", CommandId=nodes.send(Targets=[{"Key": "tag:all", "Values": ["yes"]}]).id)[
        "Commands"
    ]
    assert shown["TargetCount"] == 3
    listed = nodes.call("DescribeInstanceInformation")["InstanceInformationList"]
    assert [it["InstanceId"] for it in listed] == IDS[:3]


def test_script_and_output_are_not_in_the_state_in_clear() -> None:
    nodes = Nodes()
    command = nodes.send(InstanceIds=[IDS[0]])
    assert "secret-word" not in repr(command)
    assert plan_of(command, nodes.keyring).steps[0].script == "echo secret-word\n"
    assert nodes.call("ListCommands")["Commands"][0]["Parameters"] == SHELL["Parameters"]


def test_a_command_is_what_its_invocations_are() -> None:
    nodes = Nodes()
    command = nodes.send(InstanceIds=IDS, MaxErrors="1")
    assert nodes.status(command) == ("Pending", "Pending")
    nodes.having(replace(nodes.invocation(command), status="InProgress", details="InProgress"))
    assert nodes.status(command) == ("InProgress", "InProgress")
    nodes.end(command, {IDS[0]: 0, IDS[1]: 0, IDS[2]: 0, IDS[3]: 2})
    assert nodes.status(command) == ("Failed", "Incomplete")
    nodes.end(command, {IDS[2]: 1})
    assert nodes.status(command) == ("Failed", "Failed")
    nodes.end(command, dict.fromkeys(IDS, 0))
    assert nodes.status(command) == ("Success", "Success")
    nodes.end(command, dict.fromkeys(IDS))
    assert nodes.status(command) == ("TimedOut", "ExecutionTimedOut")


def test_once_max_errors_is_exceeded_what_waits_is_terminated() -> None:
    nodes = Nodes()
    command = nodes.send(InstanceIds=IDS, MaxErrors="25%")
    nodes.end(command, {IDS[0]: 1})
    assert without_delivery(nodes.state, command, nodes.invocation(command, IDS[3]), nodes.now) is None
    nodes.end(command, {IDS[1]: 1})
    over = without_delivery(nodes.state, command, nodes.invocation(command, IDS[3]), nodes.now)
    assert over is not None
    assert (over.status, over.details) == ("Cancelled", "Terminated")


def test_what_is_not_delivered_in_time_or_to_nobody_says_so() -> None:
    nodes = Nodes()
    command = nodes.send(InstanceIds=[IDS[0]], TimeoutSeconds=60)
    it = nodes.invocation(command)
    assert without_delivery(nodes.state, command, it, nodes.now + 59) is None
    late = without_delivery(nodes.state, command, it, nodes.now + 60)
    assert late is not None
    assert (late.status, late.details) == ("TimedOut", "DeliveryTimedOut")
    nodes.having(late)
    assert nodes.status(command) == ("TimedOut", "DeliveryTimedOut")
    instance = nodes.state.get(Instance, ACCOUNT, IDS[0])
    assert instance is not None
    other = nodes.send(InstanceIds=[IDS[0]])
    nodes.having(replace(instance, state="terminated"))
    gone = without_delivery(nodes.state, other, nodes.invocation(other), nodes.now)
    assert gone is not None
    assert (gone.status, gone.details) == ("Failed", "Undeliverable")


def test_cancelling_ends_what_waits_and_leaves_what_is_over() -> None:
    nodes = Nodes()
    command = nodes.send(InstanceIds=IDS[:3])
    nodes.end(command, {IDS[0]: 0})
    nodes.having(replace(nodes.invocation(command, IDS[1]), status="InProgress", details="InProgress"))
    nodes.call("CancelCommand", CommandId=command.id)
    assert [nodes.invocation(command, it).status for it in IDS[:3]] == ["Success", "Cancelling", "Cancelled"]
    assert nodes.status(command) == ("Cancelling", "Cancelling")
    with pytest.raises(Fault, match="command ID isn't valid"):
        nodes.call("CancelCommand", CommandId="12345678-1234-1234-1234-123456789012")


def test_what_ran_when_its_plane_ended_has_failed() -> None:
    nodes = Nodes()
    command = nodes.send(InstanceIds=[IDS[0]])
    running = replace(nodes.invocation(command), status="InProgress", details="InProgress")
    nodes.having(lost(running, nodes.now))
    shown = nodes.call("GetCommandInvocation", CommandId=command.id, InstanceId=IDS[0])
    assert (shown["Status"], shown["ResponseCode"]) == ("Failed", -1)


def test_commands_are_kept_for_thirty_days_and_not_without_number() -> None:
    nodes = Nodes()
    first = nodes.send(InstanceIds=[IDS[0]])
    nodes.end(first, {IDS[0]: 0})
    waiting = nodes.send(InstanceIds=[IDS[0]])
    nodes.now += KEPT + 1
    nodes.send(InstanceIds=[IDS[0]])
    left = {it["CommandId"] for it in nodes.call("ListCommands")["Commands"]}
    assert first.id not in left
    assert waiting.id in left  # it is not over
    for _ in range(MOST_KEPT + 2):
        nodes.end(nodes.send(InstanceIds=[IDS[0]]), {IDS[0]: 0})
    assert len(nodes.state.table(Command, ACCOUNT)) <= MOST_KEPT
    assert len(nodes.state.table(CommandInvocation, ACCOUNT)) <= MOST_KEPT


def test_nobody_but_the_instance_itself_registers_it() -> None:
    nodes = Nodes()
    params = {"InstanceId": IDS[0], "AgentStatus": "Active", "AgentVersion": "3", "PlatformType": "Linux"}
    with pytest.raises(Fault) as caught:
        OPERATIONS["UpdateInstanceInformation"].verb(nodes.context(), params)
    assert caught.value.code == "AccessDeniedException"


def test_a_parameter_is_put_into_its_step_once_and_as_it_is() -> None:
    content = {
        "parameters": {"a": {"type": "String"}, "b": {"type": "StringList"}},
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "one",
                "inputs": {"runCommand": ["echo {{ a }}", "{{ b }}"], "timeoutSeconds": "7"},
            },
            {
                "action": "aws:runPowerShellScript",
                "precondition": {"StringEquals": ["platformType", "Windows"]},
                "inputs": {},
            },
        ],
    }
    (step,) = steps_of(content, {"a": ["{{ b }}"], "b": ["x; 'y'", "-rf"]})
    assert step.script == "echo {{ b }}\nx; 'y'\n-rf\n"
    assert (step.timeout, step.directory) == (7, "")


def test_the_documents_of_an_account_are_asked_of_the_backend() -> None:
    step = {"action": "aws:runShellScript", "name": "one", "inputs": {"runCommand": ["true"]}}
    nodes = Nodes({"good": {"schemaVersion": "2.2", "mainSteps": [step]}, "old": {"schemaVersion": "1.2"}})
    command = nodes.send(InstanceIds=[IDS[0]], DocumentName="good", Parameters={})
    assert plan_of(command, nodes.keyring).steps[0].name == "one"
    with pytest.raises(Fault) as caught:
        nodes.send(InstanceIds=[IDS[0]], DocumentName="old", Parameters={})
    assert caught.value.code == "NotImplemented"


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:ssm:us-east-1::document/good",
        f"arn:aws:ssm:us-east-1:{OTHER}:document/good",
        f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document/good",
        f"arn:aws:ssm:us-east-1:{ACCOUNT}:document/AWS-RunShellScript",
        "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript",
        f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/document/good",
    ],
)
def test_a_document_has_no_arn_but_the_one_that_is_decided_on(name: str) -> None:
    step = {"action": "aws:runShellScript", "name": "one", "inputs": {"runCommand": ["true"]}}
    nodes = Nodes({"good": {"schemaVersion": "2.2", "mainSteps": [step]}})
    with pytest.raises(Fault) as caught:
        nodes.send(InstanceIds=[IDS[0]], DocumentName=name, Parameters={})
    assert caught.value.code == "InvalidDocument"
    nodes.send(InstanceIds=[IDS[0]], DocumentName="arn:aws:ssm:us-east-1::document/AWS-RunShellScript")
    own = f"arn:aws:ssm:us-east-1:{ACCOUNT}:document/good"
    nodes.send(InstanceIds=[IDS[0]], DocumentName=own, Parameters={})


def test_results_say_how_a_step_ended() -> None:
    ends = [(0, False), (1, False), (None, False), (None, True), (0, True)]
    results = [result_of("x", Ended(code, 1.0, 2.0, cancelled)) for code, cancelled in ends]
    assert [result.details for result in results] == ["Success", "Failed", "ExecutionTimedOut", "Cancelled", "Success"]
    assert all(isinstance(result, PluginResult) for result in results)


def test_a_pattern_of_a_document_that_cannot_be_read_allows_nothing() -> None:
    step = {"action": "aws:runShellScript", "name": "s", "inputs": {"runCommand": ["echo {{ word }}"]}}
    parameters = {"word": {"type": "String", "allowedPattern": "("}}
    with pytest.raises(Fault) as refused:
        steps_of({"parameters": parameters, "mainSteps": [step]}, {"word": ["a"]})
    assert refused.value.code == "InvalidDocument"

"""Attacks by way of a stack set: roles of other accounts, roles that nobody passed, accounts that help themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.functions import package
from support.inprocess import InProcess, Key
from support.plane import ACCOUNT, allow, document, needs_namespaces, refused, trusting
from support.stack_sets import ADMINISTRATION, EXECUTION, StackSets, administration_role, execution_role
from support.stacks import Stacks, template

VICTIM, FOREIGN = "333300003333", "444400004444"
HERE = "us-east-1"


def queue(name: str) -> str:
    return template({"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}})


@pytest.fixture(scope="module")
def administration(plane: InProcess) -> str:
    return administration_role(plane)


@pytest.fixture(scope="module")
def victim(plane: InProcess, administration: str) -> Key:
    """The key of an account whose execution role trusts the administration role of the plane's own account."""
    key = plane.account(VICTIM)
    execution_role(plane, key, administration)
    return key


@pytest.fixture
def sets(plane: InProcess, victim: Key) -> StackSets:
    return StackSets(plane)


def recorded(plane: InProcess, key: Key, event: str) -> list[dict[str, Any]]:
    """The records of an event in the account of `key`, newest first."""
    attributes = [{"AttributeKey": "EventName", "AttributeValue": event}]
    found = plane.client("cloudtrail", key).lookup_events(LookupAttributes=attributes)["Events"]
    return [json.loads(it["CloudTrailEvent"]) for it in found]


# -- roles --------------------------------------------------------------------------------------------------


def test_no_set_is_administered_by_the_role_of_another_account(plane: InProcess, administration: str) -> None:
    foreign = StackSets(plane, plane.account(FOREIGN))
    named = {"StackSetName": "borrowed", "TemplateBody": queue("q"), "AdministrationRoleARN": administration}
    fault = refused(foreign.client.create_stack_set, **named)
    assert fault.code in ("AccessDenied", "ValidationError")
    foreign.make("borrowed", queue("q"))
    assert refused(foreign.client.update_stack_set, **named).code in ("AccessDenied", "ValidationError")


def test_an_execution_role_lets_in_only_the_role_that_it_trusts(plane: InProcess, sets: StackSets) -> None:
    foreign = StackSets(plane, plane.account("444400005555"))
    foreign.make("knocking", queue("q"))
    assert foreign.place("knocking", [VICTIM]) == "FAILED"
    without = "Account 444400005555 should have '{}' role with trust relationship to CloudFormation service."
    assert foreign.results("knocking")[VICTIM, HERE] == ("FAILED", without.format(ADMINISTRATION))
    administration_role(plane, plane.account("444400005555"))
    assert foreign.place("knocking", [VICTIM]) == "FAILED"
    told = f"Account {VICTIM} should have '{EXECUTION}' role with trust relationship to Role '{ADMINISTRATION}'."
    assert foreign.results("knocking")[VICTIM, HERE] == ("FAILED", told)
    (found,) = foreign.instances("knocking").values()
    assert (found["Status"], found["StackInstanceStatus"]) == ("OUTDATED", {"DetailedStatus": "FAILED"})


def test_a_trust_that_names_the_set_holds(plane: InProcess, sets: StackSets, victim: Key) -> None:
    iam = plane.client("iam")
    only = {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudformation:*:{ACCOUNT}:stackset/trusted:*"}}
    role = iam.create_role(
        RoleName="for-one-set", AssumeRolePolicyDocument=trusting(only, Service="cloudformation.amazonaws.com")
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName="for-one-set", PolicyName="enters", PolicyDocument=document(allow("sts:AssumeRole")))
    execution_role(plane, victim, role, name="ForOneSet")
    named = {"AdministrationRoleARN": role, "ExecutionRoleName": "ForOneSet"}
    sets.make("trusted", queue("trusted"), **named)
    sets.make("other", queue("other"), **named)
    assert sets.place("trusted", [VICTIM]) == "SUCCEEDED"
    assert sets.place("other", [VICTIM]) == "FAILED"


def test_an_administration_role_is_passed(plane: InProcess, sets: StackSets, victim: Key) -> None:
    role = administration_role(plane, name="customized")
    execution_role(plane, victim, role, name="Customized")
    named = {"AdministrationRoleARN": role, "ExecutionRoleName": "Customized"}
    without = StackSets(plane, plane.user("passes-nothing", allow("cloudformation:*")))
    fault = refused(without.client.create_stack_set, StackSetName="not-passed", TemplateBody=queue("q"), **named)
    assert (fault.code, "iam:PassRole" in fault.message) == ("AccessDenied", True)
    sets.make("passed", queue("passed"), **named)
    fault = refused(without.client.update_stack_set, StackSetName="passed", TemplateBody=queue("planted"), **named)
    assert (fault.code, "iam:PassRole" in fault.message) == ("AccessDenied", True)
    fault = refused(without.client.update_stack_set, StackSetName="passed", TemplateBody=queue("planted"))
    assert fault.message.startswith("AdministrationRoleARN must be specified")
    only: dict[str, Any] = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    passing = plane.user("passes-it", allow("cloudformation:*"), allow("iam:PassRole", role, **only))
    StackSets(plane, passing).change("passed", TemplateBody=queue("changed"), AdministrationRoleARN=role)


def test_a_policy_for_one_set_is_for_no_other(plane: InProcess, sets: StackSets) -> None:
    sets.make("mine", queue("mine"), Tags=[{"Key": "team", "Value": "blue"}])
    sets.make("theirs", queue("theirs"))
    arn = sets.client.describe_stack_set(StackSetName="mine")["StackSet"]["StackSetARN"]
    client = StackSets(plane, plane.user("of-one-set", allow("cloudformation:*", arn))).client
    wanted = {"Accounts": [VICTIM], "Regions": [HERE]}
    assert client.create_stack_instances(StackSetName="mine", **wanted)
    for name in ("theirs", sets.client.describe_stack_set(StackSetName="theirs")["StackSet"]["StackSetId"]):
        assert refused(client.create_stack_instances, StackSetName=name, **wanted).code == "AccessDenied"
        assert refused(client.delete_stack_set, StackSetName=name).code == "AccessDenied"
    tagged: dict[str, Any] = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    client = StackSets(plane, plane.user("of-a-team", allow("cloudformation:*", **tagged))).client
    assert client.describe_stack_set(StackSetName="mine")
    assert refused(client.describe_stack_set, StackSetName="theirs").code == "AccessDenied"


def test_regions_that_a_policy_does_not_name_are_refused(plane: InProcess, sets: StackSets) -> None:
    sets.make("regional", queue("regional"))
    only: dict[str, Any] = {"ForAllValues:StringEquals": {"cloudformation:TargetRegion": [HERE]}}
    client = StackSets(plane, plane.user("of-a-region", allow("cloudformation:*", **only))).client
    wanted = {"StackSetName": "regional", "Accounts": [VICTIM]}
    fault = refused(client.create_stack_instances, Regions=[HERE, "eu-west-1"], **wanted)
    assert fault.code == "AccessDenied"
    assert client.create_stack_instances(Regions=[HERE], **wanted)
    plane.settle_stack_sets()


# -- in the accounts ----------------------------------------------------------------------------------------


def test_what_an_execution_role_may_not_is_denied_and_recorded_there(
    plane: InProcess, sets: StackSets, victim: Key, administration: str
) -> None:
    execution_role(plane, victim, administration, allow(["cloudformation:*", "sqs:GetQueueUrl"]), name="Weak")
    sets.make("weak", queue("weak"), ExecutionRoleName="Weak")
    assert sets.place("weak", [VICTIM]) == "FAILED"
    status, reason = sets.results("weak")[VICTIM, HERE]
    assert (status, "is not authorized to perform: sqs:createqueue" in reason.lower()) == ("FAILED", True)
    denied = next(it for it in recorded(plane, victim, "CreateQueue") if "errorCode" in it)
    assert denied["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "Weak"
    assert denied["recipientAccountId"] == VICTIM
    execution_role(plane, victim, administration, allow("sqs:*"), name="NoStacks")
    sets.make("no-stacks", queue("weak"), ExecutionRoleName="NoStacks")
    assert sets.place("no-stacks", [VICTIM]) == "FAILED"
    status, reason = sets.results("no-stacks")[VICTIM, HERE]
    assert reason.startswith(f"User: arn:aws:sts::{VICTIM}:assumed-role/NoStacks/")
    assert f"cloudformation:CreateStack on resource: arn:aws:cloudformation:{HERE}:{VICTIM}:stack/StackSet-" in reason


def test_a_stack_that_its_account_deletes_or_changes_is_made_again(
    plane: InProcess, sets: StackSets, victim: Key
) -> None:
    sets.make("meddled", queue("meddled"))
    assert sets.place("meddled", [VICTIM]) == "SUCCEEDED"
    own = Stacks(plane, victim)
    name = sets.instances("meddled")[VICTIM, HERE]["StackId"].split("/")[1]
    assert own.update(name, queue("meddled-with")) == "UPDATE_COMPLETE"
    assert sets.change("meddled", UsePreviousTemplate=True) == "SUCCEEDED"
    assert plane.client("sqs", victim).get_queue_url(QueueName="meddled")
    assert own.delete(name) == "DELETE_COMPLETE"
    assert sets.change("meddled", UsePreviousTemplate=True) == "SUCCEEDED"
    (stack,) = own.client.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackId"] == sets.instances("meddled")[VICTIM, HERE]["StackId"]
    own.delete(name)
    assert sets.take("meddled", [VICTIM]) == "SUCCEEDED"
    assert sets.instances("meddled") == {}


def test_a_protected_stack_is_not_deleted_by_its_set(plane: InProcess, sets: StackSets, victim: Key) -> None:
    sets.make("protected", queue("protected"))
    assert sets.place("protected", [VICTIM]) == "SUCCEEDED"
    name = sets.instances("protected")[VICTIM, HERE]["StackId"].split("/")[1]
    client = Stacks(plane, victim).client
    client.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    assert sets.take("protected", [VICTIM]) == "FAILED"
    assert "cannot be deleted while TerminationProtection is enabled" in sets.results("protected")[VICTIM, HERE][1]
    assert sets.take("protected", [VICTIM], RetainStacks=True) == "SUCCEEDED"
    assert sets.instances("protected") == {}
    assert client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def test_a_trust_that_is_withdrawn_ends_what_a_set_may(plane: InProcess, sets: StackSets, administration: str) -> None:
    account = "555500005555"
    key = plane.account(account)
    execution_role(plane, key, administration)
    sets.make("withdrawn", queue("withdrawn"))
    assert sets.place("withdrawn", [account]) == "SUCCEEDED"
    iam = plane.client("iam", key)
    iam.update_assume_role_policy(RoleName=EXECUTION, PolicyDocument=trusting(AWS=f"arn:aws:iam::{account}:root"))
    assert sets.change("withdrawn", TemplateBody=queue("planted")) == "FAILED"
    told = f"Account {account} should have '{EXECUTION}' role with trust relationship to Role '{ADMINISTRATION}'."
    assert sets.results("withdrawn")[account, HERE] == ("FAILED", told)
    assert sets.instances("withdrawn")[account, HERE]["Status"] == "OUTDATED"
    assert plane.client("sqs", key).get_queue_url(QueueName="withdrawn")
    assert sets.take("withdrawn", [account]) == "FAILED"
    assert sets.instances("withdrawn").keys() == {(account, HERE)}


def gated(plane: InProcess, key: Key, status: str) -> None:
    """Have the gate of an account return a status."""
    client, name = plane.client("lambda", key), "AWSCloudFormationStackSetAccountGate"
    code = package(main=f"def handler(event, context): return {{'Status': '{status}'}}")
    try:
        client.update_function_code(FunctionName=name, ZipFile=code)
    except client.exceptions.ResourceNotFoundException:
        role = plane.client("iam", key).create_role(
            RoleName="gate", AssumeRolePolicyDocument=trusting(Service="lambda.amazonaws.com")
        )["Role"]["Arn"]
        client.create_function(
            FunctionName=name, Runtime="python3.11", Role=role, Handler="main.handler", Code={"ZipFile": code}
        )


@needs_namespaces
def test_the_gate_of_an_account_keeps_a_set_out(plane: InProcess, sets: StackSets, administration: str) -> None:
    account = "888800008888"
    key = plane.account(account)
    execution_role(plane, key, administration)
    execution_role(plane, key, administration, allow(["cloudformation:*", "sqs:*"]), name="Gateless")

    def gate() -> dict[str, str]:
        operation = sets.client.list_stack_set_operations(StackSetName="gated")["Summaries"][0]["OperationId"]
        asked = {"StackSetName": "gated", "OperationId": operation}
        return dict(sets.client.list_stack_set_operation_results(**asked)["Summaries"][0]["AccountGateResult"])

    sets.make("gated", queue("gated"))
    gated(plane, key, "FAILED")
    assert sets.place("gated", [account]) == "FAILED"
    assert gate()["Status"] == "FAILED"
    assert refused(plane.client("sqs", key).get_queue_url, QueueName="gated").code.endswith("NonExistentQueue")
    gated(plane, key, "SUCCEEDED")
    assert sets.place("gated", [account]) == "SUCCEEDED"
    assert gate() == {"Status": "SUCCEEDED"}
    gated(plane, key, "FAILED")
    assert sets.take("gated", [account]) == "FAILED"
    assert sets.change("gated", UsePreviousTemplate=True, ExecutionRoleName="Gateless") == "SUCCEEDED"
    assert gate() == {
        "Status": "SKIPPED",
        "StatusReason": "Insufficient permissions to invoke AWSCloudFormationStackSetAccountGate",
    }
    plane.run(plane.node.runtime.backends.by_operation["lambda", "Invoke"].close())


def test_a_secret_parameter_is_shown_nowhere(plane: InProcess, sets: StackSets, victim: Key) -> None:
    body = json.dumps({**json.loads(queue("secretive")), "Parameters": {"Secret": {"Type": "String", "NoEcho": True}}})
    secret, other = "hush-of-the-set", "hush-of-the-instance"
    given = [{"ParameterKey": "Secret", "ParameterValue": secret}]
    sets.make("secretive", body, Parameters=given)
    instead = [{"ParameterKey": "Secret", "ParameterValue": other}]
    assert sets.place("secretive", [VICTIM], ParameterOverrides=instead) == "SUCCEEDED"
    shown = [sets.client.describe_stack_set(StackSetName="secretive")["StackSet"]["Parameters"]]
    told = sets.client.describe_stack_instance(
        StackSetName="secretive", StackInstanceAccount=VICTIM, StackInstanceRegion=HERE
    )["StackInstance"]
    shown.append(told["ParameterOverrides"])
    assert shown == [[{"ParameterKey": "Secret", "ParameterValue": "****"}]] * 2
    journal = b"".join(path.read_bytes() for path in plane.node.options.data.rglob("*") if path.is_file())
    assert not any(hidden.encode() in journal for hidden in (secret, other))

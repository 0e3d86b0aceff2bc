"""Stack sets: each stack is made in its account by the role there, which the role of the administrator enters."""

from __future__ import annotations

import pytest

from support.inprocess import InProcess, Key
from support.plane import ACCOUNT, refused
from support.stack_sets import StackSets, administration_role, execution_role
from support.stacks import Stacks, template

NEAR, FAR = "111100001111", "222200002222"
WEST = "eu-west-1"
BODY = template({"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "of-a-set"}}})


@pytest.fixture(scope="module")
def roles(plane: InProcess) -> dict[str, Key]:
    """The administration role, two accounts with execution roles, and their keys."""
    by = administration_role(plane)
    keys = {account: plane.account(account) for account in (NEAR, FAR)}
    for key in keys.values():
        execution_role(plane, key, by)
    return keys


@pytest.fixture
def sets(plane: InProcess, roles: dict[str, Key]) -> StackSets:
    return StackSets(plane)


def test_a_stack_in_each_account_and_region(plane: InProcess, sets: StackSets, roles: dict[str, Key]) -> None:
    identifier = sets.make("everywhere", BODY, Description="a queue")
    assert identifier.startswith("everywhere:")
    assert sets.place("everywhere", [NEAR, FAR], ["us-east-1", WEST]) == "SUCCEEDED"
    found = sets.instances("everywhere")
    assert sorted(found) == [(NEAR, WEST), (NEAR, "us-east-1"), (FAR, WEST), (FAR, "us-east-1")]
    assert {it["Status"] for it in found.values()} == {"CURRENT"}
    stack = found[FAR, WEST]["StackId"]
    there = plane.client("cloudformation", roles[FAR], WEST).describe_stacks(StackName=stack)["Stacks"][0]
    assert (there["StackStatus"], there["StackName"][:20]) == ("CREATE_COMPLETE", "StackSet-everywhere-")
    assert plane.client("sqs", roles[FAR], WEST).get_queue_url(QueueName="of-a-set")["QueueUrl"]
    assert refused(sets.client.delete_stack_set, StackSetName="everywhere").code == "StackSetNotEmptyException"
    assert sets.take("everywhere", [NEAR, FAR], ["us-east-1", WEST]) == "SUCCEEDED"
    assert sets.instances("everywhere") == {}
    assert Stacks(plane, roles[NEAR]).client.describe_stacks()["Stacks"] == []
    sets.client.delete_stack_set(StackSetName="everywhere")
    assert refused(sets.client.describe_stack_set, StackSetName="everywhere").code == "StackSetNotFoundException"


def test_an_update_of_the_set_is_one_of_all_its_stacks(
    plane: InProcess, sets: StackSets, roles: dict[str, Key]
) -> None:
    sets.make("changed", BODY)
    assert sets.place("changed", [NEAR]) == "SUCCEEDED"
    more = template({"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "of-a-changed-set"}}})
    assert sets.change("changed", TemplateBody=more) == "SUCCEEDED"
    topics = plane.client("sns", roles[NEAR]).list_topics()["Topics"]
    assert [it["TopicArn"].rpartition(":")[2] for it in topics] == ["of-a-changed-set"]
    assert sets.take("changed", [NEAR]) == "SUCCEEDED"
    assert ACCOUNT not in {account for account, _ in sets.instances("changed")}


# -- as a resource ------------------------------------------------------------------------------------------


def of_a_stack(regions: list[str], accounts: list[str], **more: object) -> str:
    group = {"DeploymentTargets": {"Accounts": accounts}, "Regions": regions}
    properties = {
        "StackSetName": "of-a-stack",
        "PermissionModel": "SELF_MANAGED",
        "TemplateBody": BODY,
        "StackInstancesGroup": [group],
        **more,
    }
    return template({"Set": {"Type": "AWS::CloudFormation::StackSet", "Properties": properties}})


def test_a_stack_with_a_stack_set(plane: InProcess, sets: StackSets, roles: dict[str, Key]) -> None:
    stacks = Stacks(plane)
    assert stacks.create("with-a-set", of_a_stack(["us-east-1"], [NEAR])) == "CREATE_COMPLETE"
    identifier = stacks.physical("with-a-set")["Set"]
    assert sets.client.describe_stack_set(StackSetName="of-a-stack")["StackSet"]["StackSetId"] == identifier
    assert sorted(sets.instances("of-a-stack")) == [(NEAR, "us-east-1")]
    more = of_a_stack(["us-east-1"], [FAR], Description="moved")
    assert stacks.update("with-a-set", more) == "UPDATE_COMPLETE"
    assert sorted(sets.instances("of-a-stack")) == [(FAR, "us-east-1")]
    assert stacks.update("with-a-set", of_a_stack(["us-east-1"], ["999900009999"])) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Account 999900009999 should have" in stacks.reason("with-a-set", "Set", "UPDATE_FAILED")
    assert sorted(sets.instances("of-a-stack")) == [(FAR, "us-east-1")]
    assert stacks.delete("with-a-set") == "DELETE_COMPLETE"
    assert refused(sets.client.describe_stack_set, StackSetName="of-a-stack").code == "StackSetNotFoundException"

"""Service-managed stack sets: into the accounts of units, by roles that the service has made there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess
from support.organized_sets import MEMBER_SERVICE, Organized, placed
from support.plane import allow, document, refused
from support.stack_sets import StackSets
from support.stacks import template

BODY = template({"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "of-the-organization"}}})
MANAGED: dict[str, Any] = {"PermissionModel": "SERVICE_MANAGED", "AutoDeployment": {"Enabled": False}}
AUTOMATIC = {
    "PermissionModel": "SERVICE_MANAGED",
    "AutoDeployment": {"Enabled": True, "RetainStacksOnAccountRemoval": False},
}


@pytest.fixture(scope="module")
def house(plane: InProcess) -> Organized:
    """An organization in which StackSets is trusted."""
    made = Organized(plane)
    client = plane.client("cloudformation")
    assert client.describe_organizations_access()["Status"] == "DISABLED"
    client.activate_organizations_access()
    assert client.describe_organizations_access()["Status"] == "ENABLED"
    return made


@pytest.fixture
def sets(plane: InProcess, house: Organized) -> StackSets:
    return StackSets(plane)


def roles_of(plane: InProcess, house: Organized, account: str) -> list[str]:
    return [it["RoleName"] for it in plane.client("iam", house.key(account)).list_roles()["Roles"]]


def test_the_service_makes_its_roles_and_enters_by_them(plane: InProcess, house: Organized, sets: StackSets) -> None:
    unit = house.unit("Entered")
    first, second = house.member("first", unit), house.member("second", house.unit("Inner", unit))
    sets.make("entered", BODY, **MANAGED)
    assert placed(sets, "entered", unit) == "SUCCEEDED"
    found = sets.instances("entered")
    assert sorted(account for account, _ in found) == sorted([first, second])
    assert {it["OrganizationalUnitId"] for it in found.values()} == {unit}
    names = roles_of(plane, house, first)
    (entry,) = [it for it in names if it.startswith("stacksets-exec-")]
    assert "AWSServiceRoleForCloudFormationStackSetsOrgMember" in names
    trail = plane.client("cloudtrail", house.key(first)).lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateStack"}]
    )["Events"]
    told = json.loads(trail[0]["CloudTrailEvent"])["userIdentity"]
    assert f":assumed-role/{entry}/" in told["arn"]


def test_the_roles_of_an_account_are_made_once_by_all_regions_and_completed_after_a_restart(
    plane: InProcess, house: Organized, sets: StackSets
) -> None:
    unit = house.unit("Beside")
    account = house.member("beside", unit)
    sets.make("beside", BODY, **MANAGED)
    wanted = {
        "DeploymentTargets": {"OrganizationalUnitIds": [unit]},
        "Regions": ["us-east-1", "us-west-2", "eu-west-1"],
    }
    wide = {"RegionConcurrencyType": "PARALLEL"}
    made = sets.client.create_stack_instances(StackSetName="beside", OperationPreferences=wide, **wanted)["OperationId"]
    assert sets.settled("beside", made) == "SUCCEEDED"
    iam = plane.client("iam", house.key(account))
    (entry,) = [it for it in roles_of(plane, house, account) if it.startswith("stacksets-exec-")]
    iam.detach_role_policy(RoleName=entry, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    gone = sets.client.delete_stack_instances(StackSetName="beside", RetainStacks=False, **wanted)["OperationId"]
    assert sets.settled("beside", gone) == "SUCCEEDED"


def test_an_account_that_joins_a_unit_gets_a_stack_and_loses_it_when_it_leaves(
    plane: InProcess, house: Organized, sets: StackSets
) -> None:
    unit, other = house.unit("Followed"), house.unit("Other")
    stays = house.member("stays", unit)
    sets.make("followed", BODY, **AUTOMATIC)
    assert placed(sets, "followed", unit) == "SUCCEEDED"
    joins = house.member("joins", unit)
    plane.settle_stack_sets()
    assert sorted(account for account, _ in sets.instances("followed")) == sorted([stays, joins])
    queues = plane.client("sqs", house.key(joins))
    assert queues.get_queue_url(QueueName="of-the-organization")["QueueUrl"]
    house.move(joins, other)
    plane.settle_stack_sets()
    assert [account for account, _ in sets.instances("followed")] == [stays]
    assert refused(queues.get_queue_url, QueueName="of-the-organization").code.endswith("NonExistentQueue")
    targets = sets.client.list_stack_set_auto_deployment_targets(StackSetName="followed")["Summaries"]
    assert targets == [{"OrganizationalUnitId": unit, "Regions": ["us-east-1"]}]


def test_what_an_account_keeps_when_it_leaves(plane: InProcess, house: Organized, sets: StackSets) -> None:
    unit = house.unit("Kept")
    leaves = house.member("leaves", unit)
    kept = {"Enabled": True, "RetainStacksOnAccountRemoval": True}
    sets.make("kept", BODY, PermissionModel="SERVICE_MANAGED", AutoDeployment=kept)
    assert placed(sets, "kept", unit) == "SUCCEEDED"
    house.move(leaves, house.root)
    plane.settle_stack_sets()
    assert sets.instances("kept") == {}
    assert plane.client("sqs", house.key(leaves)).get_queue_url(QueueName="of-the-organization")["QueueUrl"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("NONE", "ab"), ("INTERSECTION", "a"), ("DIFFERENCE", "b"), ("UNION", "abc")],
)
def test_a_filter_picks_accounts(house: Organized, sets: StackSets, kind: str, expected: str) -> None:
    unit, name = house.unit(f"Filtered{kind}"), f"filtered-{kind.lower()}"
    accounts = {letter: house.member(f"{name}-{letter}", unit if letter in "ab" else "") for letter in "abc"}
    sets.make(name, BODY, **MANAGED)
    named = {"NONE": "", "UNION": "ac"}.get(kind, "a")
    targets: dict[str, Any] = {"Accounts": [accounts[letter] for letter in named]} if named else {}
    assert placed(sets, name, unit, **targets, AccountFilterType=kind) == "SUCCEEDED"
    assert {account for account, _ in sets.instances(name)} == {accounts[letter] for letter in expected}


def test_a_delegated_administrator_acts_for_the_organization_and_nobody_else(
    plane: InProcess, house: Organized, sets: StackSets
) -> None:
    unit = house.unit("Delegated")
    target, delegate, other = house.member("target", unit), house.member("delegate"), house.member("no-delegate")
    house.client.register_delegated_administrator(AccountId=delegate, ServicePrincipal=MEMBER_SERVICE)
    acting = StackSets(plane, house.key(delegate))
    sets.make("of-management", BODY)  # self-managed: none of the delegate's
    acting.make("of-delegate", BODY, CallAs="DELEGATED_ADMIN", **MANAGED)
    made = acting.client.create_stack_instances(
        StackSetName="of-delegate",
        DeploymentTargets={"OrganizationalUnitIds": [unit]},
        Regions=["us-east-1"],
        CallAs="DELEGATED_ADMIN",
    )["OperationId"]
    assert acting.settled("of-delegate", made, CallAs="DELEGATED_ADMIN") == "SUCCEEDED"
    assert [account for account, _ in sets.instances("of-delegate")] == [target]
    shown = acting.client.list_stack_sets(CallAs="DELEGATED_ADMIN")["Summaries"]
    assert "of-management" not in {it["StackSetName"] for it in shown}
    for key in (house.key(other), house.key(delegate)):
        client = StackSets(plane, key).client
        fault = refused(client.describe_stack_set, StackSetName="of-delegate")
        assert fault.code == "StackSetNotFoundException"
    fault = refused(StackSets(plane, house.key(other)).client.list_stack_sets, CallAs="DELEGATED_ADMIN")
    assert fault.message == "Account used is not a delegated administrator"
    hidden = {"StackSetName": "of-management", "CallAs": "DELEGATED_ADMIN"}
    assert refused(acting.client.describe_stack_set, **hidden).code == "StackSetNotFoundException"
    assert acting.client.delete_stack_set(**hidden)
    assert sets.client.describe_stack_set(StackSetName="of-management")["StackSet"]["Status"] == "ACTIVE"
    house.client.deregister_delegated_administrator(AccountId=delegate, ServicePrincipal=MEMBER_SERVICE)
    fault = refused(acting.client.describe_stack_set, StackSetName="of-delegate", CallAs="DELEGATED_ADMIN")
    assert fault.message == "Account used is not a delegated administrator"


def test_a_policy_for_a_set_of_the_delegates_own_is_for_none_of_the_organizations(
    plane: InProcess, house: Organized, sets: StackSets
) -> None:
    delegate = house.member("of-two-houses")
    house.client.register_delegated_administrator(AccountId=delegate, ServicePrincipal=MEMBER_SERVICE)
    sets.make("same-name", BODY, **MANAGED)
    own = StackSets(plane, house.key(delegate))
    own.make("same-name", BODY)
    arn = own.client.describe_stack_set(StackSetName="same-name")["StackSet"]["StackSetARN"]
    key = plane.user("of-one-house", allow("cloudformation:*", arn), of=house.key(delegate))
    client = plane.client("cloudformation", key)
    assert client.describe_stack_set(StackSetName="same-name")["StackSet"]["PermissionModel"] == "SELF_MANAGED"
    fault = refused(client.delete_stack_set, StackSetName="same-name", CallAs="DELEGATED_ADMIN")
    assert fault.code == "AccessDenied"


def test_an_account_between_units_with_other_regions(plane: InProcess, house: Organized, sets: StackSets) -> None:
    east, west = house.unit("East"), house.unit("West")
    moves = house.member("moves", east)
    sets.make("by-region", BODY, **AUTOMATIC)
    assert placed(sets, "by-region", east) == "SUCCEEDED"
    assert placed(sets, "by-region", west, regions=("us-west-2",)) == "SUCCEEDED"
    house.move(moves, west)
    plane.settle_stack_sets()
    assert list(sets.instances("by-region")) == [(moves, "us-west-2")]
    house.move(moves, house.root)
    plane.settle_stack_sets()
    assert sets.instances("by-region") == {}
    wanted = {"DeploymentTargets": {"OrganizationalUnitIds": [east]}, "Regions": ["us-east-1"], "RetainStacks": False}
    made = sets.client.delete_stack_instances(StackSetName="by-region", **wanted)["OperationId"]
    assert sets.settled("by-region", made) == "SUCCEEDED"
    house.move(moves, east)
    plane.settle_stack_sets()
    assert sets.instances("by-region") == {}


def test_a_set_waits_for_those_that_it_depends_on(plane: InProcess, house: Organized, sets: StackSets) -> None:
    unit = house.unit("Depending")
    first = sets.make("depended-on", BODY, **AUTOMATIC)
    arn = sets.client.describe_stack_set(StackSetName=first)["StackSet"]["StackSetARN"]
    role = template({"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "depends"}}})
    waits = {"PermissionModel": "SERVICE_MANAGED", "AutoDeployment": {"Enabled": True, "DependsOn": [arn]}}
    sets.make("depends", role, **waits)
    for name in ("depends", "depended-on"):
        assert placed(sets, name, unit) == "SUCCEEDED"
    joins = house.member("depending", unit)
    plane.settle_stack_sets()
    ends = []
    for name in ("depended-on", "depends"):
        latest = sets.client.list_stack_set_operations(StackSetName=name)["Summaries"][0]
        ends.append((latest["CreationTimestamp"], latest["EndTimestamp"]))
        assert [account for account, _ in sets.instances(name)] == [joins]
    assert ends[0][1] <= ends[1][1]
    mine = sets.client.describe_stack_set(StackSetName="depends")["StackSet"]["StackSetARN"]
    circle = {"AutoDeployment": {"Enabled": True, "DependsOn": [mine]}, "UsePreviousTemplate": True}
    fault = refused(sets.client.update_stack_set, StackSetName="depended-on", **circle)
    assert fault.message.endswith("cannot depend on itself")
    strange = {"AutoDeployment": {"Enabled": True, "DependsOn": [f"{mine}0"]}, "UsePreviousTemplate": True}
    assert refused(sets.client.update_stack_set, StackSetName="depended-on", **strange).code == "ValidationError"


def test_a_suspended_account_is_skipped(plane: InProcess, house: Organized, sets: StackSets) -> None:
    unit = house.unit("Suspended")
    closed = house.member("closed", unit)
    sets.make("skipping", BODY, **MANAGED)
    house.client.close_account(AccountId=closed)
    assert placed(sets, "skipping", unit) == "SUCCEEDED"
    found = sets.instances("skipping")[closed, "us-east-1"]
    assert (found["Status"], found["StackInstanceStatus"]) == (
        "OUTDATED",
        {"DetailedStatus": "SKIPPED_SUSPENDED_ACCOUNT"},
    )
    assert sets.results("skipping")[closed, "us-east-1"][0] == "CANCELLED"


def test_an_account_that_leaves_the_organization_is_not_entered(
    plane: InProcess, house: Organized, sets: StackSets
) -> None:
    unit = house.unit("Left")
    leaves = house.member("departs", unit)
    sets.make("departed", BODY, **AUTOMATIC)
    assert placed(sets, "departed", unit) == "SUCCEEDED"
    house.client.remove_account_from_organization(AccountId=leaves)
    plane.settle_stack_sets()
    status, reason = sets.results("departed")[leaves, "us-east-1"]
    assert (status, reason) == ("FAILED", f"Account {leaves} is not a member account of the organization.")
    assert plane.client("sqs", house.key(leaves)).get_queue_url(QueueName="of-the-organization")["QueueUrl"]


def test_a_member_cannot_operate_what_is_the_administrators(plane: InProcess, house: Organized) -> None:
    client = StackSets(plane, house.key(house.member("mere"))).client
    for operation in (client.activate_organizations_access, client.deactivate_organizations_access):
        assert refused(operation).code == "InvalidOperationException"
    fault = refused(client.create_stack_set, StackSetName="mere", TemplateBody=BODY, **MANAGED)
    assert fault.message == (
        "You must be the management account or delegated admin account of an organization before operating a "
        "SERVICE_MANAGED stack set"
    )


def test_a_service_control_policy_holds_for_the_role_of_the_service(
    plane: InProcess, house: Organized, sets: StackSets
) -> None:
    unit = house.unit("Guarded")
    guarded, other = house.member("guarded", unit), house.member("unguarded", unit)
    house.client.enable_policy_type(RootId=house.root, PolicyType="SERVICE_CONTROL_POLICY")
    denies = document({"Effect": "Deny", "Action": "sqs:CreateQueue", "Resource": "*"})
    policy = house.client.create_policy(Content=denies, Name="no", Description="", Type="SERVICE_CONTROL_POLICY")
    house.client.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId=guarded)
    sets.make("guarded", BODY, **MANAGED)
    made = sets.client.create_stack_instances(
        StackSetName="guarded",
        DeploymentTargets={"OrganizationalUnitIds": [unit]},
        Regions=["us-east-1"],
        OperationPreferences={"MaxConcurrentCount": 2, "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"},
    )["OperationId"]
    assert sets.settled("guarded", made) == "FAILED"
    results = sets.results("guarded", made)
    assert results[other, "us-east-1"][0] == "SUCCEEDED"
    status, reason = results[guarded, "us-east-1"]
    assert status == "FAILED"
    assert reason.startswith("ResourceLogicalId:Queue, ResourceType:AWS::SQS::Queue, ResourceStatusReason:")
    assert "with an explicit deny in a service control policy" in reason


def test_trusted_access_that_is_withdrawn_ends_it(plane: InProcess, house: Organized, sets: StackSets) -> None:
    unit = house.unit("Withdrawn")
    house.member("withdrawn", unit)
    sets.make("withdrawn", BODY, **MANAGED)
    sets.client.deactivate_organizations_access()
    wanted = {"DeploymentTargets": {"OrganizationalUnitIds": [unit]}, "Regions": ["us-east-1"]}
    fault = refused(sets.client.create_stack_instances, StackSetName="withdrawn", **wanted)
    assert fault.message == "You must enable organizations access to operate a service managed stack set"
    sets.client.activate_organizations_access()
    assert placed(sets, "withdrawn", unit) == "SUCCEEDED"


def test_who_activates_access_may_do_so_in_organizations(plane: InProcess, house: Organized) -> None:
    client = plane.client("cloudformation", plane.user("half", allow("cloudformation:*")))
    fault = refused(client.activate_organizations_access)
    assert "organizations:EnableAWSServiceAccess" in fault.message

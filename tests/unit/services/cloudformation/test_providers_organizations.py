"""Organizations' resource types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.errors import Fault
from support.inprocess import InProcess
from support.plane import ACCOUNT
from support.providers import Making
from support.remade import code, remade

DENIES: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Making:
    return Making(plane)


@pytest.fixture(scope="module")
def organizations(plane: InProcess) -> Any:
    return plane.client("organizations")


@pytest.fixture(scope="module")
def root(making: Making, organizations: Any) -> str:
    """The root of an organization that is made as a resource."""
    made = making.create("AWS::Organizations::Organization", FeatureSet="ALL")
    organization = organizations.describe_organization()["Organization"]
    assert made.physical == organization["Id"]
    assert made.attributes["Arn"] == organization["Arn"]
    assert made.attributes["ManagementAccountId"] == ACCOUNT
    assert remade(making, made).attributes == made.attributes
    found: str = made.attributes["RootId"]
    organizations.enable_policy_type(RootId=found, PolicyType="SERVICE_CONTROL_POLICY")
    return found


def test_an_account_is_made_moved_and_closed(making: Making, organizations: Any, root: str) -> None:
    unit = making.create("AWS::Organizations::OrganizationalUnit", Name="Team", ParentId=root)
    fixed = {"AccountName": "shop", "Email": "shop@example.com"}
    made = making.create(
        "AWS::Organizations::Account", **fixed, ParentIds=[unit.physical], Tags=[{"Key": "a", "Value": "1"}]
    )
    account = organizations.describe_account(AccountId=made.physical)["Account"]
    assert (made.attributes["Arn"], made.attributes["Status"]) == (account["Arn"], "ACTIVE")

    def parent() -> str:
        found: str = organizations.list_parents(ChildId=made.physical)["Parents"][0]["Id"]
        return found

    assert parent() == unit.physical
    assert remade(making, made).physical == made.physical
    after = making.update(made, **fixed, ParentIds=[root], Tags=[{"Key": "b", "Value": "1"}])
    tags = {tag["Key"] for tag in organizations.list_tags_for_resource(ResourceId=made.physical)["Tags"]}
    assert (parent(), tags) == (root, {"b", "team", "aws:cloudformation:stack-name"})
    with pytest.raises(Fault, match="Property Email cannot be updated"):
        making.update(after, AccountName="shop", Email="other@example.com")
    making.delete(after)
    assert organizations.describe_account(AccountId=made.physical)["Account"]["Status"] == "SUSPENDED"
    making.delete(after)


def test_an_account_whose_address_is_taken_is_not_made(making: Making, root: str) -> None:
    assert root
    making.create("AWS::Organizations::Account", AccountName="one", Email="one@example.com")
    with pytest.raises(Fault, match="EMAIL_ALREADY_EXISTS"):
        making.create("AWS::Organizations::Account", AccountName="two", Email="one@example.com")


def test_a_unit_is_renamed(making: Making, organizations: Any, root: str) -> None:
    made = making.create("AWS::Organizations::OrganizationalUnit", Name="Old", ParentId=root)
    unit = {"OrganizationalUnitId": made.physical}
    assert made.attributes["Arn"] == organizations.describe_organizational_unit(**unit)["OrganizationalUnit"]["Arn"]
    assert remade(making, made).physical == made.physical
    after = making.update(made, Name="New", ParentId=root)
    assert organizations.describe_organizational_unit(**unit)["OrganizationalUnit"]["Name"] == "New"
    making.delete(after)
    assert code(organizations.describe_organizational_unit, **unit) == "OrganizationalUnitNotFoundException"
    making.delete(after)


def test_a_policy_is_attached_to_its_targets(making: Making, organizations: Any, root: str) -> None:
    one, two = (
        making.create("AWS::Organizations::OrganizationalUnit", Name=name, ParentId=root).physical
        for name in ("One", "Two")
    )
    fixed: dict[str, Any] = {"Name": "no-s3", "Type": "SERVICE_CONTROL_POLICY"}
    made = making.create("AWS::Organizations::Policy", **fixed, Content=DENIES, TargetIds=[one])

    def targets() -> list[str]:
        found = organizations.list_targets_for_policy(PolicyId=made.physical)["Targets"]
        return [target["TargetId"] for target in found]

    policy = organizations.describe_policy(PolicyId=made.physical)["Policy"]
    assert (json.loads(policy["Content"]), targets()) == (DENIES, [one])
    assert made.attributes == {"Id": made.physical, "Arn": policy["PolicySummary"]["Arn"], "AwsManaged": False}
    assert (remade(making, made).physical, targets()) == (made.physical, [one])
    after = making.update(made, **fixed, Description="d", Content=json.dumps(DENIES), TargetIds=[two])
    summary = organizations.describe_policy(PolicyId=made.physical)["Policy"]["PolicySummary"]
    assert (summary["Description"], targets()) == ("d", [two])
    making.delete(after)
    assert code(organizations.describe_policy, PolicyId=made.physical) == "PolicyNotFoundException"
    making.delete(after)

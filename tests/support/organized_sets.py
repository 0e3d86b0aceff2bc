"""An organization in a plane of this process, whose accounts service-managed stack sets are deployed to."""

from __future__ import annotations

from typing import Any, Final

from support.inprocess import REGION, InProcess, Key
from support.stack_sets import StackSets

MEMBER_SERVICE: Final = "member.org.stacksets.cloudformation.amazonaws.com"


class Organized:
    """The organization that the root user of the plane makes: `root` is its root's id."""

    def __init__(self, plane: InProcess) -> None:
        self._plane = plane
        self.client = plane.client("organizations")
        self.client.create_organization(FeatureSet="ALL")
        self.root: str = self.client.list_roots()["Roots"][0]["Id"]

    def unit(self, name: str, parent: str = "") -> str:
        """The id of a new unit."""
        made = self.client.create_organizational_unit(ParentId=parent or self.root, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def member(self, name: str, unit: str = "") -> str:
        """The id of a new account, in the root or in a unit."""
        request = self.client.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]["Id"]
        told = self.client.describe_create_account_status(CreateAccountRequestId=request)["CreateAccountStatus"]
        account: str = told["AccountId"]
        if unit:
            self.move(account, unit)
        return account

    def move(self, account: str, unit: str) -> None:
        """Move an account to a unit, or to the root."""
        before = self.client.list_parents(ChildId=account)["Parents"][0]["Id"]
        self.client.move_account(AccountId=account, SourceParentId=before, DestinationParentId=unit)

    def key(self, account: str) -> Key:
        """A key of the root user of a member."""
        return self._plane.account(account)


def placed(sets: StackSets, name: str, *units: str, regions: tuple[str, ...] = (REGION,), **targets: Any) -> str:
    """Create instances in the accounts of units, and answer the status of the operation once it has ended."""
    wanted = {"OrganizationalUnitIds": list(units), **targets}
    made = sets.client.create_stack_instances(StackSetName=name, DeploymentTargets=wanted, Regions=list(regions))
    return sets.settled(name, made["OperationId"])

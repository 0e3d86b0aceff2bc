"""Stack sets of a plane in this process, and the roles by which they enter accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from support.inprocess import REGION, InProcess, Key
from support.plane import allow, document, trusting
from support.stacks import CAPABILITIES

ADMINISTRATION: Final = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION: Final = "AWSCloudFormationStackSetExecutionRole"


def administration_role(plane: InProcess, key: Key | None = None, name: str = ADMINISTRATION, to: str = "*") -> str:
    """The ARN of a new administration role that may enter all execution roles with names like `to`."""
    iam = plane.client("iam", key)
    trust = trusting(Service="cloudformation.amazonaws.com")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    may = document(allow("sts:AssumeRole", f"arn:aws:iam::*:role/{to}"))
    iam.put_role_policy(RoleName=name, PolicyName="enters", PolicyDocument=may)
    return arn


def execution_role(
    plane: InProcess, key: Key | None, by: str, *statements: dict[str, Any], name: str = EXECUTION
) -> None:
    """Create an execution role that trusts the role `by`, and may do what `statements` say: anything without any."""
    iam = plane.client("iam", key)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(AWS=by))
    may = document(*(statements or (allow("*"),)))
    iam.put_role_policy(RoleName=name, PolicyName="acts", PolicyDocument=may)


class StackSets:
    """The stack sets of a plane, by a client with `key`: the root user's without one."""

    def __init__(self, plane: InProcess, key: Key | None = None, region: str = REGION) -> None:
        self._plane = plane
        self.client = plane.client("cloudformation", key, region)

    def make(self, name: str, body: str, **more: Any) -> str:
        """Create a stack set: its id."""
        made = self.client.create_stack_set(
            StackSetName=name, TemplateBody=body, **{"Capabilities": CAPABILITIES, **more}
        )
        return str(made["StackSetId"])

    def place(self, name: str, accounts: Sequence[str], regions: Sequence[str] = (REGION,), **more: Any) -> str:
        """Create instances in accounts, and answer the status of the operation once it has ended."""
        made = self.client.create_stack_instances(StackSetName=name, Accounts=accounts, Regions=regions, **more)
        return self.settled(name, made["OperationId"])

    def change(self, name: str, **more: Any) -> str:
        """Update a set and all its instances, and answer the status of the operation once it has ended."""
        made = self.client.update_stack_set(StackSetName=name, **{"Capabilities": CAPABILITIES, **more})
        return self.settled(name, made["OperationId"])

    def take(self, name: str, accounts: Sequence[str], regions: Sequence[str] = (REGION,), **more: Any) -> str:
        """Delete instances in accounts, and answer the status of the operation once it has ended."""
        options = {"RetainStacks": False, **more}
        made = self.client.delete_stack_instances(StackSetName=name, Accounts=accounts, Regions=regions, **options)
        return self.settled(name, made["OperationId"])

    def settled(self, name: str, operation: str, **more: Any) -> str:
        """The status of an operation once nothing is under way."""
        self._plane.settle_stack_sets()
        found = self.client.describe_stack_set_operation(StackSetName=name, OperationId=operation, **more)
        return str(found["StackSetOperation"]["Status"])

    def instances(self, name: str, **more: Any) -> dict[tuple[str, str], dict[str, Any]]:
        """The summaries of the instances of a set, by account and region."""
        pages = self.client.get_paginator("list_stack_instances").paginate(StackSetName=name, **more)
        return {(it["Account"], it["Region"]): it for page in pages for it in page["Summaries"]}

    def results(self, name: str, operation: str = "", **more: Any) -> dict[tuple[str, str], tuple[str, str]]:
        """Status and reason of the results of an operation (the latest one), by account and region."""
        if not operation:
            operation = self.client.list_stack_set_operations(StackSetName=name, **more)["Summaries"][0]["OperationId"]
        found = self.client.list_stack_set_operation_results(StackSetName=name, OperationId=operation, **more)
        return {(it["Account"], it["Region"]): (it["Status"], it.get("StatusReason", "")) for it in found["Summaries"]}

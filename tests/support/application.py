"""An application that a tool has deployed: the stack has a server and a function with roles of their own, and a store.

Its outputs are `Store`, `Function`, `FunctionRole`, `Server` and `ServerRole`, names and ids.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from support.plane import ACCOUNT, RunningPlane, refused

_WHO_AM_I: Final = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


def outputs(plane: RunningPlane, name: str) -> dict[str, str]:
    """The outputs of a stack."""
    (stack,) = plane.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}


def invoked(plane: RunningPlane, function: str) -> dict[str, Any]:
    """What a function answers."""
    answer = plane.client("lambda").invoke(FunctionName=function)
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    return found


class Application:
    """The application of a stack, as it is now."""

    def __init__(self, plane: RunningPlane, stack: str) -> None:
        self._plane, self._stack = plane, stack
        self.made = outputs(plane, stack)

    def assert_its_roles_work(self) -> None:
        """Check that IAM has its roles, and that the server and the function have the credentials of theirs."""
        plane, made = self._plane, self.made
        for name in (made["ServerRole"], made["FunctionRole"]):
            assert plane.client("iam").get_role(RoleName=name)["Role"]["RoleName"] == name
        told = plane.locum("exec", made["Server"], "--", sys.executable, "-c", _WHO_AM_I)
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/"
        assert told.stdout.strip() == f"{session}{made['ServerRole']}/{made['Server']}", told.stderr
        assert invoked(plane, made["Function"])["arn"].startswith(f"{session}{made['FunctionRole']}/")

    def assert_its_server_has_another_role(self, name: str) -> None:
        """Check that the role of that name has taken the place of the one before, and that nothing else is another."""
        now = Application(self._plane, self._stack)
        assert now.made == {**self.made, "ServerRole": name}
        assert self.made["ServerRole"] not in self._roles()
        now.assert_its_roles_work()

    def assert_nothing_is_left(self) -> None:
        """Check that all of it is gone."""
        plane, made = self._plane, self.made
        assert not self._roles() & {made["ServerRole"], made["FunctionRole"]}
        assert made["Store"] not in {it["Name"] for it in plane.client("s3").list_buckets()["Buckets"]}
        assert made["Function"] not in {
            it["FunctionName"] for it in plane.client("lambda").list_functions()["Functions"]
        }
        found = plane.client("ec2").describe_instances(InstanceIds=[made["Server"]])["Reservations"]
        assert [it["State"]["Name"] for one in found for it in one["Instances"]] == ["terminated"]
        gone = refused(plane.client("cloudformation").describe_stacks, StackName=self._stack)
        assert gone.message == f"Stack with id {self._stack} does not exist"

    def _roles(self) -> set[str]:
        pages = self._plane.client("iam").get_paginator("list_roles").paginate()
        return {it["RoleName"] for page in pages for it in page["Roles"]}

"""Stacks of a plane in this process: created, updated and deleted to the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from support.inprocess import InProcess, Key
from support.plane import ACCOUNT

KEY_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}

CAPABILITIES: Final = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


def template(resources: Mapping[str, Any], **sections: Any) -> str:
    """A template as JSON."""
    return json.dumps({"Resources": resources, **sections})


class Stacks:
    """The stacks of a plane, by a client with `key`: the root user's without one."""

    def __init__(self, plane: InProcess, key: Key | None = None) -> None:
        self._plane = plane
        self.client = plane.client("cloudformation", key)

    def create(self, name: str, body: str, **more: Any) -> str:
        """Create a stack, and answer its status once nothing is under way."""
        self.client.create_stack(StackName=name, TemplateBody=body, Capabilities=CAPABILITIES, **more)
        return self.settled(name)

    def update(self, name: str, body: str, **more: Any) -> str:
        """Update a stack, and answer its status once nothing is under way."""
        self.client.update_stack(StackName=name, TemplateBody=body, Capabilities=CAPABILITIES, **more)
        return self.settled(name)

    def delete(self, name: str, **more: Any) -> str:
        """Delete a stack, and answer its status once nothing is under way."""
        arn = self.told(name)["StackId"]
        self.client.delete_stack(StackName=name, **more)
        return self.settled(arn)

    def settled(self, name: str) -> str:
        """The status of a stack once nothing is under way."""
        self._plane.settle_stacks()
        return str(self.told(name)["StackStatus"])

    def told(self, name: str) -> dict[str, Any]:
        """What DescribeStacks tells of a stack."""
        (found,) = self.client.describe_stacks(StackName=name)["Stacks"]
        return dict(found)

    def physical(self, name: str) -> dict[str, str]:
        """The physical ids of the resources of a stack by their logical ones."""
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=name)
        found = [it for page in pages for it in page["StackResourceSummaries"]]
        return {it["LogicalResourceId"]: it.get("PhysicalResourceId", "") for it in found}

    def outputs(self, name: str) -> dict[str, str]:
        """The outputs of a stack."""
        return {it["OutputKey"]: it["OutputValue"] for it in self.told(name).get("Outputs", [])}

    def events(self, name: str) -> list[tuple[str, str]]:
        """The logical ids and statuses of the events of a stack, oldest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=name)
        found = [it for page in pages for it in page["StackEvents"]]
        return [(it["LogicalResourceId"], it["ResourceStatus"]) for it in reversed(found)]

    def reason(self, name: str, logical: str, status: str) -> str:
        """The reason of the last event of a resource with that status."""
        found = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return next(
            str(it.get("ResourceStatusReason", ""))
            for it in found
            if (it["LogicalResourceId"], it["ResourceStatus"]) == (logical, status)
        )

"""A template made, or kept, a stack."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any, Final

from locum.cli.accounts.reading import Client
from locum.cli.client import CallFailed
from locum.cli.inits.processes import Tell
from locum.core.errors import LocumError

_CAPABILITIES: Final = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_LONGEST_BODY: Final = 51_200
"""CloudFormation API Reference, CreateStack, TemplateBody: the maximum length."""
_NOTHING: Final = "No updates are to be performed"
_UNMADE: Final = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
"""States of a stack that never was whole: it can be deleted, and not updated."""
_INTERVAL: Final = 0.2
"""Seconds between two looks at a stack."""


def deploy(name: str, template: str, account: str, region: str, client: Client, tell: Tell) -> None:
    """Create or update a stack, and wait until it is complete. Raises LocumError where it does not become so."""
    if len(template.encode()) <= _LONGEST_BODY:
        _deploy(name, {"TemplateBody": template}, client, tell)
        return
    bucket = f"locum-init-{account}-{region}"
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        client.call("s3", "create_bucket", Bucket=bucket, **where)
    except CallFailed as error:
        if error.code != "BucketAlreadyOwnedByYou":
            raise
    client.call("s3", "put_object", Bucket=bucket, Key=name, Body=template.encode())
    try:
        _deploy(name, {"TemplateURL": f"https://{bucket}.s3.{region}.amazonaws.com/{name}"}, client, tell)
    finally:
        with suppress(CallFailed):  # a bucket of the user's own, perhaps, in which there is more
            client.call("s3", "delete_object", Bucket=bucket, Key=name)
            client.call("s3", "delete_bucket", Bucket=bucket)


def _deploy(name: str, template: dict[str, str], client: Client, tell: Tell) -> None:
    stack = _stack(name, client)
    if stack is not None and stack["StackStatus"] in _UNMADE:
        tell(f"the stack {name} is {stack['StackStatus']}: deleted, and created again")
        client.call("cloudformation", "delete_stack", StackName=name)
        _settled(stack["StackId"], client)
        stack = None
    operation = "create_stack" if stack is None else "update_stack"
    try:
        made = client.call("cloudformation", operation, StackName=name, Capabilities=_CAPABILITIES, **template)
    except CallFailed as error:
        if error.code == "ValidationError" and _NOTHING in error.message:
            tell(f"the stack {name} is as it was")
            return
        raise
    found = _settled(made["StackId"], client)
    if found["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise LocumError(f"the stack {name} is {found['StackStatus']}: {_reason(found['StackId'], client)}")
    tell(f"the stack {name} is {found['StackStatus']}")


def _stack(name: str, client: Client) -> dict[str, Any] | None:
    try:
        (found,) = client.call("cloudformation", "describe_stacks", StackName=name)["Stacks"]
    except CallFailed as error:
        if error.code != "ValidationError":
            raise
        return None
    return dict(found)


def _settled(stack: str, client: Client) -> dict[str, Any]:
    """The stack once nothing of it is under way."""
    waiting = threading.Event()
    while True:
        found = _stack(stack, client)
        if found is None:
            raise LocumError(f"the stack {stack} is gone")
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return found
        waiting.wait(_INTERVAL)


def _reason(stack: str, client: Client) -> str:
    """The reason of what failed first."""
    events = client.call("cloudformation", "describe_stack_events", StackName=stack)["StackEvents"]
    failed = [one for one in events if one["ResourceStatus"].endswith("_FAILED")]
    return f"{failed[-1]['LogicalResourceId']}: {failed[-1].get('ResourceStatusReason', '')}" if failed else "no reason"

"""Amazon ECS: task definitions, with or without their revision."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Values
from locum.core.arn import PARTITION
from locum.core.partial_arn import NEW, UNKNOWN, arn_of
from locum.state import State


def _task_definition(state: State, call: Call, values: Values) -> Iterable[str]:
    """A task definition by `family`, which is all of its revisions, `family:revision` or ARN."""
    name = values[0] or ""
    if name.startswith("arn:"):
        return (name,)
    family, _, revision = name.partition(":")
    head = f"arn:{PARTITION}:ecs:{call.region}:{call.caller.account}:task-definition/"
    return (
        arn_of(head, family or UNKNOWN, ":", revision or (NEW if call.operation.startswith("Register") else UNKNOWN)),
    )


FUNCTIONS: Final = Functions(resolvers={"ecs_task_definition": _task_definition})

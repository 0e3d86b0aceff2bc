"""Look-ups at the backend of EC2 beside Locum's instances: networks, images, keys, devices, addresses.

A verb asks for it (`services.asking`), without a policy and a record: EC2 looks at its own data.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from locum.core.actors import service_principal
from locum.core.calls import Ask, ServiceCall
from locum.services.verbs import Context
from locum.state import Instance

_EC2: Final = "ec2.amazonaws.com"
_MOST_IDS: Final = 100
"""Instances that are asked for by id. Of more than these, all are."""

Answer = Mapping[str, Any]


def held(ctx: Context, operation: str, params: Mapping[str, Any]) -> Ask:
    """Ask the backend with a reading operation of EC2."""
    actor = service_principal(_EC2, ctx.account)
    return Ask(ServiceCall(actor, "ec2", operation, params, ctx.region), of_backend=True)


def filters(**wanted: Sequence[str]) -> list[dict[str, Any]]:
    """`Filters` with these values; a filter `vpc-id` is given as `vpc_id`."""
    return [{"Name": name.replace("_", "-"), "Values": list(values)} for name, values in wanted.items()]


def held_instances(ctx: Context, rows: Sequence[Instance]) -> Generator[Ask, Answer, dict[str, Answer]]:
    """The backend's `Instance` of each of `rows` that it has, by id: with its interfaces, devices and addresses."""
    living = [it for it in rows if it.state != "terminated"]
    if not living:
        return {}
    chosen = {"Filters": filters(instance_id=[it.id for it in living])} if len(living) <= _MOST_IDS else {}
    found: dict[str, Answer] = {}
    token: dict[str, Any] = {}
    while True:
        answer = yield held(ctx, "DescribeInstances", {**chosen, **token})
        for reservation in answer.get("Reservations", ()):
            found |= {each["InstanceId"]: each for each in reservation["Instances"]}
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}

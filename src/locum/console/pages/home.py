"""The first page: who somebody is, what runs, and what was denied last."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response

from locum.console.aws import attempt
from locum.console.person import ROOT, Person, View

_DENIALS: Final = 8


async def home(person: Person) -> Response:
    """Who I am, what is running, the last denials."""
    aws = person.aws
    identity, summary, instances, stacks, denials = await asyncio.gather(
        attempt(aws.call("sts", "get_caller_identity")),
        attempt(aws.call("iam", "get_account_summary")),
        attempt(aws.listed("ec2", "describe_instances", "Reservations")),
        attempt(aws.listed("cloudformation", "list_stacks", "StackSummaries", StackStatusFilter=_STANDING)),
        attempt(aws.call("locum", "list_records", Verdict="denied", MaxResults=_DENIALS)),
    )
    running = None
    if instances.value is not None:
        every = [one for reservation in instances.value for one in reservation["Instances"]]
        running = sum(one["State"]["Name"] == "running" for one in every)
    return person.page(
        "home.html",
        identity=identity, summary=summary, instances=instances, running=running, stacks=stacks, denials=denials,
    )  # fmt: skip


_STANDING: Final = [
    "CREATE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_FAILED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE",
    "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED",
]  # fmt: skip

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (("GET", ROOT, home),)

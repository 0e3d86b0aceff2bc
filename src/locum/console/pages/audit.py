"""The audit: what is wrong with the identities of the account, and what mends it."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from botocore import xform_name
from botocore.exceptions import BotoCoreError
from starlette.responses import Response

from locum.console.aws import Answer, Aws, attempt
from locum.console.command_line import as_command
from locum.console.person import Person, View, url

_DAYS: Final = 90
"""What was not used for so many days is unused, if nothing else is said."""


async def show(person: Person) -> Response:
    """The page: its findings are loaded when it is there, as an audit takes a while."""
    return person.page("audit.html", days=_days(person))


async def findings(person: Person) -> Response:
    """What the audit has found, with the commands that mend it."""
    found = await attempt(person.aws.call("locum", "get_audit", Days=_days(person)))
    if found.value is None:
        return person.part("audit_findings.html", audit=found, head={})
    rows = found.value.pop("Findings")
    told = await asyncio.to_thread(lambda: [(row, _commands(person.aws, row)) for row in rows])
    return person.part("audit_findings.html", audit=Answer(told), head=found.value)


def _commands(aws: Aws, finding: dict[str, Any]) -> list[str]:
    return [_command(aws, fix) for fix in finding.get("Fixes", ())]


def _command(aws: Aws, fix: dict[str, Any]) -> str:
    """A call that mends something, as the command of the AWS CLI for it."""
    name, region = xform_name(fix["Operation"]), fix.get("Region", aws.region)
    try:
        model = aws.clients.operation(aws.keys, fix["Service"], region, name)
    except (BotoCoreError, KeyError):
        return f"{fix['Service']}:{fix['Operation']} {fix['Parameters']}"
    return as_command(model, json.loads(fix["Parameters"]))


def _days(person: Person) -> int:
    text = person.query("days")
    return int(text) if text.isdecimal() and len(text) < len("10000") else _DAYS


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("audit"), show),
    ("GET", url("audit", "findings"), findings),
)

"""Commands in an instance, by Run Command, with what they wrote."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, attempt
from locum.console.pages.forms import changing
from locum.console.person import Person, View, url

_SHOWN: Final = 5
"""Commands of an instance that are shown, the latest first."""
UNDER_WAY: Final = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})


async def commands(person: Person) -> Response:
    """The last commands of an instance, or how it can be had that it takes some."""
    own_id = person.path["id"]
    managed, last = await asyncio.gather(attempt(_is_managed(person.aws, own_id)), attempt(_last(person.aws, own_id)))
    return person.part("instance_commands.html", managed=managed, last=last, id=own_id, under_way=UNDER_WAY)


async def command(person: Person) -> Response:
    """One command of an instance: what it has written so far."""
    own_id, command_id = person.path["id"], person.path["command"]
    listed = await person.aws.call("ssm", "list_commands", InstanceId=own_id, CommandId=command_id)
    invocation = await _invocation(person.aws, own_id, listed["Commands"][0])
    return person.part("instance_command.html", it=invocation, id=own_id, under_way=UNDER_WAY)


async def _is_managed(aws: Aws, own_id: str) -> bool:
    """Whether Run Command reaches an instance. Raises CallFailed."""
    named = [{"Key": "InstanceIds", "Values": [own_id]}]
    answer = await aws.call("ssm", "describe_instance_information", Filters=named)
    return any(it["PingStatus"] == "Online" for it in answer["InstanceInformationList"])


async def _last(aws: Aws, own_id: str) -> list[dict[str, Any]]:
    listed = (await aws.call("ssm", "list_commands", InstanceId=own_id, MaxResults=_SHOWN))["Commands"]
    return list(await asyncio.gather(*(_invocation(aws, own_id, it) for it in listed)))


async def _invocation(aws: Aws, own_id: str, listed: dict[str, Any]) -> dict[str, Any]:
    """A command with what it wrote. Raises CallFailed."""
    answer = await aws.call("ssm", "get_command_invocation", CommandId=listed["CommandId"], InstanceId=own_id)
    script = "\n".join(listed.get("Parameters", {}).get("commands", ()))
    return answer | {"script": script, "asked": listed["RequestedDateTime"]}


def _script(person: Person) -> dict[str, Any]:
    lines = person.field("script").replace("\r\n", "\n").split("\n")
    return {
        "InstanceIds": [person.path["id"]],
        "DocumentName": "AWS-RunShellScript",
        "Parameters": {"commands": lines},
    }


def _page(person: Person) -> str:
    return url("instances", person.path["id"]) + "#run"


_PATH: Final = f"{url('instances')}/{{id}}/commands"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", _PATH, commands),
    ("POST", _PATH, changing("ssm", "send_command", "The command is sent. Its output comes below.", _script, _page)),
    ("GET", f"{_PATH}/{{command}}", command),
)

"""`locum explain`: the explanation of a call that was allowed or denied, or of one that nobody made."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from locum.cli import could
from locum.cli.home import data_option, read_plane
from locum.cli.hypothetical import account_option, asked, at_option, region_option, with_option
from locum.cli.moments import Moment
from locum.cli.screen import folded, printable
from locum.compute import handover
from locum.core.errors import LocumError
from locum.core.record_texts import explained, headline, particulars, without_encoded

DENIED: Final = "denied"
VERDICTS: Final = ("allow", DENIED, "explicit-deny", "implicit-deny")
"""Those of `locum.audit`, which a command does not load."""

_SELECTING: Final = ("principal", "role", "service", "action", "verdict", "instance", "since", "until")
_PAUSE: Final = 0.3
"""Seconds until a plane is asked again for calls that were made meanwhile."""

_COLOURS: Final = {"ALLOWED": "green", "DONE": "green", "FAILED": "yellow"}
"""Of the words of a headline; those of all others are red."""


@click.command()
@data_option
@click.argument("what", nargs=-1, metavar="[REQUEST_ID | ACTION RESOURCE]")
@click.option(
    "--last", type=click.IntRange(1, 50), default=1, show_default=True, help="How many of the latest denials."
)
@click.option("--all", "everything", is_flag=True, help="The latest calls, allowed ones too, in place of denials.")
@click.option("--principal", default="", metavar="NAME", help="Only calls of this user, role or session, by its ARN, "
              "or of a user by its name.")  # fmt: skip
@click.option("--role", default="", metavar="NAME", help="Only calls of sessions of this role, by its ARN or name.")
@click.option("--service", default="", metavar="NAME", help="Only calls of this service (s3).")
@click.option("--action", default="", metavar="PATTERN", help="Only calls of these operations (s3:Get*).")
@click.option("--verdict", type=click.Choice(VERDICTS), help="Only calls with this verdict.")
@click.option("--instance", default="", metavar="ID", help="Only calls with credentials of this instance.")
@click.option("--since", type=Moment(), help="Only calls from then on: 2026-11-28T12:00:00Z, or 2h for two hours.")
@click.option("--until", type=Moment(), help="Only calls up to then.")
@click.option("--follow", is_flag=True, help="Go on with the calls that are made from now on, until Ctrl-C.")
@click.option("--as", "acting", default="", metavar="PRINCIPAL",
              help="Explain a call that nobody made: of this user, role or root user, by its ARN or name.")  # fmt: skip
@with_option
@region_option
@account_option
@at_option
@click.option("--again", is_flag=True, help="Decide on the call REQUEST_ID again, on the policies of now or of --at.")
@click.option("--json", "as_json", is_flag=True, help="The record itself, as JSON.")
def command(data: Path, what: tuple[str, ...], acting: str, *, again: bool, as_json: bool, **options: Any) -> None:
    """Tell why the call REQUEST_ID was allowed or denied; without one, why the latest denied call was.

    With --as, tell why PRINCIPAL may do ACTION (s3:GetObject) on RESOURCE, or not.
    """
    supposed = {name: options.pop(name) for name in ("given", "region", "account", "at")}
    selecting = {name: options[name] for name in _SELECTING if options[name] or isinstance(options[name], float)}
    if acting:
        if selecting or options["follow"]:
            raise LocumError("with --as no recorded calls are selected")
        _supposed(data, acting, what, as_json=as_json, **supposed)
        return
    if again:
        _again(data, what, supposed, as_json=as_json)
        return
    if any(supposed.values()) or len(what) > 1:
        raise LocumError("a call that nobody made is explained with --as PRINCIPAL")
    read_plane(data)
    if what and (selecting or options["follow"]):
        raise LocumError("a call is named by its request id, or selected")
    if selecting or options["follow"]:
        _selected(data, selecting, options, as_json=as_json)
    else:
        _recorded(data, "".join(what), options["last"], everything=options["everything"], as_json=as_json)


def _selected(data: Path, selecting: dict[str, Any], options: dict[str, Any], *, as_json: bool) -> None:
    """Tell of calls that are selected, and follow those that come."""
    if not options["everything"] and "verdict" not in selecting:
        selecting["verdict"] = DENIED
    question: dict[str, Any] = {"records": "", "count": options["last"], "selection": selecting}
    number = 0
    while True:
        found = handover.asked(data, question)
        for record in found["records"]:
            _tell(record, number, as_json=as_json)
            number += 1
        if not options["follow"]:
            break
        if question.get("after") == found["position"]:
            time.sleep(_PAUSE)
        question["after"] = found["position"]
    if not number:
        raise LocumError("no such call is recorded")


def _supposed(data: Path, acting: str, what: tuple[str, ...], *, as_json: bool, **more: Any) -> None:
    if len(what) != 2:
        raise LocumError("with --as an action and a resource are named: locum explain --as ROLE s3:GetObject ARN")
    action, resource = what
    found = asked(data, "why", principal=acting, action=action, resource=resource, **more)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("\n".join(_supposed_lines(found, action)))


def _again(data: Path, what: tuple[str, ...], supposed: dict[str, Any], *, as_json: bool) -> None:
    """Tell of a recorded call, and what becomes of it on other policies."""
    at = supposed.pop("at")
    if len(what) != 1 or any(supposed.values()):
        raise LocumError("with --again a recorded call is named by its request id, and no other keys")
    found = asked(data, "again", given=(), request=what[0], at=at)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    _recorded(data, what[0], 1, everything=True, as_json=False)
    click.echo("")
    click.echo("\n".join(_would_be(found, "again", [], [])))


def _supposed_lines(found: dict[str, Any], action: str) -> Iterator[str]:
    more = [f"  who      {found['principal']}"], list(could.depends(found))
    return _would_be(found, printable(action), *more)


def _would_be(found: dict[str, Any], what: str, before: list[str], after: list[str]) -> Iterator[str]:
    """The decision on a call that nobody made, or that is decided again."""
    verdict = found["verdict"]
    allowed = click.style("WOULD BE ALLOWED", fg="green")
    word = allowed if verdict == "allow" else click.style(f"WOULD BE DENIED ({verdict.replace('-', ' ')})", fg="red")
    yield f"{word}  {what}"
    denial = [f"  answer   {without_encoded(found['denial'])}"] if found["denial"] else []
    decided = [f"  decided  {statement}" for statement in found["determining"]]
    yield from folded([*before, *denial, *decided, *after])
    yield from folded(explained(found["explanation"]))


def _recorded(data: Path, request_id: str, last: int, *, everything: bool, as_json: bool) -> None:
    records = handover.asked(data, {"records": request_id, "count": last, "denied": not everything})["records"]
    if not records:
        raise LocumError(f"no call {request_id} is recorded" if request_id else "no denied call is recorded")
    for number, record in enumerate(reversed(records)):
        _tell(record, number, as_json=as_json)


def _tell(record: dict[str, Any], number: int, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(record, indent=2))
    else:
        click.echo("\n" * bool(number) + "\n".join(lines(record)))


def lines(record: dict[str, Any]) -> Iterator[str]:
    """The explanation of one record: the call, its result, the reasons, and remedies.

    Text from callers is escaped, so that it cannot control the terminal.
    """
    call = printable(f"{record['service']}:{record['operation'] or '(unnamed call)'}")
    told = headline(record)
    yield f"{click.style(told, fg=_COLOURS.get(told, 'red'))}  {call}"
    yield from folded(particulars(record))
    yield from folded(explained(record["explanation"]))

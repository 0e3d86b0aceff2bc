"""`locum explain`: why a call was allowed or denied, as a person wants to read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from locum.cli.home import data_option, read_plane
from locum.compute.handover import ask, connect
from locum.core.clock import iso8601
from locum.core.errors import LocumError

_NEAR_MISSES: Final = 3


@click.command()
@data_option
@click.argument("request_id", required=False, default="")
@click.option(
    "--last", type=click.IntRange(1, 50), default=1, show_default=True, help="How many of the latest denials."
)
@click.option("--all", "everything", is_flag=True, help="The latest calls, allowed ones too, in place of denials.")
@click.option("--json", "as_json", is_flag=True, help="The record itself, as JSON.")
def command(data: Path, request_id: str, last: int, everything: bool, as_json: bool) -> None:
    """Tell why the call REQUEST_ID was allowed or denied; without one, why the latest denied call was."""
    read_plane(data)
    with connect(data) as connection:
        question = {"records": request_id, "count": last, "denied": not everything}
        records = ask(connection, question)["records"]
    if not records:
        raise LocumError(f"no call {request_id} is recorded" if request_id else "no denied call is recorded")
    for number, record in enumerate(reversed(records)):
        if as_json:
            click.echo(json.dumps(record, indent=2))
        else:
            click.echo("\n" * bool(number) + "\n".join(lines(record)))


def lines(record: dict[str, Any]) -> Iterator[str]:
    """One record, told: what was called, what came of it, why, and what would change it.

    Much of it is what callers wrote, strangers among them: it is not to write on the reader's terminal.
    """
    yield f"{_headline(record)}  {_printable(record['service'])}:{_printable(record['operation']) or '(unnamed call)'}"
    yield from map(_printable, _particulars(record))
    yield from map(_printable, _explanation(record["explanation"]))


def _printable(text: str) -> str:
    """`text` with its line feeds, and with every other control or invisible character spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def _particulars(record: dict[str, Any]) -> Iterator[str]:
    identity = record["identity"]
    yield f"  who      {identity['arn']}" + (f"  key {identity['access_key_id']}" if identity["access_key_id"] else "")
    if identity["instance_id"]:
        yield f"  inside   {identity['instance_id']}"
    yield f"  when     {iso8601(record['at'])} from {record['source_ip']} in {record['region']}"
    yield f"  request  {record['request_id']}"
    for resource in record["resources"]:
        yield f"  on       {resource['arn']}"
    if record["parameters"]:
        yield f"  with     {json.dumps(record['parameters'])[:300]}"
    if record["error_code"]:
        yield f"  answer   {record['status']} {record['error_code']}: {record['error_message']}"
    for statement in record["determining"]:
        yield f"  decided  {statement}"


def _headline(record: dict[str, Any]) -> str:
    verdict = record["verdict"]
    if verdict == "allow":
        return click.style("ALLOWED", fg="green") if record["status"] < 400 else click.style("FAILED", fg="yellow")
    if verdict:
        word = "DENIED" if record["mode"] == "enforce" else "WOULD BE DENIED"
        return click.style(f"{word} ({verdict.replace('-', ' ')})", fg="red")
    return click.style("REFUSED", fg="red")


def _explanation(explanation: dict[str, Any] | None) -> Iterator[str]:
    if explanation is None:
        return
    if explanation.get("gone"):
        yield "\n  The user or role behind these credentials does not exist any more."
    if explanation.get("limit"):
        yield f"\n  {explanation['limit']}"
    for check in explanation["checks"]:
        inner = check["explanation"]
        yield f"\n  {check['verdict'].lower().replace('_', ' ')}: {check['action']} on {check['resource']}"
        yield f"    {check['reason']}"
        for policy_type, outcome in inner["outcomes"].items():
            if outcome.upper() != "ABSENT":
                yield f"    {policy_type}: {outcome.lower()}"
        for miss in inner["nearMisses"][:_NEAR_MISSES]:
            yield from _near_miss(miss)
        for change in inner["changes"]:
            yield f"    to change it: {change}"


def _near_miss(miss: dict[str, Any]) -> Iterator[str]:
    """One statement that almost allowed the call, and the element that kept it from it."""
    sid = f' "{miss["sid"]}"' if miss["sid"] else ""
    yield f"    near miss: statement {miss['statement']}{sid} of {miss['policy'] or miss['policyArn']}"
    if failed := miss["failed"]:
        given = ", ".join(failed["request"]) or "nothing"
        yield f"      {failed['element']} has {', '.join(failed['policy'])}; the request has {given}"
        if failed["hint"]:
            yield f"      {failed['hint']}"

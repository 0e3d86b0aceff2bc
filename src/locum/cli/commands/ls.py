"""`locum ls`: the planes that run for this user, and what runs in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from locum.cli.planes import Found, planes
from locum.cli.screen import printable


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool) -> None:
    """List the planes that run for this user, with their instances, other carriers of roles, functions and stacks.

    Exit code 1 where none runs.
    """
    found = list(planes())
    if as_json:
        click.echo(json.dumps([_whole(it) for it in found], indent=2))
    elif not found:
        click.echo("no Locum is running: start one with `locum up`", err=True)
    for it in () if as_json else found:
        click.echo("\n".join(map(printable, _lines(it))))
    raise SystemExit(not found)


def _whole(found: Found) -> dict[str, Any]:
    return {"data": str(found.data), **asdict(found.plane), "running": found.running}


def _lines(found: Found) -> Iterator[str]:
    plane = found.plane
    yield f"{plane.endpoint}  account {plane.account}  region {plane.region}  process {plane.pid}  {found.data}"
    if found.running is None:
        yield "  it does not tell what runs in it"
        return
    for it in found.running["instances"]:
        profile = it["profile"].rpartition("/")[2] or "no profile"
        yield f"  instance  {it['id']}  {it['state']}  {profile}{_of(it, plane.account)}  {it['name']}".rstrip()
    for it in found.running["carriers"]:
        yield f"  {it['kind']:8}  {it['name']}  {it['role'].rpartition('/')[2]}{_of(it, plane.account)}"
    for it in found.running["functions"]:
        yield f"  function  {it['arn'].rpartition(':')[2]}  {it['running']} running, {it['waiting']} waiting"
    for it in found.running["stacks"]:
        yield f"  stack     {it['name']}  {it['status']}  {it['region']}{_of(it, plane.account)}"


def _of(it: dict[str, Any], account: str) -> str:
    """The account, where it is another one."""
    return "" if it["account"] == account else f"  account {it['account']}"

"""`locum who-can`: the principals that can do something, and under which conditions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from locum.cli import could
from locum.cli.failing import unusable
from locum.cli.home import data_option
from locum.cli.hypothetical import account_option, asked, at_option, region_option, with_option, without_option
from locum.cli.screen import folded


@click.command()
@click.argument("action")
@click.argument("resource")
@data_option
@with_option
@without_option
@region_option
@account_option
@at_option
@click.option("--json", "as_json", is_flag=True, help="All of the answer, as one JSON object.")
def command(
    action: str,
    resource: str,
    data: Path,
    *,
    as_json: bool,
    **question: Any,
) -> None:
    """Tell who can do ACTION (s3:GetObject) on RESOURCE (an ARN, * for what is not known of it, or '*').

    Exit code 0: somebody can; 1: nobody can; 2: there is no such action or resource.
    """
    with unusable():
        found = asked(data, "who", **question, action=action, resource=resource)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(folded(could.who(found))).lstrip("\n"))
    raise SystemExit(0 if found["groups"] else 1)

"""`locum what-can`: what a user, a role or a root user can do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from locum.cli import could
from locum.cli.home import data_option
from locum.cli.hypothetical import account_option, asked, at_option, region_option, with_option, without_option
from locum.cli.screen import folded


@click.command()
@click.argument("principal")
@data_option
@click.option("--service", "services", multiple=True, metavar="PREFIX", help="Only actions of it (s3); repeatable.")
@with_option
@without_option
@region_option
@account_option
@at_option
@click.option("--json", "as_json", is_flag=True, help="All of the answer, as one JSON object.")
def command(
    principal: str,
    data: Path,
    services: tuple[str, ...],
    *,
    as_json: bool,
    **question: Any,
) -> None:
    """Tell what PRINCIPAL, a user, role or root user by its ARN or name, can do by its own policies."""
    found = asked(data, "what", **question, principal=principal, services=list(services))
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(folded(could.what(found))))

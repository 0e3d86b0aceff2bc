"""`locum exec`: run a command in a running instance."""

from __future__ import annotations

from pathlib import Path

import click

from locum.cli.home import data_option, read_plane
from locum.cli.inside import network_option, run_inside


@click.command(context_settings={"ignore_unknown_options": True})
@data_option
@network_option
@click.argument("instance")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
def command(data: Path, network: str, instance: str, argv: tuple[str, ...]) -> None:
    """Run COMMAND in the running INSTANCE: in its namespace where it has one, else in a new one."""
    raise SystemExit(run_inside(data, read_plane(data), instance, argv, network=network, ephemeral=False))

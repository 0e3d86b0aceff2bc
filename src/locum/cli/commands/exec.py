"""`locum exec`: run a command in a running instance."""

from __future__ import annotations

from pathlib import Path

import click

from locum.cli.completing import names_of
from locum.cli.home import data_option, read_plane
from locum.cli.inside import View, aws_hosts_option, network_option, run_inside


@click.command(context_settings={"ignore_unknown_options": True})
@data_option
@network_option
@aws_hosts_option
@click.argument("instance", shell_complete=names_of("instances"))
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
def command(data: Path, network: str, aws_hosts: bool, instance: str, argv: tuple[str, ...]) -> None:
    """Run COMMAND in the running INSTANCE: in its namespace where it has one, else in a new one."""
    plane = read_plane(data)
    view = View(aws_hosts=aws_hosts)
    raise SystemExit(run_inside(data, plane, instance, argv, network=network, ephemeral=False, view=view))

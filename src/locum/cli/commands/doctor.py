"""`locum doctor`: what is missing on this machine, or leads clients astray, and what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from locum.cli.checks import clients, machine, place
from locum.cli.checks.findings import Examined, Finding, Level
from locum.cli.home import data_option, read_plane
from locum.cli.screen import printable
from locum.core.errors import ConfigurationError

CHECKS: Final[dict[str, Callable[[Examined], Finding]]] = {
    "system": machine.system,
    "namespaces": machine.namespaces,
    "data directory": place.directory,
    "disk": place.disk,
    "ports": place.ports,
    "AWS CLI": clients.command_line,
    "boto3": clients.boto,
    "endpoint": clients.endpoint,
    "variables": clients.variables,
    "configuration": clients.configuration,
    "proxies": clients.proxies,
    "libraries": machine.libraries,
    "bubblewrap": machine.bubblewrap,
    "Node.js": machine.node,
    "containers": machine.engine,
    "Terraform": machine.terraform,
}
_COLORS: Final = {Level.OK: "green", Level.NOTE: "yellow", Level.PROBLEM: "red"}


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
def command(data: Path, as_json: bool) -> None:
    """Tell what of Locum works on this machine and in this shell, what does not, and what to do.

    Exit code 1 where something goes wrong as it is; what is missing for some commands alone is a note.
    """
    plane = None
    with suppress(ConfigurationError):
        plane = read_plane(data)
    examined = Examined(os.environ, data.expanduser().absolute(), plane, Path.home())
    found = {name: check(examined) for name, check in CHECKS.items()}
    if as_json:
        click.echo(json.dumps([{"check": name, **finding._asdict()} for name, finding in found.items()], indent=2))
    else:
        for name, finding in found.items():
            _tell(name, finding)
    raise SystemExit(any(finding.level is Level.PROBLEM for finding in found.values()))


def _tell(name: str, finding: Finding) -> None:
    level = click.style(f"{finding.level:8}", fg=_COLORS[finding.level])
    click.echo(f"{level} {name:15} {printable(finding.found)}")
    if finding.remedy:
        click.echo(f"{'':24} -> {printable(finding.remedy)}")

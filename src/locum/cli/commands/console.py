"""`locum console`: open the console, signed in."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from locum.cli.home import data_option, read_plane
from locum.compute import handover

_FILE: Final = "console.html"
_SCREENS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


@click.command()
@data_option
@click.option("--user", default="", metavar="NAME", help="Be signed in as this IAM user; root by default.")
@click.option("--account", metavar="ID", help="The account of the user; that of root by default.")
@click.option("--url", "only_url", is_flag=True, help="Print the address in place of opening a browser.")
def command(data: Path, user: str, account: str | None, only_url: bool) -> None:
    """Open the console, signed in as the root user or as an IAM user.

    The address is good once, and for a minute. Whoever can use the data directory has root's key, and is not asked
    for a password.
    """
    plane = read_plane(data)
    answer = handover.asked(data, {"console": user, "account": account or plane.account})
    url = str(answer["url"])
    if only_url or not (sys.platform == "darwin" or any(os.environ.get(name) for name in _SCREENS)):
        click.echo(url)
        return
    # A browser gets the address from a file, as the arguments of a program can be read by everybody on this machine.
    page = data / _FILE
    page.unlink(missing_ok=True)
    descriptor = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={url}"><a href="{url}">Console</a>\n')
    if click.launch(page.as_uri()):
        click.echo(f"no browser could be opened: go to {url}, which is good once, and for a minute", err=True)
        raise SystemExit(1)
    click.echo(f"The console is at {plane.console}")

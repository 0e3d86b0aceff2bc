"""`locum env`: environment variables for AWS clients of this plane, as root."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from locum.cli.home import data_option, read_plane, read_root_key


@click.command()
@data_option
@click.option("--unset", is_flag=True, help="Print the commands that take the exports back.")
def command(data: Path, unset: bool) -> None:
    """Print the exports (endpoint, region, root's keys, data directory) for a shell: eval "$(locum env)"."""
    names = (
        "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "LOCUM_DATA",
    )  # fmt: skip
    if unset:
        click.echo(f"unset {' '.join(names)}")
        return
    plane = read_plane(data)
    key = read_root_key(data)
    where = str(data.expanduser().absolute())
    values = (plane.endpoint, plane.region, plane.region, key.access_key_id, key.secret_access_key, where)
    for name, value in zip(names, values, strict=True):
        click.echo(f"export {name}={shlex.quote(value)}")
    click.echo("unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE")

"""`locum env`: environment variables for AWS clients of this plane, as AWS's root user."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

import click

from locum.cli.home import TLS_AUTHORITY_FILE, data_option, read_plane, read_root_key
from locum.core.errors import ConfigurationError

_BUNDLE: Final = "AWS_CA_BUNDLE"


@click.command()
@data_option
@click.option("--tls", is_flag=True, help="Have clients call over TLS, and trust this installation's authority.")
@click.option("--unset", is_flag=True, help="Print the commands that take the exports back.")
def command(data: Path, tls: bool, unset: bool) -> None:
    """Print exports (endpoint, region, keys of AWS's root user, data directory) for a shell: eval "$(locum env)"."""
    authority = str(data.expanduser().absolute() / TLS_AUTHORITY_FILE)
    trusted = tls or os.environ.get(_BUNDLE) == authority
    names = (
        "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "LOCUM_DATA", *((_BUNDLE,) if tls or (unset and trusted) else ()),
    )  # fmt: skip
    if unset:
        click.echo(f"unset {' '.join(names)}")
        return
    plane = read_plane(data)
    key = read_root_key(data)
    where = str(data.expanduser().absolute())
    values = [plane.endpoint, plane.region, plane.region, key.access_key_id, key.secret_access_key, where]
    if tls:
        if not plane.tls_port:
            raise ConfigurationError("this plane does not serve TLS: start it with `locum up --tls`")
        values[0] = f"https://localhost:{plane.tls_port}"
        values.append(authority)
    for name, value in zip(names, values, strict=True):
        click.echo(f"export {name}={shlex.quote(value)}")
    click.echo(f"unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE{'' if tls or not trusted else f' {_BUNDLE}'}")

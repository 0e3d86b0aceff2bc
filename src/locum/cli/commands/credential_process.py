"""`locum credential-process`: credentials of IAM Roles Anywhere for an SDK's `credential_process`."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from locum.cli.home import default_home, read_plane
from locum.core.clock import system_clock

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The data directory of the plane.")
@click.option("--endpoint", envvar="AWS_ENDPOINT_URL", help="Its URL; AWS_ENDPOINT_URL, else the one of --data.")
@click.option("--trust-anchor-arn", required=True, help="The trust anchor.")
@click.option("--profile-arn", required=True, help="The profile.")
@click.option("--role-arn", required=True, help="The role.")
@click.option("--certificate", type=_FILE, required=True, help="The certificate in PEM.")
@click.option("--private-key", type=_FILE, required=True, help="Its key in PEM.")
@click.option("--intermediates", type=_FILE, help="The certificates between it and the trust anchor.")
@click.option("--session-duration", type=click.IntRange(900, 43200), help="Seconds; the profile's by default.")
@click.option("--role-session-name", help="The session's name, where the profile takes it.")
def command(
    data: Path | None, endpoint: str | None, trust_anchor_arn: str, profile_arn: str, role_arn: str, certificate: Path,
    private_key: Path, intermediates: Path | None, session_duration: int | None, role_session_name: str | None,
) -> None:  # fmt: skip
    """Print credentials for a certificate, as SDKs read them from a `credential_process`.

    The options are those of AWS's `aws_signing_helper credential-process`.
    """
    anywhere = import_module("locum.cli.anywhere")  # late: it loads X.509
    given = {
        "durationSeconds": session_duration,
        "profileArn": profile_arn,
        "roleArn": role_arn,
        "roleSessionName": role_session_name,
        "trustAnchorArn": trust_anchor_arn,
    }
    body = {name: value for name, value in given.items() if value is not None}
    identity = anywhere.read_identity(certificate, private_key, intermediates)
    where = endpoint or read_plane(data or default_home()).endpoint
    found: dict[str, Any] = anywhere.create_session(where, identity, body, system_clock)
    shown = {"Version": 1, **{f"{name[0].upper()}{name[1:]}": value for name, value in found.items()}}
    click.echo(json.dumps(shown))

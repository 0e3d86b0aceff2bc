"""`locum reset`: have the plane, or a service in it, begin anew."""

from __future__ import annotations

import os
from pathlib import Path

import click

from locum.backends.kept_files import FOLDER, Keeping, lacking
from locum.backends.lazy import forget_kept
from locum.cli.account_reset import remove_identities
from locum.cli.backends import kept_files
from locum.cli.home import KEYRING_FILE, data_option
from locum.cli.node_directory import check_own
from locum.cli.saved import check_stopped, claimed, finish_loading, remove_everything
from locum.core.clock import system_clock, system_entropy
from locum.core.errors import ConfigurationError
from locum.core.identifiers import ACCOUNT_ID
from locum.credentials import read_keyring
from locum.wire.models import index


@click.command()
@data_option
@click.option("--service", "services", multiple=True, metavar="SERVICE",
              help="Only what the embedded backend holds of SERVICE (s3). Repeatable.")  # fmt: skip
@click.option("--account", metavar="ID", help="Only what this account has; with --service, of that.")
@click.option("--yes", is_flag=True, help="Do not ask whether it may go.")
def command(data: Path, services: tuple[str, ...], account: str | None, yes: bool) -> None:
    """Have the plane, which must be stopped, begin anew: without identities, records and resources.

    With --service, Locum's own stays. With --account, the account stays, and what it is in its organization; its root
    user gets another key at the next start. The record stays with both. Saved snapshots stay in any case.
    """
    _check(services, account)
    check_own(data)
    of = f" of {account}" if account else ""
    what = f"{', '.join(services) or 'everything'}{of}"
    check_stopped(data)
    if not yes:
        click.confirm(f"{what} on {data} goes, for good. Reset it?", abort=True)
    if services or account:
        finish_loading(data)
        if account and not services:
            remove_identities(data, account, system_clock)
        _forget(data.expanduser().absolute(), services, account)
    else:
        remove_everything(data)
    click.echo(f"reset: {what}")


def _check(services: tuple[str, ...], account: str | None) -> None:
    for service in services:
        if service not in index().services:
            raise ConfigurationError(f"there is no service {service!r}: one is named like s3 or dynamodb")
        if service in ("iam", "sts", "organizations", "cloudformation", "autoscaling", "accessanalyzer"):
            raise ConfigurationError(f"{service} is Locum's own, and goes with everything: reset without --service")
    if account is not None and not ACCOUNT_ID.fullmatch(account):
        raise ConfigurationError(f"--account {account!r} is no account id: it takes 12 digits")


def _forget(data: Path, services: tuple[str, ...], account: str | None) -> None:
    with claimed(data):
        ring = read_keyring(data / KEYRING_FILE, os.environ)
        if ring is None:
            raise ConfigurationError(f"{data} has no key ring: there is no plane on it")
        files = kept_files(data, lambda: ring, system_entropy)
        files.open()
        forget_kept(Keeping(files, system_clock, system_entropy), services, account)
        if left := lacking(data / FOLDER):
            raise ConfigurationError(f"not all is reset: what is left of {', '.join(left)} cannot be written")

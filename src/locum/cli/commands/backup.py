"""`locum backup`: write the state of a plane to a file, from which another data directory is made."""

from __future__ import annotations

import os
from pathlib import Path

import click

from locum.cli import backup_files, saved
from locum.cli.backup_files import About
from locum.cli.commands.snapshot import save_state
from locum.cli.home import KEYRING_FILE, data_option
from locum.core.clock import system_clock


@click.command()
@data_option
@click.option("--with-keys", is_flag=True, help="With the key ring and credentials: who can read it can be anybody.")
@click.argument("file")
def command(data: Path, with_keys: bool, file: str) -> None:
    """Write the state to the new FILE, also of a running plane; - is the standard output.

    Without --with-keys nothing secret is in clear in it, and `locum restore` takes a copy of the key ring beside it.

    Exit code 1: something that the embedded backend holds cannot be kept, and is told; FILE has all the rest.
    """
    backup_files.check_new(file)
    name, at = f"backup-{int(system_clock())}-{os.getpid()}", system_clock()
    services = save_state(data, name)
    try:
        about = About(at, with_keys, tuple(services), tuple(saved.lacking(data, name)))
        folder = saved.folder_of(data, name)
        has_ring = with_keys and (folder / KEYRING_FILE).exists()  # it may be in the environment
        backup_files.write(folder, file, about)
    finally:
        saved.delete(data, name)
    click.echo(f"written to {file}: identities, records{''.join(f', {it}' for it in services)}", err=True)
    if not has_ring:
        click.echo("the key ring is not in it: without a copy of it, nothing in the backup can be used", err=True)
    if about.lacking:
        click.echo(
            f"NOT COMPLETE: the last changes of {', '.join(about.lacking)} cannot be kept; the log has why", err=True
        )
        raise SystemExit(1)

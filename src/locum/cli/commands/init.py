"""`locum init`: carry out what is in a directory on the running plane."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from locum.cli.failing import unusable
from locum.cli.home import data_option, read_plane, read_root_key


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_option
@click.option("--check", is_flag=True, help="Only tell whether all of it can be read.")
@click.option("--keep-going", is_flag=True, help="Carry out the rest where something fails.")
def command(directory: Path, data: Path, *, check: bool, keep_going: bool) -> None:
    """Carry out what is in DIRECTORY on the running plane, in the order of the names, as its root user.

    Scripts (*.sh), directories of Terraform, CloudFormation templates (*.template.yaml), roles and users (*.yaml).
    Exit code 1: something failed; 2: something cannot be read, and nothing was done.
    """
    from locum.cli.inits.folder import contents

    with unusable():
        folder = contents(directory)
        if check:
            return
        plane, key = read_plane(data), read_root_key(data)
    from locum.cli.inits.carrying import Carrying

    carrying = Carrying(data.expanduser().absolute(), plane, key, click.echo, partial(click.echo, err=True))
    raise SystemExit(1 if carrying.carry_out(folder, keep_going=keep_going) else 0)

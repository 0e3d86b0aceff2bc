"""`locum journal`: move the journal of an installation between its data directory and a database."""

from __future__ import annotations

from pathlib import Path

import click

from locum.cli.home import data_option
from locum.cli.journal_places import to_database, to_directory


@click.group()
def command() -> None:
    """Move the journal of an installation between its data directory and a database."""


@command.command("copy")
@data_option
@click.option("--to", metavar="URL", help="The database that gets what is in the directory: postgresql://host/name.")
@click.option("--from", "source", metavar="URL", help="The database from which the directory gets what is in it.")
@click.option(
    "--key-command", metavar="COMMAND", help="As that of `locum up`: what wraps the key ring in the database."
)
def copy(data: Path, to: str | None, source: str | None, key_command: str | None) -> None:
    """Copy the journal of the data directory to a database, or the other way, and compare.

    No plane runs on the directory meanwhile, and no node on the database. With --to, the journal in the directory is
    put aside as locum.db.copied; a database stays as it is.
    """
    if (to is None) == (source is None):
        raise click.UsageError("give one of --to and --from")
    data = data.expanduser().absolute()
    told = to_directory(data, source, key_command) if source else to_database(data, str(to), key_command)
    click.echo(f"copied and compared: {told.told()}")
    where = "locum up --data" if source else "locum up --journal URL --data"
    click.echo(f"`{where} {data}` goes on with it")
    if source:
        click.echo("the database is as it was: no node must be started on it any more")
        click.echo("what an embedded backend holds is in the directory of the node that had it")

"""`locum restore`: make a data directory of a backup, as it was then or at an earlier time."""

from __future__ import annotations

from pathlib import Path

import click

from locum.cli.home import default_home
from locum.cli.moments import Moment
from locum.cli.restoring import Back, Restored, restore
from locum.core.clock import iso8601


@click.command()
@click.argument("file")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), default=default_home,
              help="The data directory to make: a new one.")  # fmt: skip
@click.option("--keyring", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="The key ring, where it is not in FILE; else LOCUM_KEYRING.")  # fmt: skip
@click.option("--at", type=Moment(), metavar="TIME", help="Take what came after TIME back.")
@click.option(
    "--sequence", type=click.IntRange(0), metavar="N", help="Take what came after entry N of the journal back."
)
@click.option("--identities", is_flag=True, help="With --at, take identities and policies back alone: up to 90 days.")
def command(
    file: str, data: Path, keyring: Path | None, at: float | None, sequence: int | None, identities: bool
) -> None:
    """Make a new data directory of the backup FILE; - is the standard input.

    With --at or --sequence one more entry of the journal takes back what came later. The record stays, and so does what
    the embedded backend holds.
    """
    if at is not None and sequence is not None:
        raise click.UsageError("--at and --sequence say the same: give one of them")
    if identities and at is None:
        raise click.UsageError("--identities goes with --at")
    back = Back(sequence, at, identities)
    _tell(data, restore(file, data, keyring, back), back.asked)


def _tell(data: Path, restored: Restored, taken_back: bool) -> None:
    about = restored.about
    click.echo(f"restored to {data}: the state of {iso8601(about.at)}, up to entry {restored.sequence} of the journal")
    if restored.changes:
        click.echo(f"the last entry takes back what came later: {restored.changes} changes")
    elif taken_back:
        click.echo("nothing is taken back: nothing came later")
    if restored.effects:
        click.echo(f"still to be delivered at the next start: {restored.effects} effects of calls that were answered")
    if about.lacking:
        click.echo(f"the last changes of {', '.join(about.lacking)} are not in the backup")

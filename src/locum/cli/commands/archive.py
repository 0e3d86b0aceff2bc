"""`locum archive`: queries on the records that a plane has archived."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from locum.audit.archive.place import place
from locum.audit.archive.process import check_installed


@click.group()
def command() -> None:
    """Query the records that a plane has archived (`locum up --archive`)."""


@command.command("query")
@click.option("--archive", "url", metavar="URL", required=True, envvar="LOCUM_ARCHIVE", show_envvar=True,
              help="Where the archive is: s3://BUCKET/PREFIX.")  # fmt: skip
@click.option("--archive-endpoint", "endpoint", metavar="URL", default="", envvar="LOCUM_ARCHIVE_ENDPOINT",
              show_envvar=True, help="The store's endpoint, where it is not AWS's.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="The form of what is found: fields between tabs, or an object a line.")  # fmt: skip
@click.argument("statement")
def query(url: str, endpoint: str, form: str, statement: str) -> None:
    """Run the SQL STATEMENT on the table `records`, in place: of each file no more is read than it needs.

    Credentials of the store are LOCUM_ARCHIVE_ACCESS_KEY_ID and LOCUM_ARCHIVE_SECRET_ACCESS_KEY, else what AWS's
    clients find. A condition on `day` keeps other days from being looked at.
    """
    check_installed()
    from locum.audit.archive.querying import query as found  # late: DuckDB is an extra

    for number, row in enumerate(found(place(url, endpoint), statement, os.environ)):
        if form == "text" and not number:
            click.echo("\t".join(row))
        click.echo(json.dumps(row, default=str) if form == "json" else "\t".join(map(_field, row.values())))


def _field(value: Any) -> str:
    """A field without what ends it."""
    return "" if value is None else str(value).replace("\t", " ").replace("\n", " ")

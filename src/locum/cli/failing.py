"""The end of commands whose exit codes tell something: 2 is for what cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from locum.cli.screen import printable
from locum.core.errors import LocumError


@contextmanager
def unusable() -> Iterator[None]:
    """End with exit code 2, and what was wrong, where the block raises LocumError."""
    try:
        yield
    except LocumError as error:
        click.echo(f"locum: {printable(str(error))}", err=True)
        raise SystemExit(2) from None

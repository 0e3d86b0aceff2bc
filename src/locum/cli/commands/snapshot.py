"""`locum snapshot`: save the state of the plane under a name, load it, or make a new plane of it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from locum.cli import saved
from locum.cli.backends import kept_files
from locum.cli.home import KEYRING_FILE, data_option, read_plane
from locum.compute import handover
from locum.core.clock import system_clock, system_entropy
from locum.core.errors import ConfigurationError
from locum.credentials import KeyRing, read_keyring


@click.group()
def command() -> None:
    """Save the state of the plane under a name, load it, or make a new plane of it.

    A state is everything: identities, records, and what the embedded backend holds.
    """


@command.command("save")
@data_option
@click.argument("name")
def save(data: Path, name: str) -> None:
    """Save the state as NAME, also of a running plane.

    Exit code 1: something that the embedded backend holds cannot be kept, and is told.
    """
    saved.folder_of(data, name)
    services = save_state(data, name)
    click.echo(f"saved as {name}: identities, records{''.join(f', {service}' for service in services)}")
    if lacking := saved.lacking(data, name):
        click.echo(f"NOT COMPLETE: the last changes of {', '.join(lacking)} cannot be kept; the log has why", err=True)
        raise SystemExit(1)


@command.command("list")
@data_option
def list_(data: Path) -> None:
    """List what was saved, latest first."""
    for each in saved.every(data):
        click.echo(each.told())


@command.command("load")
@data_option
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask whether the present state may go.")
def load(data: Path, name: str, yes: bool) -> None:
    """Have the plane, which must be stopped, be as it was in NAME. Its present state goes."""
    saved.check_loadable(data, name)
    if not yes:
        click.confirm(f"The present state of {data} goes. Load {name}?", abort=True)
    saved.load(data, name)
    click.echo(f"loaded {name}: `locum up` starts the plane as it was")


@command.command("fork")
@data_option
@click.argument("name")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def fork(data: Path, name: str, directory: Path) -> None:
    """Make the new data directory DIRECTORY of NAME: a plane of its own, with the same keys."""
    saved.fork(data, name, directory)
    click.echo(f"made {directory}: start it with `locum up --data {directory} --port 0`")


@command.command("delete")
@data_option
@click.argument("name")
def delete(data: Path, name: str) -> None:
    """Delete NAME."""
    saved.delete(data, name)
    click.echo(f"deleted {name}")


def save_state(data: Path, name: str) -> list[str]:
    """Save the state of the plane on `data`, which runs or does not; the services that the backend has something of."""
    if _runs(data):
        return list(map(str, handover.asked(data, {"save": name})["services"]))
    return _saved_stopped(data.expanduser().absolute(), name)


def _runs(data: Path) -> bool:
    try:
        read_plane(data)
    except ConfigurationError:
        return False
    return True


def _saved_stopped(data: Path, name: str) -> list[str]:
    services: list[str] = []

    def copied(folder: Path) -> list[str]:
        files = kept_files(data, lambda: _keyring(data), system_entropy)
        files.look()
        services.extend(files.copied_to(folder))
        return services

    saved.write_stopped(data, name, system_clock, copied)
    return services


def _keyring(data: Path) -> KeyRing:
    """The key ring of a plane. Raises ConfigurationError where there is none."""
    found = read_keyring(data / KEYRING_FILE, os.environ)
    if found is None:
        raise ConfigurationError(f"{data} has no key ring: there is no plane on it")
    return found

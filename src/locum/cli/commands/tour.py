"""`locum tour`: a demonstration of roles, instance profiles and credentials with real clients."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import click

from locum.cli import narration
from locum.cli.client import RootClient
from locum.cli.commands.explain import lines
from locum.cli.greeting import locum_command
from locum.cli.home import Plane, data_option, read_plane
from locum.cli.inside import namespaces_work, network_option
from locum.cli.story import LOCUM, Tour, run_story
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError, LocumError

_CREDENTIAL_SECONDS: Final = 10
"""The lifetime of credentials in seconds on a plane of the tour's own. They are renewed after half of it."""

_START_TIMEOUT: Final = 30.0
_STOP_TIMEOUT: Final = 10.0
"""The limits in seconds for the start and the stop of such a plane."""


@click.command()
@data_option
@network_option
def command(data: Path, network: str) -> None:
    """Live the story: role, profile, instance, credentials, denial, repair, swap, rotation.

    On the plane that runs on --data; where none does, on one that is started for the tour and stopped afterwards.
    Exit code 0 where every step did what it promised. What the tour makes is called tour-..., and is taken back.
    """
    started = time.monotonic()
    try:
        with _plane(data) as (where, plane):
            steps = _run_tour(where, plane, network)
    except LocumError as error:
        click.secho(f"\nThe tour failed: {error}", fg="red", err=True)
        raise SystemExit(1) from None
    click.echo(f"\nAll {steps} steps did what they promised, in {time.monotonic() - started:.0f} seconds.")


def _run_tour(data: Path, plane: Plane, network: str) -> int:
    """Run the tour on `plane` and return the number of steps."""
    if network == "auto":
        network = "namespace" if namespaces_work() else "loopback"
    with ExitStack() as undo:
        tour = Tour(data, plane, RootClient(data, plane), f"tour-{system_entropy(2).hex()}", network, undo, lines)
        try:
            run_story(tour)
        except LocumError as error:
            narration.answered(f"FAILED: {error}")
            raise
        finally:
            tour.step("What the tour made is taken back")
            undo.close()
    return tour.steps


@contextmanager
def _plane(data: Path) -> Iterator[tuple[Path, Plane]]:
    """The plane that runs on `data` and its directory, else a plane of the tour's own."""
    try:
        found = read_plane(data)
    except ConfigurationError:
        found = None
    if found is not None:
        narration.prose(f"On the plane at {found.endpoint}. The commands work as they stand, after:")
        narration.typed(f'eval "$({locum_command()} env --data {shlex.quote(str(data))})"')
        yield data, found
        return
    with tempfile.TemporaryDirectory(prefix="locum-tour-") as directory:
        own = Path(directory) / "data"
        narration.prose(
            f"No plane runs on {data}: here is one for this tour, with credentials of {_CREDENTIAL_SECONDS} seconds."
        )
        with _own_plane(own) as plane:
            yield own, plane


@contextmanager
def _own_plane(data: Path) -> Iterator[Plane]:
    """Start a plane on `data` and a free port, and stop it. Raises ConfigurationError where it does not start."""
    options = ["--data", str(data), "--port", "0", "--quiet", "--credential-seconds", str(_CREDENTIAL_SECONDS)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUM_")}
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*LOCUM, "up", *options], env=environment, start_new_session=True
    )
    try:
        yield _wait_until_started(process, data)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_started(process: subprocess.Popen[bytes], data: Path) -> Plane:
    """Wait until `process` is a running plane. Raises ConfigurationError."""
    end = time.monotonic() + _START_TIMEOUT
    while process.poll() is None and time.monotonic() < end:
        try:
            return read_plane(data)
        except ConfigurationError:
            time.sleep(0.05)
    raise ConfigurationError("the tour's own plane did not start")

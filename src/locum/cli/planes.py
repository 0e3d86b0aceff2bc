"""The planes that run for this user, and what runs in them.

A plane is found by its data directory: the usual one, that of LOCUM_DATA, and those whose lock a process of this user
has open (proc(5)): its journal may be elsewhere. So nothing is kept about planes that could be wrong after a kill.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from locum.cli.home import Plane, default_home, read_plane, user_home
from locum.cli.ports import open_files_of
from locum.compute import handover
from locum.core.errors import ConfigurationError, LocumError
from locum.store.directory import LOCK

_PROC: Final = Path("/proc")
_PATIENCE: Final = 3.0
"""Seconds for an answer."""


class Found(NamedTuple):
    """A plane that runs on `data`; `running` is what runs in it (`agents.overview`), None where it does not answer."""

    data: Path
    plane: Plane
    running: dict[str, Any] | None


def planes() -> Iterator[Found]:
    """The planes that run for this user, each once."""
    seen: set[Path] = set()
    for data in _directories():
        place = data.expanduser().resolve()
        if place in seen:
            continue
        seen.add(place)
        try:
            plane = read_plane(place)
            yield Found(place, plane, _running(place))
        except (ConfigurationError, handover.PlaneAway):  # a file that a killed plane has left
            continue


def names(data: Path, kind: str) -> list[str]:
    """The names of the `instances`, `profiles` or `roles` of the plane on `data`; none where it does not tell."""
    try:
        told = _asked(data, {"names": kind, "account": read_plane(data).account})
        return list(map(str, told["names"]))
    except (LocumError, OSError, KeyError):
        return []


def _directories() -> Iterator[Path]:
    yield default_home()
    yield user_home()
    own = os.getuid()
    for process in sorted(_PROC.glob("[0-9]*")):
        try:
            if process.stat().st_uid != own:
                continue
        except OSError:  # it has ended
            continue
        yield from (file.parent for file in open_files_of(process) if file.name == LOCK)


def _running(data: Path) -> dict[str, Any] | None:
    """What runs in the plane on `data`; None where it does not tell. Raises PlaneAway where there is none."""
    try:
        return _asked(data, {"running": True})
    except handover.PlaneAway:
        raise
    except (LocumError, OSError):
        return None


def _asked(data: Path, question: dict[str, Any]) -> dict[str, Any]:
    """`handover.asked`, of a plane that may be stopped or busy. Raises TimeoutError as well."""
    with handover.connect(data) as connection:
        connection.settimeout(_PATIENCE)
        return handover.ask(connection, question)

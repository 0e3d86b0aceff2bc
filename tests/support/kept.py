"""A plane in this process that keeps the embedded backend's data, and ends in one way or the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from locum.backends.moto.keeping import Keeper
from support.inprocess import InProcess


def keeping(data: Path, **options: Any) -> InProcess:
    """A plane on the data directory `data` that keeps what moto holds."""
    return InProcess(data, ephemeral=False, **options)


def keeper(plane: InProcess) -> Keeper:
    """What keeps moto's data, once moto is loaded."""
    found: Any = plane.node.runtime.backends.default
    made: Keeper = found._backend._keeper
    return made


def restarted(plane: InProcess) -> None:
    """Stop the plane and start it."""
    plane.close()
    plane.start()


def killed(plane: InProcess) -> None:
    """End the plane as a kill does, and start it: of what moto holds nothing more is written."""
    keeper(plane).save = lambda: 0.0  # type: ignore[method-assign]
    restarted(plane)

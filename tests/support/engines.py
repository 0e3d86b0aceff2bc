"""Machines with Docker or Podman: a stand-in for their command line, that only makes networks and processes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from support.plane import LOCUM, RunningPlane

NAMES: Final = ("docker", "podman")
_PROGRAM: Final = Path(__file__).parents[1] / "functional" / "engine_program.py"

needs_unshare = pytest.mark.skipif(
    not all(map(shutil.which, ("unshare", "nsenter"))), reason="there is no unshare, no nsenter"
)


class Engine:
    """A machine with an engine of this name, rootless or root's."""

    def __init__(self, home: Path, name: str, *, rootless: bool) -> None:
        self.home = home
        self.name = name
        self._rootless = rootless
        program = home / "bin" / name
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{_PROGRAM}" "$@"\n')
        program.chmod(0o755)

    @property
    def search_path(self) -> str:
        """Where commands find it, and no other one."""
        return f"{self.home / 'bin'}:{Path(LOCUM).parent}:/usr/bin:/bin:/usr/sbin:/sbin"

    def environment(self, plane: RunningPlane, **more: str) -> dict[str, str]:
        """In which commands find it, and no other one."""
        return plane.environment() | self.variables | more

    @property
    def variables(self) -> dict[str, str]:
        """Those by which it is found."""
        own = {"PATH": self.search_path, "ENGINE_HOME": str(self.home)}
        return own | ({"ENGINE_ROOTLESS": "yes"} if self._rootless else {})

    @property
    def calls(self) -> list[list[str]]:
        """The arguments that it was called with, call by call."""
        return [json.loads(line) for line in (self.home / "calls").read_text().splitlines()]

    @property
    def left(self) -> set[str]:
        """The containers that there are."""
        return {file.name for file in self.home.iterdir()} - {"bin", "calls"}


def engines() -> Iterator[Any]:
    """As parameters of a fixture: name, and whether it is rootless."""
    for name in NAMES:
        for rootless in (True, False):
            skipped = pytest.mark.skipif(not rootless and os.geteuid() != 0, reason="an engine of root takes root")
            yield pytest.param((name, rootless), marks=skipped, id=f"{name}-{'rootless' if rootless else 'root'}")

"""What a check of `locum doctor` finds, and what it looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from locum.cli.home import Plane


class Level(StrEnum):
    """OK; NOTE: something is not there that some command needs; PROBLEM: something goes wrong as it is."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """What a check found, and what to do, empty where there is nothing to do."""

    level: Level
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """What is looked at: the environment, the data directory, the plane that runs on it (None: none does), the home."""

    environment: Mapping[str, str]
    data: Path
    plane: Plane | None
    home: Path


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, found)


def note(found: str, remedy: str) -> Finding:
    """Something is not there that some command needs."""
    return Finding(Level.NOTE, found, remedy)


def problem(found: str, remedy: str) -> Finding:
    """Something goes wrong as it is."""
    return Finding(Level.PROBLEM, found, remedy)

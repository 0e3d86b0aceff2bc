"""Whose a data directory is: of a plane that has its journal in it, or of a node, whose journal is in a database.

The one is never taken for the other: a node that is started without its database would be an empty installation, and
all that is to be reset there is the key that opens the key ring of all nodes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from locum.core.errors import ConfigurationError
from locum.store.sqlite import FILE as JOURNAL

NODE_FILE: Final = "node"
"""The name that a node has of its own."""

COPIED: Final = f"{JOURNAL}.copied"
"""The journal that a directory had, once it was copied to a database (`locum journal copy`)."""


def check_own(data: Path) -> None:
    """Raises ConfigurationError where `data` is a node's."""
    if ((data / NODE_FILE).exists() or (data / COPIED).exists()) and not (data / JOURNAL).exists():
        raise ConfigurationError(
            f"{data} is the directory of a node, and what the plane has is in a database: name that with "
            "`locum up --journal`, or another --data"
        )


def check_nodes(data: Path) -> None:
    """Raises ConfigurationError where `data` has a plane's journal."""
    if (data / JOURNAL).exists():
        raise ConfigurationError(
            f"{data} has a plane with a journal of its own: give a node another --data, or have "
            "`locum journal copy --to` bring the journal to the database"
        )

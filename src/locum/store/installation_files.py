"""The port for small files that belong to an installation, not to one of its nodes: its key ring, its signing keys.

What is secret in them is sealed before it comes here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class InstallationFiles(Protocol):
    """Named files, each read and written whole. Blocks; for one thread at a time. Everything raises StorageError."""

    def read(self, name: str) -> bytes | None:
        """The content of the file; None where there is none."""
        ...

    def create(self, name: str, content: Callable[[], bytes]) -> bytes:
        """The content of the file, which is made where there is none: nodes that do so at once end up with one."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Put `data` in place of what the file has: durable, and never seen half written."""
        ...

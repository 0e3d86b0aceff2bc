"""The files of an installation, in memory."""

from __future__ import annotations

from collections.abc import Callable


class MemoryFiles(dict[str, bytes]):
    """`store.installation_files.InstallationFiles`."""

    def read(self, name: str) -> bytes | None:
        return self.get(name)

    def create(self, name: str, content: Callable[[], bytes]) -> bytes:
        return self.setdefault(name, content())

    def write(self, name: str, data: bytes) -> None:
        self[name] = data

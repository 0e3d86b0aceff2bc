"""Long-lived access keys in files: `locum audit --scan`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from locum.analysis.audit import Exposed, Finding
from locum.analysis.audit.secrets import LARGEST, findings_of, look

_OVERLAP: Final = 4096
"""Octets of a part of a file that are read with the next one again."""

_MOST: Final = 1 << 30
"""Octets of a file that are read."""


class Scan:
    """The findings in files and folders, and `unread`: what could not be read, and why."""

    def __init__(self) -> None:
        self.unread: dict[str, str] = {}
        self.files = 0

    def findings(self, paths: tuple[str, ...]) -> list[Finding]:
        """The findings in `paths`, each once."""
        found = {finding.id: finding for path in paths for file in self._files(path) for finding in self._in(file)}
        return list(found.values())

    def _files(self, path: str) -> Iterator[Path]:
        """The regular files in a folder, or the file itself. Links in folders are not followed, so that it ends."""
        if not Path(path).is_dir():
            yield Path(path)
            return
        for folder, _, names in os.walk(path, onerror=self._failed):
            for name in sorted(names):
                file = Path(folder) / name
                if not file.is_symlink():
                    yield file

    def _failed(self, error: OSError) -> None:
        self.unread[str(error.filename)] = error.strerror or str(error)

    def _in(self, file: Path) -> Iterator[Finding]:
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer is not waited for
            with os.fdopen(descriptor, "rb") as opened:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return
                self.files += 1
                yield from self._parts(file, opened.read)
        except OSError as error:
            self._failed(OSError(error.errno, error.strerror, str(file)))

    def _parts(self, file: Path, read: Callable[[int], bytes]) -> Iterator[Finding]:
        kept, size = b"", 0
        while part := read(LARGEST - _OVERLAP):
            size += len(part)
            if size > _MOST:
                self.unread[str(file)] = f"it is larger than {_MOST} octets"
                return
            found = look(kept + part)
            if not found.whole:
                self.unread[str(file)] = "it is too large once it is unpacked"
            yield from findings_of(Exposed("", str(file), "the file", tuple(sorted(found.keys))))
            kept = part[-_OVERLAP:]

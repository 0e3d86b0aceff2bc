"""The files of an archive for DuckDB, which reads of each what a query needs: its end, and the columns it names."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from locum.audit.archive.place import Place

PROTOCOL: Final = "archive"
_BLOCK: Final = 1 << 18
"""Octets that are read at once, at least."""


class ArchiveFiles(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """The objects below a place, by a client of the store. To be read alone."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, store: Any, place: Place) -> None:
        super().__init__()
        self._store = store
        self._place = place
        self._known: dict[str, dict[str, Any]] = {}

    def glob(self, path: str, **_: Any) -> list[str]:
        """The keys that a pattern matches, sorted; their sizes are known then."""
        pattern = self._strip_protocol(path)
        pages = self._store.get_paginator("list_objects_v2").paginate(
            Bucket=self._place.bucket, Prefix=f"{self._place.prefix}/" if self._place.prefix else ""
        )
        for page in pages:
            for item in page.get("Contents", ()):
                self._note(item["Key"], item["Size"], item["LastModified"])
        return sorted(key for key in self._known if fnmatchcase(key, pattern))

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """The size of a file."""
        key = self._strip_protocol(path)
        if key not in self._known:
            head = self._store.head_object(Bucket=self._place.bucket, Key=key)
            self._note(key, head["ContentLength"], head["LastModified"])
        return self._known[key]

    def exists(self, path: str, **_: Any) -> bool:
        """Whether a file is there, as it was listed."""
        return self._strip_protocol(path) in self._known

    def modified(self, path: str) -> datetime:
        """The time at which a file was written."""
        found: datetime = self.info(path)["modified"]
        return found

    def part(self, key: str, start: int, end: int) -> bytes:
        """The octets of a file from `start` on, before `end`."""
        answer = self._store.get_object(Bucket=self._place.bucket, Key=key, Range=f"bytes={start}-{end - 1}")
        content: bytes = answer["Body"].read()
        return content

    def _note(self, key: str, size: int, modified: datetime) -> None:
        self._known[key] = {"name": key, "size": size, "type": "file", "modified": modified}

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **_: Any) -> _Object:
        if mode != "rb":
            raise PermissionError("an archive is only read")
        return _Object(self, self._strip_protocol(path), block_size=block_size or _BLOCK, cache_type="readahead")


class _Object(AbstractBufferedFile):  # type: ignore[misc]
    """A file that is read in parts."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        found: bytes = self.fs.part(self.path, start, end)
        return found

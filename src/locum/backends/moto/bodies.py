"""The octets of S3 objects: what moto's S3 keeps them in, instead of a temporary file.

moto copies an object into a file in memory, or on the disk where it is large, and out of it for each reader. Octets
that do not change need not be copied: an object has those that were written, and a reader gets the same. They are freed
when the object is replaced or deleted, and its last reader is done.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Final

LARGE: Final = 1 << 27
"""Octets. A larger body is kept in a temporary file without a name."""


class _Descriptor:
    """A file descriptor, which is closed once nobody has this any more, whether it was read or not."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.close(self.number)


class Body:
    """A file, as far as moto's FakeKey uses one: written once, read from any place, closed."""

    def __init__(self, max_size: int = 0) -> None:
        self._octets: bytes | None = b""
        self._file: IO[bytes] | None = None
        self._at = 0
        self.kept = ""
        """The name under which the octets are in a file of their own, outside of snapshots; or empty."""

    @classmethod
    def of(cls, octets: bytes | None) -> Body:
        """The body with those octets; None: a closed one."""
        body = cls()
        if octets is None:
            body.close()
        else:
            body.write(octets)
        return body

    @classmethod
    def of_pieces(cls, pieces: Iterable[bytes], kept: str) -> Body:
        """The body of the octets that are kept under a name, in pieces."""
        body = cls()
        body.write(b"".join(pieces))
        body.kept = kept
        return body

    def size(self) -> int:
        """The number of octets; 0 after `close`."""
        if self._octets is not None:
            return len(self._octets)
        return 0 if self._file is None else os.fstat(self._file.fileno()).st_size

    def octets(self) -> bytes | None:
        """All octets, whatever was read; None after `close`."""
        return None if self._octets is None and self._file is None else b"".join(self.pieces(self.size() or 1)())

    def pieces(self, size: int) -> Callable[[], Iterator[bytes]]:
        """What gives the octets in pieces of `size`, as they are now: also when the body was closed in between."""
        octets, file = self._octets, None if self._file is None else _Descriptor(os.dup(self._file.fileno()))

        def given() -> Iterator[bytes]:
            if octets is not None:
                yield from (octets[at : at + size] for at in range(0, len(octets), size))
            elif file is not None:
                length = os.fstat(file.number).st_size
                yield from (os.pread(file.number, size, at) for at in range(0, length, size))

        return given

    def seek(self, offset: int) -> None:
        """Go on at `offset`."""
        self._at = offset

    def truncate(self) -> None:
        """Forget what was written."""
        self.close()
        self._octets = b""

    def write(self, octets: bytes | bytearray) -> None:
        """Have `octets` as the content. Bytes are not copied."""
        self.kept = ""
        if len(octets) <= LARGE:
            self._octets = bytes(octets)
            return
        self._octets = None
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the body
        self._file.write(octets)
        self._file.flush()

    def read(self, size: int = -1) -> bytes | memoryview:
        """The next `size` octets; where it is negative, bytes of all that are left. Raises ValueError after `close`."""
        start = self._at
        found: bytes | memoryview
        if self._octets is not None:  # the very same octets, where it is all of them
            found = self._octets[start:] if size < 0 else memoryview(self._octets)[start : start + size]
        elif self._file is not None:
            end = os.fstat(self._file.fileno()).st_size if size < 0 else start + size
            self._file.seek(start)
            found = self._file.read(max(0, end - start))
        else:
            raise ValueError("I/O operation on closed file")
        self._at = start + len(found)
        return found

    def close(self) -> None:
        """Let go of the octets."""
        self._octets = None
        if self._file is not None:
            self._file.close()
            self._file = None

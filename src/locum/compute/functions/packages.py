"""Deployment packages: a zip archive of somebody's, unpacked without leaving its directory or filling the disk."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO, Final

from locum.core.errors import LocumError

MOST_ZIPPED: Final = 50 << 20
MOST_UNZIPPED: Final = 250 << 20
"""Octets. Lambda Developer Guide, "Lambda quotas": deployment package 50 MB zipped, 250 MB unzipped."""

_CHUNK: Final = 1 << 16
_UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
"""The exceptions of `zipfile` on damaged, encrypted or contradictory archives, and of the file system on such names."""


class PackageError(LocumError):
    """The package is no zip archive, is over a quota, or would write somewhere else."""


def unpack(package: bytes, root: Path, taken: int = 0) -> int:
    """Unpack the zip archive `package` into the directory `root`. Raises PackageError; some of it may be there then.

    `taken` are the octets of what was unpacked before, with which it shares the quota; those of both are returned.
    What an archive says of its sizes is not believed: octets are counted as they come out. Symbolic links and names
    that lead out of `root` are refused. A file is executable if the archive says so, for its owner alone.
    """
    if len(package) > MOST_ZIPPED:
        raise PackageError(f"it has {len(package)} bytes; at most {MOST_ZIPPED} are unpacked")
    left = MOST_UNZIPPED - taken
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            for entry in archive.infolist():
                left -= _unpack(archive, entry, _place(root, entry), left)
    except _UNREADABLE as error:
        raise PackageError(f"it cannot be unpacked: {error}") from error
    return MOST_UNZIPPED - left


def _place(root: Path, entry: zipfile.ZipInfo) -> Path:
    """The path that `entry` is extracted to. Raises PackageError where it is not below `root`, or would be a link."""
    name = Path(entry.filename)
    if name.is_absolute() or ".." in name.parts:
        raise PackageError(f"the name {entry.filename!r} leads out of it")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise PackageError(f"{entry.filename!r} is a symbolic link")
    return root / name


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path, most: int) -> int:
    """Write `entry` to `place`; the octets that it has. Raises PackageError where they are more than `most`."""
    if entry.is_dir():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return 0
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.open(entry) as packed, place.open("wb") as file:
        size = _copy(packed, file, most)
    place.chmod(0o700 if entry.external_attr >> 16 & stat.S_IXUSR else 0o600)
    return size


def _copy(packed: IO[bytes], file: IO[bytes], most: int) -> int:
    size = 0
    while chunk := packed.read(_CHUNK):
        size += len(chunk)
        if size > most:
            raise PackageError(f"unpacked it has more than {MOST_UNZIPPED} bytes")
        file.write(chunk)
    return size

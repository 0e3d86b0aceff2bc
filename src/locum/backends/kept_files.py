"""The snapshots of a backend's data in a folder: sealed, whole or not there, and refused where they are not ours.

    NAME.snapshot        what a unit (one or more services) held: a line that says what it is, and the sealed content
    NAME.changed         there while a unit has changes that no snapshot of it has
    NAME.snapshot.WHY-N  a snapshot that was refused: it is never read, nor removed
    objects/ID           a large value, sealed in pieces: written once, and named by the snapshots that have it

What a snapshot is (`Header`) is in clear, and authenticated with the content: to know what there is takes no key and no
time. The content is opened when it is needed. Nothing is read that the installation has not written: a snapshot is
unpickled by whoever asked for it, and whoever can write a pickle can run a program.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import pickle
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from locum.core.clock import Clock, Entropy, iso8601
from locum.core.errors import LocumError

FOLDER: Final = "backend"
FORMAT: Final = 1
PIECE: Final = 1 << 24
"""Octets of a large value that are sealed as one."""

_SNAPSHOT: Final = ".snapshot"
_CHANGED: Final = ".changed"
_OBJECTS: Final = "objects"
_MOST_HEADER: Final = 1 << 26
_UNIT: Final = re.compile(r"[a-z0-9_]+")
_OBJECT: Final = re.compile(r"[0-9a-f]{32}")
_DRAFT: Final = re.compile(rf"\.{_OBJECT.pattern}\.new")
_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW

_log: Final = logging.getLogger("locum.backends")


class Refused(LocumError):
    """A snapshot is not one of this installation, or not of this version. `why` is a word for its file's name."""

    def __init__(self, message: str, why: str = "refused") -> None:
        super().__init__(message)
        self.why = why


_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9.-]")
_LONGEST_NAME: Final = 60
"""Characters of the software in the name of a snapshot that is put aside: what it says is not authenticated."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot is. `software` is what the backend is, with its version; `at` is epoch seconds.

    `protocol` is that of its pickles. `services` are those that calls have gone to, `parts` what it holds: accounts and
    regions by part of the backend. `resumes` are the services that have something under way; `names` are the ids of
    what others have to know of, and `objects` those of the large values.
    """

    unit: str
    format: int = FORMAT
    software: str
    protocol: int
    at: float
    services: tuple[str, ...] = ()
    parts: dict[str, dict[str, list[str]]] = {}
    resumes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


class Sealing(NamedTuple):
    """Authenticated encryption, of octets and what they belong to. `open` raises LocumError for what is not sealed."""

    seal: Callable[[bytes | memoryview, bytes], bytes]
    open: Callable[[bytes, bytes], bytes]


class Keeping(NamedTuple):
    """What the data of a backend is kept with."""

    files: KeptFiles
    clock: Clock
    entropy: Entropy


class KeptFiles:
    """The snapshots in `folder`. `software` are those of the backend that can be read; used by one process."""

    def __init__(self, folder: Path, sealing: Sealing, software: Callable[[], str]) -> None:
        self._folder = folder
        self._sealing = sealing
        self._software = software
        self.headers: dict[str, Header] = {}
        """What can be read, as far as it is known without reading it."""
        self.changed: dict[str, str] = {}
        """The units whose latest changes are missing, each with what is known of it."""

    @property
    def software(self) -> str:
        """The backend, with its version."""
        return self._software()

    def open(self) -> None:
        """Look at what there is, and tell what cannot be read, or may be missing. Raises LocumError."""
        self.look()
        for path in sorted(self._folder.glob(f"*{_CHANGED}")):
            self._tell_of_changes(path)

    def look(self) -> None:
        """Know of the snapshots that there are, and put those aside that cannot be read. Raises LocumError."""
        if not self._folder.is_symlink() and not self._folder.exists():
            return
        if self._folder.is_symlink() or not self._folder.is_dir():
            raise LocumError(f"{self._folder} is not a folder: what the embedded backend holds cannot be kept in it")
        for path in sorted(self._folder.iterdir()):
            if path.name.endswith(".new") and path.name.startswith("."):
                path.unlink()  # of a process that ended while it wrote
            elif path.name.endswith(_SNAPSHOT):
                self._look(path)

    def has(self, service: str) -> bool:
        """Whether there is a snapshot of a service."""
        return any(service in header.services for header in self.headers.values())

    def services(self) -> list[str]:
        """The services of which there is something."""
        return sorted({service for header in self.headers.values() for service in header.services})

    def units_of(self, account: str) -> list[str]:
        """The units that have something of an account."""
        return [unit for unit, header in list(self.headers.items()) if account in chain(*header.parts.values())]

    def under_way(self) -> list[str]:
        """The services that have something to resume."""
        return sorted({service for header in self.headers.values() for service in header.resumes})

    # -- snapshots -----------------------------------------------------------------------------------------

    def write(self, header: Header, content: bytes | memoryview) -> None:
        """Put a snapshot in the place of the one before. Raises OSError, with that one left as it was."""
        told = msgspec.json.encode(header)
        sealed = self._sealing.seal(content, told)
        self._put(self._folder / f"{header.unit}{_SNAPSHOT}", (told, b"\n", sealed))
        self.headers[header.unit] = header

    def read(self, unit: str) -> bytes:
        """The content of a snapshot that `headers` has. Raises Refused."""
        with _opened(self._folder / f"{unit}{_SNAPSHOT}") as file:
            told = file.readline(_MOST_HEADER)
            header = self._header(unit, told)
            if header != self.headers.get(unit):
                raise Refused(f"the snapshot of {unit} was exchanged while the plane was running")
            try:
                return self._sealing.open(file.read(), told.removesuffix(b"\n"))
            except LocumError as error:
                raise Refused(f"the snapshot of {unit} was not written by this installation, or was changed") from error

    def put_aside(self, unit: str, refused: Refused) -> None:
        """Keep a refused snapshot under another name, from where it is not read, and say so."""
        self.headers.pop(unit, None)
        path = self._folder / f"{unit}{_SNAPSHOT}"
        number = 1
        while os.path.lexists(aside := path.with_name(f"{path.name}.{refused.why}-{number}")):
            number += 1
        path.rename(aside)
        _log.warning("%s: it is not read, and is kept as %s", refused, aside)

    def remove(self, unit: str) -> None:
        """Remove a snapshot, with what is said of its changes."""
        self.headers.pop(unit, None)
        (self._folder / f"{unit}{_SNAPSHOT}").unlink(missing_ok=True)
        self.unmark(unit)

    # -- changes -------------------------------------------------------------------------------------------

    def mark(self, unit: str, why: str) -> None:
        """Note that a unit has changes that are in no snapshot. Never raises: without a note, nobody is told."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(self._folder / f"{unit}{_CHANGED}", _NEW, 0o600), "w") as file:
                file.write(why)
        except OSError as error:
            _log.warning("it cannot be noted that %s has changed: %s", unit, error.strerror)

    def unmark(self, unit: str) -> None:
        """Note that its snapshot has all of a unit."""
        try:
            (self._folder / f"{unit}{_CHANGED}").unlink(missing_ok=True)
        except OSError as error:
            _log.warning("it cannot be noted that %s is kept: %s", unit, error.strerror)

    # -- large values --------------------------------------------------------------------------------------

    def write_object(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a large value. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._put(self._folder / _OBJECTS / name, self._sealed(name, pieces))

    def read_object(self, name: str) -> Iterator[bytes]:
        """The pieces of a large value. Raises Refused where it is not there, or is not what was written."""
        try:
            with _opened(self._folder / _OBJECTS / name) as file:
                number, last = 0, False
                while not last:
                    length = int.from_bytes(file.read(8), "big")
                    last, length = bool(length >> 63), length & ((1 << 40) - 1)
                    sealed = file.read(length)
                    yield self._sealing.open(sealed, _place(name, number, last=last))
                    number += 1
        except (OSError, LocumError) as error:
            raise Refused(f"an object of the embedded backend ({name}) is missing, or was changed") from error

    def sweep(self) -> None:
        """Remove the large values that no snapshot has, and what is half written. None is being written."""
        used = {name for header in self.headers.values() for name in header.objects}
        folder = self._folder / _OBJECTS
        if folder.is_dir() and not self._has_aside():
            for path in folder.iterdir():
                if (_OBJECT.fullmatch(path.name) and path.name not in used) or _DRAFT.fullmatch(path.name):
                    path.unlink(missing_ok=True)

    def copied_to(self, folder: Path) -> list[str]:
        """Copy the snapshots, with their large values, into `folder`, which is new; the services. Raises OSError.

        What says that changes are missing is copied as well: so it is told where the copy is used.
        """
        folder.mkdir(mode=0o700)
        for unit, header in self.headers.items():
            _copy(self._folder / f"{unit}{_SNAPSHOT}", folder / f"{unit}{_SNAPSHOT}")
            for name in header.objects:
                (folder / _OBJECTS).mkdir(mode=0o700, exist_ok=True)
                _copy(self._folder / _OBJECTS / name, folder / _OBJECTS / name)
        for unit in lacking(self._folder):
            copy = folder / f"{unit}{_CHANGED}"  # never a link: marks are written to
            copy.touch(mode=0o600)
            copy.write_bytes((self._folder / copy.name).read_bytes())
        return self.services()

    # -- files ---------------------------------------------------------------------------------------------

    def _look(self, path: Path) -> None:
        """Know of a snapshot, or put it aside."""
        unit = path.name.removesuffix(_SNAPSHOT)
        try:
            with _opened(path) as file:
                self.headers[unit] = self._header(unit, file.readline(_MOST_HEADER))
        except Refused as refused:
            self.put_aside(unit, refused)

    def _header(self, unit: str, line: bytes) -> Header:
        """What a snapshot says that it is. Raises Refused where it is not one that is read here."""
        try:
            header = msgspec.json.decode(line, type=Header)
        except msgspec.DecodeError:
            raise Refused(f"the snapshot of {unit} is none, or is cut short") from None
        if header.unit != unit or not _UNIT.fullmatch(unit):
            raise Refused(f"the snapshot of {unit} is that of {header.unit!r}")
        if header.format != FORMAT or header.protocol > pickle.HIGHEST_PROTOCOL:
            told = f"is of format {header.format} with pickles of protocol {header.protocol}"
            raise Refused(f"the snapshot of {unit} {told}, which this Locum does not read", "other")
        if header.software != self.software:
            what = f"the snapshot of {unit} was written with {header.software}"
            raise Refused(
                f"{what}, and this is {self.software}", _NOT_IN_NAMES.sub("-", header.software)[:_LONGEST_NAME]
            )
        return header

    def _tell_of_changes(self, path: Path) -> None:
        """Tell that changes of a unit are missing, or may be, for once."""
        unit = path.name.removesuffix(_CHANGED)
        try:
            with _opened(path) as file:
                why = file.read(_MOST_HEADER).decode(errors="replace")
        except Refused:
            why = ""
        self.changed[unit] = why
        path.unlink(missing_ok=True)
        kept = self.headers.get(unit)
        have = "nothing of it was kept" if kept is None else f"it is there as it was at {iso8601(kept.at)}"
        _log.warning("what was last changed in %s is missing%s: %s", unit, f" ({why})" if why else "", have)

    def _put(self, path: Path, pieces: Iterable[bytes]) -> None:
        """Write a file under another name, flush it to the disk, and give it its name. Raises OSError."""
        for folder in (self._folder, path.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        try:
            with os.fdopen(os.open(draft, _NEW, 0o600), "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            _flush(path.parent)
        finally:
            draft.unlink(missing_ok=True)

    def _sealed(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The sealed pieces, each with its length and whether it is the last one: none can be left out or moved."""
        coming = iter(pieces)
        number, piece = 0, next(coming, b"")
        for following in coming:
            yield from self._sealed_piece(name, number, piece, last=False)
            number, piece = number + 1, following
        yield from self._sealed_piece(name, number, piece, last=True)

    def _sealed_piece(self, name: str, number: int, piece: bytes, *, last: bool) -> Iterator[bytes]:
        sealed = self._sealing.seal(piece, _place(name, number, last=last))
        yield (len(sealed) | last << 63).to_bytes(8, "big")
        yield sealed

    def _has_aside(self) -> bool:
        """Whether there is a refused snapshot, which may have large values of its own."""
        return any(_SNAPSHOT in path.name and not path.name.endswith(_SNAPSHOT) for path in self._folder.iterdir())


def lacking(folder: Path) -> list[str]:
    """The units in `folder` of which the latest changes could not be kept: a reason is noted for them."""
    marks = (path for path in folder.glob(f"*{_CHANGED}") if not path.is_symlink() and path.stat().st_size)
    return sorted(path.name.removesuffix(_CHANGED) for path in marks)


def _place(name: str, number: int, *, last: bool) -> bytes:
    return json.dumps([name, number, last]).encode()


def _opened(path: Path) -> Any:
    """The file at `path`, open. Raises Refused for anything but a file of one's own: a link, a pipe, another's."""
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        raise Refused(f"{path} is not a file that can be read ({error.strerror})") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (os.geteuid(), 0):
        os.close(descriptor)
        raise Refused(f"{path} is not a file of this user")
    fcntl.fcntl(descriptor, fcntl.F_SETFL, 0)
    return os.fdopen(descriptor, "rb")


def _copy(source: Path, target: Path) -> None:
    """Copy a file, as the same one where that can be: snapshots are replaced, and never written to."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        target.write_bytes(source.read_bytes())
        target.chmod(0o600)


def _flush(folder: Path) -> None:
    """Flush `folder`, so that a new name in it survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Backups: files with the state of a plane, from which another data directory is made.

A tar archive: `backup.json` (what it is), the files of a saved state (`cli.saved`), and `SHA256SUMS` as the last:
one that was cut short or altered on its way is known. It says nothing of who wrote it.

Without keys it has nothing that is secret in clear: what is not known to be so is left out, and so is whatever a plane
makes anew (`credentials`, certificates) or somebody has elsewhere (`users/`, `init/`).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, NamedTuple

from locum import __version__
from locum.agents.lake.column_store import FOLDER as LAKE
from locum.backends.kept_files import FOLDER as BACKEND
from locum.cli.home import AUDITS_FILE, CLOCK_FILE, LABS_FILE
from locum.core.errors import ConfigurationError
from locum.credentials import clusterkeys, identitykeys
from locum.gateway.issuerkeys import FOLDER as ISSUERS
from locum.store.directory import sync_directory
from locum.store.sqlite import FILE as JOURNAL

FORMAT: Final = 1
STANDARD: Final = "-"
"""In the place of a file's name: the standard output, or input."""

_ABOUT: Final = "backup.json"
_SUMS: Final = "SHA256SUMS"
_MOST_ABOUT: Final = 1 << 20
_SEALED_OR_OPEN: Final = frozenset(
    {
        AUDITS_FILE,
        BACKEND,
        CLOCK_FILE,
        ISSUERS,
        JOURNAL,
        LABS_FILE,
        LAKE,
        clusterkeys.KEY_FILE,
        identitykeys.CERTIFICATE_FILE,
        identitykeys.KEY_FILE,
    }
)
"""What is no secret, or sealed under the key ring."""


class About(NamedTuple):
    """What a backup is of: the time it was made (epoch seconds), and whether it has the key ring.

    `services` are those of the embedded backend of which it has something, `lacking` those of which the last changes
    are missing.
    """

    at: float
    keys: bool
    services: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def write(folder: Path, target: str, about: About) -> None:
    """Write the saved state in `folder` to a new file (mode 0600) or the standard output. Raises ConfigurationError."""
    with _errors_told(f"{target} cannot be written"):
        if target == STANDARD:
            with os.fdopen(os.dup(1), "wb") as out:
                _archive(folder, out, about)
            return
        _write_file(folder, Path(target), about)


def check_new(target: str) -> None:
    """Raises ConfigurationError where there is such a file."""
    if target != STANDARD and os.path.lexists(target):
        raise _there(target)


def unpack(source: str, folder: Path) -> About:
    """Write what is in a backup to `folder`, which is empty but for a lock. Raises ConfigurationError."""
    with _errors_told(f"{source} cannot be read"):
        if source == STANDARD:
            with os.fdopen(os.dup(0), "rb") as given:
                return _unpacked(given, folder)
        with Path(source).open("rb") as given:
            return _unpacked(given, folder)


def _there(target: str) -> ConfigurationError:
    return ConfigurationError(f"{target} is there already: a backup is written to a new file")


def _write_file(folder: Path, target: Path, about: About) -> None:
    check_new(str(target))
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as out:
            _archive(folder, out, about)
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, target)  # which replaces nothing
    except FileExistsError as error:
        raise _there(str(target)) from error
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(target.parent)


def _archive(folder: Path, out: IO[bytes], about: About) -> None:
    sums: list[str] = []
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        told = {"format": FORMAT, "locum": __version__, **about._asdict()}
        _add(archive, _ABOUT, json.dumps(told).encode())
        for path in _files(folder, keys=about.keys):
            name = path.relative_to(folder).as_posix()
            sums.append(f"{_add_file(archive, name, path)}  {name}\n")
        _add(archive, _SUMS, "".join(sums).encode())


def _files(folder: Path, *, keys: bool) -> Iterator[Path]:
    for top in sorted(folder.iterdir()):
        if keys or top.name in _SEALED_OR_OPEN:
            yield from (path for path in sorted([top, *top.rglob("*")]) if path.is_file() and not path.is_symlink())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))


def _add_file(archive: tarfile.TarFile, name: str, path: Path) -> str:
    """The file's digest."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = status.st_size, int(status.st_mtime), 0o600
        reading = _Digested(file)
        archive.addfile(member, reading)
    return reading.digest.hexdigest()


class _Digested(io.RawIOBase):
    """A file of which a digest is made while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


def _unpacked(given: IO[bytes], folder: Path) -> About:
    sums: dict[str, str] = {}
    about: About | None = None
    with tarfile.open(fileobj=given, mode="r|*") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None or _SUMS in sums:
                raise ConfigurationError("it is no backup of Locum's, or was altered")
            if about is None:
                about = _about(member.name, content.read(_MOST_ABOUT))
            elif member.name == _SUMS:
                _check_sums(content.read(), sums)
                sums[_SUMS] = ""
            else:
                sums[member.name] = _extract(content, folder, member.name)
    if about is None or _SUMS not in sums:
        raise ConfigurationError("the backup was cut short: its end is missing")
    return about


def _about(name: str, content: bytes) -> About:
    try:
        told: dict[str, Any] = json.loads(content) if name == _ABOUT else {}
        number = int(told["format"])
        if number > FORMAT:
            raise ConfigurationError(
                f"the backup was written by a newer Locum ({told['locum']}): use that version or newer"
            )
        return About(float(told["at"]), bool(told["keys"]), tuple(told["services"]), tuple(told["lacking"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("it is no backup of Locum's") from error


def _extract(content: IO[bytes], folder: Path, name: str) -> str:
    """Write a file, of whatever name, in `folder`, and nowhere else; its digest."""
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise ConfigurationError(f"the backup has a file {name!r}, which is outside of a data directory")
    path = folder / relative
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        while piece := content.read(1 << 20):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _check_sums(content: bytes, sums: dict[str, str]) -> None:
    told = dict(line.split("  ", 1)[::-1] for line in content.decode(errors="replace").splitlines() if "  " in line)
    wrong = sorted(name for name in {*told, *sums} if told.get(name) != sums.get(name))
    if wrong:
        raise ConfigurationError(f"the backup was altered: {wrong[0]} is not what was written")


@contextmanager
def _errors_told(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, tarfile.TarError, EOFError) as error:
        raise ConfigurationError(f"{what}: {getattr(error, 'strerror', None) or error}") from error

"""Saved states of a plane: its journal, its keys and what the embedded backend holds, under a name.

They are folders of the data directory, `snapshots/NAME`. One that is half written has another name, and one that is
half loaded is loaded anew by the next start: the file `loading` names it until it is done.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from locum.backends.kept_files import FOLDER as BACKEND
from locum.backends.kept_files import lacking as lacking_in
from locum.cli.alone import FILE as ALONE
from locum.cli.home import PLANE_FILE, TERRAFORM
from locum.cli.node_directory import check_own
from locum.compute.handover import SOCKET_NAME
from locum.compute.instance_files import FOLDER as INSTANCES
from locum.core.carriers import FOLDER as CARRIERS
from locum.core.clock import Clock, iso8601
from locum.core.errors import ConfigurationError
from locum.store.copying import copy_journal
from locum.store.directory import GIVEN, LOCK, TURN, DataDirectory
from locum.store.sqlite import FILE as JOURNAL

FOLDER: Final = "snapshots"
LOADING: Final = "loading"

_ABOUT: Final = "snapshot.json"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OF_PROCESSES: Final = GIVEN | {ALONE, LOCK, TURN, PLANE_FILE, SOCKET_NAME, LOADING, FOLDER, INSTANCES, CARRIERS}
"""What belongs to the directory, to what runs in it or to whoever sets it up, and not to the state."""
_LOG: Final = "locum.log"


class Saved(NamedTuple):
    """A saved state: its name, when it was saved (epoch seconds), its octets, and what the backend holds in it."""

    name: str
    at: float
    size: int
    services: tuple[str, ...]

    def told(self) -> str:
        """It as a line."""
        what = f"  {', '.join(self.services)}" if self.services else ""
        return f"{self.name}  {iso8601(self.at)}  {self.size / (1 << 20):.1f} MiB{what}"


def folder_of(data: Path, name: str) -> Path:
    """The folder of the saved state `name`. Raises ConfigurationError where that is no name."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name of a snapshot: letters, digits, dots, dashes and underscores")
    return data / FOLDER / name


def every(data: Path) -> list[Saved]:
    """The saved states, latest first."""
    folder = data / FOLDER
    found = [_about(path) for path in folder.iterdir() if _NAME.fullmatch(path.name)] if folder.is_dir() else []
    return sorted((saved for saved in found if saved is not None), key=lambda saved: (-saved.at, saved.name))


def lacking(data: Path, name: str) -> list[str]:
    """The units of the backend of which a saved state has not what was changed last, as it could not be kept."""
    return lacking_in(folder_of(data, name) / BACKEND)


def write(data: Path, name: str, clock: Clock, copy_backend: Callable[[Path], Iterable[str]]) -> None:
    """Save the state of the plane on `data`, whose backend writes nothing meanwhile. Raises ConfigurationError.

    `copy_backend` copies what is kept of the backend into a new folder, and tells the services that have something.
    The folder of CloudTrail Lake is another process's while the plane runs: what is in it is copied as it is then.
    """
    check_own(data)
    target = folder_of(data, name)
    if os.path.lexists(target):
        raise ConfigurationError(f"there is a snapshot {name} already: choose another name, or delete it")
    draft = target.with_name(f".{name}.new")
    with _errors_told(f"the snapshot {name} cannot be written"):
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        try:
            copy_journal(data / JOURNAL, draft / JOURNAL)
            _copy(data, draft, lambda path: path.name != BACKEND and (path.is_dir() or path.is_file()))
            services = sorted(copy_backend(draft / BACKEND))
            (draft / _ABOUT).write_text(json.dumps({"at": clock(), "services": services}))
            os.sync()
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def write_stopped(data: Path, name: str, clock: Clock, copy_backend: Callable[[Path], Iterable[str]]) -> None:
    """Save the state of a plane that does not run. Raises LocumError."""
    check_own(data)
    if not (data / JOURNAL).is_file():
        raise ConfigurationError(f"there is no plane on {data}: start one with `locum up`")
    with claimed(data) as directory:
        write(directory.path, name, clock, copy_backend)


def load(data: Path, name: str) -> None:
    """Have the plane on `data`, which must not run, be as it was when it was saved. Raises LocumError."""
    check_own(data)
    _complete(data, name)
    directory = DataDirectory.claim(data)
    try:
        directory.write(LOADING, name.encode())
        _finish(directory)
    finally:
        directory.release()


def check_loadable(data: Path, name: str) -> None:
    """Raises LocumError where `load` would."""
    check_own(data)
    _complete(data, name)
    check_stopped(data)


def check_stopped(data: Path) -> None:
    """Raises StorageError where a plane runs on `data`."""
    DataDirectory.claim(data).release()


def finish_loading(data: Path) -> None:
    """Finish what `load` has begun where it was interrupted. Raises LocumError."""
    if (data / LOADING).exists():
        with claimed(data):
            pass


@contextmanager
def claimed(data: Path) -> Iterator[DataDirectory]:
    """Hold the directory of a plane that does not run, in which nothing is half loaded. Raises LocumError."""
    directory = DataDirectory.claim(data)
    try:
        if (directory.path / LOADING).exists():
            _finish(directory)
        yield directory
    finally:
        directory.release()


def fork(data: Path, name: str, target: Path) -> None:
    """Make a new data directory of a saved state. Raises LocumError where there is something in it."""
    saved = _complete(data, name)
    directory = DataDirectory.claim(target)
    try:
        if (directory.path / JOURNAL).exists():
            raise ConfigurationError(f"{target} has a plane already: name a new directory")
        with _errors_told(f"{target} cannot be written"):
            _copy(saved, directory.path, lambda path: path.name != _ABOUT)
    finally:
        directory.release()


def delete(data: Path, name: str) -> None:
    """Delete a saved state. Raises ConfigurationError where there is none."""
    saved = _complete(data, name)
    if _loading(data) == name:
        raise ConfigurationError(f"{name} is half loaded: the next start finishes that, and it can be deleted then")
    with _errors_told(f"the snapshot {name} cannot be deleted"):
        aside = saved.with_name(f".{name}.new")
        shutil.rmtree(aside, ignore_errors=True)  # of a process that ended while it wrote
        saved.rename(aside)
        shutil.rmtree(aside)


def remove_everything(data: Path) -> None:
    """Have the plane on `data`, which must not run, begin anew; its saved states stay. Raises LocumError."""
    check_own(data)
    directory = DataDirectory.claim(data)
    try:
        with _errors_told(f"{data} cannot be emptied"):
            _empty(directory.path)
            (directory.path / LOADING).unlink(missing_ok=True)  # last: what is half loaded is no state to start on
    finally:
        directory.release()


def _finish(directory: DataDirectory) -> None:
    """Load what the file LOADING names. What is done twice is done once."""
    data = directory.path
    saved = _complete(data, _loading(data))
    with _errors_told(f"the snapshot {saved.name} cannot be loaded"):
        _empty(data)
        _copy(saved, data, lambda path: path.name != _ABOUT)
        os.sync()
        (data / LOADING).unlink()


def _loading(data: Path) -> str:
    """The name of the saved state that is being loaded; empty where none is."""
    try:
        return (data / LOADING).read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _complete(data: Path, name: str) -> Path:
    """The folder of a saved state that is there. Raises ConfigurationError."""
    saved = folder_of(data, name)
    if saved.is_symlink() or _about(saved) is None or not (saved / JOURNAL).is_file():
        raise ConfigurationError(f"there is no snapshot {name}: `locum snapshot list` has those that there are")
    return saved


def _about(path: Path) -> Saved | None:
    try:
        told: dict[str, Any] = json.loads((path / _ABOUT).read_text())
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return Saved(path.name, float(told["at"]), size, tuple(map(str, told["services"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _empty(data: Path) -> None:
    for path in _state_of(data):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _copy(source: Path, target: Path, wanted: Callable[[Path], bool]) -> None:
    """Copy those files and folders of a state that are `wanted` and not there."""
    for path in _state_of(source):
        copy = target / path.name
        if os.path.lexists(copy) or path.name.startswith((JOURNAL + "-", ".")) or not wanted(path):
            continue
        if path.is_dir():
            shutil.copytree(path, copy, symlinks=True, ignore=_installed)
        else:
            shutil.copy2(path, copy)


def _state_of(data: Path) -> Iterator[Path]:
    """The files and folders of a data directory that are the plane's state: so what is removed is what is saved.

    A link leads to what somebody has elsewhere. It is not followed, and stays.
    """
    for path in sorted(data.iterdir()):
        if path.name not in _OF_PROCESSES and not path.name.startswith(_LOG) and not path.is_symlink():
            yield path


def _installed(folder: str, names: list[str]) -> list[str]:
    """What Terraform has installed, and installs again: hundreds of megabytes."""
    return [name for name in names if name == "providers" and Path(folder).name == TERRAFORM]


@contextmanager
def _errors_told(what: str) -> Iterator[None]:
    """Errors of files as ours."""
    try:
        yield
    except (OSError, shutil.Error) as error:
        raise ConfigurationError(f"{what}: {getattr(error, 'strerror', None) or error}") from error

"""The log of a running plane: whole in a file of the data directory, one line of each entry on the terminal."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

import click

from locum.cli.screen import printable

LOG_FILE: Final = "locum.log"

_BYTES: Final = 4 << 20
"""The size at which the file is put aside, as `locum.log.1`."""
_ASIDE: Final = 3
"""The files that are put aside."""
_OPEN: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE: Final = 0o600
_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class PlaneLog(RotatingFileHandler):
    """Writes entries to LOG_FILE (mode 0600, rotating), and the first line of each to the standard error.

    An entry that cannot be written there is told in whole.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / LOG_FILE, maxBytes=_BYTES, backupCount=_ASIDE, encoding="utf-8")
        self.setFormatter(logging.Formatter(_FORMAT))
        self._lost = False

    def emit(self, record: logging.LogRecord) -> None:
        self._lost = False
        super().emit(record)
        first, more, _ = record.getMessage().partition("\n")
        told = f"locum: {printable(first)}"
        if self._lost:
            told = self.format(record)
        elif more or record.exc_info:
            told += f" (the traceback: {printable(self.baseFilename)})"
        try:
            click.echo(told, err=True)
        except (OSError, ValueError):  # nobody reads, or it is closed
            return

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        self._lost = True

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, _OPEN, _MODE)
        os.fchmod(descriptor, _MODE)
        return open(descriptor, "a", encoding=self.encoding)  # noqa: PTH123 - a descriptor


class FollowingLog(PlaneLog):
    """The log of a plane, in another of its processes: it writes where that one does, which puts files aside."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the name is logging's
        """Whether the file is another one by now. There is nothing to put aside."""
        del record
        if self.stream is None:
            return True
        try:
            return not os.path.samestat(Path(self.baseFilename).stat(), os.fstat(self.stream.fileno()))
        except OSError:
            return True

    def doRollover(self) -> None:  # noqa: N802 - the name is logging's
        """Go on in the file that is there now."""
        if self.stream is not None:
            self.stream.close()
        self.stream = self._open()


@contextmanager
def plane_log(directory: Path, *, rotates: bool = True) -> Iterator[None]:
    """Have warnings and errors of this process, also those of its threads, go to the log of `directory`.

    Of several processes with one log, one `rotates` it.
    """
    try:
        log = PlaneLog(directory) if rotates else FollowingLog(directory)
    except OSError as error:
        click.echo(f"locum: {directory / LOG_FILE} cannot be written ({error.strerror}): there is no log", err=True)
        yield
        return
    root = logging.getLogger()
    root.addHandler(log)
    try:
        with threads_logged():
            yield
    finally:
        root.removeHandler(log)
        with suppress(OSError):  # a disk that is full: what is left was told on the terminal
            log.close()


@contextmanager
def threads_logged() -> Iterator[None]:
    """Have exceptions that end threads be in the log."""
    hook, threading.excepthook = threading.excepthook, _thread_failed
    try:
        yield
    finally:
        threading.excepthook = hook


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    """`threading.excepthook`, to the log."""
    if failed.exc_value is None or issubclass(failed.exc_type, SystemExit):
        return
    error = (failed.exc_type, failed.exc_value, failed.exc_traceback)
    name = "a thread" if failed.thread is None else f"the thread {failed.thread.name}"
    logging.getLogger("locum").error("%s failed", name, exc_info=error)

"""The key ring of an installation of several nodes: in its database, wrapped.

What wraps it is given to each node: another key ring (a file with mode 0600, or LOCUM_WRAPPING_KEYRING), or a command
that is run as `COMMAND wrap` and `COMMAND unwrap`, reads the one form from its standard input and writes the other to
its standard output: a key management service, say. Whoever has the database alone has no key.
"""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from locum.cli.home import KEYRING_FILE
from locum.core.clock import Entropy
from locum.core.errors import ConfigurationError
from locum.credentials import BrokenSeal, KeyRing, read_keyring
from locum.credentials.files import ENVIRONMENT_VARIABLE, create_private
from locum.store.installation_files import InstallationFiles

WRAPPING_FILE: Final = "wrapping-keyring"
WRAPPING_VARIABLE: Final = "LOCUM_WRAPPING_KEYRING"
_PURPOSE: Final = "wrapped-keyring"
_PATIENCE: Final = 30.0
"""Seconds that a command has."""


class Wrapping(Protocol):
    """What wraps a key ring. `kind` is told with what is wrapped."""

    kind: str

    def wrap(self, plain: bytes) -> bytes:
        """Wrap. Raises ConfigurationError."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """Take out what was wrapped. Raises ConfigurationError."""
        ...


class RingWrapping:
    """Wraps with a key ring. `origin` is where it comes from."""

    kind = "keyring"

    def __init__(self, ring: KeyRing, origin: str, entropy: Entropy) -> None:
        self._ring = ring
        self._origin = origin
        self._entropy = entropy

    def wrap(self, plain: bytes) -> bytes:
        return self._ring.seal(_PURPOSE, plain, self._entropy)

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return self._ring.open(_PURPOSE, wrapped)
        except BrokenSeal as error:
            raise ConfigurationError(
                f"the key ring in the database does not open with {self._origin}: give this node the wrapping key ring "
                "of the nodes that are there"
            ) from error


class CommandWrapping:
    """Wraps with a command, which is split as a shell does, and run without one."""

    kind = "command"

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ConfigurationError(f"--key-command cannot be split into words: {error}") from error
        if not self._words:
            raise ConfigurationError("--key-command is empty: it names a program that wraps and unwraps the key ring")

    def wrap(self, plain: bytes) -> bytes:
        """Wrap, once it is certain that it can be opened again, and that it is something else."""
        wrapped = self._run("wrap", plain)
        if plain.strip() in wrapped or self._run("unwrap", wrapped) != plain:
            raise ConfigurationError(f"{self._told('wrap')} wrote what is the key ring itself, or does not open again")
        return wrapped

    def unwrap(self, wrapped: bytes) -> bytes:
        return self._run("unwrap", wrapped)

    def _told(self, verb: str) -> str:
        return f"the command for the key ring ({self._words[0]} {verb})"

    def _run(self, verb: str, data: bytes) -> bytes:
        told = self._told(verb)
        try:
            done = subprocess.run([*self._words, verb], input=data, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603 - the operator's own
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigurationError(f"{told} cannot be run: {type(error).__name__}") from error
        if done.returncode or not done.stdout:
            what = "wrote nothing" if not done.returncode else f"ended with status {done.returncode}"
            raise ConfigurationError(f"{told} {what}")
        return done.stdout


def wrapping_of(key_command: str | None) -> Wrapping | None:
    """The command that wraps, where one is given. Raises ConfigurationError."""
    return None if key_command is None else CommandWrapping(key_command)


def shared_keyring(
    files: InstallationFiles,
    wrapping: Wrapping | None,
    data: Path,
    entropy: Entropy,
    environ: Mapping[str, str],
    new: KeyRing | None = None,
) -> KeyRing:
    """The key ring of the installation, which is made where there is none, or is `new` then.

    LOCUM_KEYRING is the ring itself. Where no `wrapping` is given, it is the key ring in WRAPPING_FILE in `data`, which
    the first node makes. Raises ConfigurationError, StorageError.
    """
    if environ.get(ENVIRONMENT_VARIABLE):
        given = read_keyring(data / KEYRING_FILE, environ)
        assert given is not None
        return given
    stored = files.read(KEYRING_FILE)
    if wrapping is None:
        wrapping = _own_wrapping(data, entropy, environ, make=stored is None)
    if stored is None:
        chosen = wrapping
        stored = files.create(KEYRING_FILE, lambda: _wrapped(chosen, (new or KeyRing.generate(entropy)).dump()))
    return KeyRing.load(_unwrapped(wrapping, stored))


def _own_wrapping(data: Path, entropy: Entropy, environ: Mapping[str, str], *, make: bool) -> RingWrapping:
    path = data / WRAPPING_FILE
    text = environ.get(WRAPPING_VARIABLE)
    if text:
        return RingWrapping(KeyRing.load(text.encode()), WRAPPING_VARIABLE, entropy)
    if make:
        content = create_private(path, lambda: KeyRing.generate(entropy).dump())
        return RingWrapping(KeyRing.load(content), str(path), entropy)
    ring = read_keyring(path, {})
    if ring is None:
        raise ConfigurationError(
            f"the key ring in the database is wrapped, and this node has nothing to open it: copy {WRAPPING_FILE} from "
            f"the data directory of another node to {path} (mode 0600), or set {WRAPPING_VARIABLE} or --key-command"
        )
    return RingWrapping(ring, str(path), entropy)


def _wrapped(wrapping: Wrapping, plain: bytes) -> bytes:
    return json.dumps(
        {"format": 1, "by": wrapping.kind, "data": base64.b64encode(wrapping.wrap(plain)).decode()}
    ).encode()


def _unwrapped(wrapping: Wrapping, stored: bytes) -> bytes:
    try:
        fields = json.loads(stored)
        kind, data = str(fields["by"]), base64.b64decode(fields["data"], validate=True)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("the key ring in the database is damaged: restore it from a backup") from error
    if kind != wrapping.kind:
        needed = "--key-command" if kind == CommandWrapping.kind else f"{WRAPPING_FILE} or {WRAPPING_VARIABLE}"
        raise ConfigurationError(f"the key ring in the database was wrapped otherwise: this node needs {needed}")
    return wrapping.unwrap(data)

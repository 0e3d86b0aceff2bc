"""The files of an agent in its directory, mode 0700: everything in it is mode 0600.

agent.json      the plane's address, the instance and its region
authority.pem   the certificate of the plane's authority
identity.pem    the agent's private key, which never leaves the machine, and its certificate
lock            which agent runs with this directory
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from locum.core.errors import ConfigurationError

AUTHORITY: Final = "authority.pem"
IDENTITY: Final = "identity.pem"
_ABOUT: Final = "agent.json"
_LOCK: Final = "lock"
_LOCK_FILE: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_END_OF_KEY: Final = b"-----END PRIVATE KEY-----\n"


class About(msgspec.Struct, frozen=True):
    """The plane, HOST:PORT, the instance that the agent is, and until when its certificate is good (epoch seconds)."""

    plane: str
    instance: str
    region: str
    ends: float


class AgentFiles:
    """The directory of an agent. Making it makes the directory. Raises ConfigurationError where that cannot be."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)
        except OSError as error:
            raise ConfigurationError(f"{directory} cannot be the agent's directory: {error.strerror}") from error

    def claim(self) -> None:
        """Hold the directory to the end of this process. Raises ConfigurationError where another agent has it."""
        handle = os.open(self._directory / _LOCK, _LOCK_FILE, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise ConfigurationError(
                f"{self._directory} is in use by another agent: name another with --directory"
            ) from error

    @property
    def authority(self) -> str:
        """The certificate of the authority, in PEM."""
        return self._read(AUTHORITY).decode()

    @property
    def identity(self) -> Path:
        """The file with the private key and the certificate."""
        return self._directory / IDENTITY

    def about(self) -> About | None:
        """The description of the agent (agent.json); None where it was not activated."""
        if not self.identity.exists():
            return None
        try:
            return msgspec.json.decode(self._read(_ABOUT), type=About)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{self._directory / _ABOUT} cannot be read: {error}") from error

    def keep(self, about: About, key: bytes, certificate: str, authority: str) -> None:
        """Keep what an activation brought. The identity comes last: with it the agent is there."""
        self.identity.unlink(missing_ok=True)
        self._write(AUTHORITY, authority.encode())
        self._write(_ABOUT, msgspec.json.encode(about))
        self._write(IDENTITY, key + certificate.encode())

    def at(self, plane: str) -> About:
        """Keep that the plane's address is `plane` now; what is known then."""
        about = self.about()
        assert about is not None
        moved = msgspec.structs.replace(about, plane=plane)
        self._write(_ABOUT, msgspec.json.encode(moved))
        return moved

    def renew(self, about: About, certificate: str) -> None:
        """Keep a new certificate for the same key."""
        key, end, _ = self._read(IDENTITY).partition(_END_OF_KEY)
        self._write(IDENTITY, key + end + certificate.encode())
        self._write(_ABOUT, msgspec.json.encode(about))

    def _read(self, name: str) -> bytes:
        try:
            return (self._directory / name).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{self._directory / name} cannot be read: {error.strerror}") from error

    def _write(self, name: str, content: bytes) -> None:
        path, draft = self._directory / name, self._directory / f".{name}.new"
        try:
            with os.fdopen(os.open(draft, _NEW, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error

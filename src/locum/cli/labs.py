"""Labs and the quiz on the command line: what the plane on a data directory gives them."""

from __future__ import annotations

import fcntl
import http.client
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from botocore.config import Config

from locum.cli.client import own_session
from locum.cli.home import LABS_FILE, Plane, read_plane, read_root_key
from locum.compute.attachment import Attachment, Claim
from locum.core.errors import ConfigurationError
from locum.labs import Credentials, Inside, Runner, World

_SECONDS: Final = 10


class FileStore:
    """The progress in a file of the data directory, mode 0600. `account`: of another one than the plane began with."""

    def __init__(self, data: Path, account: str = "") -> None:
        self._path = data / (f"{LABS_FILE}-{account}" if account else LABS_FILE)

    def get(self) -> bytes:
        """Its content; empty where there is none. Raises ConfigurationError."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be read: {error.strerror}") from error

    def put(self, content: bytes) -> None:
        """Replace it, so that nobody sees half of it. Raises ConfigurationError."""
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.new")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be written: {error.strerror}") from error


class Loopback:
    """A way into instances without a process in them: their metadata service, on a port of this machine's."""

    def __init__(self, data: Path, account: str) -> None:
        self._data = data
        self._account = account

    def ask(self, instance: str, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        """Status and body of the metadata service's answer. Raises OSError or LocumError."""
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        with Attachment(self._data, Claim(instance, self._account), [listening]) as attachment:
            attachment.attach()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
            try:
                connection.request(method, path, headers=dict(headers))
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except http.client.HTTPException as error:
                raise OSError(str(error) or type(error).__name__) from error
            finally:
                connection.close()


class _Clients:
    """Clients of a plane: root's, where no credentials are given."""

    def __init__(self, data: Path, plane: Plane) -> None:
        root = read_root_key(data)
        self._root = Credentials(root.access_key_id, root.secret_access_key)
        self._plane = plane
        self._session = own_session()

    def __call__(self, service: str, region: str, credentials: Credentials | None) -> Any:
        key = credentials or self._root
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._plane.endpoint,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=key.session_token or None,
            config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=60, proxies={}),
        )


def progress_of(data: Path, first: str, account: str) -> FileStore:
    """The progress of `account` with labs. `first` is the account that the plane began with."""
    return FileStore(data, "" if account == first else account)


@contextmanager
def lab_desk(data: Path, account: str) -> Iterator[Inside]:
    """The way into the instances of `account`, for one who works on labs at a time: another one waits."""
    turn = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield Loopback(data, account)
    finally:
        os.close(turn)


@contextmanager
def runner_on(data: Path) -> Iterator[Runner]:
    """The labs of the plane on `data`, one command at a time. Raises ConfigurationError."""
    plane = read_plane(data)
    with lab_desk(data, plane.account) as inside:
        yield Runner(_Clients(data, plane), plane.region, progress_of(data, plane.account, plane.account), inside)


def world_on(data: Path, name: str) -> World:
    """A world on the plane on `data` that is no lab's, for the proof of a question. Raises ConfigurationError."""
    plane = read_plane(data)
    return World(name, _Clients(data, plane), plane.region, Loopback(data, plane.account))

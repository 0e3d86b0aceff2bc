"""What a worker is told by the plane that starts it, and what the two ask each other, over two pairs of sockets."""

from __future__ import annotations

import pickle
import signal
from typing import Final, NamedTuple

import msgspec

from locum.cli.options import Options
from locum.core.metrics import Family

SOCKET: Final = "backend.sock"
"""The socket in the data directory at which workers reach the embedded backend."""

HURRY: Final = signal.SIGUSR1
"""The signal upon which a worker waits for nobody any more: SIGTERM may come twice, of a service manager as well."""

READY: Final = b"ready"
METRICS: Final = b"metrics"
STARTED: Final = b"started"

tell_families: Final = msgspec.msgpack.Encoder().encode
told_families: Final = msgspec.msgpack.Decoder(list[Family]).decode


class Given(NamedTuple):
    """The options of the plane, what its ports are, its account, and the number of the worker.

    `started`: there is nothing more to wait for.
    """

    options: Options
    port: int
    tls_port: int
    account: str
    number: int = 0
    started: bool = False


def name_of(number: int, pid: int) -> str:
    """The name of a worker process, to which effects are left that its callers wait for. No other has it."""
    return f"worker-{number}.{pid}"


def told(given: Given) -> bytes:
    """`given`, for a worker. It has secrets, and goes over a pair of sockets that nobody else has."""
    return pickle.dumps(given)


def given_in(data: bytes) -> Given:
    """What the plane that started this process has told it."""
    found: Given = pickle.loads(data)  # noqa: S301 - of the parent process
    return found

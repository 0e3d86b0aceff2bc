"""Functions for tests: packages of code, and handlers that can be waited for and released without a clock."""

from __future__ import annotations

import io
import os
import select
import socket
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from typing import Any, Final

from locum.compute.environment import of_function
from locum.compute.functions.functions import Launch
from locum.core.functions import Function

ACCOUNT: Final = "000000000000"
SECONDS: Final = 60
"""How long anything may take before the test is given up."""

WAITING: Final = """
import os, socket

def handler(event, context):
    with socket.create_connection(("127.0.0.1", int(os.environ["MEETING"]))) as caller:
        caller.sendall(f"{os.getpid()} {os.environ['HOME']}\\n".encode())
        return caller.recv(100).decode()
"""
"""A module whose handler tells the test (`Meeting`) where it is, and returns what the test says."""


def package(**modules: str) -> bytes:
    """A deployment package of modules: package(main="def handler(event, context): ..."). Others have an ending."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in modules.items():
            archive.writestr(zipfile.ZipInfo(name if "." in name else f"{name}.py"), text)  # of no particular time
    return packed.getvalue()


def function(main: str, **changes: Any) -> Function:
    """A function with the module `main`, whose handler is `handler`; it has time enough on a busy machine."""
    fields: dict[str, Any] = {
        "account": ACCOUNT,
        "region": "us-east-1",
        "name": "app",
        "arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:app",
        "version": "$LATEST",
        "runtime": "python3.11",
        "handler": "main.handler",
        "role": f"arn:aws:iam::{ACCOUNT}:role/app",
        "timeout": SECONDS,
        "memory": 128,
        "environment": {},
        "code": package(main=main),
        "code_sha256": "",
    }
    return Function(**{**fields, **changes})


def launch(made: Function, holder: str = "AROAEXAMPLE", expires: float = inf) -> Launch:
    """What an environment of `made` is started with."""
    role = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret", "SessionToken": "token"}
    return Launch(made, of_function(made, role, "http://127.0.0.1:1", os.environ["PATH"]), holder, expires)


class Visitor:
    """A handler that waits: its process, its directory, and the connection to it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        self._connection = connection
        with connection.makefile("rb") as lines:
            pid, directory = lines.readline().decode().split()
        self.pid, self.directory = int(pid), Path(directory).parent

    def release(self, answer: str = "released") -> None:
        """Have the handler return `answer`."""
        self._connection.sendall(answer.encode())

    def gone(self) -> bool:
        """Whether the process has ended, as the end of its connection tells; waits for it."""
        with suppress(ConnectionError):
            return self._connection.recv(1) == b""
        return True


class Meeting:
    """Where `WAITING` handlers come to. `port` goes into the variable MEETING."""

    def __init__(self, server: socket.socket) -> None:
        server.settimeout(SECONDS)
        self._server = server
        self._accepted: list[socket.socket] = []
        self.port: int = server.getsockname()[1]
        self.environment = {"MEETING": str(self.port)}

    def next(self) -> Visitor:
        """The next handler that comes; waits for it."""
        connection, _ = self._server.accept()
        self._accepted.append(connection)
        return Visitor(connection)

    def close(self) -> None:
        """Close the connections."""
        for connection in self._accepted:
            connection.close()


@contextmanager
def meeting() -> Iterator[Meeting]:
    """A meeting place for as long as the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Meeting(server)
        try:
            yield made
        finally:
            made.close()


def ended(pid: int) -> bool:
    """Whether the process `pid` has ended, waiting for it. pidfd_open(2)."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], SECONDS)[0])
    finally:
        os.close(handle)

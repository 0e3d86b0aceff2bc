"""As much of a container engine's API as testcontainers asks for. Its one container is `locum up`, a process of here.

Docker Engine API: https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_HELD = "c" * 64


class Engine(ThreadingHTTPServer):
    """The engine. `port` is the one that the plane has, inside and outside."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = port
        self.log = folder / "log"
        self.made: dict[str, Any] = {}
        self.executed: dict[str, list[str]] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment["LOCUM_DATA"] = str(folder / "data")

    @property
    def url(self) -> str:
        """For DOCKER_HOST."""
        return f"tcp://127.0.0.1:{self.server_address[1]}"

    def command(self, *words: str) -> list[str]:
        """`locum` of this interpreter."""
        return [str(Path(sys.executable).parent / "locum"), *words]

    def start(self) -> None:
        """Start the container."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command("up", "--port", str(self.port)), env=self.environment, stdout=log
            )

    def end(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


class _Handler(BaseHTTPRequestHandler):
    server: Engine

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = self._path()
        if path == "version":
            self._answer({"ApiVersion": "1.45", "MinAPIVersion": "1.24", "Version": "27.0.0"})
        elif path.startswith("images/"):
            self._answer({"Id": "sha256:1", "RepoTags": ["locum:latest"]})
        elif path.endswith("/logs"):
            self._stream(self.server.log.read_bytes())
        elif path.startswith("exec/"):
            self._answer({"ExitCode": 0})
        elif path == "networks":
            self._answer([])
        else:
            self._answer(self._container())

    def do_POST(self) -> None:
        path, body = self._path(), self._body()
        if path == "containers/create":
            self.server.made = body
            self._answer({"Id": _HELD, "Warnings": []}, 201)
        elif path.endswith("/exec"):
            self.server.executed["e1"] = body["Cmd"]
            self._answer({"Id": "e1"}, 201)
        elif path.startswith("exec/"):
            self._execute(self.server.executed["e1"])
        else:
            self.server.start()
            self._answer(None, 204)

    def do_DELETE(self) -> None:
        self.server.end()
        self._answer(None, 204)

    def _execute(self, words: list[str]) -> None:
        """Run a command of Locum's: the answer first, then what it prints, on the connection as it is."""
        assert words[0] == "locum"
        self.send_response(101, "UPGRADED")
        self.send_header("Content-Type", "application/vnd.docker.raw-stream")
        self.end_headers()
        self.wfile.flush()
        command = self.server.command(*words[1:])
        done = subprocess.run(command, env=self.server.environment, capture_output=True, check=True)
        self.wfile.write(_framed(done.stdout))
        self.close_connection = True

    def _path(self) -> str:
        path = urlsplit(self.path).path.strip("/")
        return path.partition("/")[2] if path.startswith("v1.") else path

    def _body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        return found

    def _container(self) -> dict[str, Any]:
        state = "running" if self.server.process is not None else "created"
        bound = {f"{self.server.port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self.server.port)}]}
        return {
            "Id": _HELD,
            "Name": "/locum",
            "Image": "sha256:1",
            "Config": {"Image": "locum:latest", "Tty": False},
            "State": {"Status": state, "Running": state == "running"},
            "NetworkSettings": {"Ports": bound, "Networks": {}},
        }

    def _stream(self, octets: bytes) -> None:
        """Output of a container."""
        self._send(200, "application/vnd.docker.raw-stream", _framed(octets))

    def _answer(self, value: Any, status: int = 200) -> None:
        self._send(status, "application/json", b"" if value is None else json.dumps(value).encode())

    def _send(self, status: int, kind: str, octets: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)


def _framed(octets: bytes) -> bytes:
    """Standard output in a multiplexed stream (Docker Engine API, attach, "Stream format")."""
    return struct.pack(">BxxxL", 1, len(octets)) + octets


@contextmanager
def engine(folder: Path, port: int) -> Iterator[Engine]:
    """An engine that serves, and whose container is ended with it."""
    with Engine(folder, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            server.end()

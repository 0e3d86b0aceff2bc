"""The measured servers, which run on a core of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE = 0
CLIENT_CORE = 1
ROOT = Path(__file__).parent.parent
_NOT_PASSED_ON = ("AWS_", "LOCUM_", "PYTHONDONTWRITEBYTECODE")  # so that all servers start from compiled code
PEERS = ROOT / ".bench" / "peers" / "bin"
PEER_PACKAGES = ("cedarpy==4.12.2", "ministack==1.5.33", "moto[server]==5.2.5")


@dataclass(frozen=True)
class Server:
    """A running server. `started` is the time in seconds from its launch to its first response."""

    name: str
    url: str
    pid: int
    started: float
    data: Path

    def resident_mebibytes(self) -> float:
        """The memory of the process, in MiB (VmRSS)."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("no VmRSS")


def install_peers() -> None:
    """Install the peers in a virtual environment, once."""
    if not (PEERS.parent / ".installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS.parent)], check=True)
        subprocess.run([str(PEERS / "pip"), "install", "-q", *PEER_PACKAGES], check=True)
        (PEERS.parent / ".installed").touch()


def free_port() -> int:
    """A free port."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def locum(*options: str, data: Path | None = None) -> Iterator[Server]:
    """Run Locum on `data`, or on a new data directory, with further options."""
    with tempfile.TemporaryDirectory() as fresh:
        data = data or Path(fresh)
        port = free_port()
        command = [str(Path(sys.executable).parent / "locum"), "up", "--data", str(data), "--port", str(port)]
        command += options
        with _running("locum", command, port, "/_locum/health", data) as server:
            yield server


@contextmanager
def moto() -> Iterator[Server]:
    """Run moto's server, which does not verify signatures."""
    port = free_port()
    with _running("moto", [str(PEERS / "moto_server"), "-H", "127.0.0.1", "-p", str(port)], port, "/moto-api/") as it:
        yield it


@contextmanager
def ministack(auth: str = "true") -> Iterator[Server]:
    """Run ministack, with authentication if `auth` is `true`."""
    port = free_port()
    extra = {"AUTH": auth, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    with _running("ministack", [str(PEERS / "ministack")], port, "/_ministack/health", extra=extra) as server:
        yield server


@contextmanager
def empty() -> Iterator[Server]:
    """Run uvicorn with a minimal application, for the cost of HTTP alone."""
    port = free_port()
    command = [sys.executable, "-m", "bench.empty", str(port)]
    with _running("empty uvicorn", command, port, "/") as server:
        yield server


@contextmanager
def _running(
    name: str,
    command: Sequence[str],
    port: int,
    probe: str,
    data: Path = Path("/"),
    extra: dict[str, str] | None = None,
) -> Iterator[Server]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_PASSED_ON)} | (extra or {})
    begin = time.perf_counter()
    process = subprocess.Popen(
        ["taskset", "-c", str(SERVER_CORE), *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(process, f"http://127.0.0.1:{port}{probe}", name)
        yield Server(name, f"http://127.0.0.1:{port}", process.pid, time.perf_counter() - begin, data)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], url: str, name: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode} before it answered")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.002)
    raise RuntimeError(f"{name} did not answer within a minute")

"""A port that is taken is told once, with who has it and what to do."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from support.plane import LOCUM, SECONDS, up


def refused_start(home: Path, data: Path, port: int) -> str:
    """What `locum up` says on its standard error."""
    line = [LOCUM, "up", "--data", str(data), "--port", str(port)]
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_a_port_that_another_locum_has_is_told_with_its_directory_and_process(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        port = urlsplit(running.endpoint).port
        assert port is not None
        told = refused_start(tmp_path, tmp_path / "second", port)
        assert told == (
            f"locum: port {port} of 127.0.0.1 is in use by the Locum on {running.data} "
            f"(process {running._process.pid}); name another with --port, or --port 0 for a free one\n"
        )
    assert not (tmp_path / "second").exists()


def test_a_port_that_another_program_has_is_told_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        told = refused_start(tmp_path, tmp_path / "data", port)
    assert told == (
        f"locum: port {port} of 127.0.0.1 is in use by another program; "
        "name another with --port, or --port 0 for a free one\n"
    )

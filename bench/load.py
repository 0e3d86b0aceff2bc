"""Load generation by another process on another core, with signed requests that are repeated in turn."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.servers import CLIENT_CORE

CONNECTIONS = 8


@dataclass(frozen=True)
class Keys:
    """Credentials to sign with."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclass(frozen=True)
class Shot:
    """An HTTP request to be repeated."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


def signed(shot: Shot, service: str, keys: Keys, region: str = "us-east-1") -> Shot:
    """Sign `shot`. The signature is valid for some minutes."""
    request = AWSRequest(shot.method, shot.url, dict(shot.headers), shot.body.encode())
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(credentials, service, region).add_auth(request)
    return Shot(shot.url, shot.method, {k: str(v) for k, v in request.headers.items()}, shot.body)


def rate(shots: Shot | Sequence[Shot], seconds: float, pause: int = 0) -> float:
    """The responses per second over eight connections, to one request or to several of one server in turn.

    `pause`: milliseconds between an answer and the next request of its connection.

    Raises RuntimeError for any response that is an error.
    """
    every = [shots] if isinstance(shots, Shot) else shots
    shot = every[0]
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("the measurements need wrk (Debian: apt-get install wrk)")
    parts = urlsplit(shot.url)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_script(every))
        script.write(f"\nfunction delay() return {pause} end\n" if pause else "")
        script.flush()
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", script.name]
        command = ["taskset", "-c", str(CLIENT_CORE), *command, f"{parts.scheme}://{parts.netloc}"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"{shot.method} {shot.url}: not every answer was a success\n{output}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None:
        raise RuntimeError(output)
    return float(found[1])


def _script(shots: Sequence[Shot]) -> str:
    """The wrk script that sends `shots`, each formatted once, one after the other."""
    lines = ["local shots, turn = {}, 0", "function init(args)"]
    for shot in shots:
        parts = urlsplit(shot.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = ", ".join(f"[{_lua(k)}] = {_lua(v)}" for k, v in shot.headers.items())
        made = f"wrk.format({_lua(shot.method)}, {_lua(path)}, {{{headers}}}, {_lua(shot.body)})"
        lines.append(f"  shots[#shots + 1] = {made}")
    lines += ["end", "function request()", "  turn = turn % #shots + 1", "  return shots[turn]", "end"]
    return "\n".join(lines)


def _lua(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

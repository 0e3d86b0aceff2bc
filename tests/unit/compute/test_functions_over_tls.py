"""The gateway over TLS in a closed environment: at HTTPS's own port, trusted by what Node.js trusts."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from locum.compute.functions.functions import Functions, Invocation
from locum.compute.functions.surroundings import Surroundings, Tls
from locum.core.clock import system_clock
from locum.http import authority
from support.functions import function, launch
from support.plane import needs_namespaces

pytestmark = [needs_namespaces, pytest.mark.usefixtures("directories")]

ASKS = """
import os, ssl, urllib.request

def handler(event, context):
    trusted, told = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"]), []
    for url in ("https://127.0.0.1/", os.environ["AWS_ENDPOINT_URL"]):
        with urllib.request.urlopen(url, context=trusted) as answer:
            told.append(answer.read().decode())
    return [told, os.listdir("/etc/locum"), os.environ["NODE_EXTRA_CA_CERTS"]]
"""
TRIES = """
import os, socket

def handler(event, context):
    try:
        socket.create_connection(("127.0.0.1", 443)).close()
    except ConnectionRefusedError:
        return ["refused", "NODE_EXTRA_CA_CERTS" in os.environ, os.path.exists("/etc/locum")]
"""


async def well(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer any request."""
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nwell")
    await writer.drain()
    writer.close()


def answer(program: str, folder: Path, *, tls: bool, **changes: Any) -> Any:
    """What a handler returns, beside a server over TLS; it is told of that where `tls`."""
    (folder / "data").mkdir()
    now = time.time()
    own = authority.new_authority(now)
    issued = authority.server_certificate(own, authority.names_of("us-east-1"), now)
    certificate, key = folder / "server.pem", folder / "key.pem"
    certificate.write_bytes(issued.certificate)
    key.write_bytes(issued.key)
    context = authority.server_context(str(certificate), str(key))

    async def run() -> bytes:
        async with await asyncio.start_server(well, "127.0.0.1", 0, ssl=context) as server:
            told = Tls(server.sockets[0].getsockname()[1], own.certificate.decode()) if tls else None
            functions = Functions(system_clock, (folder / "data",), tls=lambda: told)
            try:
                made = function(program, **changes)
                came = await functions.invoke(launch(made), Invocation("request", made.arn, b"null"))
            finally:
                await functions.close()
            assert not came.failed, came
            return came.payload

    return json.loads(asyncio.run(run()))


def test_a_function_calls_the_gateway_at_the_port_of_https(tmp_path: Path) -> None:
    """As the handlers of the AWS CDK do, which know of a ResponseURL no scheme and no port. It sees no key."""
    assert answer(ASKS, tmp_path, tls=True) == [["well", "well"], ["authority.pem"], "/etc/locum/authority.pem"]


def test_what_the_function_itself_says_of_its_endpoint_is_kept(tmp_path: Path) -> None:
    program = "import os\ndef handler(event, context): return os.environ['AWS_ENDPOINT_URL']"
    own = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert answer(program, tmp_path, tls=True, environment=own) == "http://127.0.0.1:1"


def test_without_tls_there_is_nothing_to_call_or_to_trust(tmp_path: Path) -> None:
    assert answer(TRIES, tmp_path, tls=False) == ["refused", False, False]


def test_the_runtime_api_is_not_at_the_port_of_https() -> None:
    around = Surroundings(tls=lambda: Tls(9001, ""), ports=lambda: (9001,))
    assert (around.relayed, around.api_port) == ({443: 9001, 9001: 9001}, 9002)

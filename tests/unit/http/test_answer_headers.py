"""Header values of answers: whatever a client had a backend put there, one answer is sent, and it is one."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from locum.core.http import HttpResponse
from locum.http import asgi


def _sent(value: str) -> list[tuple[bytes, bytes]]:
    messages: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    asyncio.run(asgi.write({"method": "GET"}, send, HttpResponse(200, [("content-type", value)], b"x")))
    found: list[tuple[bytes, bytes]] = messages[0]["headers"]
    return found


@pytest.mark.parametrize("value", ["a\r\nset-cookie: x=1", "a\nb", "a\x00b", "a\x7fb"])
def test_a_header_cannot_be_split(value: str) -> None:
    ((_, content_type), _) = _sent(value)
    assert not set(content_type) & {0, 10, 13, 127}


@pytest.mark.parametrize(
    ("value", "sent"),
    [("\u2603", "\u2603".encode()), ("caf\xe9", b"caf\xe9"), ("a\tb", b"a\tb"), ("text/xml", b"text/xml")],
)
def test_a_header_outside_ascii_is_sent_all_the_same(value: str, sent: bytes) -> None:
    assert _sent(value)[0] == (b"content-type", sent)

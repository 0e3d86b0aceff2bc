"""What stands before the console's pages."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from locum.console.guard import Guard


async def broken(_request: Request) -> Response:
    raise RuntimeError("with a secret in it")


def test_a_page_that_breaks_is_answered_with_all_headers_and_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guarded = Guard(Starlette(routes=[Route("/", broken)]), lambda: {"console:1"}, lambda: "cookie")
    transport = httpx.ASGITransport(guarded)

    async def look() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://console:1") as client:
            return await client.get("/")

    with caplog.at_level(logging.ERROR, "locum.console"):
        answer = asyncio.run(look())
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "the page / broke" in caplog.text

"""ASGI messages to frozen requests, and answers to ASGI messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest

from locum.core.http import HttpRequest, HttpResponse
from locum.http import asgi
from locum.http.bodies import Bodies, BodyTooLarge
from support.inprocess import scope_of

Message = MutableMapping[str, Any]
ALLOWED = asgi.FREE_BODY + 4
"""What a key that is known may send, here."""
GONE: Message = {"type": "http.disconnect"}


def body(octets: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": octets, "more_body": more}


def read(*messages: Message, **changes: Any) -> HttpRequest:
    scope = {**scope_of(HttpRequest("PUT", "/a%2Fb", "x=%20", {"host": "h"}, source_ip="10.1.2.3")), **changes}
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0)

    return asyncio.run(asgi.read(scope, receive, lambda _request: ALLOWED, Bodies()))


def written(response: HttpResponse, method: str = "GET") -> tuple[int, dict[bytes, bytes], list[bytes]]:
    """Status, headers (none of which may come twice) and the pieces of the body."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(asgi.write(scope_of(HttpRequest(method, "/", "", {})), send, response))
    start, *rest = sent
    headers = [(name.lower(), value) for name, value in start["headers"]]
    assert len(dict(headers)) == len(headers)
    assert [message.get("more_body", False) for message in rest][-1] is False
    return start["status"], dict(headers), [message["body"] for message in rest if message["body"]]


# -- reading -------------------------------------------------------------------------------------------------


def test_a_request_is_frozen_as_it_came() -> None:
    request = read(body(b"payload"))
    assert (request.method, request.raw_path, request.query_string) == ("PUT", "/a%2Fb", "x=%20")
    assert (request.body, request.source_ip, request.secure) == (b"payload", "10.1.2.3", False)
    assert read(body(b""), scheme="https").secure


def test_a_payload_in_pieces_is_one_payload() -> None:
    assert read(body(b"a", more=True), body(b"", more=True), body(b"bc", more=True), body(b"d")).body == b"abcd"


def test_a_header_that_comes_twice_has_its_values_joined() -> None:
    request = read(body(b""), headers=[(b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"c", b"\xfc")])
    assert request.headers == {"a": "1,3", "b": "2", "c": "\xfc"}


def test_a_peer_without_an_address_is_on_this_machine() -> None:
    assert read(body(b""), client=None).source_ip == "127.0.0.1"


@pytest.mark.parametrize("messages", [(GONE,), (body(b"a", more=True), GONE)])
def test_a_client_that_goes_away_leaves_no_request(messages: tuple[Message, ...]) -> None:
    with pytest.raises(asgi.ClientGone):
        read(*messages)


def test_a_payload_over_the_limit_is_not_gathered() -> None:
    free = body(b"x" * asgi.FREE_BODY, more=True)
    assert len(read(free, body(b"ab", more=True), body(b"cd")).body) == ALLOWED
    with pytest.raises(BodyTooLarge) as refused:
        read(free, body(b"ab", more=True), body(b"cde", more=True))
    assert (refused.value.request.raw_path, refused.value.request.body) == ("/a%2Fb", b"")


def test_a_payload_that_says_it_is_over_the_limit_is_not_read_at_all() -> None:
    with pytest.raises(BodyTooLarge):
        read(headers=[(b"content-length", b"%d" % (ALLOWED + 1))])
    assert read(body(b""), headers=[(b"content-length", b"%d" % ALLOWED)]).body == b""


def test_what_anybody_may_send_is_read_without_asking_who_it_is() -> None:
    async def receive() -> Message:
        return body(b"x" * asgi.FREE_BODY)

    def unasked(_request: HttpRequest) -> int:
        raise AssertionError("nobody is to be asked")

    scope = scope_of(HttpRequest("PUT", "/", "", {"content-length": str(asgi.FREE_BODY)}))
    assert len(asyncio.run(asgi.read(scope, receive, unasked, Bodies())).body) == asgi.FREE_BODY


# -- writing -------------------------------------------------------------------------------------------------


def test_an_answer_has_its_length() -> None:
    assert written(HttpResponse(200, [("A", "b")], b"body")) == (200, {b"a": b"b", b"content-length": b"4"}, [b"body"])


def test_the_length_is_the_bodys_whatever_a_backend_said() -> None:
    _, headers, _ = written(HttpResponse(200, [("Content-Length", "99")], b"body"))
    assert headers[b"content-length"] == b"4"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_has_none(status: int) -> None:
    assert written(HttpResponse(status, [("etag", "x"), ("Content-Length", "9")], b"Not Modified")) == (
        status,
        {b"etag": b"x"},
        [],
    )


def test_a_head_tells_the_length_and_keeps_the_body() -> None:
    assert written(HttpResponse(200, [], b"body"), "HEAD") == (200, {b"content-length": b"4"}, [])


def test_a_head_tells_the_length_that_the_answer_states() -> None:
    assert written(HttpResponse(200, [("Content-Length", "12345")]), "HEAD")[1] == {b"content-length": b"12345"}


async def pieces(*octets: bytes) -> AsyncIterator[bytes]:
    for piece in octets:
        yield piece


def test_a_stream_goes_out_as_it_comes() -> None:
    response = HttpResponse(200, [("content-length", "3")], pieces(b"a", b"bc"))
    assert written(response) == (200, {b"content-length": b"3"}, [b"a", b"bc"])


def test_a_head_of_a_stream_has_no_body() -> None:
    assert written(HttpResponse(200, [("content-length", "3")], pieces(b"abc")), "HEAD")[2] == []


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "a\x00b", "a\nb"])
def test_what_a_client_had_stored_in_a_header_splits_no_answer(value: str) -> None:
    _, headers, _ = written(HttpResponse(200, [("x-amz-meta-a", value)], b""))
    assert set(headers) == {b"x-amz-meta-a", b"content-length"}
    assert not set(headers[b"x-amz-meta-a"]) & set(b"\r\n\x00")

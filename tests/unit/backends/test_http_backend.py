"""An HTTP endpoint as a backend: what it is sent, with whose signature, and how its answers come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from locum import sigv4, wire
from locum.backends.http import HttpBackend
from locum.backends.port import BackendCall, Carried
from locum.core.errors import ConfigurationError, Fault
from locum.core.http import HttpRequest, HttpResponse
from support.wire_requests import rest, target

KEY, SECRET = "AKIAOPERATORSKEYIDAA", "operators/secret"
NOW = 1_790_000_000.0
Answering = Callable[[HttpRequest], bytes]


@dataclass
class Endpoint:
    """A real HTTP server of a few lines: keeps what it was sent, answers what it is told to."""

    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    received: list[HttpRequest] = field(default_factory=list)
    connections: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    rest: bytes = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.received.append(await self._read(reader))
                writer.write(self.answer)
                if self.rest:
                    await writer.drain()
                    await self.released.wait()
                    writer.write(self.rest)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> HttpRequest:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, where, _ = first.split(" ")
        path, _, query = where.partition("?")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return HttpRequest(method, path, query, headers, body)

    @property
    def last(self) -> HttpRequest:
        return self.received[-1]


class House:
    """The endpoint and the backend in front of it, on one event loop."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.endpoint = runner.run(self._start())
        self.backend = HttpBackend(f"{self.base}/prefix/", KEY, SECRET, lambda: NOW)

    async def _start(self) -> Endpoint:
        endpoint = Endpoint()
        self.server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
        host, port = self.server.sockets[0].getsockname()
        self.base = f"http://{host}:{port}"
        return endpoint

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    async def close(self) -> None:
        await self.backend.close()
        self.server.close()
        await self.server.wait_closed()

    def call(self, request: HttpRequest, service: str = "s3", host_bucket: str = "") -> HttpResponse:
        carried: Carried = self.run(self.backend.call(call_of(request, service, host_bucket)))
        assert carried.deliveries == ()
        return carried.response


def call_of(request: HttpRequest, service: str = "s3", host_bucket: str = "") -> BackendCall:
    codec = wire.resolve(request, service)
    params = codec.parse(request, request.body)
    return BackendCall(codec, "000000000000", "eu-west-1", request, request.body, params, host_bucket)


@pytest.fixture
def house() -> Iterator[House]:
    with asyncio.Runner() as runner:
        house = House(runner)
        yield house
        house.run(house.close())


def answering(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if "content_length" not in headers and "transfer_encoding" not in headers:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def whole(body: bytes | AsyncIterable[bytes]) -> bytes:
    return body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])


# -- what is sent --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "service"),
    [
        (rest("GET", "/bucket/key"), "s3"),
        (rest("PUT", "/bucket/key", b"\x00\xffbody", content_type="text/plain", x_amz_meta_a="b"), "s3"),
        (rest("GET", "/bucket?list-type=2&prefix=a%2Fb%20c"), "s3"),
        (rest("GET", "/bucket/a%2Fb%20c+d/%C3%BC"), "s3"),
        (target("DynamoDB_20120810.GetItem", {"TableName": "t", "Key": {"k": {"S": "v"}}}), "dynamodb"),
        (rest("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda"), "lambda"),
    ],
)
def test_the_call_is_signed_anew_with_the_operators_key(house: House, request_: HttpRequest, service: str) -> None:
    house.call(request_, service)
    sent = house.endpoint.last
    claim = sigv4.read(sent)
    assert claim is not None
    assert (claim.access_key_id, claim.scope.region, claim.scope.service) == (KEY, "eu-west-1", service)
    assert sigv4.verify(sent, claim, SECRET, NOW) == request_.body
    assert claim.session_token is None


def test_the_path_goes_on_as_it_was_written_below_the_endpoints_own(house: House) -> None:
    house.call(rest("GET", "/bucket/a%2Fb//c%2f%20%2B/../d"))
    assert house.endpoint.last.raw_path == "/prefix/bucket/a%2Fb//c%2f%20%2B/../d"


def test_a_bucket_in_the_host_goes_into_the_path(house: House) -> None:
    house.call(rest("GET", "/key", host="bucket.s3.amazonaws.com"), host_bucket="bucket")
    assert house.endpoint.last.raw_path == "/prefix/bucket/key"
    assert house.endpoint.last.headers["host"] == house.base.removeprefix("http://")


def test_the_query_goes_on_without_the_clients_signature(house: House) -> None:
    presigned = (
        "versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature=00&X-Amz-Security-Token=t&response-content-type=a%2Fb"
    )
    house.call(rest("GET", f"/bucket/key?{presigned}"))
    assert house.endpoint.last.query_string == "versionId=1&response-content-type=a%2Fb"
    assert sigv4.read(house.endpoint.last) is not None


def test_a_signature_of_version_2_and_its_token_stay_here(house: House) -> None:
    presigned = "AWSAccessKeyId=x&Signature=y&Expires=1&x-amz-security-token=t&content-type=a&x%2Damz-security-token=t"
    house.call(rest("GET", f"/bucket/key?versionId=1&{presigned}"))
    assert house.endpoint.last.query_string == "versionId=1"


@pytest.mark.parametrize("service", ["dynamodb", "cloudwatch"])
def test_where_the_operation_is_in_a_header_or_the_path_no_query_goes_on(house: House, service: str) -> None:
    names = {"dynamodb": "DynamoDB_20120810.ListTables", "cloudwatch": "GraniteServiceVersion20100801.ListMetrics"}
    request = target(names[service], {})
    request.query_string = "Action=DeleteTable&TableName=other"
    house.call(request, {"cloudwatch": "monitoring"}.get(service, service))
    assert house.endpoint.last.query_string == ""


def test_neither_credentials_nor_framing_nor_what_would_steer_moto_goes_on(house: House) -> None:
    request = rest(
        "PUT", "/bucket/key", b"body",
        authorization="AWS4-HMAC-SHA256 Credential=theirs", x_amz_security_token="theirs", x_amz_date="theirs",
        x_amz_content_sha256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD", x_amz_decoded_content_length="4",
        x_amz_trailer="x-amz-checksum-crc32", content_encoding="aws-chunked, gzip", connection="close",
        transfer_encoding="chunked", expect="100-continue", x_forwarded_for="10.0.0.1", x_moto_account_id="1",
    )  # fmt: skip
    house.call(request)
    headers = house.endpoint.last.headers
    assert "theirs" not in str(headers)
    assert headers["content-encoding"] == "gzip"
    assert headers["content-length"] == "4"
    assert not {
        "x-amz-trailer", "x-amz-decoded-content-length", "transfer-encoding", "expect", "x-forwarded-for",
        "x-moto-account-id", "x-amz-security-token",
    } & set(headers)  # fmt: skip
    assert house.endpoint.last.body == b"body"


def test_a_header_in_two_spellings_does_not_go_on(house: House) -> None:
    request = rest("PUT", "/bucket/key", b"body")
    request.headers = {**request.headers, "x_amz_copy_source": "/secret/key", "x-amz-meta-a_b": "kept"}
    house.call(request)
    assert "x_amz_copy_source" not in house.endpoint.last.headers
    assert house.endpoint.last.headers["x-amz-meta-a_b"] == "kept"


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_empty_payload_has_a_length(house: House, method: str) -> None:
    house.call(rest(method, "/bucket/key" if method == "PUT" else "/bucket/key?uploads"))
    assert house.endpoint.last.headers["content-length"] == "0"


# -- what comes back -----------------------------------------------------------------------------------------


def test_status_headers_and_body_come_back(house: House) -> None:
    house.endpoint.answer = answering("200 OK", b"<LocationConstraint/>", ETag='"x"', Server="other", Date="never",
                                      Connection="keep-alive")  # fmt: skip
    answer = house.call(rest("GET", "/bucket?location"))
    assert (answer.status, answer.body) == (200, b"<LocationConstraint/>")
    assert answer.headers == [("ETag", '"x"')]


def test_an_object_streams_as_it_comes(house: House) -> None:
    house.endpoint.answer, house.endpoint.rest = answering("200 OK", b"first ", content_length="11"), b"later"

    async def story() -> list[bytes]:
        answer = (await house.backend.call(call_of(rest("GET", "/bucket/key")))).response
        assert not isinstance(answer.body, bytes)
        assert ("content-length", "11") in answer.headers
        chunks = aiter(answer.body)
        found = [await anext(chunks)]
        house.endpoint.released.set()
        return found + [chunk async for chunk in chunks]

    assert house.run(story()) == [b"first ", b"later"]


def test_an_encoded_object_comes_back_encoded(house: House) -> None:
    house.endpoint.answer = answering("200 OK", b"\x1f\x8bnot really", content_encoding="gzip")
    answer = house.call(rest("GET", "/bucket/key"))
    assert house.run(whole(answer.body)) == b"\x1f\x8bnot really"
    assert ("content-encoding", "gzip") in answer.headers


def test_the_length_that_a_head_tells_is_kept(house: House) -> None:
    house.endpoint.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 12345\r\netag: x\r\n\r\n"
    answer = house.call(rest("HEAD", "/bucket/key"))
    assert ("content-length", "12345") in answer.headers
    assert house.run(whole(answer.body)) == b""


def test_an_error_is_read_whole_so_that_its_connection_is_free_again(house: House) -> None:
    house.endpoint.answer = answering("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>")
    for _ in range(3):
        answer = house.call(rest("GET", "/bucket/key"))
        assert (answer.status, answer.body) == (404, b"<Error><Code>NoSuchKey</Code></Error>")
    assert house.endpoint.connections == 1


def test_a_redirect_is_the_clients_to_follow(house: House) -> None:
    house.endpoint.answer = answering("307 Temporary Redirect", b"", location="http://elsewhere.invalid/")
    answer = house.call(rest("GET", "/bucket/key"))
    assert (answer.status, dict(answer.headers)["location"]) == (307, "http://elsewhere.invalid/")
    assert len(house.endpoint.received) == 1


def test_an_endpoint_that_is_down_is_a_service_that_is_unavailable(house: House) -> None:
    house.server.close()
    house.run(house.server.wait_closed())
    with pytest.raises(Fault) as refused:
        house.call(rest("GET", "/bucket/key"))
    assert (refused.value.code, refused.value.status) == ("ServiceUnavailable", 503)
    assert "127.0.0.1" not in refused.value.message


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 404 No\r\ncontent-length: 100\r\n\r\nshort"])
def test_an_endpoint_that_speaks_no_http_is_a_service_that_is_unavailable(house: House, answer: bytes) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async def story() -> None:
        async with await asyncio.start_server(once, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            backend = HttpBackend(f"http://127.0.0.1:{port}", KEY, SECRET, lambda: NOW)
            try:
                await backend.call(call_of(rest("GET", "/bucket/key")))
            finally:
                await backend.close()

    with pytest.raises(Fault) as refused:
        house.run(story())
    assert refused.value.status == 503


def test_nothing_is_known_of_its_resources(house: House) -> None:
    facts = house.run(house.backend.facts("s3", "arn:aws:s3:::bucket", "000000000000", "eu-west-1"))
    assert (facts.account, facts.policy, facts.tags) == (None, None, None)


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:9000", "ftp://host", "http://"])
def test_what_is_no_address_is_refused_at_once(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is no URL; it reads like http://127\.0\.0\.1:9000"):
        HttpBackend(endpoint, KEY, SECRET, lambda: NOW)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as refused:
        HttpBackend("http://user:hidden@host/", KEY, SECRET, lambda: NOW)
    assert "hidden" not in str(refused.value)

"""HTTP requests and responses, as `wire`, `sigv4` and the backends use them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class HttpRequest:
    """An HTTP request as received, with its whole body. Not changed after it is made.

    `raw_path` and `query_string` are still percent-encoded, as the signature covers these characters (
    `query_string` has no leading `?`). `headers` has lower-case names; a header sent several times has
    its values joined with a comma. `source_ip` is the peer's address as text. `secure`: it was received over TLS.
    `body` of a signed `aws-chunked` upload is the raw framing, until `sigv4` has verified and decoded it.
    `gone` returns once the client has closed the connection; None where nobody tells.
    """

    method: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    secure: bool = False
    gone: Callable[[], Awaitable[None]] | None = None


@dataclass(slots=True, eq=False)
class HttpResponse:
    """An HTTP response. `headers` is ordered and may repeat a name; `body` may be a stream of chunks."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | AsyncIterable[bytes] = b""

"""Refuses what does not come from the console's own pages, and tells the browser what a page may do.

The gateway, on another port of the same address, serves other people's HTML out of buckets. A page from there is of
another origin, but of the same site: its requests carry the cookie of the console, SameSite or not. Therefore:

1. The Host is the console's own: no name that somebody else has made to point here (DNS rebinding).
2. Fetch Metadata Request Headers: where the browser tells that a request comes from another origin, it is refused,
   unless somebody goes to a page (W3C, "sec-fetch-site", "sec-fetch-mode").
3. What changes something is a POST with the console's own Origin and the token of the session's forms.
4. A page has no script but the console's files, is in no frame, sends forms nowhere else, and is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE: Final = frozenset({"GET", "HEAD"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
"""`none`: somebody typed the address, or opened it from a terminal."""
_POLICY: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """The middleware. `hosts` are the console's own values of the Host header."""

    def __init__(self, app: ASGIApp, hosts: Callable[[], Collection[str]]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope["method"], Headers(scope=scope))

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_POLICY)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if host not in self._hosts():
            return PlainTextResponse("This is not a name of the console.\n", 421)
        site = headers.get("sec-fetch-site", "none")
        goes_there = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        if site not in _OWN_SITES and not (goes_there and headers.get("sec-fetch-dest") == "document"):
            return PlainTextResponse("The console answers its own pages alone.\n", 403)
        if method not in SAFE and headers.get("origin") != f"http://{host}":
            return PlainTextResponse("The console takes the forms of its own pages alone.\n", 403)
        return None

"""Refuses what does not come from the console's own pages, and tells the browser what a page may do.

The gateway, on another port of the same address, serves other people's HTML out of buckets. A page from there is of
another origin, but of the same site: its requests carry the cookie of the console, SameSite or not. Therefore:

1. The Host is the console's own: no name that somebody else has made to point here (DNS rebinding).
2. Fetch Metadata Request Headers: where the browser tells that a request comes from another origin, it is refused,
   unless somebody goes to a page (W3C, "sec-fetch-site", "sec-fetch-mode").
3. What changes something is a POST with the console's own Origin and the token of the session's forms.
4. A page has no script but the console's files, is in no frame, sends forms nowhere else, and is not kept.
5. A cookie has no port: that page can set one of the same name for another path, whose session would be somebody
   else's. Of two nobody can tell which is the console's own, so that neither is taken, and the other one is removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE: Final = frozenset({"GET", "HEAD"})
COOKIE_PATH: Final = "/console"
_DEEPEST: Final = 8
"""Parts of a path, at most, for which cookies are removed: no page of the console has more."""
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


_log: Final = logging.getLogger("locum.console")


class Guard:
    """What stands before the whole application.

    `hosts` are the console's own values of the Host header, `cookie` is the name of its cookie.
    """

    def __init__(self, app: ASGIApp, hosts: Callable[[], Collection[str]], cookie: Callable[[], str]) -> None:
        self._app = app
        self._hosts = hosts
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_POLICY)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            await (refusal or self._app)(scope, receive, guarded)
        except Exception:  # the fault barrier: one page breaks, and has been answered so; the connection goes on
            _log.exception("the page %s broke", scope["path"])

    def _refusal(self, method: str, path: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if host not in self._hosts():
            return PlainTextResponse("This is not a name of the console.\n", 421)
        site = headers.get("sec-fetch-site", "none")
        goes_there = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        if site not in _OWN_SITES and not (goes_there and headers.get("sec-fetch-dest") == "document"):
            return PlainTextResponse("The console answers its own pages alone.\n", 403)
        if method not in SAFE and headers.get("origin") != f"http://{host}":
            return PlainTextResponse("The console takes the forms of its own pages alone.\n", 403)
        cookie = self._cookie()
        return _without_others(cookie, path) if _times(cookie, headers) > 1 else None


def _times(cookie: str, headers: Headers) -> int:
    """How often a request has a cookie of that name."""
    pairs = (pair for header in headers.getlist("cookie") for pair in header.split(";"))
    return sum(pair.partition("=")[0].strip() == cookie for pair in pairs)


def _without_others(cookie: str, path: str) -> PlainTextResponse:
    """Has the browser remove the cookies of that name that it sends to `path`, but for the console's own."""
    answer = PlainTextResponse("Another page has set a cookie of the console, which is removed. Load it again.\n", 400)
    parts = path.split("/")[:_DEEPEST]
    above = {"/".join(parts[:end]) + slash for end in range(1, len(parts) + 1) for slash in ("", "/")}
    for each in sorted(above - {"", COOKIE_PATH}):
        answer.delete_cookie(cookie, path=quote(each))
    return answer

"""Signing in and out: with a password and a code, with a link of `locum console`, and with federation's token.

IAM User Guide, "Enable custom identity broker access to the AWS console": `/federation?Action=getSigninToken` with the
credentials of a session, then `/federation?Action=login` with the token.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from locum.console.aws import CallFailed
from locum.console.guard import COOKIE_PATH
from locum.console.person import ROOT, SIGN_IN, Door, read_form, url
from locum.console.rendering import rendered
from locum.console.sessions import Note
from locum.core.clock import Clock, Entropy
from locum.core.errors import Fault
from locum.core.sign_in import Browser, CodeWanted, Password, SignedIn, SignInRefused

_FIELDS: Final = ("account", "user", "next", "as")
_FOR_A_CODE: Final = 120.0
"""Seconds that somebody has for the code after the password, which is kept so long."""
_PENDING: Final = 100
_FEDERATION: Final = "/federation"
_OTHERS: Final = frozenset({"same-site", "cross-site"})
"""What browsers tell of requests that pages of other origins make (Sec-Fetch-Site)."""
_TOO_LATE: Final = "Enter your password again: the code took too long."


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """What the pages tell of the console: `account` is filled in, `url` is the console's own."""

    region: str
    account: Callable[[], str]
    url: Callable[[], str]


class SignInPages:
    """The pages that need nobody to be signed in. `clock` is the wall clock (epoch seconds)."""

    def __init__(self, door: Door, place: OwnPlace, clock: Clock, entropy: Entropy) -> None:
        self._door = door
        self._place = place
        self._clock = clock
        self._entropy = entropy
        self._pending: OrderedDict[str, tuple[float, Password]] = OrderedDict()

    @property
    def routes(self) -> list[Route]:
        """Their paths."""
        return [
            Route(SIGN_IN, self.form, methods=["GET"]),
            Route(SIGN_IN, self.enter, methods=["POST"]),
            Route("/console/ticket", self.ticket, methods=["GET"]),
            Route("/console/sign-out", self.leave, methods=["POST"]),
            Route(_FEDERATION, self.federation, methods=["GET"]),
            Route(_FEDERATION, self.federated, methods=["POST"]),
            Route(url("password"), self.password, methods=["GET", "POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """The form of signing in."""
        return self._form({"account": self._place.account(), "next": request.query_params.get("next", "")})

    async def enter(self, request: Request) -> Response:
        """Sign in with what the form has. There is no session yet whose token it could have: see `guard`."""
        form = await read_form(request)
        given = {name: str(form.get(name, "")).strip() for name in _FIELDS}
        code = str(form.get("code", "")).replace(" ", "")
        shown = self._shown(given, str(form.get("password", "")), str(form.get("pending", "")), code)
        if shown is None:
            return self._form(given, _TOO_LATE, 403)
        if not shown.user and given["as"] != "root":
            return self._form(given, "Enter the name of your user.", 400)
        try:
            signed = await self._door.sign_in.with_password(shown, self._browser(request))
        except CodeWanted as wanted:
            return self._form(given | {"pending": self._keep(shown)}, wanted=str(wanted))
        except SignInRefused as refused:
            return self._form(given, str(refused), 403)
        return self._entered(RedirectResponse(_own_path(given["next"]), 303), request, signed)

    def _shown(self, given: dict[str, str], password: str, pending: str, code: str) -> Password | None:
        """What somebody shows: with a code, the password of before; None where that was too long ago."""
        if not pending:
            return Password(given["account"], "" if given["as"] == "root" else given["user"], password)
        until, before = self._pending.pop(pending, (0.0, None))
        return None if before is None or until < self._clock() else replace(before, code=code or "-")

    def _keep(self, shown: Password) -> str:
        name, now = self._entropy(32).hex(), self._clock()
        for other, (until, before) in list(self._pending.items()):
            if until < now or _same_user(before, shown):  # nobody fills the place of all others
                del self._pending[other]
        self._pending[name] = now + _FOR_A_CODE, shown
        if len(self._pending) > _PENDING:
            self._pending.popitem(last=False)
        return name

    async def ticket(self, request: Request) -> Response:
        """Sign in with the link that `locum console` opens."""
        return await self._by_ticket(request, request.query_params.get("ticket", ""), ROOT)

    async def leave(self, request: Request) -> Response:
        """Sign out."""
        session = self._door.session(request)
        form = await read_form(request)
        if session is not None and session.is_csrf(str(form.get("csrf", ""))):
            self._door.sessions.end(request.cookies.get(self._door.cookie(), ""))
            for signed in filter(None, (session.signed, session.base)):
                self._door.clients.forget(signed.keys)
        answer = RedirectResponse(SIGN_IN, 303)
        answer.delete_cookie(self._door.cookie(), path=COOKIE_PATH)
        return answer

    async def federation(self, request: Request) -> Response:
        """AWS's federation endpoint."""
        asked = request.query_params
        if asked.get("Action") == "getSigninToken":
            try:
                keys = json.loads(asked.get("Session", ""))
                token = self._door.sign_in.ticket_for({name: str(value) for name, value in keys.items()})
            except (ValueError, AttributeError, RecursionError):
                return JSONResponse({"message": "Session is JSON with sessionId, sessionKey and sessionToken."}, 400)
            except SignInRefused as refused:
                return JSONResponse({"message": str(refused)}, 400)
            return JSONResponse({"SigninToken": token})
        if asked.get("Action") == "login":
            token, destination = asked.get("SigninToken", ""), asked.get("Destination", "")
            if request.headers.get("sec-fetch-site") in _OTHERS:  # who has sent the person here chose as whom
                return HTMLResponse(rendered("federated.html", token=token, destination=destination))
            return await self._by_ticket(request, token, destination, federated=True)
        return JSONResponse({"message": "Action is getSigninToken or login."}, 400)

    async def federated(self, request: Request) -> Response:
        """Sign in with a token that another page has, once the person wants it."""
        form = await read_form(request)
        token, destination = str(form.get("token", "")), str(form.get("destination", ""))
        return await self._by_ticket(request, token, destination, federated=True)

    async def password(self, request: Request) -> Response:
        """The page on which somebody changes the own password, at first sign-in or later."""
        session = self._door.session(request)
        if session is None:
            return RedirectResponse(SIGN_IN, 303)
        return await self._door(self._change)(request)

    async def _change(self, person: Any) -> Response:
        session = person.session
        if person.request.method == "GET":
            return self._password_page(person)
        old, new = str(person.form.get("old", "")), str(person.form.get("new", ""))
        if new != str(person.form.get("again", "")):
            return self._password_page(person, "The two new passwords are not the same.")
        try:
            if session.signed.kind == "root":
                await self._door.sign_in.change_root_password(session.signed, old, new)
            else:
                await person.aws.change("iam", "change_password", OldPassword=old, NewPassword=new)
            if session.signed.must_change_password:
                session.signed = await self._door.sign_in.after_change(session.signed)
        except CallFailed as failed:
            return self._password_page(person, failed.message)
        except Fault as fault:
            return self._password_page(person, fault.message)
        except SignInRefused as refused:
            return self._password_page(person, str(refused))
        session.tell(Note("The password is changed.", tuple(person.aws.commands)))
        return RedirectResponse(ROOT, 303)

    def _password_page(self, person: Any, error: str = "") -> Response:
        answer: Response = person.page("password.html", 400 if error else 200, error=error)
        return answer

    async def _by_ticket(self, request: Request, ticket: str, destination: str, *, federated: bool = False) -> Response:
        """Sign in with a ticket, and go on by a page of the console's own, whose next request has the cookie."""
        try:
            signed = await self._door.sign_in.with_ticket(ticket, self._browser(request), federated=federated)
        except SignInRefused as refused:
            return self._form({"account": self._place.account()}, str(refused), 403)
        page = HTMLResponse(rendered("going_on.html", where=_own_path(_path(destination))))
        return self._entered(page, request, signed)

    def _entered(self, answer: Response, request: Request, signed: SignedIn) -> Response:
        """`answer` with the cookie of a new session; one that there was ends."""
        self._door.sessions.end(request.cookies.get(self._door.cookie(), ""))
        name = self._door.sessions.begin(signed, self._place.region)
        answer.set_cookie(self._door.cookie(), name, path=COOKIE_PATH, httponly=True, samesite="strict")
        return answer

    def _form(self, given: dict[str, str], error: str = "", status: int = 200, wanted: str = "") -> Response:
        values = dict.fromkeys((*_FIELDS, "pending"), "") | given
        return HTMLResponse(rendered("sign_in.html", given=values, error=error, wanted=wanted), status)

    def _browser(self, request: Request) -> Browser:
        host = "" if request.client is None else request.client.host
        return Browser(host, request.headers.get("user-agent", "")[:1024], self._place.url())


def _same_user(one: Password, other: Password) -> bool:
    return (one.account, one.user.lower()) == (other.account, other.user.lower())


def _path(destination: str) -> str:
    """The path of an address; none of what is no address."""
    try:
        return urlsplit(destination).path
    except ValueError:
        return ""


def _own_path(text: str) -> str:
    """`text` where it is the path of a page of the console; else that of the first page."""
    own = text.startswith(ROOT) and "//" not in text and "\\" not in text and ".." not in text
    return text if own and not text.startswith((SIGN_IN, "/console/ticket")) else ROOT

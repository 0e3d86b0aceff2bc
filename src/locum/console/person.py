"""The request of somebody who is signed in: their calls, their forms, and the pages that answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from locum.console.aws import Aws, CallFailed, Clients
from locum.console.guard import SAFE
from locum.console.port import LabDesk, SignIn
from locum.console.rendering import rendered
from locum.console.sessions import Note, Session, Sessions
from locum.core.clock import Clock

ROOT: Final = "/console/"
SIGN_IN: Final = "/console/sign-in"
LONGEST_FORM: Final = 1 << 20
"""Octets of a form: a policy has at most 20,480 characters, a template 51,200 octets."""
_FIELDS: Final = 200
_ENCODED: Final = "application/x-www-form-urlencoded"
"""How pages send forms. Multipart ones are not read: they name their character set, and some take minutes to decode."""


class Person:
    """Somebody who is signed in and asks for a page. `form` is what was sent with it, empty without one.

    `now` is the plane's clock (epoch seconds), `labs` gives what labs need of this machine.
    """

    def __init__(self, request: Request, session: Session, door: Door, form: FormData) -> None:
        self.request = request
        self.session = session
        self.form = form
        self.now = door.now
        self.labs = door.labs
        self.aws = Aws(door.clients, session.signed.keys, session.region)

    @property
    def path(self) -> Mapping[str, str]:
        """The parts of the path that name something."""
        return self.request.path_params

    def field(self, name: str, default: str = "") -> str:
        """The text of a field of the form, without space around it."""
        value = self.form.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def fields(self, name: str) -> list[str]:
        """The texts of all fields of that name that are not empty."""
        return [value.strip() for value in self.form.getlist(name) if isinstance(value, str) and value.strip()]

    def query(self, name: str, default: str = "") -> str:
        """A value in the query string."""
        return self.request.query_params.get(name, default).strip()

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """A page. It shows the notes of what was done before."""
        own = {"me": self.session, "notes": self.session.told(), "path": self.request.url.path}
        return HTMLResponse(rendered(template, **own, **values), status)

    def part(self, template: str, /, **values: Any) -> Response:
        """A part of a page, which htmx puts in place of another."""
        return HTMLResponse(rendered(template, me=self.session, path=self.request.url.path, **values))

    def done(self, text: str, where: str) -> Response:
        """Go to the page `where`, which tells what was done, with the commands of the AWS CLI for it."""
        self.session.tell(Note(text, tuple(self.aws.commands)))
        return RedirectResponse(where, 303)

    def done_without_a_word(self, where: str) -> Response:
        """Go to the page `where`, which tells what the session was told already."""
        return RedirectResponse(where, 303)

    def failed(self, failed: CallFailed, where: str) -> Response:
        """Go to the page `where`, which tells the error, and what was done before it."""
        if self.aws.commands:
            self.session.tell(Note("Before the error, this was done.", tuple(self.aws.commands)))
        self.session.tell(Note(failed.message, is_error=True, request_id=failed.request_id if failed.denied else ""))
        return RedirectResponse(where, 303)


View = Callable[[Person], Awaitable[Response]]


def url(*parts: str) -> str:
    """The address of a page of the console, each of `parts` quoted."""
    return ROOT + "/".join(quote(part, safe="") for part in parts)


class Door:
    """Makes an endpoint of a view: for those alone who are signed in, and with the token of their own forms."""

    def __init__(
        self, sessions: Sessions, clients: Clients, sign_in: SignIn, cookie: Callable[[], str], now: Clock,
        labs: LabDesk,
    ) -> None:  # fmt: skip
        self.sessions = sessions
        self.clients = clients
        self.sign_in = sign_in
        self.cookie = cookie
        self.now = now
        self.labs = labs

    def __call__(self, view: View) -> Callable[[Request], Awaitable[Response]]:
        return partial(self._enter, view)

    def session(self, request: Request) -> Session | None:
        """The session of a request."""
        return self.sessions.find(request.cookies.get(self.cookie(), ""))

    async def _enter(self, view: View, request: Request) -> Response:
        session = self.session(request)
        if session is None:
            return self._to_sign_in(request)
        form = FormData()
        if request.method not in SAFE:
            form = await read_form(request)
            if not session.is_csrf(str(form.get("csrf", ""))):
                return PlainTextResponse(
                    "This form is not of this session. Go back, load the page and try again.\n", 403
                )
        if session.signed.must_change_password and request.url.path != url("password"):
            return RedirectResponse(url("password"), 303)
        person = Person(request, session, self, form)
        try:
            return await view(person)
        except CallFailed as failed:
            return person.page("failed.html", failed.status, failed=failed)

    def _to_sign_in(self, request: Request) -> Response:
        if request.headers.get("hx-request"):
            return Response(status_code=204, headers={"hx-redirect": SIGN_IN})
        after = f"?next={quote(request.url.path, safe='/')}" if request.method in SAFE else ""
        return RedirectResponse(SIGN_IN + after, 303)


class FormTooLarge(Exception):
    """A form is larger than any page of the console sends."""


async def read_form(request: Request) -> FormData:
    """The fields of a form; none of what is encoded otherwise than those of the console. Raises FormTooLarge."""
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > LONGEST_FORM:
            raise FormTooLarge
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _ENCODED:
        return FormData()
    try:
        text = octets.decode("utf-8", "replace")
        return FormData([*parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS)])
    except ValueError as error:
        raise FormTooLarge from error

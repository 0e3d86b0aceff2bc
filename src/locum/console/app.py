"""The console as an ASGI application."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from locum.console.aws import Clients
from locum.console.guard import Guard
from locum.console.pages import ALL
from locum.console.pages.sign_in import OwnPlace, SignInPages
from locum.console.person import ROOT, Door, FormTooLarge
from locum.console.port import LabDesk, SignIn
from locum.console.sessions import Sessions
from locum.core.clock import Entropy, MovableClock

_STATIC: Final = Path(__file__).parent / "static"
_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the console is and what it is of: its port, the URL of the gateway, the region and the account.

    `labs` gives the way into instances, to one at a time.
    """

    port: Callable[[], int]
    endpoint: Callable[[], str]
    region: str
    account: Callable[[], str]
    labs: LabDesk
    models: Sequence[str] = ()


def console_app(place: Place, sign_in: SignIn, clock: MovableClock, entropy: Entropy) -> ASGIApp:
    """The application. `clock` is the plane's; `place.models` are folders of service models beside botocore's."""

    def cookie() -> str:
        return f"locum-console-{place.port()}"

    def hosts() -> Collection[str]:
        return {f"{host}:{place.port()}" for host in _HOSTS}

    clients = Clients(place.endpoint, place.models)
    door = Door(Sessions(clock.wall, entropy), clients, sign_in, cookie, clock, place.labs)
    own = OwnPlace(place.region, place.account, lambda: f"http://127.0.0.1:{place.port()}{ROOT}")
    signing = SignInPages(door, own, clock.wall, entropy)
    routes: list[BaseRoute] = [
        Mount("/console/static", StaticFiles(directory=_STATIC)),
        *signing.routes,
        *(Route(path, door(view), methods=[method]) for method, path, view in ALL),
        Route("/", _to_console),
        Route("/console", _to_console),
    ]
    pages = Starlette(routes=routes, exception_handlers={FormTooLarge: _too_large, Exception: _broken})
    return Guard(pages, hosts, cookie)


async def _to_console(_request: Request) -> Response:
    return RedirectResponse(ROOT, 307)


async def _too_large(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("This form is too large.\n", 413)


async def _broken(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("This page broke. The plane's log says how; the plane itself goes on.\n", 500)

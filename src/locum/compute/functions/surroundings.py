"""The surroundings of execution environments: closed or open, what of the host they may read, whom they reach."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from locum.core.programs import program

App = Any
"""An ASGI application."""

API_PORT: Final = 9001
"""The port of the Runtime API in a closed environment, as on Lambda; the next one that is free where it is not."""

TLS_PORT: Final = 443
"""The port of the gateway over TLS in a closed environment: that of HTTPS. CDK's handlers answer at the host of the
ResponseURL of a custom resource, whatever its scheme and port are."""

AUTHORITY: Final = "/etc/locum/authority.pem"
"""The certificate of the authority of that, in a closed environment."""

START: Final = program("locum.compute.functions.inside")
"""The command that makes the inside of an environment: the descriptor of a socket comes behind it."""


class Tls(NamedTuple):
    """The gateway over TLS: its port on the host's loopback address, and the certificate of its authority in PEM."""

    port: int
    authority: str


class Surroundings(NamedTuple):
    """The surroundings of all environments of a host.

    `hidden` are files and directories that no function sees, where `closed` environments can be made. Such a one
    reaches, on its own loopback address, the Runtime API, `apps` by their ports, what listens on `ports` of the host's
    loopback address, and the gateway over TLS, where there is one; an open one is on the host's network.
    """

    closed: bool = False
    hidden: tuple[str, ...] = ()
    apps: Callable[[], Mapping[int, App]] = dict
    ports: Callable[[], Collection[int]] = tuple
    tls: Callable[[], Tls | None] = lambda: None

    @property
    def relayed(self) -> dict[int, int]:
        """The ports of the host's that are reached in a closed environment, by the ports there."""
        tls = self.tls()
        secure = {} if tls is None else {TLS_PORT: tls.port, tls.port: tls.port}
        return {**secure, **{port: port for port in self.ports()}}

    @property
    def api_port(self) -> int:
        """The port of the Runtime API, which is none of the others."""
        taken = {*self.apps(), *self.relayed}
        return next(port for port in count(API_PORT) if port not in taken)

    def shown(self, places: Sequence[str]) -> list[str]:
        """Those of `places` that may be seen: none in which there is a home directory, or something that is hidden."""
        private = [Path.home(), *map(Path, self.hidden)]
        return [place for place in places if not any(it.is_relative_to(place) for it in private)]


async def can_close(around: Surroundings, places: Sequence[str]) -> bool:
    """Whether this user can make such environments: tried with one in which nothing of anybody's runs."""
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryDirectory(prefix="locum-function-") as root:
        closed = {
            "root": root,
            "own": {},
            "shown": around.shown(places),
            "hidden": around.hidden,
            "storage": 1,
            "ports": [],
        }
        ours.sendall(json.dumps({"closed": closed, "commands": [], "layers": [], "code": 0}).encode() + b"\n")
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *START, str(theirs.fileno()), stdin=quiet, stdout=quiet, stderr=quiet, pass_fds=(theirs.fileno(),)
        )
        return await process.wait() == 0

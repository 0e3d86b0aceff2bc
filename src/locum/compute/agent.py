"""`locum agent` while it runs: the metadata service and the gateway of a plane, served on another machine's sockets.

1. A metadata request is made again at the plane, as it came, over a connection with the agent's certificate. Its answer
   leaves with the hop limit that the plane tells.
2. A connection to the gateway is joined to one to the plane's, octet by octet. Nothing else is reached through it.
3. Where the plane is away, both look for it for PATIENCE seconds, so that a restart is a slow answer. Then a metadata
   request is answered 503, and a connection to the gateway is closed.
4. The certificate is renewed at the start, and when half of its time is over. Where the plane refuses the agent for
   good, the agent ends.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import Final

from locum.compute.agent_files import About, AgentFiles
from locum.compute.agent_plane import Address, AgentPlane, AgentRefused, Answer
from locum.compute.handover import PlaneAway
from locum.core.activation import GATEWAY, HOP_LIMIT, METADATA, METADATA_6, SERVER_NAME
from locum.core.clock import Clock
from locum.core.http import HttpResponse
from locum.http import asgi

RETRY: Final = 0.1
PATIENCE: Final = 5.0
AGAIN: Final = 5.0
"""Seconds between two tries: to reach the plane for a request, in all for that, and to renew."""

CONNECTIONS: Final = 512
"""Connections to the gateway at a time. Others are closed."""

_PIECE: Final = 1 << 16
_NOT_PASSED_ON: Final = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"content-length", b"expect"}
)
"""RFC 9110, section 7.6.1, and what belongs to a body: no metadata request has one."""
_NOT_PASSED_BACK: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "date", HOP_LIMIT.decode()})

_log: Final = logging.getLogger("locum.agent")


class Agent:
    """The agent with the identity in `files`, which was activated.

    `refusal` is set, with the reason, where the plane refuses it for good. `connections` are those to the gateway.
    `plane` is reached with the certificate that it has now.
    """

    def __init__(self, files: AgentFiles, clock: Clock, patience: float = PATIENCE) -> None:
        about = files.about()
        assert about is not None
        self._files = files
        self._about = about
        self._clock = clock
        self._patience = patience
        self.plane = self._reached()
        self.connections = 0
        self._trouble = ""
        self.refusal: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """Close the connections to the plane that are kept."""
        self.plane.close()

    # -- the certificate ----------------------------------------------------------------------------------

    async def keep_renewing(self) -> None:
        """Renew the certificate now, and whenever half of its time is over."""
        while True:  # noqa: ASYNC110 - a clock wakes nobody
            await asyncio.sleep(await self.renew())

    async def renew(self) -> float:
        """Renew the certificate; the seconds until that is to be done again."""
        try:
            issued = await asyncio.to_thread(self.plane.renew)
        except (PlaneAway, AgentRefused) as error:
            _log.warning("the certificate is not renewed: %s", error)
            self._note(error)
            if self._clock() >= self._about.ends:
                self._note(AgentRefused("its certificate has ended: activate the instance again", final=True))
            return AGAIN
        self._about = About(self._about.plane, issued.instance, issued.region, issued.ends)
        self._files.renew(self._about, issued.certificate)
        before, self.plane = self.plane, self._reached()
        before.close()
        return max((issued.ends - self._clock()) / 2, AGAIN)

    def _reached(self) -> AgentPlane:
        return AgentPlane(Address.parse(self._about.plane), self._files.authority, self._files.identity)

    def _note(self, error: Exception) -> None:
        if isinstance(error, AgentRefused) and error.final and not self.refusal.done():
            self.refusal.set_result(str(error))

    # -- the metadata service -----------------------------------------------------------------------------

    async def metadata(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """The ASGI application of the metadata service."""
        await self._answer(METADATA, scope, send)

    async def metadata_6(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """The same for the IPv6 endpoint."""
        await self._answer(METADATA_6, scope, send)

    async def _answer(self, protocol: str, scope: asgi.Scope, send: asgi.Send) -> None:
        if scope["type"] != "http":
            return
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name not in _NOT_PASSED_ON
        }
        try:
            answer = await self._asked(protocol, scope["method"], target, headers)
        except (PlaneAway, AgentRefused) as error:
            self._note(error)
            self._tell(str(error))
            answer = Answer(503, [("server", "EC2ws")], b"")
        else:
            self._tell("")
        told = {name.lower(): value for name, value in answer.headers}
        scope["state"]["limit_hops"](int(told.get(HOP_LIMIT.decode(), "0")))
        passed = [(name, value) for name, value in answer.headers if name.lower() not in _NOT_PASSED_BACK]
        await asgi.write(scope, send, HttpResponse(answer.status, passed, answer.body))

    def _tell(self, trouble: str) -> None:
        """Tell the user why metadata requests are answered 503, once, and when they are not any more."""
        if trouble and trouble != self._trouble:
            _log.warning("the metadata service answers 503: %s", trouble)
        elif self._trouble and not trouble:
            _log.warning("the metadata service answers again")
        self._trouble = trouble

    async def _asked(self, protocol: str, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        """The plane's answer, which is waited for while it restarts. Raises PlaneAway, AgentRefused."""
        until = self._clock() + self._patience
        while True:
            try:
                return await asyncio.to_thread(self.plane.ask, protocol, method, target, headers)
            except PlaneAway:
                if self._clock() >= until:
                    raise
            await asyncio.sleep(RETRY)

    # -- the gateway --------------------------------------------------------------------------------------

    async def gateway(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client's connection to one to the plane's gateway."""
        if self.connections >= CONNECTIONS:
            writer.transport.abort()
            return
        self.connections += 1
        try:
            await self._join(reader, writer)
        finally:
            self.connections -= 1

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            plane = await self._joined()
        except OSError as error:
            _log.warning("the gateway is not reached: %s", error)
            writer.transport.abort()
            return
        ways = [asyncio.create_task(_pass_on(reader, plane[1])), asyncio.create_task(_pass_on(plane[0], writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            plane[1].close()
            writer.close()

    async def _joined(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        until = self._clock() + self._patience
        while True:
            host, port = self.plane.address
            context = self.plane.context(GATEWAY)
            try:
                return await asyncio.open_connection(host, port, ssl=context, server_hostname=SERVER_NAME)
            except ssl.SSLError:
                raise
            except OSError:
                if self._clock() >= until:
                    raise
            await asyncio.sleep(RETRY)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what is read until its end, as fast as the other side takes it."""
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    except OSError:  # either side is gone
        return

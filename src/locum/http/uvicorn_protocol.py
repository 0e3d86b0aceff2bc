"""uvicorn's HTTP/1.1, and what is relied on of its inner life: all of it in this file, and checked when it is loaded.

uvicorn serves one application on sockets that are known at its start, and answers in two messages, each a write of its
own. Here applications come and go with their sockets, an answer goes out in one piece, and an application sets the hop
limit of what it sends. For that its protocol is subclassed, which it does not promise to bear.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from email.utils import formatdate
from typing import Any, Final, cast

from uvicorn import server
from uvicorn.config import Config
from uvicorn.protocols.http import flow_control, httptools_impl

from locum.core.reliance import Relied, require
from locum.http.joined_writes import LARGE, JoinedWrites, Outbox

WANTED: Final = "uvicorn>=0.54,<0.55"
"""As in pyproject.toml."""

_SERVE: Final = "to serve applications on sockets of our own"
_WHOLE: Final = "to send an answer in one piece"
_LIMIT: Final = "to limit the size of a request's head"

RELIED_ON: Final = {
    httptools_impl: (
        Relied("HttpToolsProtocol", _SERVE, takes=("config", "server_state", "app_state", "_loop")),
        Relied("HttpToolsProtocol", _SERVE, has=("app_state", "transport")),
        Relied("HttpToolsProtocol.connection_made", _SERVE, takes=("self", "transport")),
        Relied("HttpToolsProtocol.shutdown", _SERVE, takes=("self",)),
        Relied("HttpToolsProtocol.data_received", _LIMIT, takes=("self", "data")),
        Relied("HttpToolsProtocol.send_400_response", _LIMIT, takes=("self", "msg")),
        Relied("HttpToolsProtocol", _LIMIT, has=("scope",)),
        Relied("HttpToolsProtocol", _WHOLE, has=("flow",)),
        Relied("STATUS_LINE", _WHOLE),
        Relied("RequestResponseCycle.send", _WHOLE, takes=("self", "message")),
        Relied("RequestResponseCycle", _WHOLE, has=("response_started", "response_complete", "disconnected")),
        Relied("RequestResponseCycle", _WHOLE, has=("default_headers", "keep_alive", "waiting_for_100_continue")),
        Relied("RequestResponseCycle", _WHOLE, has=("message_event", "on_response")),
    ),
    flow_control: (Relied("FlowControl", _WHOLE, has=("write_paused",)),),
    server: (Relied("ServerState", _SERVE, has=("connections", "tasks", "default_headers")),),
}
"""By module. uvicorn's `Config` is public."""

for _module, _relied_on in RELIED_ON.items():
    require("uvicorn", WANTED, _module, _relied_on)

KEEP_ALIVE_SECONDS: Final = 75
MAX_HEAD: Final = 1 << 16
"""Octets of a request line and headers after which no end of them is waited for. Session tokens have up to 16 KiB."""


class HopLimitProtocol(httptools_impl.HttpToolsProtocol):
    """HTTP/1.1 that lets an application set the hop limit (IP TTL) of what it sends, and answer in one piece.

    The application finds `answer(send, ...)` and `limit_hops(n)` in `scope["state"]`. It calls the latter for
    each of its answers: 0 is the system's default. What was sent under a limit may yet be sent again, so the
    limit stays until the client has acknowledged all of it: who pipelines a request behind the PUT does not free
    the PUT's answer.
    """

    def __init__(
        self, config: Config, state: server.ServerState, outbox: Outbox, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(config, state, {}, loop)
        self._outbox = outbox

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self._outbox)))
        self.app_state = {"limit_hops": self._limit_hops, "answer": self._answer}
        self._limited = False
        self._default_hops = 0
        self._head_size = 0

    def data_received(self, data: bytes) -> None:
        """Parse `data`. Whoever sends headers without end, signed or not, would fill the memory with them."""
        super().data_received(data)
        scope: Any = self.scope  # made with the first line, complete with the last header
        if scope is None or "method" in scope:
            self._head_size = 0  # between requests, or in a body
        else:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD and not self.transport.is_closing():
                self.send_400_response("Request header fields too large.")

    def _answer(self, send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer in one piece: what `send` would do in two messages, at a quarter of the cost.

        `headers` have lower-case names and say how long `body` is; they can be sent as they are. False: nothing was
        done, because the client has to be waited for, or the body is too large to be copied.
        """
        cycle: httptools_impl.RequestResponseCycle = send.__self__  # with requests pipelined, not always `self.cycle`
        if self.flow.write_paused or cycle.response_started or len(body) > LARGE:
            return False
        if cycle.disconnected:
            return True
        lines = [httptools_impl.STATUS_LINE[status]]
        for name, value in (*cycle.default_headers, *headers):
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        lines.append(body)
        self.transport.write(b"".join(lines))
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    def _limit_hops(self, hops: int) -> None:
        if not hops and not self._limited:
            return
        cast("JoinedWrites", self.transport).flush()  # what was written before goes out under the limit it had
        raw: socket.socket | None = self.transport.get_extra_info("socket")
        if raw is None or raw.family != socket.AF_INET:
            return
        if hops:
            self._default_hops = self._default_hops or raw.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)
            raw.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
        elif unacknowledged(raw):
            return
        else:
            raw.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, self._default_hops)
        self._limited = bool(hops)


class Application:
    """An ASGI application with its connections, as uvicorn serves it over HTTP/1.1."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._config = Config(
            app,
            loop="none",
            lifespan="off",
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()
        self._state = server.ServerState()
        self._loop = loop
        self._outbox = Outbox(loop)
        self.tick()

    def protocol(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return HopLimitProtocol(self._config, self._state, self._outbox, self._loop)

    def tick(self) -> None:
        """Set the Date header of answers to now: once a second, not once a request."""
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]

    def shut_down(self) -> None:
        """End all connections, each when the request that is under way on it is answered."""
        for connection in list(self.connections):
            connection.shutdown()

    @property
    def connections(self) -> set[Any]:
        """The open connections: a protocol each."""
        return self._state.connections

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The requests that are under way."""
        return self._state.tasks


def unacknowledged(sock: socket.socket) -> int:
    """The octets that were sent on `sock` and not acknowledged by its peer. tcp(7), SIOCOUTQ."""
    found: int = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
    return found

"""The subclass of uvicorn's HTTP/1.1 protocol, with a check of uvicorn's internals that it uses.

uvicorn serves one application on sockets that are known at its start, and sends a response in two writes. Here sockets
are opened and closed with their applications, a response is one write, and an application can set the hop limit of its
responses. For that uvicorn's protocol is subclassed, which is no public interface.
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
from locum.http.joined_writes import LARGE, JoinedWrites, WriteQueue

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
"""The internals by module. uvicorn's `Config` is public."""

for _module, _relied_on in RELIED_ON.items():
    require("uvicorn", WANTED, _module, _relied_on)

KEEP_ALIVE_SECONDS: Final = 75
MAX_HEAD: Final = 1 << 16
"""The limit in octets for a request line and headers. Session tokens have up to 16 KiB."""


class HopLimitProtocol(httptools_impl.HttpToolsProtocol):
    """HTTP/1.1 with functions for an application to set the hop limit (IP TTL) and to send a response in one write.

    They are `limit_hops(n)` and `answer(send, ...)` in `scope["state"]`. An application that sets hop limits calls
    `limit_hops` for each response; 0 is the system's default. Segments may be retransmitted, so a limit stays until the
    client has acknowledged all octets: a request pipelined after the PUT does not lift the limit for the PUT's
    response.
    """

    def __init__(
        self, config: Config, state: server.ServerState, write_queue: WriteQueue, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(config, state, {}, loop)
        self._write_queue = write_queue

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self._write_queue)))
        self.app_state = {"limit_hops": self._limit_hops, "answer": self._send_whole}
        self._limited = False
        self._default_hops = 0
        self._head_size = 0

    def data_received(self, data: bytes) -> None:
        """Parse `data`. Headers are limited in size, as they are in memory before the request is authenticated."""
        super().data_received(data)
        scope: Any = self.scope  # made at the first line, complete at the last header
        if scope is None or "method" in scope:
            self._head_size = 0  # between requests, or in a body
        else:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD and not self.transport.is_closing():
                self.send_400_response("Request header fields too large.")

    def _send_whole(self, send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a response in one write, at a quarter of the cost of two messages by `send`.

        `headers` have lower-case names, valid values and the length of `body`. The result is False where nothing was
        done, because writing is paused or the body is too large to be copied.
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
        cast("JoinedWrites", self.transport).flush()  # what was written before is sent with the previous limit
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
    """An ASGI application that is served over HTTP/1.1, and its connections."""

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
        self._write_queue = WriteQueue(loop)
        self.tick()

    def protocol(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return HopLimitProtocol(self._config, self._state, self._write_queue, self._loop)

    def tick(self) -> None:
        """Set the Date header of responses. To be called once a second."""
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]

    def shut_down(self) -> None:
        """Close all connections, each after its request in progress."""
        for connection in list(self.connections):
            connection.shutdown()

    @property
    def connections(self) -> set[Any]:
        """The protocols of the open connections."""
        return self._state.connections

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The tasks of the requests in progress."""
        return self._state.tasks


def unacknowledged(sock: socket.socket) -> int:
    """The number of octets sent on `sock` and not acknowledged by its peer. tcp(7), SIOCOUTQ."""
    found: int = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
    return found

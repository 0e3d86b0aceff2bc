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
from heapq import nlargest
from typing import Any, Final, cast

from uvicorn import server
from uvicorn.config import Config
from uvicorn.protocols.http import flow_control, httptools_impl

from locum.core.reliance import Relied, require
from locum.http.asgi import TlsPeer
from locum.http.bodies import Pieces
from locum.http.joined_writes import LARGE, JoinedWrites, WriteQueue
from locum.http.patience import Patience, Phase, Watch
from locum.http.refusals import SLOW_DOWN, TIMED_OUT, Refusal, head_too_large, rendered

WANTED: Final = "uvicorn>=0.54,<0.55"
"""As in pyproject.toml."""

_SERVE: Final = "to serve applications on sockets of our own"
_WHOLE: Final = "to send an answer in one piece"
_LIMIT: Final = "to limit the size of a request's head"
_WAIT: Final = "to limit the waits for a client"

RELIED_ON: Final = {
    httptools_impl: (
        Relied("HttpToolsProtocol", _SERVE, takes=("config", "server_state", "app_state", "_loop")),
        Relied("HttpToolsProtocol", _SERVE, has=("app_state", "transport")),
        Relied("HttpToolsProtocol.connection_made", _SERVE, takes=("self", "transport")),
        Relied("HttpToolsProtocol.shutdown", _SERVE, takes=("self",)),
        Relied("HttpToolsProtocol.data_received", _LIMIT, takes=("self", "data")),
        Relied("HttpToolsProtocol", _LIMIT, has=("scope", "headers", "server_state")),
        Relied("HttpToolsProtocol.on_body", _LIMIT, takes=("self", "body")),
        Relied("HttpToolsProtocol._start_asgi_task", _WAIT, takes=("self", "cycle", "app")),
        Relied("HttpToolsProtocol.on_response_complete", _WAIT, takes=("self",)),
        Relied("HttpToolsProtocol.connection_lost", _WAIT, takes=("self", "exc")),
        Relied("HttpToolsProtocol", _WAIT, has=("cycle", "pipeline")),
        Relied("RequestResponseCycle", _WAIT, has=("more_body", "scope")),
        Relied("RequestResponseCycle", "to read a body without copies", has=("body",)),
        Relied("HttpToolsProtocol", _WHOLE, has=("flow",)),
        Relied("STATUS_LINE", _WHOLE),
        Relied("RequestResponseCycle.send", _WHOLE, takes=("self", "message")),
        Relied("RequestResponseCycle", _WHOLE, has=("response_started", "response_complete", "disconnected")),
        Relied("RequestResponseCycle", _WHOLE, has=("default_headers", "keep_alive", "waiting_for_100_continue")),
        Relied("RequestResponseCycle", _WHOLE, has=("message_event", "on_response")),
    ),
    flow_control: (
        Relied("FlowControl", _WHOLE, has=("write_paused",)),
        Relied("FlowControl", _WAIT, has=("read_paused",)),
        Relied("HIGH_WATER_LIMIT", _LIMIT),
    ),
    server: (Relied("ServerState", _SERVE, has=("connections", "tasks", "default_headers", "total_requests")),),
}
"""The internals by module. uvicorn's `Config` is public."""

for _module, _relied_on in RELIED_ON.items():
    require("uvicorn", WANTED, _module, _relied_on)

MAX_HEAD: Final = 1 << 16
"""The limit in octets for a request line and headers, and for what is no body after them: the framing of chunks, and
trailers. Session tokens have up to 16 KiB."""

_COPIED: Final = 1 << 12
"""Octets of a piece of a body that are copied at no cost worth saving."""

_CLOSED_AT_ONCE: Final = 32
"""Idle connections that are closed for a new one: more than one, as all have to be looked at to find them."""


_HOP_LIMITS: Final = {
    socket.AF_INET: (socket.IPPROTO_IP, socket.IP_TTL),
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
}
"""The socket option of the hop limit, by the address family. ip(7), ipv6(7)."""


_data_received: Final = httptools_impl.HttpToolsProtocol.data_received
"""Called for each request, for which `super()` takes longer."""


class HopLimitProtocol(httptools_impl.HttpToolsProtocol):
    """HTTP/1.1 with functions for an application to set the hop limit (IP TTL) and to send a response in one write.

    They are `limit_hops(n)` and `answer(send, ...)` in `scope["state"]`; of a connection by TLS `tls` is there, too, an
    `asgi.TlsPeer`. An application that sets hop limits calls
    `limit_hops` for each response; 0 is the system's default. Segments may be retransmitted, so a limit stays until the
    client has acknowledged all octets: a request pipelined after the PUT does not lift the limit for the PUT's
    response.
    """

    def __init__(self, config: Config, state: server.ServerState, shared: Shared) -> None:
        super().__init__(config, state, {}, shared.loop)
        self._shared = shared
        self._limited = False
        self._default_hops = self._head_size = self._received = 0
        self.watch = Watch()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self._shared.write_queue)))
        self.app_state = {"limit_hops": self._limit_hops, "answer": self._send_whole}
        if (tls := transport.get_extra_info("ssl_object")) is not None:
            self.app_state["tls"] = TlsPeer(tls.getpeercert(True), tls.selected_alpn_protocol())
        if not self._shared.admit(self):
            self._refuse(SLOW_DOWN)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._shared.connections.discard(self)
        super().connection_lost(exc)

    # -- limits of what a client sends, and of how long it takes ------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Parse `data`. Headers are limited in size, as they are in memory before the request is authenticated."""
        size = len(data)
        self._received += size
        self._head_size += size
        _data_received(self, data)
        scope: Any = self.scope  # made at the first line, complete at the last header
        if scope is None or ("method" in scope and not self.cycle.more_body):
            self._head_size = 0  # between requests
        elif self._head_size > MAX_HEAD and not self.transport.is_closing():
            self._refuse(head_too_large(MAX_HEAD))

    def on_chunk_header(self) -> None:
        """Keep the trailers of chunks apart. RFC 9110, section 6.5.1: they are not to be merged into headers."""
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Keep a piece of a body, which uvicorn would copy twice. (Nothing is upgraded to another protocol here.)"""
        self._head_size = 0
        cycle: Any = self.cycle
        if cycle.response_complete:
            return
        if not cycle.body and len(body) > _COPIED:
            cycle.body = Pieces()
        cycle.body += body
        if len(cycle.body) > flow_control.HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Have a request answered; where connections are drained it is the last one of its connection."""
        if self._shared.draining:
            cycle.keep_alive = False
        super()._start_asgi_task(cycle, app)

    def drain(self) -> None:
        """Close the connection after the answer that is under way, where its head is not sent yet."""
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_started:
            cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """Begin with the next request, if it has come. The wait for it is counted in ticks, not by a timer for each."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def tick(self, patience: Patience) -> None:
        """Count a second of what the connection is waiting for, and give the client up where that takes too long."""
        phase, subject, octets = self.waits_for()
        if self.watch.tick(phase, subject, octets, patience):
            self._give_up(phase)

    def waits_for(self) -> tuple[Phase, object, int]:
        """The phase that the connection is in, the request that it is about, and octets that tell progress."""
        cycle: Any = self.cycle
        scope: Any = self.scope
        if unread := self.transport.get_write_buffer_size():
            return Phase.READING, None, cast("JoinedWrites", self.transport).written - unread
        if scope is not None and "method" not in scope:
            return Phase.HEAD, scope, 0
        if cycle is None or (cycle.response_complete and not cycle.more_body):
            return Phase.SILENCE, None, self._received
        if cycle.response_complete:
            return Phase.DRAINING, cycle, 0
        if cycle.more_body and not self.flow.read_paused:
            return Phase.BODY, cycle, self._received
        return Phase.WORK, cycle, 0

    def _give_up(self, phase: Phase) -> None:
        cycle: Any = self.cycle
        if phase is Phase.SILENCE:
            self.transport.close()
        elif phase is Phase.HEAD:
            self._refuse(TIMED_OUT)
        elif phase is Phase.BODY and not cycle.response_started and not cycle.scope["state"].get("timed_out"):
            cycle.scope["state"]["timed_out"] = True  # for the application to answer
            cycle.keep_alive = False
            cycle.message_event.set()
            self.watch.ticks = 0
        else:
            self.transport.abort()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer before an application was asked, and close."""
        self.transport.write(rendered(refusal, self.server_state.default_headers))
        self.transport.close()

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
        if raw is None or raw.family not in _HOP_LIMITS:
            return
        option = _HOP_LIMITS[raw.family]
        if hops:
            self._default_hops = self._default_hops or raw.getsockopt(*option)
            raw.setsockopt(*option, hops)
        elif unacknowledged(raw):
            return
        else:
            raw.setsockopt(*option, self._default_hops)
        self._limited = bool(hops)


class Shared:
    """The properties that all connections of a process share. `draining`: each is closed after its next answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: Patience) -> None:
        self.loop = loop
        self.patience = patience
        self.draining = False
        self.write_queue = WriteQueue(loop)
        self.connections: set[HopLimitProtocol] = set()

    def admit(self, connection: HopLimitProtocol) -> bool:
        """Count `connection`. Where there are too many, those of which nothing was heard longest are closed first.

        False: there are too many, and all of them are being answered.
        """
        if len(self.connections) >= self.patience.connections:
            idle = [other for other in self.connections if other.waits_for()[0] in (Phase.SILENCE, Phase.HEAD)]
            for other in nlargest(_CLOSED_AT_ONCE, idle, key=lambda other: other.watch.ticks):
                self.connections.discard(other)
                other.transport.close()
            if not idle:
                return False
        self.connections.add(connection)
        return True


class Application:
    """An ASGI application that is served over HTTP/1.1, and its connections."""

    def __init__(self, app: Any, shared: Shared) -> None:
        self._config = Config(
            app,
            loop="none",
            lifespan="off",
            ws="none",
            interface="asgi3",
            log_config=None,
            log_level="error",  # no line for each malformed request, of which anybody can send as many as he likes
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        self._config.load()
        self._state = server.ServerState()
        self._shared = shared
        self.tick()

    def protocol(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return HopLimitProtocol(self._config, self._state, self._shared)

    def tick(self) -> None:
        """Set the Date header of responses, and count the waits of connections. To be called once a second."""
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        for connection in list(self.connections):
            connection.tick(self._shared.patience)

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

"""Serve ASGI applications on listening sockets that come and go while the process runs.

uvicorn's HTTP protocol does the work; its `Server` is for one application on sockets known at the start,
so the sockets are handed to the event loop here.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from email.utils import formatdate
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

KEEP_ALIVE_SECONDS: Final = 75
BACKLOG: Final = 1024
MAX_HEAD: Final = 1 << 16
"""Octets of a request line and headers after which no end of them is waited for. Session tokens have up to 16 KiB."""
_LARGE: Final = 1 << 16  # octets; a larger body is not copied for it


class Outbox:
    """What is to be sent when this turn of the event loop is over.

    A write to a socket wakes its reader, which costs more than all that `wire` does for an answer. So the
    answers of one turn are made first and then sent, one after the other: head and body of each in one piece.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[JoinedWrites] = []

    def add(self, writes: JoinedWrites) -> None:
        """Have `writes` sent at the end of the turn."""
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(writes)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for writes in waiting:
            writes.flush()


class JoinedWrites:
    """A transport whose writes of one turn of the loop are one."""

    def __init__(self, transport: asyncio.Transport, outbox: Outbox) -> None:
        self._transport = transport
        self._outbox = outbox
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send `data` at the end of the turn; at once, with what was held, where it is large."""
        if len(data) > _LARGE:
            self.flush()
            self._transport.write(data)
        elif data:
            if not self._pieces:
                self._outbox.add(self)
            self._pieces.append(data)

    def flush(self) -> None:
        """Send what is held."""
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self._transport.write(b"".join(pieces))

    def close(self) -> None:
        """Send what is held, then close."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the transport is closing or closed: asked for each request, so not left to `__getattr__`."""
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class HopLimitProtocol(HttpToolsProtocol):
    """HTTP/1.1 that lets an application set the hop limit (IP TTL) of what it sends, and answer in one piece.

    The application finds `answer(send, ...)` and `limit_hops(n)` in `scope["state"]`. It calls the latter for
    each of its answers: 0 is the system's default. What was sent under a limit may yet be sent again, so the
    limit stays until the client has acknowledged all of it: who pipelines a request behind the PUT does not free
    the PUT's answer.
    """

    def __init__(self, config: Config, state: ServerState, outbox: Outbox, loop: asyncio.AbstractEventLoop) -> None:
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
        cycle: RequestResponseCycle = send.__self__  # with requests pipelined, not always `self.cycle`
        if self.flow.write_paused or cycle.response_started or len(body) > _LARGE:
            return False
        if cycle.disconnected:
            return True
        lines = [STATUS_LINE[status]]
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


def unacknowledged(sock: socket.socket) -> int:
    """The octets that were sent on `sock` and not acknowledged by its peer. tcp(7), SIOCOUTQ."""
    found: int = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
    return found


class Listeners:
    """The open sockets of this process, each with its application and its connections."""

    def __init__(self) -> None:
        self._open: dict[socket.socket, tuple[asyncio.Server, ServerState]] = {}
        self._closing: list[ServerState] = []
        self._ticker: asyncio.TimerHandle | None = None

    async def open(self, sock: socket.socket, app: Any) -> None:
        """Serve `app` on the bound socket `sock`."""
        config = Config(
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
        config.load()
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        state = ServerState()
        state.default_headers = _date()
        outbox = Outbox(loop)

        def protocol() -> HopLimitProtocol:
            return HopLimitProtocol(config, state, outbox, loop)

        server = await loop.create_server(protocol, sock=sock, backlog=BACKLOG)
        self._open[sock] = (server, state)
        if self._ticker is None:
            self._tick()

    async def close(self, sock: socket.socket) -> None:
        """Stop serving on `sock`, and on the connections that it accepted: a request under way is finished."""
        if sock not in self._open:
            return
        server, state = self._open.pop(sock)
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        self._closing = [state, *(other for other in self._closing if other.tasks)]

    async def close_all(self) -> None:
        """Stop serving everywhere; requests under way are finished."""
        for sock in list(self._open):
            await self.close(sock)
        if self._ticker is not None:
            self._ticker.cancel()
        if tasks := [task for state in self._closing for task in state.tasks]:
            await asyncio.wait(tasks, timeout=5)

    def _tick(self) -> None:
        """Keep the Date header right: once a second, not once a request."""
        for _, state in self._open.values():
            state.default_headers = _date()
        self._ticker = asyncio.get_running_loop().call_later(1.0, self._tick)


def _date() -> list[tuple[bytes, bytes]]:
    return [(b"date", formatdate(usegmt=True).encode())]

"""The resolver inside an instance: DNS over UDP and TCP, on sockets of its network namespace, served by the launcher.

So names resolve while no plane runs, and a flood of queries costs the plane nothing. RFC 1035, section 4.2; RFC 7766.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from locum.compute.dns import LONGEST, Zone, answer

ADDRESS: Final = "127.0.0.1"
"""The one that C libraries ask where there is no resolv.conf (resolv.conf(5))."""
PORT: Final = 53
CONNECTIONS: Final = 32
"""The most clients over TCP at once; the one that waits longest makes room for another."""

_DATAGRAM: Final = 4096  # octets
_LENGTH: Final = 2


def listen() -> list[socket.socket]:
    """The sockets of a resolver in this process's network namespace: UDP and TCP. Raises OSError."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.bind((ADDRESS, PORT))
        return [udp, socket.create_server((ADDRESS, PORT))]
    except OSError:
        udp.close()
        raise


class Resolver:
    """Answers queries about `zone` on `sockets`, those of `listen`, in a thread of its own."""

    def __init__(self, sockets: Sequence[socket.socket], zone: Zone) -> None:
        self._zone = zone
        self._udp, self._tcp = sockets
        self._clients: dict[socket.socket, bytearray] = {}
        self._selector = selectors.DefaultSelector()

    def start(self) -> None:
        """Serve until the process ends: nothing of it outlives the launcher."""
        threading.Thread(target=self.serve, name="resolver", daemon=True).start()

    def serve(self) -> None:
        """Serve for ever."""
        for sock in (self._udp, self._tcp):
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                with suppress(OSError):  # of a client that has gone, or takes no answer
                    self._ready(key.fileobj)  # type: ignore[arg-type]

    def _ready(self, sock: socket.socket) -> None:
        if sock is self._udp:
            message, client = sock.recvfrom(_DATAGRAM)
            if told := answer(message, self._zone):
                sock.sendto(told, client)
        elif sock is self._tcp:
            self._accept(sock.accept()[0])
        else:
            try:
                ended = self._read(sock)
            except OSError:
                ended = True
            if ended:
                self._drop(sock)

    def _accept(self, client: socket.socket) -> None:
        if len(self._clients) >= CONNECTIONS:
            self._drop(next(iter(self._clients)))
        client.setblocking(False)
        self._clients[client] = bytearray()
        self._selector.register(client, selectors.EVENT_READ)

    def _read(self, client: socket.socket) -> bool:
        """Answer the messages that `client` has sent completely; whether it is done with. Raises OSError.

        An answer that does not go out at once is a client that sends without reading: it is done with, too.
        """
        received = self._clients.pop(client)
        self._clients[client] = received  # the last one that was heard of
        octets = client.recv(LONGEST)
        received += octets
        while len(received) >= _LENGTH:
            end = _LENGTH + int.from_bytes(received[:_LENGTH], "big")
            if len(received) < end:
                break
            told = answer(bytes(received[_LENGTH:end]), self._zone)
            del received[:end]
            if told is None or client.send(len(told).to_bytes(_LENGTH, "big") + told) != _LENGTH + len(told):
                return True
        return not octets

    def _drop(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._clients[client]
        client.close()

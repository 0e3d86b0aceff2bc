"""The bodies of requests while they are read, the memory for them, and the reasons why one is not read to its end."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, Final, Self

from locum.core.http import HttpRequest

_HELD: Final = "locum.held"


class BodyRefused(Exception):
    """The body is not read to its end. `request` is the request without it."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.method, request.raw_path)
        self.request = request


class BodyTooLarge(BodyRefused):
    """The body is over its limit."""


class BodyTimedOut(BodyRefused):
    """The body did not come in time."""


class TooManyBodies(BodyRefused):
    """There is no memory for the body: others have it."""


class Pieces:
    """The pieces of a body that wait to be read: used as the bytearray that uvicorn has, and copies nothing."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def __iadd__(self, piece: bytes) -> Self:
        self._pieces.append(piece)
        self._size += len(piece)
        return self

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Bodies:
    """The memory for bodies that come in more than one piece, of all requests of a process until they are answered.

    `limit` is in octets. Requests that name no known key may only use `free` of it, so that they leave some to others.
    """

    def __init__(self, limit: int = 1 << 31, free: int = 1 << 28) -> None:
        self._limit = limit
        self._free = free
        self.held = 0

    def hold(self, scope: MutableMapping[str, Any], octets: int, *, known: Callable[[], bool]) -> bool:
        """Take `octets` for the request of `scope`; False, and none taken, where there are not as many."""
        held = self.held + octets
        if held > self._free and (held > self._limit or not known()):
            return False
        self.held = held
        scope[_HELD] = scope.get(_HELD, 0) + octets
        return True

    def release(self, scope: MutableMapping[str, Any]) -> None:
        """Give back what the request of `scope` holds."""
        if _HELD in scope:
            self.held -= scope.pop(_HELD)

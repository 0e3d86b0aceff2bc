"""The aws-chunked encoding: a body in chunks, each with a signature over the signature before it.

S3 API Reference, "Signature calculations for the Authorization header: Transferring payload in multiple chunks"
and "... Including trailing headers":

    chunk   = hex-size [ ";chunk-signature=" signature ] CRLF data CRLF
    body    = 1*chunk, the last of size zero and without data
    trailer = 1*( name ":" value CRLF ) [ "x-amz-trailer-signature:" signature CRLF ] CRLF

1. A chunk's signature covers the signature before it (the first that of the request, the "seed"), so that no chunk
   can be altered, left out, repeated or moved; the chunk of size zero is signed too, so that none can be cut off.
2. The trailer is signed over the last chunk's signature.
3. With STREAMING-UNSIGNED-PAYLOAD-TRAILER neither is signed; there is only the trailing checksum.
4. The length must match x-amz-decoded-content-length (a signed header), and the trailer x-amz-trailer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.core.mac import HmacKey
from locum.sigv4 import checksums
from locum.sigv4.faults import Failure, Family, fault
from locum.sigv4.keys import ALGORITHM, EMPTY_SHA256, constant_time_equal, sign

MIN_CHUNK: Final = 8192
"""The smallest size in bytes of a chunk that is not the last with data."""
MAX_TRAILER: Final = 8192
"""The longest accepted trailer in bytes; S3 has this limit for a request's headers."""

SIGNED: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
MODES: Final = frozenset((SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER))

_TRAILER_SIGNATURE: Final = "x-amz-trailer-signature"
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?\r\n")
_CRLF: Final = b"\r\n"


class Seed(NamedTuple):
    """The state of the chain of signatures: signing key, date, scope and previous signature, at first the request's."""

    key: HmacKey
    date: str
    scope: str
    signature: str

    def after(self, signature: str) -> Seed:
        """The state after `signature`."""
        return self._replace(signature=signature)

    def of_chunk(self, data: bytes) -> str:
        """The signature of the next chunk."""
        return self._sign("PAYLOAD", EMPTY_SHA256, sha256(data).hexdigest())

    def of_trailer(self, lines: str) -> str:
        """The signature of the trailer: `name:value` and a line feed for each header."""
        return self._sign("TRAILER", sha256(lines.encode("utf-8", "surrogatepass")).hexdigest())

    def _sign(self, what: str, *hashes: str) -> str:
        return sign(self.key, "\n".join((f"{ALGORITHM}-{what}", self.date, self.scope, self.signature, *hashes)))


class _Chunk(NamedTuple):
    size: int
    signature: str
    data: bytes
    end: int


def decode(request: HttpRequest, mode: str, seed: Seed) -> bytes:
    """Decode the payload of `request`, and verify every signature and checksum. Raises Fault."""
    length = request.headers.get("x-amz-decoded-content-length", "")
    if not (length.isascii() and length.isdecimal()):
        raise _fault(Failure.NO_LENGTH)
    parts: list[bytes] = []
    chunk = _Chunk(MIN_CHUNK, "", b"", 0)
    for number, following in enumerate(_chunks(request.body, signed=mode != UNSIGNED_TRAILER), 1):
        if following.size and chunk.size < MIN_CHUNK:
            members = {"Chunk": str(number), "BadChunkSize": str(chunk.size)}
            raise fault(Failure.CHUNK_SIZE, Family.S3, members=members)
        chunk = following
        if mode != UNSIGNED_TRAILER:
            if not constant_time_equal(seed.of_chunk(chunk.data), chunk.signature):
                raise _fault(Failure.SIGNATURE)
            seed = seed.after(chunk.signature)
        parts.append(chunk.data)
    data = b"".join(parts)
    if len(data) != int(length):
        raise _fault(Failure.BODY_LENGTH)
    _check_trailer(request, mode, request.body[chunk.end :], seed, data)
    return data


def trailers(request: HttpRequest) -> dict[str, str]:
    """The trailing headers of a request that `decode` has accepted, without their signature."""
    end = 0
    for chunk in _chunks(request.body, signed=None):
        end = chunk.end
    found = _lines(request.body[end:])
    found.pop(_TRAILER_SIGNATURE, None)
    return found


def _chunks(body: bytes, *, signed: bool | None) -> Iterator[_Chunk]:
    """The chunks of `body`, including that of size zero. `signed`: whether they must be signed; None: either."""
    position = 0
    while True:
        line = _CHUNK.match(body, position)
        if line is None or (signed is not None and signed is not (line[2] is not None)):
            raise _fault(Failure.CUT_BODY)
        size, start = int(line[1], 16), line.end()
        end = start + size
        if size and body[end : end + 2] != _CRLF:
            raise _fault(Failure.CUT_BODY)
        position = end + 2 if size else end
        yield _Chunk(size, (line[2] or b"").decode(), body[start:end], position)
        if not size:
            return


def _check_trailer(request: HttpRequest, mode: str, rest: bytes, seed: Seed, data: bytes) -> None:
    """Verify what follows the last chunk: an empty line, or the headers that x-amz-trailer announced."""
    if mode == SIGNED:
        if rest != _CRLF:
            raise _fault(Failure.CUT_BODY)
        return
    found = _lines(rest)
    if mode == SIGNED_TRAILER:
        signature = found.pop(_TRAILER_SIGNATURE, "")
        lines = "".join([f"{name}:{value}\n" for name, value in found.items()])
        if not constant_time_equal(seed.of_trailer(lines), signature):
            raise _fault(Failure.SIGNATURE)
    announced = {name.strip().lower() for name in request.headers.get("x-amz-trailer", "").split(",")} - {""}
    if found.keys() != announced:
        raise _fault(Failure.TRAILER)
    for name, value in found.items():
        _check_checksum(name, value, data)


def _check_checksum(name: str, value: str, data: bytes) -> None:
    if not checksums.supported(name):
        raise _fault(Failure.TRAILER_NAME)
    if not checksums.well_formed(name, value):
        raise fault(Failure.CHECKSUM_VALUE, Family.S3, detail=name)
    if not checksums.matches(name, value, data):
        raise fault(Failure.CHECKSUM, Family.S3, detail=name.removeprefix("x-amz-checksum-").upper())


def _lines(rest: bytes) -> dict[str, str]:
    """The headers of a trailer. Its lines end in LF, with or without CR: SDKs differ."""
    if not rest.endswith(b"\n"):
        raise _fault(Failure.CUT_BODY)
    if len(rest) > MAX_TRAILER:
        raise _fault(Failure.TRAILER)
    found: dict[str, str] = {}
    for line in rest.decode("latin-1").split("\n"):
        name, colon, value = line.strip(" \t\r").partition(":")
        name = name.strip(" \t").lower()
        if not name and not colon:
            continue
        if not name or not colon or name in found:
            raise _fault(Failure.TRAILER)
        found[name] = value.strip(" \t")
    return found


def _fault(kind: Failure) -> Fault:
    return fault(kind, Family.S3)

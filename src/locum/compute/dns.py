"""The DNS messages of an instance whose AWS host names are this plane's: RFC 1035, section 4.

    a host name below a suffix    A: the address; any other type: no records (there is no IPv6)
    any other name                NXDOMAIN, as there is no other network
    a question that is none       FORMERR; another opcode than QUERY: NOTIMP

A question's name is labels only: a compression pointer (section 4.1.4) can only point to what comes before, of which
there is nothing, so that one is malformed and none is ever followed.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

LONGEST: Final = 65_535
"""Octets of a message over TCP (section 4.2.2)."""

_HEADER: Final = struct.Struct("!HHHHHH")
_LONGEST_NAME: Final = 255
_LONGEST_LABEL: Final = 63
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
"""RFC 1123, section 2.1, and underscores, which the oldest buckets have."""

_RESPONSE, _AUTHORITATIVE, _RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0100, 0x0080
_OPCODE: Final = 0x7800
_NO_ERROR, _FORMAT_ERROR, _NO_SUCH_NAME, _NOT_IMPLEMENTED = 0, 1, 3, 4
_A, _OPT, _ANY_TYPE = 1, 41, 255
_IN, _ANY_CLASS = 1, 255
_TTL: Final = 60  # seconds, as AWS's own endpoints have
_TO_THE_QUESTION: Final = b"\xc0\x0c"
"""A pointer to octet 12, where the question's name is."""
_OPTIONS: Final = struct.pack("!BHHIH", 0, _OPT, 1232, 0, 0)
"""RFC 6891, section 6.1: EDNS version 0, by which a client knows that its own was understood."""


class Zone(NamedTuple):
    """The names below `suffixes` (lower case, without a dot in front), all of which have one IPv4 address."""

    suffixes: Sequence[str]
    address: str

    def has(self, name: str) -> bool:
        """Whether a lower-case name is a host name below one of the suffixes."""
        return _HOST.fullmatch(name) is not None and any(name.endswith(f".{suffix}") for suffix in self.suffixes)


class _Question(NamedTuple):
    name: str
    type: int
    group: int
    end: int
    """The octet after it."""


def answer(message: bytes, zone: Zone) -> bytes | None:
    """The response to a query; None where `message` is not even one that can be refused."""
    if len(message) < _HEADER.size:
        return None
    identifier, flags, questions, *_ = _HEADER.unpack_from(message)
    if flags & _RESPONSE:  # two servers would answer one another without end
        return None
    if flags & _OPCODE:
        return _response(identifier, flags, _NOT_IMPLEMENTED)
    question = _question(message) if questions == 1 else None
    if question is None:
        return _response(identifier, flags, _FORMAT_ERROR)
    asked = message[_HEADER.size : question.end]
    options = _OPTIONS if message[question.end : question.end + 3] == _OPTIONS[:3] else b""
    if not zone.has(question.name) or question.group not in (_IN, _ANY_CLASS):
        code = _NO_ERROR if question.name in zone.suffixes else _NO_SUCH_NAME
        return _response(identifier, flags, code, asked, options=options)
    record = b""
    if question.type in (_A, _ANY_TYPE):
        record = _TO_THE_QUESTION + struct.pack("!HHIH", _A, _IN, _TTL, 4) + socket.inet_aton(zone.address)
    return _response(identifier, flags, _NO_ERROR, asked, record, options)


def _response(
    identifier: int, flags: int, code: int, question: bytes = b"", record: bytes = b"", options: bytes = b""
) -> bytes:
    flags = flags & (_OPCODE | _RECURSION_DESIRED) | _RESPONSE | _AUTHORITATIVE | _RECURSION_AVAILABLE | code
    counts = bool(question), bool(record), 0, bool(options)
    return _HEADER.pack(identifier, flags, *counts) + question + record + options


def _question(message: bytes) -> _Question | None:
    """The first question of a message; None where it is malformed."""
    labels: list[str] = []
    at = _HEADER.size
    while at < len(message) and (length := message[at]):
        label = message[at + 1 : at + 1 + length]
        if length > _LONGEST_LABEL or len(label) < length or at + 2 + length - _HEADER.size > _LONGEST_NAME:
            return None
        labels.append(label.decode("latin-1").lower() if b"." not in label else "\0")
        at += 1 + length
    end = at + 5
    if end > len(message):
        return None
    kind, group = struct.unpack_from("!HH", message, at + 1)
    return _Question(".".join(labels), kind, group, end)

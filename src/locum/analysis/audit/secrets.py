"""The check for long-lived access keys, with their secrets, where a role belongs. No secret is ever told.

IAM User Guide, "IAM identifiers": AKIA begins the id of an access key. A secret access key has 40 characters of base64.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from locum.analysis.audit.evidence import Evidence, Exposed
from locum.analysis.audit.finding import Finding, finding
from locum.analysis.audit.unused import deactivation
from locum.state import AccessKey, State, User
from locum.state.indexes import ACCESS_KEY_ID

_KEY: Final = re.compile(rb"(?<![A-Z0-9])AKIA[A-Z0-9]{16}(?![A-Z0-9])")
_SECRET: Final = re.compile(rb"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{64,}={0,2}")
_WORD: Final = re.compile(rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,96}={0,2}(?![A-Za-z0-9+/=_-])")
_HEX: Final = re.compile(rb"[0-9a-fA-F]{40}")
_GZIP: Final = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
"""The beginnings of gzip (RFC 1952) and zlib (RFC 1950, as in Git's objects)."""

_ZIP: Final = b"PK\x03\x04"

LARGEST: Final = 16 << 20
"""Octets of a text that are looked at, also once it is unpacked."""

MOST: Final = 4 * LARGEST
"""Octets of all layers of a text that are looked at."""

_LAYERS: Final = 3
"""How often something is unpacked: base64 in gzip in base64."""

_MEMBERS: Final = 1000
"""Members of a ZIP archive that are looked at."""

_WRAPPED: Final = re.compile(rb"(?<=[A-Za-z0-9+/])\r?\n(?=[A-Za-z0-9+/=])")


class Look(NamedTuple):
    """The ids of the access keys in a content that has secrets, too. `whole`: all of it was looked at."""

    keys: frozenset[str]
    whole: bool


def long_lived_keys(evidence: Evidence) -> Iterator[Finding]:
    """The access keys that were found with their secrets."""
    for exposed in evidence.exposed:
        yield from findings_of(exposed, evidence.state)


def findings_of(exposed: Exposed, state: State | None = None) -> Iterator[Finding]:
    """The findings of what has access keys in it."""
    for key_id in exposed.keys:
        key = None if state is None else state.first(AccessKey, ACCESS_KEY_ID, key_id)
        user = None if key is None or state is None else state.get(User, key.account, key.user)
        name = "" if user is None else user.name
        ours = key is not None and key.active and key.account == exposed.account
        whose = "" if key is None else f" of {name or 'the root user'} in {key.account}"
        what = f"The access key {key_id}{whose} is in {exposed.where}, with its secret."
        fixes = (deactivation(key, name),) if ours and key is not None else ()
        told = f"{exposed.where} {key_id}"
        yield finding("long-lived-key", exposed.account, exposed.resource, what, key=told, fixes=fixes)


def look(content: bytes) -> Look:
    """Look for access keys in `content` and in what is packed in it, in layers that have a secret as well."""
    found: set[str] = set()
    unpacking = _Unpacking()
    for layer in unpacking.layers(content[:LARGEST], _LAYERS):
        keys = {key.decode() for key in _KEY.findall(layer)}
        if keys and any(_is_secret(one) for one in _SECRET.findall(layer)):
            found |= keys
    return Look(frozenset(found), unpacking.left > 0 and not unpacking.cut and len(content) <= LARGEST)


def _is_secret(candidate: bytes) -> bool:
    """Whether 40 characters may be a secret: of letters of both cases and digits, and no digest in hexadecimal."""
    if _HEX.fullmatch(candidate):
        return False
    return any(c in candidate for c in b"0123456789") and candidate.upper() != candidate != candidate.lower()


class _Unpacking:
    """Unpacks contents, up to `left` octets in all. `cut`: something has more in it than is unpacked."""

    def __init__(self) -> None:
        self.left = MOST
        self.cut = False

    def layers(self, content: bytes, depth: int) -> Iterator[bytes]:
        """`content`, and what is packed in it: gzip, zlib, ZIP, base64 (also in lines, or word by word), UTF-16."""
        self.left -= len(content)
        if self.left <= 0:
            return
        yield content
        for inner in self._packed(content) if depth else ():
            if inner:
                yield from self.layers(inner, depth - 1)
            if self.left <= 0:
                return

    def _inflated(self, content: bytes) -> bytes:
        """What is in gzip or zlib, in all members of it. What is damaged has nothing in it."""
        found, size = [], 0
        try:
            while content and size < LARGEST:
                inflating = zlib.decompressobj(wbits=47)  # 32 + 15: either header
                found.append(inflating.decompress(content, LARGEST - size))
                size += len(found[-1])
                self.cut = self.cut or bool(inflating.unconsumed_tail)
                content = inflating.unused_data
        except zlib.error:
            pass  # the end of the members, or damage
        return b"".join(found)

    def _packed(self, content: bytes) -> Iterator[bytes]:
        if content.startswith(_GZIP):
            yield self._inflated(content)
        if content.startswith(_ZIP):
            yield from _members(content)
        if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content[1:2] == b"\0":
            yield content.replace(b"\0", b"")
        words = [inner for word in _WORD.findall(content) if (inner := _decoded(word)).isascii()]
        if len(words) > 1:  # a key and its secret, each by itself, as Kubernetes has them
            yield b"\n".join(words)
        for packed in dict.fromkeys(_BASE64.findall(_WRAPPED.sub(b"", content))):
            yield _decoded(packed)


def _members(content: bytes) -> Iterator[bytes]:
    left = LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist()[:_MEMBERS]:
                with archive.open(entry) as member:
                    read = member.read(left)
                left -= len(read)
                yield read
                if left <= 0:
                    return
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        return  # damaged, encrypted, or packed in a way that is not known


def _decoded(packed: bytes) -> bytes:
    text = packed.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""


CHECKS: Final = (long_lived_keys,)

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
from typing import Final

from locum.analysis.audit.evidence import Evidence, Text
from locum.analysis.audit.finding import Finding, finding
from locum.analysis.audit.unused import deactivation
from locum.state import AccessKey, State
from locum.state.indexes import ACCESS_KEY_ID

_KEY: Final = re.compile(rb"(?<![A-Z0-9])AKIA[A-Z0-9]{16}(?![A-Z0-9])")
_SECRET: Final = re.compile(rb"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{64,}={0,2}")
_HEX: Final = re.compile(rb"[0-9a-fA-F]{40}")
_GZIP: Final = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
"""The beginnings of gzip (RFC 1952) and zlib (RFC 1950, as in Git's objects)."""

_ZIP: Final = b"PK\x03\x04"

LARGEST: Final = 16 << 20
"""Octets of a text that are looked at, also once it is unpacked."""

_LAYERS: Final = 3
"""How often something is unpacked: base64 in gzip in base64."""

_MEMBERS: Final = 1000
"""Members of a ZIP archive that are looked at."""

_WRAPPED: Final = re.compile(rb"(?<=[A-Za-z0-9+/])\r?\n(?=[A-Za-z0-9+/=])")


def long_lived_keys(evidence: Evidence) -> Iterator[Finding]:
    """The access keys in the texts that were read."""
    for text in evidence.texts:
        yield from in_text(text, evidence.state)


def in_text(text: Text, state: State | None = None) -> Iterator[Finding]:
    """The access keys in a text whose secrets are there, too."""
    for key_id in sorted(keys_in(text.content)):
        key = None if state is None else state.first(AccessKey, ACCESS_KEY_ID, key_id)
        fixes = () if key is None or not key.active or key.account != text.account else (deactivation(key),)
        whose = "" if key is None else f" of {key.user or 'the root user'} in {key.account}"
        what = f"The access key {key_id}{whose} is in {text.where}, with its secret."
        yield finding("long-lived-key", text.account, text.resource, what, key=f"{text.where} {key_id}", fixes=fixes)


def keys_in(content: bytes) -> set[str]:
    """The ids of access keys in `content` and in what is packed in it, in layers that have a secret as well."""
    found: set[str] = set()
    for layer in _layers(content[:LARGEST], _LAYERS):
        keys = {key.decode() for key in _KEY.findall(layer)}
        if keys and any(_is_secret(one) for one in _SECRET.findall(layer)):
            found |= keys
    return found


def _is_secret(candidate: bytes) -> bool:
    """Whether 40 characters may be a secret: of letters of both cases and digits, and no digest in hexadecimal."""
    if _HEX.fullmatch(candidate):
        return False
    return any(c in candidate for c in b"0123456789") and candidate.upper() != candidate != candidate.lower()


def _layers(content: bytes, depth: int) -> Iterator[bytes]:
    """`content`, and what is packed in it: gzip, zlib, ZIP, base64 (also in lines), UTF-16."""
    yield content
    if not depth:
        return
    if content.startswith(_GZIP):
        yield from _layers(_inflated(content), depth - 1)
    if content.startswith(_ZIP):
        for member in _members(content):
            yield from _layers(member, depth - 1)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content[1:2] == b"\0":
        yield from _layers(content.replace(b"\0", b""), depth - 1)
    for packed in dict.fromkeys(_BASE64.findall(_WRAPPED.sub(b"", content))):
        inner = _decoded(packed)
        if inner:
            yield from _layers(inner, depth - 1)


def _inflated(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=47).decompress(content, LARGEST)  # 32 + 15: either header
    except zlib.error:
        return b""


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

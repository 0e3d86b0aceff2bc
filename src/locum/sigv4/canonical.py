"""The canonical request: what was signed, written down again from what arrived.

IAM User Guide, "Create a signed AWS API request", step 1:

    <HTTPMethod>\n<CanonicalURI>\n<CanonicalQueryString>\n<CanonicalHeaders>\n<SignedHeaders>\n<HashedPayload>

A path and a query can be spelled in several ways. These are tried in turn:

1. As sent: the client signed the very characters that it sent. Every SDK does, as they encode canonically.
2. Outside S3, as sent, save that several slashes of the path in a row are one ("redundant path components").
3. As AWS spells it: decoded, and encoded again, with everything but A-Z a-z 0-9 - . _ ~ as %XX in upper case;
   `+` in a query is a space; slashes as before.

"Each path segment must be URI-encoded twice (except for Amazon S3 which only gets URI-encoded once)": outside S3
the path of the HTTP request, encoded once already, is encoded once more.

Not done: AWS also resolves `.` and `..` in the path before it compares, and SDKs before they sign. A request could
then be led to another resource by whoever carries it. Such a path verifies as sent, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, unquote_to_bytes

_PLAIN: Final = re.compile(r"[A-Za-z0-9\-._~/]*")
_SPACES: Final = re.compile(r"[ \t]+")
_SLASHES: Final = re.compile(r"/{2,}")


def octets(text: str) -> bytes:
    """The bytes of a part of a request. Parts come decoded as Latin-1, a character a byte; others as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def as_sent(raw_path: str, query_string: str, *, twice: bool, presigned: bool) -> tuple[str, str]:
    """The canonical URI and the canonical query string of the very characters that were sent: the first spelling.

    `twice`: the path is encoded once more. `presigned`: X-Amz-Signature is no part of what was signed.
    """
    return path_as_sent(raw_path, twice=twice), query_as_sent(query_string, presigned=presigned)


def respelled(raw_path: str, query_string: str, *, twice: bool, presigned: bool) -> Iterator[tuple[str, str]]:
    """The other spellings that count, the likelier first."""
    query = query_as_sent(query_string, presigned=presigned)
    if twice and "//" in raw_path:
        yield path_as_sent(_SLASHES.sub("/", raw_path), twice=True), query
    path = quote(unquote_to_bytes(octets(raw_path)), safe="/~")
    if twice:
        path = quote(_SLASHES.sub("/", path), safe="/~")
    yield path or "/", _query_respelled(query_string, presigned=presigned)


def path_as_sent(raw_path: str, *, twice: bool) -> str:
    """The canonical URI of a path as sent, encoded once more where `twice`."""
    if not twice or _PLAIN.fullmatch(raw_path):
        return raw_path or "/"
    return quote(octets(raw_path), safe="/~")


def query_as_sent(query_string: str, *, presigned: bool) -> str:
    """The canonical query string: pairs in order of name, then of value, as sent. A name alone gets its `=`."""
    if not query_string:
        return ""
    pairs = [pair.partition("=") for pair in query_string.split("&")]
    return _joined((name, value) for name, _, value in pairs if not (presigned and _is_signature(name)))


def _query_respelled(query_string: str, *, presigned: bool) -> str:
    """The canonical query string in AWS's spelling. Empty pairs are no pairs."""
    pairs = [pair.partition("=") for pair in query_string.split("&") if pair]
    return _joined(
        (_respelled(name), _respelled(value)) for name, _, value in pairs if not (presigned and _is_signature(name))
    )


def header_lines(headers: Mapping[str, str], names: Sequence[str]) -> str:
    """The canonical headers: `name:value` and a line feed each. A header that is not there has an empty value."""
    lines = "".join([f"{name}:{headers.get(name, '')}\n" for name in names])
    if "  " not in lines and ": " not in lines and " \n" not in lines and "\t" not in lines:
        return lines  # nothing to fold, as almost always
    return "".join([f"{name}:{_folded(headers.get(name, ''))}\n" for name in names])


def parameter(text: str) -> str:
    """A name or value of a query string, decoded."""
    if "%" not in text and "+" not in text:
        return text
    return unquote_to_bytes(octets(text.replace("+", " "))).decode("utf-8", "replace")


def _is_signature(name: str) -> bool:
    return name.endswith("e") and parameter(name) == "X-Amz-Signature"


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)])


def _respelled(text: str) -> str:
    return quote(unquote_to_bytes(octets(text.replace("+", " "))), safe="~")


def _folded(value: str) -> str:
    """Without spaces before and after; "sequential spaces" become one."""
    if "  " in value or "\t" in value or value[:1] == " " or value[-1:] == " ":
        return _SPACES.sub(" ", value.strip(" \t"))
    return value

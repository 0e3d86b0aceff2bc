"""The canonical request of AWS Signature Version 4, rebuilt from a received request.

IAM User Guide, "Create a signed AWS API request", step 1:

    <HTTPMethod>\n<CanonicalURI>\n<CanonicalQueryString>\n<CanonicalHeaders>\n<SignedHeaders>\n<HashedPayload>

A path and a query have several encodings. These are tried in turn:

1. As sent: the client signed the characters that it sent. Every SDK does, as they encode canonically.
2. Outside S3, as sent, but with repeated slashes of the path merged ("redundant path components").
3. Normalised: decoded, and encoded again, with everything but A-Z a-z 0-9 - . _ ~ as %XX in upper case;
   `+` in a query is a space; slashes as in 2.

"Each path segment must be URI-encoded twice (except for Amazon S3 which only gets URI-encoded once)": outside S3
the path of the HTTP request, encoded once already, is encoded once more.

Difference from AWS: AWS also resolves `.` and `..` in the path before it compares, and SDKs before they sign. An
intermediary could then redirect a request to another resource. Here such a path verifies as sent, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, unquote_to_bytes

_PLAIN: Final = re.compile(r"[A-Za-z0-9\-._~/]*")
_SPACES: Final = re.compile(r"[ \t]+")
_SLASHES: Final = re.compile(r"/{2,}")
_ROOT: Final = ("/", "")
"""The encoding of most requests outside S3."""


def octets(text: str) -> bytes:
    """The bytes of a part of a request, which is decoded as Latin-1; other text is encoded as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def as_sent(raw_path: str, query_string: str, *, double_encode: bool, presigned: bool) -> tuple[str, str]:
    """The canonical URI and the canonical query string of the characters as sent: the first encoding.

    `double_encode`: the path is encoded once more. `presigned`: X-Amz-Signature is not part of the canonical query.
    """
    if raw_path == "/" and not query_string:
        return _ROOT
    return path_as_sent(raw_path, double_encode=double_encode), query_as_sent(query_string, presigned=presigned)


def normalised(raw_path: str, query_string: str, *, double_encode: bool, presigned: bool) -> Iterator[tuple[str, str]]:
    """The other accepted encodings of URI and query string, the likelier first."""
    query = query_as_sent(query_string, presigned=presigned)
    if double_encode and "//" in raw_path:
        yield path_as_sent(_SLASHES.sub("/", raw_path), double_encode=True), query
    path = quote(unquote_to_bytes(octets(raw_path)), safe="/~")
    if double_encode:
        path = quote(_SLASHES.sub("/", path), safe="/~")
    yield path or "/", _query_normalised(query_string, presigned=presigned)


def path_as_sent(raw_path: str, *, double_encode: bool) -> str:
    """The canonical URI of a path as sent, encoded once more where `double_encode`."""
    if not double_encode or _PLAIN.fullmatch(raw_path):
        return raw_path or "/"
    return quote(octets(raw_path), safe="/~")


def query_as_sent(query_string: str, *, presigned: bool) -> str:
    """The canonical query string as sent: pairs in order of name, then of value; `name` becomes `name=`."""
    if not query_string:
        return ""
    pairs = [pair.partition("=") for pair in query_string.split("&")]
    return _joined((name, value) for name, _, value in pairs if not (presigned and _is_signature(name)))


def _query_normalised(query_string: str, *, presigned: bool) -> str:
    """The canonical query string in normalised encoding. Empty pairs are ignored."""
    pairs = [pair.partition("=") for pair in query_string.split("&") if pair]
    return _joined(
        (_normalised(name), _normalised(value)) for name, _, value in pairs if not (presigned and _is_signature(name))
    )


def header_lines(headers: Mapping[str, str], names: Sequence[str]) -> str:
    """The canonical headers: `name:value` and a line feed each. An absent header has an empty value."""
    lines = "".join([f"{name}:{headers.get(name, '')}\n" for name in names])
    if "  " not in lines and ": " not in lines and " \n" not in lines and "\t" not in lines:
        return lines  # nothing to fold, as almost always
    return "".join([f"{name}:{_folded(headers.get(name, ''))}\n" for name in names])


def parameter(text: str) -> str:
    """Decode a name or value of a query string."""
    if "%" not in text and "+" not in text:
        return text
    return unquote_to_bytes(octets(text.replace("+", " "))).decode("utf-8", "replace")


def _is_signature(name: str) -> bool:
    return name.endswith("e") and parameter(name) == "X-Amz-Signature"


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)])


def _normalised(text: str) -> str:
    return quote(unquote_to_bytes(octets(text.replace("+", " "))), safe="~")


def _folded(value: str) -> str:
    """Trim `value`, and replace "sequential spaces" by one."""
    if "  " in value or "\t" in value or value[:1] == " " or value[-1:] == " ":
        return _SPACES.sub(" ", value.strip(" \t"))
    return value

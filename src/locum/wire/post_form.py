"""Parsing of S3's POST uploads: the multipart/form-data that a browser sends for a form with a file.

S3 API Reference, "POST Object": field names are case-insensitive; "the file or content must be the last field in the
form", and what follows it is ignored; fields before it may take 20 KB. RFC 7578 and RFC 2046, section 5.1.1, have the
syntax, which is read strictly: what one parser takes for a field, no other may take for a part of the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message
from typing import Final, NamedTuple
from urllib.parse import unquote

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.wire.parsers.s3 import s3_address

MAX_FIELDS: Final = 20_480
"""The largest size of all that precedes the file, in octets."""

FILE: Final = "file"
FILENAME: Final = "${filename}"

_TYPE: Final = "multipart/form-data"
_OF_OTHER_SERVICES: Final = ("authorization", "x-amz-target", "smithy-protocol")
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_DISPOSITION: Final = re.compile(
    r"form-data((?:\s*;\s*[a-z*]+=(?:\"(?:[^\"\\\r\n]|\\.)*\"|[^\s;\"]+))*)\s*", re.IGNORECASE
)
_PARAMETER: Final = re.compile(r";\s*([a-z*]+)=(?:\"((?:[^\"\\\r\n]|\\.)*)\"|([^\s;\"]+))", re.IGNORECASE)


class PostForm(NamedTuple):
    """A form: its fields by lower-case name, the name of the file without its path, and its content.

    `file` is None where only the fields were read.
    """

    fields: Mapping[str, str]
    filename: str
    file: bytes | None


class _Part(NamedTuple):
    """The name of a part, the file name in it, and the positions of its content."""

    name: str
    filename: str
    start: int


def is_post_form(request: HttpRequest) -> bool:
    """Whether `request` is a form that uploads to a bucket: signed, if at all, by its fields."""
    if request.method != "POST" or request.query_string or not request.headers.keys().isdisjoint(_OF_OTHER_SERVICES):
        return False
    if not request.headers.get("content-type", "").lower().startswith(_TYPE):
        return False
    try:
        address = s3_address(request)
    except Fault:
        return False
    return bool(address.bucket) and not address.raw_key


def read_post_form(request: HttpRequest, *, whole: bool = True) -> PostForm:
    """Parse a form. `whole` is False for the beginning of a body, of which only the fields are read.

    Raises Fault where it is malformed, has a field twice, too large fields or no file.
    """
    body = request.body
    delimiter = _delimiter(request)
    if not body.startswith(delimiter[2:]):
        raise _malformed()
    fields: dict[str, str] = {}
    position = len(delimiter) - 2
    while True:
        if body[position : position + 2] == b"--":
            raise _argument("POST requires exactly one file upload per request.", FILE, "0")
        part = _part(body, position)
        if part.start > MAX_FIELDS:
            raise _too_large()
        name = part.name.lower()
        end = body.find(delimiter, part.start)
        if name == FILE:
            return PostForm(fields, part.filename, _file(body, part.start, end) if whole else None)
        if end < 0 or end > MAX_FIELDS:
            raise _too_large() if len(body) > MAX_FIELDS else _malformed()
        if name in fields:
            raise _argument(f"POST field '{part.name[:100]}' must not be given more than once.", part.name[:100], "")
        fields[name] = _text(body[part.start : end])
        position = end + len(delimiter)


def _delimiter(request: HttpRequest) -> bytes:
    message = Message()
    message["content-type"] = request.headers["content-type"]
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not _BOUNDARY.fullmatch(boundary):
        raise _malformed()
    return b"\r\n--" + boundary.encode("ascii")


def _part(body: bytes, position: int) -> _Part:
    """The part whose headers begin after the delimiter that ends at `position`."""
    end = body.find(b"\r\n\r\n", position, position + MAX_FIELDS)
    if body[position : position + 2] != b"\r\n" or end < 0:
        raise _too_large() if len(body) - position > MAX_FIELDS else _malformed()
    headers = [line.partition(b":") for line in body[position + 2 : end].split(b"\r\n")]
    named = [value for name, _, value in headers if name.lower() == b"content-disposition"]
    disposition = _DISPOSITION.fullmatch(_text(named[0]).strip()) if len(named) == 1 else None
    if disposition is None or not all(colon and name == name.strip() for name, colon, _ in headers):
        raise _malformed()
    parameters = {found[1].lower(): _unquoted(found[2], found[3]) for found in _PARAMETER.finditer(disposition[1])}
    if not parameters.get("name"):
        raise _malformed()
    return _Part(parameters["name"], _filename(parameters), end + 4)


def _filename(parameters: Mapping[str, str]) -> str:
    """The name of the file: "only the text following the last slash (/) or backslash (\\) is used"."""
    extended = parameters.get("filename*", "")
    name = unquote(extended.split("'", 2)[2]) if extended.count("'") >= 2 else parameters.get("filename", "")
    return re.split(r"[/\\]", name)[-1]


def _unquoted(quoted: str | None, token: str | None) -> str:
    """A parameter's value. Browsers write quotation marks and line ends as %22, %0D and %0A; a backslash stays one."""
    if quoted is None:
        return token or ""
    return quoted.replace('\\"', '"').replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _file(body: bytes, start: int, end: int) -> bytes:
    if end < 0:
        raise _malformed()
    return body[start:end]


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed() from None


def _malformed() -> Fault:
    return Fault("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")


def _too_large() -> Fault:
    text = "Your POST request fields preceding the upload file were too large."
    return Fault("MaxPostPreDataLengthExceededError", text, members={"MaxPostPreDataLength": str(MAX_FIELDS)})


def _argument(text: str, name: str, value: str) -> Fault:
    return Fault("InvalidArgument", text, members={"ArgumentName": name, "ArgumentValue": value})

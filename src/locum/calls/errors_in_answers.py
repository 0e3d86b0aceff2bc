"""The error that a backend's answer tells of."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Final

from locum.core.errors import Fault
from locum.core.http import HttpResponse

_CODE: Final = re.compile(rb"<Code>([^<]*)</Code>")
_MESSAGE: Final = re.compile(rb"<Message>([^<]*)</Message>")


def error_in(answer: HttpResponse) -> Fault | None:
    """The error that `answer` tells of, for the record; None where it is none."""
    if answer.status < 400:
        return None
    body = answer.body if isinstance(answer.body, bytes) else b""
    told = _in_xml(body) if body.lstrip()[:1] == b"<" else _in_json(body)
    headers = {name.lower(): value for name, value in answer.headers}
    code = told[0] or headers.get("x-amzn-errortype", "").partition(":")[0] or str(answer.status)
    return Fault(code.rpartition("#")[2], told[1], answer.status)


def _in_xml(body: bytes) -> tuple[str, str]:
    code, message = (pattern.search(body) for pattern in (_CODE, _MESSAGE))
    return (_plain(code), _plain(message))


def _plain(found: re.Match[bytes] | None) -> str:
    return "" if found is None else unescape(found[1].decode("utf-8", "replace"))


def _in_json(body: bytes) -> tuple[str, str]:
    try:
        told = json.loads(body)
    except ValueError:
        return "", ""
    if not isinstance(told, dict):
        return "", ""
    code = told.get("__type") or told.get("code") or ""
    message = told.get("message") or told.get("Message") or ""
    return str(code), str(message)

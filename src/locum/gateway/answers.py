"""A backend's answer: the error that it is, and in it our request id, the one under which the call is recorded."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Final

from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.wire import Codec

_ID_HEADERS: Final = frozenset({"x-amzn-requestid", "x-amz-request-id", "x-amz-id-2"})
_CODE: Final = re.compile(rb"<Code>([^<]*)</Code>")
_MESSAGE: Final = re.compile(rb"<Message>([^<]*)</Message>")
_IN_BODY: Final = re.compile(rb"(<[Rr]equestI[dD]>)[^<]*(</[Rr]equestI[dD]>)")


def identified(answer: HttpResponse, codec: Codec, request_id: str) -> HttpResponse:
    """`answer` with `request_id` where a client looks for it, in place of the backend's own."""
    headers = [(name, value) for name, value in answer.headers if name.lower() not in _ID_HEADERS]
    if codec.service == "s3":
        headers += [("x-amz-request-id", request_id), ("x-amz-id-2", request_id)]
    else:
        headers.append(("x-amzn-RequestId", request_id))
    body = answer.body
    if isinstance(body, bytes) and _carries_id(codec, answer):
        body = _IN_BODY.sub(lambda found: found[1] + request_id.encode() + found[2], body, count=1)
    return HttpResponse(answer.status, headers, body)


def _carries_id(codec: Codec, answer: HttpResponse) -> bool:
    return codec.protocol in ("query", "ec2") or (codec.protocol == "rest-xml" and answer.status >= 400)


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

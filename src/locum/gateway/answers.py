"""The request id in a backend's response: that of the call's record."""

from __future__ import annotations

import re
from typing import Final

from locum.core.http import HttpResponse
from locum.wire import Codec

_ID_HEADERS: Final = frozenset({"x-amzn-requestid", "x-amz-request-id", "x-amz-id-2"})
_IN_BODY: Final = re.compile(rb"(<[Rr]equestI[dD]>)[^<]*(</[Rr]equestI[dD]>)")


def with_request_id(answer: HttpResponse, codec: Codec, request_id: str) -> HttpResponse:
    """Replace the backend's request id in the headers and the body of `answer` with `request_id`."""
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

"""Removal of the aws-chunked framing from a verified request."""

from __future__ import annotations

from locum.core.http import HttpRequest
from locum.sigv4 import chunked
from locum.sigv4.claim import Claim
from locum.sigv4.faults import S3


def without_chunk_framing(request: HttpRequest, claim: Claim, body: bytes) -> HttpRequest:
    """The equivalent of `request` without aws-chunked framing. `body` is the result of `verify`, which must come first.

    S3 API Reference, "PutObject": `aws-chunked` is not part of the object's Content-Encoding. Trailing headers become
    headers. A request that is not chunked is returned unchanged.
    """
    if claim.family is not S3 or claim.payload not in chunked.MODES:
        return request
    headers = dict(request.headers)
    for name in ("x-amz-decoded-content-length", "x-amz-trailer", "transfer-encoding"):
        headers.pop(name, None)
    encodings = [part.strip() for part in headers.pop("content-encoding", "").split(",")]
    kept = ",".join(part for part in encodings if part and part.lower() != "aws-chunked")
    if kept:
        headers["content-encoding"] = kept
    headers["content-length"] = str(len(body))
    headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    headers |= chunked.trailers(request)
    return HttpRequest(
        request.method, request.raw_path, request.query_string, headers, body, request.source_ip, request.secure
    )

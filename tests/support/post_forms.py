"""Forms that upload to S3, as a browser sends them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from locum.core.http import HttpRequest
from locum.sigv4.keys import sign, signing_key

BOUNDARY = "----WebKitFormBoundaryx"
DAY = "20260101"
DATE = f"{DAY}T000000Z"
ENDS = "2026-01-02T00:00:00.000Z"


def encoded(
    fields: Mapping[str, str] | Iterable[tuple[str, str]], file: bytes = b"content", filename: str = "x.txt"
) -> bytes:
    """The body of a form."""
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in pairs
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return ("".join(parts) + head).encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


def form(url: str, body: bytes, **headers: str) -> HttpRequest:
    """The request with the body of a form."""
    parts = urlsplit(url)
    sent = {
        "host": parts.netloc,
        "content-type": f"multipart/form-data; boundary={BOUNDARY}",
        "content-length": str(len(body)),
    }
    return HttpRequest("POST", parts.path or "/", "", sent | headers, body)


def policy(conditions: Any, expiration: str = ENDS) -> str:
    """A POST policy, as it is in a form."""
    return b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode()).decode()


def signed_fields(secret: str, key_id: str, conditions: list[Any], fields: Mapping[str, str]) -> dict[str, str]:
    """`fields` with a policy of `conditions` and of what the signature takes, signed with version 4."""
    own = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{key_id}/{DAY}/us-east-1/s3/aws4_request",
        "x-amz-date": DATE,
    }
    text = policy([*conditions, *({name: value} for name, value in own.items())])
    signature = sign(signing_key(secret, DAY, "us-east-1", "s3"), text)
    return {**fields, **own, "policy": text, "x-amz-signature": signature}

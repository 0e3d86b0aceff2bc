"""An upload in signed chunks is read once, as the object that it carries."""

from __future__ import annotations

from typing import Any

import pytest

from locum.wire import Codec
from support.inprocess import InProcess


def test_a_chunked_upload_is_parsed_once(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[dict[str, Any]] = []
    parse = Codec.parse

    def counting(codec: Codec, *request: Any) -> dict[str, Any]:
        parsed.append(parse(codec, *request))
        return parsed[-1]

    s3 = plane.client("s3", endpoint_url="https://127.0.0.1:4566")  # boto3 sends chunks over TLS alone
    s3.create_bucket(Bucket="chunked")
    sent: list[Any] = []
    s3.meta.events.register_first("before-send", lambda request, **_: sent.append(request))
    monkeypatch.setattr(Codec, "parse", counting)
    s3.put_object(Bucket="chunked", Key="a", Body=b"x" * 70_000, ContentEncoding="gzip", ChecksumAlgorithm="CRC32")
    assert b"aws-chunked" in sent[0].headers["Content-Encoding"]
    (params,) = parsed
    assert (params["ContentEncoding"], len(params["Body"])) == ("gzip", 70_000)
    kept = s3.get_object(Bucket="chunked", Key="a")
    assert (kept["ContentEncoding"], kept["Body"].read()) == ("gzip", b"x" * 70_000)

"""The signatures of large bodies are verified beside the event loop, and as strictly."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from locum import sigv4
from locum.gateway.pipeline import LARGE
from support.inprocess import InProcess, exchange


@pytest.mark.parametrize(("size", "beside"), [(LARGE, False), (LARGE + 1, True)])
def test_the_signature_of_a_large_body_is_verified_in_another_thread(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch, size: int, *, beside: bool
) -> None:
    threads: list[threading.Thread] = []
    original = sigv4.verify

    def verify_and_tell(*arguments: Any, **more: Any) -> bytes:
        threads.append(threading.current_thread())
        return original(*arguments, **more)

    s3, bucket = plane.client("s3"), f"large-bodies-{size}"
    s3.create_bucket(Bucket=bucket)
    request = plane.request("s3", "put_object", Bucket=bucket, Key="k", Body=b"a" * size)
    monkeypatch.setattr(sigv4, "verify", verify_and_tell)
    assert plane.run(exchange(plane.node.gateway, request)).status == 200
    assert [thread is not threading.current_thread() for thread in threads] == [beside]
    request.body = b"b" + request.body[1:]
    answer = plane.run(exchange(plane.node.gateway, request))
    assert (answer.status, b"XAmzContentSHA256Mismatch" in answer.body) == (400, True)

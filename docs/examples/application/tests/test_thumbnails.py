"""The application, with the permissions that it is to have."""

from __future__ import annotations

from typing import Any

import pytest

from app import thumbnails

pytestmark = pytest.mark.usefixtures("in_production")


def test_a_thumbnail_is_written_and_told(locum_account: Any, queue: str) -> None:
    with locum_account.assert_allowed("s3:PutObject"):
        assert thumbnails.make("pictures", "originals/cat.png", queue) == "thumbnails/cat.png"
    (message,) = locum_account.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert '"thumbnails/cat.png"' in message["Body"]


def test_no_picture_but_an_original_is_read(locum_account: Any, queue: str) -> None:
    locum_account.client("s3").put_object(Bucket="pictures", Key="private/me.png", Body=b"me")
    with locum_account.assert_denied("s3:GetObject", reason="no identity-based policy allows"):
        thumbnails.make("pictures", "private/me.png", queue)


def test_originals_are_not_overwritten(locum_account: Any, queue: str, role: Any) -> None:
    s3 = locum_account.client("s3", role=role)
    locum_account.assert_denied(
        "s3:PutObject", s3.put_object, Bucket="pictures", Key="originals/cat.png", Body=b"", reason="NeverOriginals"
    )

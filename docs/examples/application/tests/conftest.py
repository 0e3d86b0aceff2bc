"""What the tests share: the pictures' bucket, the queue, and the role that the application has in production."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

POLICY = json.loads((Path(__file__).parents[1] / "policy.json").read_text())


@pytest.fixture
def queue(locum_account: Any) -> str:
    s3 = locum_account.client("s3")
    s3.create_bucket(Bucket="pictures")
    s3.put_object(Bucket="pictures", Key="originals/cat.png", Body=b"a cat, and a long tail")
    return str(locum_account.client("sqs").create_queue(QueueName="thumbnails")["QueueUrl"])


@pytest.fixture
def role(locum_account: Any) -> Any:
    return locum_account.role(POLICY, name="thumbnails")


@pytest.fixture
def in_production(locum_account: Any, role: Any) -> Iterator[None]:
    """Have the application's own clients go to the plane, with its role."""
    with locum_account.acting(role):
        yield

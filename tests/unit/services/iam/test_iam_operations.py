from __future__ import annotations

import gzip
import json
from pathlib import Path

import botocore

from locum.services.iam import OPERATIONS

MODEL = Path(botocore.__file__).parent / "data" / "iam" / "2010-05-08" / "service-2.json.gz"

READING = ("Get", "List", "Simulate")


def test_every_operation_is_one_of_the_service() -> None:
    with gzip.open(MODEL) as file:
        known = json.load(file)["operations"]
    assert set(OPERATIONS) <= set(known)
    assert len(OPERATIONS) == 88


def test_what_only_reads_says_so() -> None:
    assert [name for name, operation in OPERATIONS.items() if operation.writes == name.startswith(READING)] == []

"""The plane that the unit tests share: each module has one of its own, unless it has another fixture `plane`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore import UNSIGNED

from support.inprocess import InProcess
from support.stacks import Stacks


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """It enforces; what a test makes in it has names of its own. (moto's own state is one a process.)"""
    running = InProcess(tmp_path_factory.mktemp("plane"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def s3(plane: InProcess) -> Any:
    """A client of S3 with the root user's keys."""
    return plane.client("s3")


@pytest.fixture(scope="module")
def stacks(plane: InProcess) -> Stacks:
    """The stacks of the root user."""
    return Stacks(plane)


@pytest.fixture(scope="module")
def nobody(plane: InProcess) -> Any:
    """A client of S3 that signs nothing."""
    return plane.client("s3", signature_version=UNSIGNED)

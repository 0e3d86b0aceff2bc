"""What tests of more than one kind share."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from support.functions import Meeting, meeting

# On a busy machine inputs are generated slowly, which says nothing about what is tested.
settings.register_profile("locum", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("locum")


def pytest_unconfigure() -> None:
    """Stop the PostgreSQL of this process, where one was started: processes of pytest-xdist end without `atexit`."""
    used = sys.modules.get("support.postgresql")
    if used is not None:
        used.stop()


@pytest.fixture
def own_heap() -> Iterator[None]:
    """Have the garbage collector look at what the test makes alone: millions of objects of other tests take seconds."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def place() -> Iterator[Meeting]:
    """The place that waiting functions of the test come to."""
    with meeting() as made:
        yield made

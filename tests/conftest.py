"""What tests of more than one kind share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from support.functions import Meeting, meeting

# On a busy machine inputs are generated slowly, which says nothing about what is tested.
settings.register_profile("locum", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("locum")


@pytest.fixture
def place() -> Iterator[Meeting]:
    """The place that waiting functions of the test come to."""
    with meeting() as made:
        yield made

"""What tests of more than one kind share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.functions import Meeting, meeting


@pytest.fixture
def place() -> Iterator[Meeting]:
    """The place that waiting functions of the test come to."""
    with meeting() as made:
        yield made

"""The plane of all tests of labs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.inprocess import InProcess
from support.labs import Classroom


@pytest.fixture(scope="session")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """One plane for all of them: to load the backend takes longer than most of them."""
    plane = InProcess(tmp_path_factory.mktemp("labs"))
    yield Classroom(plane)
    plane.close()

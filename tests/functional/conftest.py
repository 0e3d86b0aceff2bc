"""The plane that the functional tests share: one a worker, for as long as it runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.plane import RunningPlane, up


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane as `locum up` starts it. What a test makes in it has names of its own."""
    with up(tmp_path_factory.mktemp("plane")) as running:
        yield running

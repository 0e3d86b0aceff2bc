"""Another plane for the tests of the gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.inprocess import InProcess


@pytest.fixture(scope="module")
def observing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """One a module, which lets denied calls go on."""
    running = InProcess(tmp_path_factory.mktemp("observing"), mode="observe")
    yield running
    running.close()

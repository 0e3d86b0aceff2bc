from __future__ import annotations

import pytest

from support.iam_plane import Plane


@pytest.fixture
def plane() -> Plane:
    return Plane()

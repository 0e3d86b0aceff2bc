from __future__ import annotations

import pytest

from support.organizations_plane import Organizations


@pytest.fixture
def org() -> Organizations:
    return Organizations()

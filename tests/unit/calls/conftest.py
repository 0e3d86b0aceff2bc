"""Clients that the tests of a module share."""

from __future__ import annotations

from functools import cache

import pytest

from support.holdings import Clients
from support.inprocess import InProcess


@pytest.fixture(scope="module")
def clients(plane: InProcess) -> Clients:
    """The root user's clients, one of each service: to make one takes longer than most calls."""
    return cache(plane.client)

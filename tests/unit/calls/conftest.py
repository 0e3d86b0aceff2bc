"""The owner of the resources that the tests of a module share."""

from __future__ import annotations

from functools import cache

import pytest

from support.holdings import ACCOUNT, Clients
from support.inprocess import InProcess, Key


@pytest.fixture(scope="module")
def owner(plane: InProcess) -> Key:
    """The root user of the account that has them."""
    return plane.account(ACCOUNT)


@pytest.fixture(scope="module")
def clients(plane: InProcess, owner: Key) -> Clients:
    """Its clients, one of each service: to make one takes longer than most calls."""
    return cache(lambda service: plane.client(service, owner, parameter_validation=False))

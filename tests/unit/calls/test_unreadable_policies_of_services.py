"""A policy that nobody can read, put by the back way in each service that keeps some: nobody is let in or locked out.

The services are those whose policies decide on nothing here (`support/kept_policies.yaml`); `test_unreadable_policies`
has those whose policies do.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from support.back_ways import UNREADABLE, Keep, places
from support.holdings import EVERYTHING, KEPT_POLICIES, Held, Holding, Way, filled, tried
from support.inprocess import InProcess, Key

AWAY: Final = "444455558888"
VALUES: Final[tuple[Any, ...]] = (None, *UNREADABLE)


class Kept(Held):
    """A resource whose policy `keep` replaces, and what comes of calls for it."""

    def __init__(self, plane: InProcess, owner: Key, holding: Holding) -> None:
        super().__init__(holding, lambda service: plane.client(service, owner))
        self._plane = plane
        self._owner = owner
        self._places: list[Keep] = []

    def keep(self, value: Any) -> None:
        self._places = places(self.holding.service, "sealed") or self._places
        assert self._places
        for put in self._places:
            put(value)

    def call(self, way: Way, key: Key | None = None) -> str:
        return tried(
            self._plane.client(self.holding.service, key or self._owner), way.operation, filled(way.params, self.names)
        )


@pytest.fixture(scope="module")
def strangers(plane: InProcess, owner: Key) -> list[Key]:
    """The root user of another account, and a user without permissions."""
    return [plane.account(AWAY), plane.user("without-any", of=owner)]


@pytest.fixture(scope="module")
def administrator(plane: InProcess, owner: Key) -> Key:
    """A user with a permission for everything."""
    return plane.user("of-everything", EVERYTHING, of=owner)


def answered(told: str) -> bool:
    return told.startswith("{")


@pytest.mark.parametrize("holding", KEPT_POLICIES, ids=str)
def test_an_unreadable_policy_lets_no_stranger_in_and_locks_no_owner_out(
    plane: InProcess, owner: Key, strangers: list[Key], administrator: Key, holding: Holding
) -> None:
    kept = Kept(plane, owner, holding)
    for value in VALUES:
        kept.keep(value)
        used = [answered(kept.call(holding.look, key)) for key in (None, administrator, *strangers)]
        assert (value, used) == (value, [True, True, False, False])


@pytest.mark.parametrize("holding", KEPT_POLICIES, ids=str)
def test_root_repairs_an_unreadable_policy_and_deletes_its_resource(
    plane: InProcess, owner: Key, holding: Holding
) -> None:
    kept = Kept(plane, owner, holding)
    kept.keep([{}])
    assert answered(kept.call(holding.ways[0]))
    assert answered(kept.call(holding.look))
    kept.keep({"Statement": [{}]})
    assert answered(kept.call(holding.ways[-1]))


def test_policies_of_at_least_twenty_services_are_tried() -> None:
    of_others = {"s3", "sqs", "sns", "kms", "secretsmanager", "dynamodb", "lambda"}  # test_unreadable_policies
    assert len({holding.service for holding in KEPT_POLICIES} | of_others) >= 20

"""Attacks on a real resource in each of some fifty services, by those who may not: nothing is read or changed.

What is held, and the calls that name it, are in `support/holdings.yaml`. `make nightly` tries each spelling of each
name, `make test` one in `STEP`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from support.holdings import (
    EVERYTHING,
    HOLDINGS,
    REFUSED,
    Clients,
    Held,
    Holding,
    filled,
    half,
    named_in,
    reached,
    tried,
)
from support.inprocess import InProcess, Key
from support.spellings import arns, spellings

STEP: Final = 31
AWAY: Final = "444455557777"
UNCHECKED: Final[dict[str, Any]] = {"parameter_validation": False, "inject_host_prefix": False}

Holder = Callable[[Holding], Held]
each_holding = pytest.mark.parametrize("holding", HOLDINGS, ids=str)


@pytest.fixture(scope="module")
def hold(clients: Clients) -> Holder:
    """Makes a resource of the root user's."""
    return lambda holding: Held(holding, clients)


@pytest.fixture(scope="module")
def away(plane: InProcess) -> Key:
    """The root user of another account, who may do everything in it."""
    return plane.account(AWAY)


def denied(plane: InProcess, owner: Key, held: Held) -> Any:
    """A client of somebody who may do everything, but nothing with what is held."""
    statement = {"Effect": "Deny", "Action": "*", "Resource": held.arn}
    key = plane.user(f"denied-{held.names['name']}", EVERYTHING, statement, of=owner)
    return plane.client(held.holding.service, key, **UNCHECKED)


def respelled(held: Held) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each way to what is held, with each of its names in each other spelling."""
    for way in held.holding.ways:
        for name in named_in(way.params, held):
            text = held.names[name]
            for other in (*spellings(text), *arns(text if text[:4] == "arn:" else held.arn)):
                yield way.operation, filled(way.params, {**held.names, name: other})


def open_ways(held: Held, client: Any, calls: Iterator[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """The calls that read or changed what is held."""
    before = held.seen()
    return [
        (operation, given)
        for operation, given in calls
        if reached(held, before, tried(client, operation, given), given)
    ]


def test_the_resources_that_are_held_are_of_at_least_forty_services() -> None:
    assert len({holding.service for holding in HOLDINGS}) >= 40
    for start in (0, 1):  # what `make test` tries
        assert len({holding.service for holding in HOLDINGS[start::2]}) >= 20


@each_holding
def test_a_deny_on_the_arn_holds_by_each_name_of_a_real_resource(
    plane: InProcess, owner: Key, hold: Holder, holding: Holding
) -> None:
    held = hold(holding)
    client, before = denied(plane, owner, held), held.seen()
    told = [(way.operation, tried(client, way.operation, filled(way.params, held.names))) for way in holding.ways]
    assert [(operation, end) for operation, end in told if end != REFUSED] == []
    assert held.seen() == before


@pytest.mark.parametrize("holding", half(0))
def test_a_deny_on_the_arn_holds_by_other_spellings_of_each_name(
    plane: InProcess, owner: Key, hold: Holder, holding: Holding
) -> None:
    held = hold(holding)
    start = HOLDINGS.index(holding) % STEP
    assert open_ways(held, denied(plane, owner, held), itertools.islice(respelled(held), start, None, STEP)) == []


@pytest.mark.nightly
@each_holding
def test_a_deny_on_the_arn_holds_by_every_spelling_of_each_name(
    plane: InProcess, owner: Key, hold: Holder, holding: Holding
) -> None:
    held = hold(holding)
    assert open_ways(held, denied(plane, owner, held), respelled(held)) == []


@pytest.mark.parametrize("holding", half(1))
def test_who_may_use_one_resource_does_not_reach_another(
    plane: InProcess, owner: Key, hold: Holder, holding: Holding
) -> None:
    held, own = hold(holding), hold(holding)
    only = {"Effect": "Allow", "Action": "*", "Resource": own.arn}
    client = plane.client(holding.service, plane.user(f"only-{own.names['name']}", only, of=owner), **UNCHECKED)
    before = held.seen()
    told = [(way.operation, tried(client, way.operation, filled(way.params, held.names))) for way in holding.ways]
    assert [(operation, end) for operation, end in told if end != REFUSED] == []
    assert held.seen() == before


@pytest.mark.parametrize("holding", half(0))
def test_what_another_account_owns_is_not_reached(plane: InProcess, hold: Holder, away: Key, holding: Holding) -> None:
    held = hold(holding)
    client = plane.client(holding.service, away, **UNCHECKED)
    calls = ((way.operation, filled(way.params, held.names)) for way in holding.ways)
    by_arn = (
        (way.operation, filled(way.params, {**held.names, name: held.arn}))
        for way in holding.ways
        for name in named_in(way.params, held)
    )
    assert open_ways(held, client, itertools.chain(calls, by_arn)) == []

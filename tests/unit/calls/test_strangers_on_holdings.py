"""Calls of nobody who is known, on a real resource in each of some fifty services: refused, and with a short record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from botocore import UNSIGNED

from locum.audit.bounded import OCTETS
from locum.audit.record import encode
from support.holdings import Clients, Held, Holding, filled, half, reached, tried
from support.inprocess import InProcess, Key

LONG: Final = "x" * 60_000
UNCHECKED: Final[dict[str, Any]] = {"parameter_validation": False, "inject_host_prefix": False}


def strangers(plane: InProcess, owner: Key, service: str) -> Iterator[Any]:
    """Clients without a signature, with an unknown key, and with somebody's key without its secret."""
    yield plane.client(service, signature_version=UNSIGNED, **UNCHECKED)
    yield plane.client(service, Key("AKIAQAAAAAAAAAAAAAAA", "made-up"), **UNCHECKED)
    yield plane.client(service, Key(owner.access_key_id, "made-up"), **UNCHECKED)


@pytest.mark.parametrize("holding", half(0))
def test_a_stranger_reaches_no_resource_and_leaves_a_few_kilobytes(
    plane: InProcess, owner: Key, clients: Clients, holding: Holding
) -> None:
    held = Held(holding, clients)
    plane.settle_stacks()  # whose calls are recorded, too
    before = held.seen()
    for client in strangers(plane, owner, holding.service):
        for way in holding.ways:
            for names in (held.names, {**held.names, "name": held.names["name"] + LONG, "mark": LONG}):
                given = filled(way.params, names)
                told = tried(client, way.operation, given)
                (latest,) = plane.records(1)
                assert not told.startswith("{"), way.operation
                assert latest.stranger, way.operation
                assert len(encode(latest)) <= OCTETS
        assert not reached(held, before, "", {})

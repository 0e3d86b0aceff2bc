"""The format of an entry follows from what is in it, and nothing is lost that a newer Locum has written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from locum.state import FORMAT, Event, Policy, PolicyVersion, Removed, Role, decode, encode, put
from locum.state.formats import OLDEST, SINCE, needed

ACCOUNT = "111122223333"
BASELINE = Path(__file__).with_name("fields_of_format_2.json")
ROLE = Role(account=ACCOUNT, name="r", id="AROA1", created=1, trust="{}")


def structs(kind: inspect.Type, seen: dict[type, inspect.StructType]) -> Iterator[inspect.StructType]:
    """Every structure that is part of an event."""
    if isinstance(kind, inspect.StructType):
        if kind.cls in seen:
            return
        seen[kind.cls] = kind
        yield kind
    for name in ("types", "item_types", "fields"):
        for part in getattr(kind, name, None) or ():
            yield from structs(getattr(part, "type", part), seen)
    for name in ("item_type", "key_type", "value_type"):
        if (part := getattr(kind, name, None)) is not None:
            yield from structs(part, seen)


STRUCTS = list(structs(inspect.type_info(list[Event]), {}))


def fields() -> dict[str, list[str]]:
    return {it.cls.__name__: sorted(field.encode_name for field in it.fields) for it in STRUCTS}


def test_no_structure_of_an_event_drops_what_it_does_not_know() -> None:
    assert len(STRUCTS) > 100
    assert [it.cls.__name__ for it in STRUCTS if not it.forbid_unknown_fields] == []


def test_whoever_adds_a_field_says_since_when_it_is_there_and_nobody_takes_one_away() -> None:
    """Add a new field to `formats.SINCE`, with a new FORMAT; the file of format 2 stays as it is."""
    before: dict[str, list[str]] = json.loads(BASELINE.read_text())
    now = fields()
    new = {f"{name}.{field}" for name, found in now.items() for field in {*found} - {*before.get(name, ())}}
    gone = {f"{name}.{field}" for name, found in before.items() for field in {*found} - {*now.get(name, ())}}
    assert gone == set()
    assert {path.rpartition(".")[2] for path in new} <= {path.rpartition(".")[2] for path in SINCE}
    assert all(OLDEST < number <= FORMAT for number in SINCE.values())
    assert max(SINCE.values(), default=OLDEST) == FORMAT


def test_an_entry_is_of_the_oldest_format_that_has_all_that_is_in_it() -> None:
    since = {"role.description": 3, "policy": 4, "policy.versions.number": 5, "user": 7}
    described = Role(account=ACCOUNT, name="r", id="AROA1", created=1, trust="{}", description="new")
    assert needed([], since) == OLDEST
    assert needed([put(ROLE)], since) == OLDEST
    assert needed([put(ROLE), put(described)], since) == 3
    assert needed([Removed("user", ACCOUNT, "u")], since) == 7
    assert needed([put(described)]) == OLDEST


def test_a_field_within_a_field_has_a_format_of_its_own() -> None:
    version = PolicyVersion(number=1, document="{}", created=1)
    policy = Policy(account=ACCOUNT, name="p", id="ANPA1", created=1, updated=1, versions=(version,))
    assert needed([put(policy)], {"policy.versions.number": 5}) == 5
    assert needed([put(policy)], {"policy.versions.other": 5}) == OLDEST


@pytest.mark.parametrize("within", ["event", "entity"])
def test_attack_a_field_of_a_newer_locum_is_refused_and_not_dropped(within: str) -> None:
    event: dict[str, Any] = json.loads(encode([put(ROLE)]))[0]
    (event if within == "event" else event["entity"])["fence"] = "closed"
    with pytest.raises(msgspec.ValidationError, match="unknown field `fence`"):
        decode(json.dumps([event]).encode())

"""Rows as data: `derived.bin` has them as JSON, compressed, and `providers.derived` reads them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from derivation.rows import Derived
from locum.services.cloudformation.providers.table import Call, Tags


def encoded(rows: Mapping[str, Derived]) -> dict[str, Any]:
    """The rows by type, as data."""
    return {kind: _row(rows[kind]) for kind in sorted(rows)}


def compressed(data: Mapping[str, Any]) -> bytes:
    """The content of the data file."""
    return zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 9)


def _row(found: Derived) -> dict[str, Any]:
    row = found.row
    made: dict[str, Any] = {
        "service": row.service,
        "create": _call(row.create),
        "physical": row.physical,
        "delete": _call(row.deletes[0]),
        "attributes": row.attributes,
        "name": row.name and [row.name.property, row.name.longest, row.name.lower, row.name.member],
        "tags": row.tags and _tags(row.tags),
        "read": row.read and _call(row.read),
        "shown": found.shown,
        "exists": sorted(row.exists),
        "update": [[*_call(change.call), change.on] for change in row.settings],
        "ready": row.ready and [row.ready.path, *(sorted(it, key=str) for it in (row.ready.ready, row.ready.failed))],
        "replaced": found.replaced,
    }
    return {name: value for name, value in made.items() if value}


def _call(call: Call) -> list[Any]:
    return [call.operation, call.given, " ".join(map(_taken, call.takes.split()))]


def _taken(taken: str) -> str:
    """What a call takes, without the member where that is the same but for letter case."""
    member, _, name = taken.partition("=")
    return name if member.lower() == name.lower() else taken


def _tags(tags: Tags) -> dict[str, Any]:
    calls = {name: _call(call) for name, call in (("add", tags.add), ("remove", tags.remove)) if call}
    return {**calls, "more": [tags.member, tags.form, tags.property, tags.key, tags.value, tags.reserved]}

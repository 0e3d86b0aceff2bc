"""Records of a bounded size, for calls of which anybody can cause as many, and as large, as they like.

CloudTrail cuts events that are too large as well ("CloudTrail record contents", `requestParameters`: "This field has a
maximum size of 100 KB. When the field size exceeds 100 KB, the requestParameters content is omitted").
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

import msgspec

from locum.audit.record import Record, Resource, encode

OCTETS: Final = 4096
"""The limit for a record. Only what a caller cannot lengthen may come on top."""

_CHARACTERS: Final = 256
"""A longer text is cut to half of this."""
_MEMBERS: Final = 8
_CUT: Final = ("parameters", "explanation", "denial", "error_message", "user_agent", "host", "referer", "region")
"""The fields with texts of the caller, in the order in which they are left out where shorter texts do not suffice."""


def bounded(record: Record) -> Record:
    """`record` in at most OCTETS: its texts and lists are cut, and where that is not enough, fields are left out."""
    fields = {name: _cut(getattr(record, name)) for name in _CUT}
    resources = tuple(_short(resource) for resource in record.resources[:_MEMBERS])
    record = msgspec.structs.replace(record, **fields, resources=resources)
    for name in _CUT:
        if len(encode(record)) <= OCTETS:
            break
        empty = None if name in ("parameters", "explanation") else ""
        record = msgspec.structs.replace(record, **{name: empty}, resources=record.resources[:1])
    return record


def _cut(value: Any) -> Any:
    """`value`, a JSON value, with shorter texts and fewer members."""
    if isinstance(value, str) and len(value) > _CHARACTERS:
        return f"{value[: _CHARACTERS // 2]}... ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {_cut(name): _cut(member) for name, member in islice(value.items(), _MEMBERS)}
    if isinstance(value, (list, tuple)):
        return [_cut(item) for item in value[:_MEMBERS]]
    if isinstance(value, msgspec.Raw):
        return _cut(msgspec.json.decode(value))
    return value


def _short(resource: Resource) -> Resource:
    return Resource(*(_cut(getattr(resource, name)) for name in Resource.__struct_fields__))

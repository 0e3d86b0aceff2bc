"""Simple reads of DynamoDB items in moto's model, without its handler.

moto's handler is used for requests with anything more than a key (a projection, consumed capacity), and for those that
it refuses.
"""

from __future__ import annotations

from typing import Any, Final
from zlib import crc32

from locum.backends.moto.models import models_of
from locum.backends.port import BackendCall
from locum.core.http import HttpResponse

_PLAIN_PARAMETERS: Final = frozenset({"TableName", "Key", "ConsistentRead"})
_NESTED: Final = frozenset({"L", "M"})


def read(call: BackendCall) -> HttpResponse | None:
    """The response to a simple GetItem; None where moto's handler has to be used."""
    params = call.params
    if not params.keys() <= _PLAIN_PARAMETERS:
        return None
    models = models_of("dynamodb", call.account, call.region)
    table = None if models is None else models.tables.get(params["TableName"])
    if table is None:
        return None
    key = params["Key"]
    if len(key) != len(table.table_key_attrs) or not all(_has(key, name) for name in table.table_key_attrs):
        return None
    item = models.get_item(table.name, key)
    answer = {} if item is None else {"Item": {name: _value(value) for name, value in item.attrs.items()}}
    response = call.codec.serialize(answer, "")
    assert isinstance(response.body, bytes)
    response.headers.append(("x-amz-crc32", str(crc32(response.body))))
    return response


def _has(key: dict[str, dict[str, Any]], name: str) -> bool:
    """Whether `key` has a value for the attribute `name` that is not empty."""
    return any((key.get(name) or {}).values())


def _value(value: Any) -> dict[str, Any]:
    """An attribute's value as a client reads it."""
    if value.type not in _NESTED:
        return {value.type: value.value}
    if value.type == "L":
        return {"L": [_value(element) for element in value.value]}
    return {"M": {name: _value(element) for name, element in value.value.items()}}

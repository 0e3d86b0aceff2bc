"""What values a condition key can have: their type, whether there can be several, and whether it is always there.

Service Authorization Reference (condition keys by service); IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from locum.authz import service_reference as reference

_ARRAY: Final = "ArrayOf"


class KeyType(NamedTuple):
    """The type of a key's values: String, ARN, Bool, Numeric, Date, IPAddress or Binary; empty where not documented."""

    name: str = ""
    multivalued: bool = False
    always: bool = False


_SEVERAL: Final = KeyType("String", multivalued=True)

GLOBAL: Final[Mapping[str, KeyType]] = {
    "aws:calledvia": _SEVERAL,
    "aws:currenttime": KeyType("Date", always=True),
    "aws:epochtime": KeyType("", always=True),
    "aws:multifactorauthage": KeyType("Numeric"),
    "aws:multifactorauthpresent": KeyType("Bool"),
    "aws:principalarn": KeyType("ARN"),
    "aws:principalisawsservice": KeyType("Bool"),
    "aws:principalorgpaths": _SEVERAL,
    "aws:principalservicenameslist": _SEVERAL,
    "aws:requestedregion": KeyType("String", always=True),
    "aws:resourceorgpaths": _SEVERAL,
    "aws:securetransport": KeyType("Bool", always=True),
    "aws:sourcearn": KeyType("ARN"),
    "aws:sourceip": KeyType("IPAddress"),
    "aws:sourceorgpaths": _SEVERAL,
    "aws:tagkeys": _SEVERAL,
    "aws:tokenissuetime": KeyType("Date"),
    "aws:viaawsservice": KeyType("Bool", always=True),
    "aws:vpceorgpaths": _SEVERAL,
    "aws:vpcsourceip": KeyType("IPAddress"),
}
"""The global keys that are not single strings, and those that every request has. The rest are single strings."""


@lru_cache(maxsize=512)
def _documented(prefix: str) -> Mapping[str, KeyType]:
    found = {}
    for name, entry in reference.condition_keys(prefix).items():
        kind = str(entry["type"])
        found[name] = KeyType(kind.removeprefix(_ARRAY), kind.startswith(_ARRAY))
    return found


def key_type(key: str) -> KeyType | None:
    """The type of a condition key (lower-case); None where it is not documented."""
    prefix = key.partition(":")[0]
    if prefix == "aws":
        return GLOBAL.get(key, KeyType("String"))
    return _documented(prefix).get(key)

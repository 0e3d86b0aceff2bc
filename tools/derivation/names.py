"""Names of properties and members of the same thing: a domain's `DomainName` is `Name`, `ApiId` `apiIdentifier`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_KINDS: Final = {"identifier": "id", "ids": "id", "identifiers": "id", "names": "name", "arns": "arn", "uuid": "id"}
_KEYS: Final = ("id", "name", "arn")
_GENERAL: Final = frozenset({"", "resource"})


def key_of(name: str) -> tuple[str, str]:
    """The stem and the kind of a name, in lower case: `("domain", "name")`; the kind is empty where it is none."""
    words = [word.lower() for word in _WORDS.findall(name)]
    last = _KINDS.get(words[-1], words[-1]) if words else ""
    if last in _KEYS:
        return "".join(words[:-1]), last
    return "".join(words), ""


def kebab(name: str) -> str:
    """`TransitGateway` as `transit-gateway`."""
    return "-".join(_WORDS.findall(name)).lower()


def same(one: str, other: str, nouns: Iterable[str]) -> int:
    """How much two names are the same: 3 but for letter case, 2 but for the nouns of the resource, 0 not at all."""
    if one.lower() == other.lower():
        return 4
    (stem, kind), (stem2, kind2) = key_of(one), key_of(other)
    if kind != kind2:
        return 0
    if stem == stem2:
        return 3
    own = {noun.lower() for noun in nouns} | _GENERAL
    if kind and stem in own and stem2 in own:
        return 2
    return 0


def best(name: str, others: Iterable[str], nouns: Iterable[str]) -> str | None:
    """The one of `others` that is the same as `name`; None where there is none, or several are."""
    nouns = tuple(nouns)
    ranked = sorted(((same(name, other, nouns), other) for other in others), reverse=True)
    if not ranked or not ranked[0][0]:
        return None
    if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
        return None
    return ranked[0][1]


def nouns_of(kind: str, operation_noun: str) -> tuple[str, ...]:
    """The nouns of a resource: that of its type, that of the operation which makes it, and their last words."""
    found = [kind.rpartition("::")[2], operation_noun]
    words = _WORDS.findall(kind.rpartition("::")[2])
    if len(words) > 1:
        found.append(words[-1])
    return tuple(dict.fromkeys(found))

"""Whether the conditions that an answer depends on can hold together: values are tried that stand for all others.

The values that conditions mention divide those of a key into ranges, within which no condition can tell two apart
(`representatives`). Of patterns with wildcards, of variables and of keys with several values not all ranges are known:
conditions with them are taken to hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice, product
from math import prod
from typing import Final

from locum.analysis.openly import Answer, Condition
from locum.analysis.proofs.representatives import FAMILIES
from locum.core.letter_case import folded
from locum.policy.grammar import Operator, Quantifier, operator

Context = Mapping[str, str | None]
"""Values by lower-case condition key, None for a key that is absent."""

_MOST: Final = 512
"""Of more contexts than these, none is tried."""
_KELVIN: Final = "\u212a"
_TEXTS: Final = frozenset({"String", "Arn", "Bool"})


def can_hold(answer: Answer, allowed: Callable[[Context], bool]) -> bool:
    """Whether an answer allows anything: whether there is a context in which `allowed` says so, as far as is known."""
    by_key = _by_key(answer)
    if not by_key:
        return True
    values = {key: _values(conditions) for key, conditions in by_key.items()}
    if any(it is None for it in values.values()) or prod(len(it or ()) for it in values.values()) > _MOST:
        return True
    contexts = product(*(it or () for it in values.values()))
    return any(allowed(dict(zip(values, context, strict=True))) for context in contexts)


def _by_key(answer: Answer) -> dict[str, list[Condition]]:
    clauses = chain(chain.from_iterable(chain.from_iterable(answer.when)), answer.unless)
    found: dict[str, list[Condition]] = {}
    for condition in dict.fromkeys(chain.from_iterable(clause.conditions for clause in clauses)):
        if condition.key:
            found.setdefault(folded(condition.key), []).append(condition)
    return found


def _values(conditions: Iterable[Condition]) -> list[str | None] | None:
    """Values that stand for all of a key, and None for its absence; None where they are not known."""
    texts: list[str] = []
    families: set[str] = set()
    for condition in conditions:
        parts = operator(condition.operator)
        if parts is None or not _is_plain(parts, condition.values):
            return None
        if parts.family != "Null":
            families.add("String" if parts.family in _TEXTS else parts.family)
            texts += condition.values
    if len(families) > 1:
        return None
    family = next(iter(families), "String")
    return [None, *(_texts(texts) if family == "String" else FAMILIES[family](texts))]


def _is_plain(parts: Operator, values: Iterable[str]) -> bool:
    """Whether each value of a condition stands for itself, and is compared with one value."""
    marks = "*?" if parts.comparison == "like" else ""
    return parts.quantifier is Quantifier.NONE and not any("${" in it or any(map(it.count, marks)) for it in values)


def _texts(texts: Iterable[str]) -> Iterator[str]:
    """Texts: those that are mentioned, each in a letter case that is not, where there is one, and another one."""
    known = frozenset(texts)
    other = "other"
    while folded(other) in map(folded, known):
        other += "."
    yield from (*sorted(known), *_respelled(known), other)


def _respelled(known: frozenset[str]) -> Iterator[str]:
    """For each of the texts, as conditions without regard to letter case have it, a spelling that is none of them."""
    for text in sorted(set(map(str.lower, known))):
        spellings = map("".join, product(*map(_cases, text)))
        yield from islice((it for it in islice(spellings, len(known) + 1) if it not in known), 1)


def _cases(character: str) -> Iterator[str]:
    """The characters whose lower case a character is."""
    found = (character.upper(), character, _KELVIN)
    yield from dict.fromkeys(it for it in found if it.lower() == character)

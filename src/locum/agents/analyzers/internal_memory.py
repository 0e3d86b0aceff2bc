"""What analyzers of internal access remember: by which tables of the state a resource was looked at, and the answers.

A state's tables are values: where the identical ones are there, nothing has changed. It is lost with the process, which
then looks once more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from locum.agents.analyzers.resources import Named
from locum.analysis.internal_access import Reach
from locum.core.resources import ResourceFacts
from locum.state import Group, Policy, Role, State, User
from locum.state.analyzers import AnalyzedResource, Analyzer
from locum.state.entities import Entity
from locum.state.events import kind_of
from locum.state.organizations import TABLES

_REACHES: Final = 256
"""The resources of which answers are remembered."""
_PRINCIPALS: Final[tuple[type[Entity], ...]] = (User, Role)
_SHARED: Final[tuple[type[Entity], ...]] = (Group, Policy)

Facts = Mapping[str, ResourceFacts]
_Key = tuple[str, float, str]


class Basis(NamedTuple):
    """The tables that answers follow from: those of users and roles, and those of what many of them share."""

    principals: tuple[object, ...]
    shared: tuple[object, ...]


class _Seen(NamedTuple):
    basis: Basis
    at: float


class _Kept(NamedTuple):
    shared: tuple[object, ...]
    facts: Facts
    reach: Reach


_seen: Final[dict[_Key, _Seen]] = {}
_kept: Final[OrderedDict[_Key, _Kept]] = OrderedDict()


def basis(state: State, account: str = "") -> Basis:
    """What answers follow from about the principals of an account; of all accounts without one."""

    def tables(kinds: Iterable[type[Entity]]) -> tuple[object, ...]:
        return tuple(state.table(it, account) if account else state.tables.get(kind_of(it)) for it in kinds)

    return Basis(tables(_PRINCIPALS), (*tables(_SHARED), *(state.tables.get(name) for name in TABLES)))


def looked(analyzer: Analyzer, resource: Named, at: float, on: Basis) -> None:
    """Note that an analyzer has looked at a resource, at a time, and on what."""
    _seen[_key(analyzer, resource.arn)] = _Seen(on, at)


def is_stale(analyzer: Analyzer, resource: AnalyzedResource, on: Basis) -> bool:
    """Whether what was last committed about a resource does not follow from `on`, as far as is remembered."""
    seen = _seen.get(_key(analyzer, resource.arn))
    return seen is None or seen.at != resource.analyzed or not _identical(seen.basis, on)


def reach(analyzer: Analyzer, resource: Named, on: Basis, facts: Facts) -> Reach | None:
    """The answers about a resource that hold with `on` and `facts`."""
    kept = _kept.get(_key(analyzer, resource.arn))
    if kept is None or kept.facts != facts or not _identical((kept.shared,), (on.shared,)):
        return None
    return kept.reach


def keep(analyzer: Analyzer, resource: Named, on: Basis, facts: Facts, made: Reach) -> None:
    """Remember the answers about a resource."""
    key = _key(analyzer, resource.arn)
    _kept.pop(key, None)
    _kept[key] = _Kept(on.shared, facts, made)
    if len(_kept) > _REACHES:
        _kept.popitem(last=False)


def forget(known: Iterable[Analyzer]) -> None:
    """Forget what is not of `known` analyzers."""
    there = {(it.arn, it.created) for it in known}
    for memory in (_seen, _kept):
        for key in [it for it in memory if it[:2] not in there]:
            memory.pop(key, None)


def _key(analyzer: Analyzer, arn: str) -> _Key:
    return analyzer.arn, analyzer.created, arn


def _identical(ours: tuple[tuple[object, ...], ...], theirs: tuple[tuple[object, ...], ...]) -> bool:
    return all(a is b for one, other in zip(ours, theirs, strict=True) for a, b in zip(one, other, strict=True))

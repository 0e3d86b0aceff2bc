"""The search for paths to an administrator: backwards, from those who are one, so that each found is the shortest.

A principal is settled once a hop to somebody settled is found, and looked at no more. Before a decision is made, a
cheap look at the policies tells who cannot be allowed in any case: whose identity policies allow an action nowhere, and
whom a trust policy does not name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple

from locum.analysis.escalation.becoming import BECOMING
from locum.analysis.escalation.judging import BudgetSpent, Hop, Judge
from locum.analysis.escalation.looking import ASSUME, Looks
from locum.analysis.escalation.methods import Method
from locum.analysis.escalation.outsiders import outsider_hops
from locum.analysis.escalation.raising import RAISING
from locum.analysis.escalation.surface import Entity, Surface
from locum.authz import action_of
from locum.state import Role, State, User
from locum.state.organizations import member_of

BUDGET: Final = 1_000_000
"""Decisions of a search, unless another number is given: half a minute of them."""


class Path(NamedTuple):
    """How `source` becomes an administrator: the hops, each from where the one before has led."""

    source: str
    hops: tuple[Hop, ...]

    @property
    def administrator(self) -> str:
        """The ARN of who is the administrator in the end: where a hop raises, its own target."""
        return self.hops[-1].target


class Escalations(NamedTuple):
    """The shortest path of each principal that has one, by its ARN; and the ARNs of the administrators.

    `crossings` are steps from an administrator of one account to who is one of another account, or has a path to it:
    one for each account and role. `complete` is False where the search was given up after so many `decisions`: there
    may be further paths.
    """

    paths: tuple[Path, ...]
    administrators: tuple[str, ...]
    complete: bool
    decisions: int
    crossings: tuple[Hop, ...] = ()


def escalations(surface: Surface, budget: int = BUDGET) -> Escalations:
    """The paths to an administrator from everybody who is none."""
    search = _Search(surface, budget)
    complete = True
    try:
        search.run()
    except BudgetSpent:
        complete = False
    return Escalations(
        search.paths(), tuple(sorted(search.administrators)), complete, search.judge.decisions, tuple(search.crossings)
    )


class _Search:
    def __init__(self, surface: Surface, budget: int) -> None:
        self.judge = Judge(surface, budget)
        self.administrators: set[str] = set()
        self.crossings: list[Hop] = []
        self._surface = surface
        self._looks = Looks(surface)
        self._everybody = self._looks.everybody
        self._hops: dict[str, Hop] = {}

    def run(self) -> None:
        """Settle everybody who has a path."""
        for entity in self._everybody:
            if self.judge.administrator(self._surface.state, entity):
                self.administrators.add(entity.arn)
        settled = [one for one in self._everybody if one.arn in self.administrators]
        self._raise_themselves()
        self._toward(settled)
        self._raise_others()
        reached = [one for one in self._everybody if one.arn in self._hops]
        while reached:
            reached = self._toward(reached)
        inside = [one for one in self._everybody if self._settled(one) and isinstance(one, Role)]
        for hop in outsider_hops(self.judge, inside):
            self._hops.setdefault(hop.source, hop)
        for role in inside:
            self._cross(role)

    def _cross(self, role: Role) -> None:
        """Note who is an administrator of another account and can assume `role`; one of each account."""
        found: set[str] = set()
        for source in self._looks.trusted(role):
            account = source.account
            if account in found or account == role.account or source.arn not in self.administrators:
                continue
            if manages(self._surface.state, account, role.account):
                continue
            hop = self.judge.hop(BECOMING[0], source, role)
            if hop is not None:
                found.add(account)
                self.crossings.append(hop)

    def paths(self) -> tuple[Path, ...]:
        """The path of everybody who is settled and no administrator."""
        return tuple(Path(arn, tuple(self._way(arn))) for arn in sorted(self._hops))

    def _way(self, arn: str) -> Iterator[Hop]:
        while arn in self._hops:
            hop = self._hops[arn]
            yield hop
            if hop.raises:
                return
            arn = hop.target

    def _settled(self, entity: Entity) -> bool:
        return entity.arn in self.administrators or entity.arn in self._hops

    def _settle(self, hop: Hop | None) -> bool:
        if hop is None:
            return False
        self._hops[hop.source] = hop
        return True

    def _raise_themselves(self) -> None:
        for method in RAISING:
            for source in self._everybody:
                if not self._settled(source) and self._looks.may(source, *_look(method, source)):
                    self._settle(self.judge.hop(method, source, source))

    def _raise_others(self) -> None:
        """Settle who makes somebody an administrator and becomes that one: two steps, as one hop."""
        for method in RAISING:
            for source in self._everybody:
                if not self._settled(source) and self._looks.may(source, _needed(method)):
                    self._settle(next(self._raised(method, source), None))

    def _raised(self, method: Method, source: Entity) -> Iterator[Hop]:
        looks = self._looks
        on_target = method.on_target
        for target in looks.targets(source, _needed(method)[0]) if on_target else looks.of_account(source.account):
            if target is source or self._settled(target):
                continue
            ways = [way for way in BECOMING if self._may_use(way, source, target)]
            raised = self.judge.hop(method, source, target) if ways else None
            for way in ways if raised is not None else ():
                hop = self.judge.hop(way, source, target)
                if hop is not None and raised is not None:
                    calls = (*raised.calls, *hop.calls)
                    yield Hop(source.arn, target.arn, f"{method.name} and {hop.method}", calls, raises=True)

    def _toward(self, targets: Iterable[Entity]) -> list[Entity]:
        """Settle everybody with a hop to one of `targets`, and return them."""
        found: list[Entity] = []
        for target in targets:
            for method in BECOMING:
                for source in self._sources(method, target):
                    if source is target or self._settled(source):
                        continue
                    if self._settle(self.judge.hop(method, source, target)):
                        found.append(source)
        return sorted(found, key=lambda one: one.arn)

    def _sources(self, method: Method, target: Entity) -> Iterable[Entity]:
        """Who may be able to use `method` on `target`, at a cheap look."""
        if not _is_for(method, target):
            return ()
        if method.binds == "trusted-role" and isinstance(target, Role):
            return self._looks.trusted(target)
        if self._looks.under_resource_policy(target):
            return self._looks.of_account(target.account)
        return self._looks.holders(target.account, *_look(method, target))

    def _may_use(self, method: Method, source: Entity, target: Entity) -> bool:
        """Whether `source` is among `_sources`."""
        if not _is_for(method, target):
            return False
        if method.binds == "trusted-role" and isinstance(target, Role):
            return self._looks.may_assume(source, target)
        return self._looks.under_resource_policy(target) or self._looks.may(source, *_look(method, target))


def _is_for(method: Method, target: Entity) -> bool:
    """Whether a method by which one becomes another is about the kind of `target`."""
    return isinstance(target, User) is method.binds.startswith("user")


@cache
def _needed(method: Method) -> tuple[str, ...]:
    """The actions that identity policies have to allow for `method`: nothing else can."""
    found = dict.fromkeys(action for act in method.acts if (action := action_of(act.service, act.operation)) != ASSUME)
    if method.service:
        found["iam:PassRole"] = None
    return tuple(found)


def _look(method: Method, target: Entity) -> tuple[tuple[str, ...], str, str]:
    """The actions that `method` takes, and the one that it takes on `target` itself, with its ARN."""
    key = "iam:PassRole" if method.service else _needed(method)[0] if method.on_target else ""
    return _needed(method), key, target.arn


def manages(state: State, account: str, other: str) -> bool:
    """Whether `account` is the management account of the organization of `other`, over which it has power anyway."""
    member = member_of(state, other)
    return member is not None and member.account == account

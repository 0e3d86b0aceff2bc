"""Decisions on calls that nobody made: what they are, and which conditions they depend on.

Each is made by the one evaluator (`rule_on`), with the keys that are not given left open (`policy.openness`): once with
every open Allow and no open Deny, which is the best that any values give, once the other way round, which is the worst.
What is allowed at worst is allowed; what is not at best is not; all else is conditional.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any, Final, Literal, NamedTuple

from locum.authz import Presumed, Ruling
from locum.policy import CompiledPolicy, PolicyKind, PolicyType, PolicyTypeOutcome, Source
from locum.policy.compile import CompiledStatement
from locum.policy.prepared import PreparedRequest

Verdict = Literal["allowed", "conditional"]

_MOST_WAYS: Final = 6
"""Of more kinds of policies that may each do without another, the ways are not told apart."""


class Condition(NamedTuple):
    """A condition in words of policy. For a resource known in part the operator is `Resource` or `NotResource`."""

    operator: str
    key: str
    values: tuple[str, ...]


class Clause(NamedTuple):
    """A statement that applies where all its `conditions` hold, and the policy that has it.

    `type` is the type of policy, `policy` its name, `arn` that of a managed policy; `statement` counts from 0.
    """

    type: str
    policy: str
    arn: str
    statement: int
    sid: str
    conditions: tuple[Condition, ...]


Requirement = tuple[Clause, ...]
"""Statements of which one has to apply."""


class Answer(NamedTuple):
    """Whether a call is allowed, and if that is `conditional`, when.

    `when` are ways: one of them is needed, where there are any, and of a way each requirement. `unless` are Deny
    statements, of which none may apply. Whether the conditions can hold together is not looked into.
    """

    verdict: Verdict
    when: tuple[tuple[Requirement, ...], ...] = ()
    unless: tuple[Clause, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The condition keys that the answer depends on, as written first; sorted."""
        clauses = [clause for way in self.when for requirement in way for clause in requirement]
        found: dict[str, str] = {}
        for clause in (*clauses, *self.unless):
            for condition in clause.conditions:
                if condition.key:
                    found.setdefault(condition.key.lower(), condition.key)
        return tuple(sorted(found.values(), key=str.lower))


RuleOn = Callable[[Presumed], Ruling | None]
"""The ruling with open statements presumed to apply or not; None where no policy is evaluated, and it is refused."""


def answer(rule_on: RuleOn) -> Answer | None:
    """The answer of the rulings; None where the call is not allowed, whatever the open keys are."""
    best = rule_on(_allows)
    if best is None or not best.decision.allowed:
        return None
    worst = rule_on(_denies)
    if worst is None or worst.decision.allowed:
        return Answer("allowed")
    return _conditional(rule_on, best, worst)


def _allows(_source: Source, _number: int, allows: bool) -> bool:
    return allows


def _denies(_source: Source, _number: int, allows: bool) -> bool:
    return not allows


def _conditional(rule_on: RuleOn, best: Ruling, worst: Ruling) -> Answer:
    allows: dict[object, list[tuple[CompiledStatement, Clause]]] = {}
    satisfied: set[object] = set()
    unless: list[Clause] = []
    for group, kind, statement, open_parts in _matching(best):
        clause = _clause(kind, statement, open_parts)
        if not statement.allows:
            unless.append(clause)
        elif open_parts:
            allows.setdefault(group, []).append((statement, clause))
        else:
            satisfied.add(group)
    for _, kind, statement, open_parts in _matching(worst):  # a grant is decided on without the resource's policy
        if not statement.allows:
            unless.append(_clause(kind, statement, open_parts))
    groups = [found for group, found in allows.items() if group not in satisfied]
    ways = _ways(rule_on, [frozenset(_reference(statement) for statement, _ in group) for group in groups])
    when = tuple(tuple(tuple(clause for _, clause in groups[at]) for at in way) for way in ways)
    return Answer("conditional", tuple(way for way in when if way), tuple(dict.fromkeys(unless)))


def _ways(rule_on: RuleOn, groups: Sequence[frozenset[tuple[Source, int]]]) -> list[tuple[int, ...]]:
    """The least sets of groups, by their numbers, with which the call is allowed."""
    every = tuple(range(len(groups)))

    def enough(chosen: Sequence[int]) -> bool:
        among = frozenset[tuple[Source, int]]().union(*(groups[at] for at in chosen))
        ruling = rule_on(lambda source, number, allows: allows and (source, number) in among)
        return ruling is not None and ruling.decision.allowed

    needed = tuple(at for at in every if not enough([other for other in every if other != at]))
    rest = [at for at in every if at not in needed]
    if not rest or enough(needed):
        return [needed]
    if len(rest) > _MOST_WAYS:
        return [every]
    ways: list[tuple[int, ...]] = []
    for size in range(1, len(rest) + 1):
        for chosen in combinations(rest, size):
            way = tuple(sorted((*needed, *chosen)))
            if not any(set(known) <= set(way) for known in ways) and enough(way):
                ways.append(way)
    return ways


def _reference(statement: CompiledStatement) -> tuple[Source, int]:
    return statement.reference.source, statement.reference.number


def _matching(ruling: Ruling) -> Iterator[tuple[object, PolicyType, CompiledStatement, tuple[Condition, ...]]]:
    """The statements that apply or may, each with the group of which one has to allow, and its open conditions.

    Of the statements of a resource's policy those are a group that name the caller in the same form.
    """
    prepared = PreparedRequest(ruling.request, bounded=ruling.policies.boundary is not None)
    for kind, level, policy in _policies(ruling):
        for candidates in policy.select(prepared.action):
            for statement in candidates.of(prepared.resource) if candidates is not None else ():
                form = statement.names(prepared)
                if statement.principal is not None and form is None:
                    continue
                parts = statement.standing(prepared)
                if parts is None or (kind is PolicyType.RCP and statement.allows):
                    continue
                conditions = tuple(_condition(statement, part) for part in parts)
                yield (kind, level, form), kind, statement, conditions


def _policies(ruling: Ruling) -> Iterator[tuple[PolicyType, int, CompiledPolicy]]:
    """The policies that take part, each with its type and its level."""
    policies, outcomes = ruling.policies, ruling.decision.outcomes
    if outcomes.rcp is not PolicyTypeOutcome.ABSENT:
        for number, level in enumerate(policies.rcps):
            yield from ((PolicyType.RCP, number, policy) for policy in level)
    if outcomes.scp is not PolicyTypeOutcome.ABSENT:
        for number, level in enumerate(policies.scps):
            yield from ((PolicyType.SCP, number, policy) for policy in level)
    if policies.resource is not None:
        yield PolicyType.RESOURCE, 0, policies.resource
    if policies.boundary is not None:
        yield PolicyType.BOUNDARY, 0, policies.boundary
    yield from ((PolicyType.SESSION, 0, policy) for policy in policies.session or ())
    yield from ((PolicyType.IDENTITY, 0, policy) for policy in policies.identity)


def _condition(statement: CompiledStatement, part: object) -> Condition:
    source = getattr(part, "source", None)
    if source is not None:
        return Condition(source.operator, source.key, source.values)
    of = statement.statement
    name = "Resource" if of.not_resources is None else "NotResource"
    return Condition(name, "", (of.resources if of.not_resources is None else of.not_resources) or ())


def _clause(kind: PolicyType, statement: CompiledStatement, conditions: tuple[Condition, ...]) -> Clause:
    source, number, sid = statement.reference
    arn = source.arn if ":policy/" in source.arn else ""
    name = "trust policy" if source.kind is PolicyKind.TRUST else source.name
    return Clause(str(kind), name, arn, number, sid, conditions)


def answer_json(found: Answer) -> dict[str, Any]:
    """An answer as JSON values."""
    return {
        "verdict": found.verdict,
        "keys": list(found.keys),
        "when": [[[_clause_json(clause) for clause in one] for one in way] for way in found.when],
        "unless": [_clause_json(clause) for clause in found.unless],
    }


def _clause_json(clause: Clause) -> dict[str, Any]:
    return {**clause._asdict(), "conditions": [condition._asdict() for condition in clause.conditions]}

"""Who of some accounts can do what with a resource: its users and roles, with the conditions of what lets them.

It is `who_can` for all actions on one resource. Principals with the same policies are decided on together, and what was
decided is remembered from state to state, as long as no policy that is shared by many is another (`Reach.on`).

IAM User Guide, "Understand how IAM Access Analyzer findings work", "Internal access findings".
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain, product
from math import prod
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum.analysis import candidates
from locum.analysis.asked import Asked, service_of
from locum.analysis.candidates import Candidate, Mentions
from locum.analysis.holding import can_hold
from locum.analysis.openly import Answer, Clause
from locum.analysis.who_can import Search, mentioned
from locum.authz import Check, FactsOf
from locum.authz import service_reference as reference
from locum.core.partial_arn import with_missing
from locum.state import Organization, Role, State, User, change, put


class Kind(NamedTuple):
    """A type of resources: the prefix of its actions, and the reference's types with what follows its ARN for them."""

    prefix: str
    parts: Mapping[str, str]


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "AWS::DynamoDB::Stream": Kind("dynamodb", {"stream": ""}),
        "AWS::DynamoDB::Table": Kind("dynamodb", {"table": "", "index": "/index/*"}),
        "AWS::RDS::DBClusterSnapshot": Kind("rds", {"cluster-snapshot": ""}),
        "AWS::RDS::DBSnapshot": Kind("rds", {"snapshot": ""}),
        "AWS::S3::Bucket": Kind("s3", {"bucket": "", "object": "/*"}),
        "AWS::S3Express::DirectoryBucket": Kind("s3express", {"bucket": ""}),
    }
)
"""The types of resources that are asked about, by CloudFormation's names."""

_MAKING: Final = frozenset(
    {
        "dynamodb:CreateTable",
        "rds:CreateDBClusterSnapshot",
        "rds:CreateDBSnapshot",
        "s3:CreateBucket",
        "s3express:CreateBucket",
    }
)
"""The actions that make a resource: nobody can make one that is there."""

_MOST_WAYS: Final = 32
"""Of more ways to meet conditions, one is told, with the conditions of all."""

Conditions = tuple[tuple[str, str], ...]
"""Condition keys, by their names as written, each with its values, separated by commas; sorted."""

Access = Mapping[Conditions, tuple[str, ...]]
"""The actions that a principal can do, by the conditions of what lets it; without conditions: (). Empty: none."""

_NONE: Final[Access] = MappingProxyType({})


def questions(kind: str, arn: str, region: str, now: float) -> tuple[Asked, ...]:
    """All that can be done with a resource of a type of `KINDS`."""
    found = []
    for action, service, part, entry in _actions(kind):
        resource = with_missing(arn + KINDS[kind].parts[part])
        check = Check(action, resource, part)
        found.append(Asked(check, service, action.partition(":")[2], {}, frozenset(), region, now, entry))
    return tuple(found)


@lru_cache(maxsize=len(KINDS))
def _actions(kind: str) -> tuple[tuple[str, str, str, Mapping[str, Any]], ...]:
    """The actions, each with botocore's name of its service, a resource type of the reference, and its entry there."""
    prefix, parts = KINDS[kind]
    return tuple(
        (f"{prefix}:{entry['name']}", service_of(prefix, str(entry["name"])), str(named["name"]), entry)
        for entry in reference.actions(prefix).values()
        for named in entry["resourceTypes"]
        if named["name"] in parts and f"{prefix}:{entry['name']}" not in _MAKING
    )


def ungoverned(state: State) -> State:
    """`state` without service and resource control policies: organizations are as they are, but for their policies.

    API Reference, InternalAccessDetails: with the account as the zone of trust, Access Analyzer "does not include it in
    the evaluation of effective permissions".
    """
    return change(state, [put(replace(it, policy_types=())) for it in state.every(Organization)])


class Reach:
    """Who can do something with one resource, of which `facts` are known, in `state`.

    `groups` begins with a state, `of` answers for the principals of a group, and `settle` ends with it.
    """

    def __init__(self, state: State, asked: Sequence[Asked], facts: FactsOf) -> None:
        named = [mentioned(state, it, facts) for it in asked]
        self._now = asked[0].now
        self._searches = [Search(state, it, facts, of) for it, of in zip(asked, named, strict=True)]
        self._names = _names(frozenset(chain.from_iterable(it.names for it in named)))
        self._remembered: dict[Hashable, Access] = {}
        self._sessions: dict[str, list[Candidate]] = {}

    def groups(self, state: State, accounts: Iterable[str]) -> list[list[Candidate]]:
        """The users and roles of some accounts, those alike together.

        The managed policies, groups and organizations have to be those of the state that it was made with.
        """
        self._sessions.clear()
        for session in candidates.named_sessions(state, self._names, self._now):
            self._sessions.setdefault(session.of, []).append(session)
        for search in self._searches:
            search.on(state)
        found: dict[Hashable, list[Candidate]] = {}
        for candidate in self._principals(state, accounts):
            found.setdefault(candidate.alike, []).append(candidate)
        self._remembered = {alike: access for alike, access in self._remembered.items() if alike in found}
        return list(found.values())

    def _principals(self, state: State, accounts: Iterable[str]) -> Iterator[Candidate]:
        names = self._names.names
        for account in accounts:
            yield from (candidates.of_user(it, names) for it in state.table(User, account).values())
            yield from (candidates.of_role(it, names) for it in state.table(Role, account).values())

    def of(self, candidate: Candidate) -> Access:
        """What a principal can do; a role also in those of its sessions that policies name."""
        access = self._remembered.get(candidate.alike)
        if access is None:
            access = self._decided(candidate)
            if not any(search.tells_apart(candidate) for search in self._searches):
                self._remembered[candidate.alike] = access
        sessions = self._sessions.get(candidate.arn)
        return access if sessions is None else _together((access, *map(self._decided, sessions)))

    def settle(self) -> None:
        """Remember of a group what holds for all of it, and nothing else."""
        for search in self._searches:
            search.forget()

    def _decided(self, candidate: Candidate) -> Access:
        found: dict[Conditions, list[str]] = {}
        holds: dict[Answer, bool] = {}
        for search in self._searches:
            answer = search.answer(candidate)
            if answer is None:
                continue
            if answer not in holds:
                holds[answer] = can_hold(answer, partial(search.allows, candidate))
            for conditions in _ways(answer) if holds[answer] else ():
                found.setdefault(conditions, []).append(search.action)
        return _access(found)


def _names(names: frozenset[str]) -> Mentions:
    return Mentions(names, frozenset(), frozenset(), frozenset())


def _ways(answer: Answer) -> set[Conditions]:
    """The sets of conditions with each of which an answer allows, as far as keys have values in them."""
    found: set[Conditions] = set()
    for way in answer.when or ((),):
        if prod(map(len, way)) > _MOST_WAYS:
            found.add(_conditions(chain.from_iterable(way)))
        else:
            found.update(map(_conditions, product(*way)))
    return found


def _conditions(clauses: Iterable[Clause]) -> Conditions:
    found: dict[str, list[str]] = {}
    for condition in chain.from_iterable(clause.conditions for clause in clauses):
        if condition.key:
            found.setdefault(condition.key, []).extend(condition.values)
    return tuple(sorted((key, ",".join(dict.fromkeys(values))) for key, values in found.items()))


def _together(all_of: Iterable[Access]) -> Access:
    found: dict[Conditions, list[str]] = {}
    for conditions, actions in chain.from_iterable(access.items() for access in all_of):
        found.setdefault(conditions, []).extend(actions)
    return _access(found)


def _access(found: Mapping[Conditions, Iterable[str]]) -> Access:
    return {conditions: tuple(sorted(set(actions))) for conditions, actions in found.items()} if found else _NONE

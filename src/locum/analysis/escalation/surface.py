"""What the search for escalations looks at: the state, and who wears roles in other services."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

import msgspec

from locum import policy
from locum.analysis.granting import matcher_of
from locum.core.arn import Arn, is_service_linked
from locum.core.resources import ResourceFacts
from locum.policy import MalformedPolicy, PolicyKind, Statement
from locum.policy.patterns import Matcher
from locum.state import Role, State, User
from locum.state.attachments import identity_policies

Entity = User | Role
_NO_FACTS: Final[Mapping[str, ResourceFacts]] = {}


class Worn(NamedTuple):
    """A resource whose code or commands run with a role: `kind` is `lambda:function`, `ec2:instance`, ...

    `id` is its name in its service.
    """

    kind: str
    arn: str
    id: str
    role: str

    @property
    def region(self) -> str:
        """The region that it is in."""
        found = Arn.find(self.arn)
        return "" if found is None else found.region


class Surface(msgspec.Struct, frozen=True, dict=True):
    """The state at the time `now` (epoch seconds), and what wears roles. `facts` are those of resources by ARN.

    `region` is where methods create things.
    """

    state: State
    now: float
    region: str
    worn: tuple[Worn, ...] = ()
    facts: Mapping[str, ResourceFacts] = _NO_FACTS

    @cached_property
    def by_wearer(self) -> Mapping[tuple[str, str], list[Worn]]:
        """What wears roles, by its kind and the ARN of the role."""
        found: defaultdict[tuple[str, str], list[Worn]] = defaultdict(list)
        for worn in self.worn:
            found[worn.kind, worn.role].append(worn)
        return found

    def principals(self) -> list[Entity]:
        """All users and roles but service-linked roles, which nobody can wear or change; by ARN."""
        every: list[Entity] = [*self.state.every(User), *self.state.every(Role)]
        return sorted((one for one in every if not is_service_linked(one.arn)), key=lambda one: one.arn)


@lru_cache(maxsize=8192)
def statements_of(text: str, kind: PolicyKind) -> tuple[Statement, ...]:
    """The statements of a policy; none where it cannot be read, which denies everything."""
    try:
        return policy.parse(text, kind).statements
    except MalformedPolicy:
        return ()


def asked_for(trust: str, key: str) -> list[str]:
    """Values of the condition key `key` (lower-case) that a trust policy asks for: a wildcard is replaced by a text."""
    found = {
        re.sub("[*?]", "x", value)
        for statement in statements_of(trust, PolicyKind.TRUST)
        for condition in statement.conditions
        if condition.key.lower() == key
        for value in condition.values
    }
    return sorted(found)


@lru_cache(maxsize=8192)
def granting(text: str) -> tuple[tuple[Matcher, Statement], ...]:
    """The statements of an identity policy that allow something, with whether each is about a lower-case action."""
    return tuple((matcher_of(one), one) for one in statements_of(text, PolicyKind.IDENTITY) if one.allows)


def patterns_for(state: State, entity: Entity, action: str) -> Iterator[str]:
    """The resources on which identity policies of `entity` allow `action`, as written."""
    for attached in identity_policies(state, entity):
        for matches, statement in granting(attached.document):
            if matches(action.lower()):
                yield from statement.resources or ()

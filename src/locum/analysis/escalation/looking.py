"""Cheap looks at policies before a decision is made: who cannot be allowed in any case.

What is told here is never less than what the evaluator allows. Principals with the same identity policies are looked at
once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from locum.analysis.escalation.surface import Entity, Surface, granting, statements_of
from locum.policy import PolicyKind
from locum.state import Role
from locum.state.attachments import identity_policies

ASSUME: Final = "sts:AssumeRole"
_ACCOUNT_LENGTH: Final = 12
_FIELDS: Final = 6
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")

Documents = tuple[str, ...]
Alike = list[tuple[Documents, list[Entity]]]
"""Principals of one account, by their identity policies."""


class Named(NamedTuple):
    """The principals that a trust policy names: everyone, accounts, and values that name a user or role themselves."""

    everyone: bool
    accounts: frozenset[str]
    direct: frozenset[str]


class Looks:
    """The looks at the principals of `surface`."""

    def __init__(self, surface: Surface) -> None:
        self.everybody = surface.principals()
        self._surface = surface
        self._documents = {one.arn: _documents(surface, one) for one in self.everybody}
        self._by_account: defaultdict[str, list[Entity]] = defaultdict(list)
        self._groups: defaultdict[str, dict[Documents, list[Entity]]] = defaultdict(dict)
        for entity in self.everybody:
            self._by_account[entity.account].append(entity)
            self._groups[entity.account].setdefault(self._documents[entity.arn], []).append(entity)
        self._alike: dict[tuple[str, tuple[str, ...]], Alike] = {}
        self._patterns: dict[tuple[Documents, str], re.Pattern[str] | None] = {}
        self._targets: dict[tuple[Documents, str, str], tuple[Entity, ...]] = {}
        self._with_facts = {one.role for one in surface.worn if one.arn in surface.facts}

    def of_account(self, account: str) -> list[Entity]:
        """The principals of an account."""
        return self._by_account[account]

    def under_resource_policy(self, target: Entity) -> bool:
        """Whether a resource that wears the role `target` may have a policy of its own."""
        return target.arn in self._with_facts

    def may(self, entity: Entity, actions: tuple[str, ...], key: str = "", arn: str = "") -> bool:
        """Whether identity policies of `entity` may allow all `actions` on something, and `key` on `arn`."""
        documents = self._documents[entity.arn]
        if not all(self._pattern(documents, action) for action in actions):
            return False
        return not key or self._on(documents, key, arn)

    def targets(self, entity: Entity, action: str) -> tuple[Entity, ...]:
        """The principals of the account of `entity` on which its identity policies may allow `action`."""
        key = self._documents[entity.arn], action, entity.account
        if key not in self._targets:
            others = self._by_account[entity.account]
            self._targets[key] = tuple(one for one in others if self._on(key[0], action, one.arn))
        return self._targets[key]

    def holders(self, account: str, actions: tuple[str, ...], key: str = "", arn: str = "") -> Iterator[Entity]:
        """The principals of `account` that may have all `actions` on something, and `key` on `arn`."""
        alike = self._alike.get((account, actions))
        if alike is None:
            alike = self._alike[account, actions] = self._grouped(account, actions)
        for documents, entities in alike:
            if not key or self._on(documents, key, arn):
                yield from entities

    def trusted(self, role: Role) -> Iterator[Entity]:
        """The principals that the trust policy of `role` may let in."""
        named = named_in(role.trust)
        if named.everyone:
            yield from self.everybody
            return
        for account in sorted(named.accounts):
            yield from self.holders(account, (ASSUME,), ASSUME, role.arn)
        for entity in self.everybody if named.direct else ():
            if self._names(named, entity):
                yield entity

    def may_assume(self, entity: Entity, role: Role) -> bool:
        """Whether `entity` is among `trusted`."""
        named = named_in(role.trust)
        if named.everyone or self._names(named, entity):
            return True
        return entity.account in named.accounts and self.may(entity, (ASSUME,), ASSUME, role.arn)

    def _names(self, named: Named, entity: Entity) -> bool:
        direct = named.direct
        return entity.id in direct or entity.arn in direct or f"session:{entity.account}:{entity.name}" in direct

    def _grouped(self, account: str, actions: tuple[str, ...]) -> Alike:
        return [
            (documents, entities)
            for documents, entities in self._groups[account].items()
            if all(self._pattern(documents, action) for action in actions)
        ]

    def _on(self, documents: Documents, action: str, arn: str) -> bool:
        pattern = self._pattern(documents, action)
        return pattern is not None and pattern.fullmatch(arn) is not None

    def _pattern(self, documents: Documents, action: str) -> re.Pattern[str] | None:
        """What the resources on which `action` is allowed may be like; None where it is allowed on none."""
        key = documents, action
        if key not in self._patterns:
            found = [
                resource
                for text in documents
                for matches, statement in granting(text)
                if matches(action.lower())
                for resource in ("*" if statement.resources is None else statement.resources)
            ]
            expression = "|".join(dict.fromkeys(map(_expression, found)))
            self._patterns[key] = re.compile(expression, re.DOTALL | re.IGNORECASE) if found else None
        return self._patterns[key]


@lru_cache(maxsize=8192)
def named_in(trust: str) -> Named:
    """The principals that the allowing statements of a trust policy name."""
    accounts, direct, everyone = set[str](), set[str](), False
    for statement in statements_of(trust, PolicyKind.TRUST):
        who = statement.principals
        if not statement.allows:
            continue
        if who is None or who.anyone:
            everyone = True
            continue
        for one in who.aws:
            fields = one.split(":", _FIELDS - 1)
            if one.isdecimal() and len(one) == _ACCOUNT_LENGTH:
                accounts.add(one)
            elif len(fields) == _FIELDS and fields[5] == "root":
                accounts.add(fields[4])
            elif len(fields) == _FIELDS and fields[5].startswith("assumed-role/"):
                direct.add(f"session:{fields[4]}:{fields[5].split('/')[1]}")
            else:
                direct.add(one)
    return Named(everyone, frozenset(accounts), frozenset(direct))


def _documents(surface: Surface, entity: Entity) -> Documents:
    return tuple(dict.fromkeys(one.document for one in identity_policies(surface.state, entity)))


def _expression(pattern: str) -> str:
    """A regular expression for a pattern of resources: a variable, and what an incomplete ARN lacks, is anything."""
    if len(pattern.split(":", _FIELDS - 1)) < _FIELDS:
        return ".*"
    parts = re.split("([*?])", _VARIABLE.sub("*", pattern))
    return "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts)

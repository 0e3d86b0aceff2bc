"""Access from outside of a zone of trust, as findings of external access have it.

IAM User Guide, "How IAM Access Analyzer works", "IAM Access Analyzer filter keys"; Access Analyzer API Reference,
ExternalAccessDetails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from locum.analysis.proofs import callers
from locum.analysis.proofs.budget import Budget
from locum.analysis.proofs.callers import Caller, Mentioned, mentioned, spare_account
from locum.analysis.proofs.checks import Found
from locum.analysis.proofs.dimensions import ACTION
from locum.analysis.proofs.formulas import Atom, every
from locum.analysis.proofs.languages import Language
from locum.analysis.proofs.public import FIXING, actions_of, public_access
from locum.analysis.proofs.translation import actions
from locum.analysis.proofs.zones import Bounds, Zone
from locum.core.letter_case import folded
from locum.core.principal import PrincipalKind
from locum.policy import Document, Request, Statement

_CONTEXT: Final = "kms:encryptioncontext:"


class ExternalAccess(NamedTuple):
    """Access of callers outside of the zone of trust of a resource, as an external access finding has it.

    `principal` is by type, as in a policy: `{"AWS": "444455556666"}`. `conditions` are those of the statement on the
    keys of `FIXING` and on encryption contexts, by their names as written: the values, separated by commas. `request`
    is one that is allowed. `actions` are those of the statement that resource control policies leave, or that of the
    request where the statement lists what it is not about.
    """

    statement: Statement
    principal: Mapping[str, str]
    conditions: Mapping[str, str]
    public: bool
    request: Request
    actions: tuple[str, ...]


def external_access(
    policy: Document, kind: str, owner_account: str, budget: Budget | None = None, bounds: Bounds | None = None
) -> list[ExternalAccess]:
    """Who outside the policy of a resource of type `kind` allows something. Raises NotDecided.

    Outside is what is not of `owner_account`, or not within the zone of `bounds`. Services and service-linked roles are
    not reported. A statement that allows everyone is reported once, for `*`; one that is public has no conditions by
    which it would not be.
    """
    work, within = budget or Budget(), bounds or Bounds(Zone(frozenset({owner_account})))
    public = {found.statement.number for found in public_access(policy, kind, work, within)}
    found: list[ExternalAccess] = []
    for kind_of_principal, name, group in _groups(policy, within):
        wider = ({"AWS": "*"}, {"AWS": group[0].sample.account} if not name.isdigit() else {})
        told = {access.statement.number for access in found if access.principal in wider}
        asked = _Asked(policy, within, _all_of(group), actions_of(kind), work)
        for statement, request in asked.found():
            if statement.number not in told:
                conditions = _conditions(statement)
                is_public = name == "*" and statement.number in public
                left = asked.left(statement) if within.limits else statement.actions or ()
                principal = {kind_of_principal: name}
                listed = left or (request.action,)
                found.append(ExternalAccess(statement, principal, conditions, is_public, request, listed))
    return sorted(found, key=lambda access: access.statement.number)


class _Asked(NamedTuple):
    """What a policy allows some callers within bounds, of the actions that are listed."""

    policy: Document
    bounds: Bounds
    callers: Callable[[Mentioned], Iterable[Caller]]
    listed: Language
    budget: Budget

    def found(self, *only: str) -> tuple[Found, ...]:
        """The statements that allow them something, of `only` the patterns of actions where they are given."""
        wanted = [Atom(ACTION, self.listed), *([Atom(ACTION, actions(only))] if only else [])]
        question = self.bounds.question(
            self.policy,
            self.callers,
            also=lambda here: every((*wanted, self.bounds.formula(here))),
            admits=self.bounds.admits,
        )
        return question.found(self.budget)

    def left(self, statement: Statement) -> tuple[str, ...]:
        """The actions of a statement, as written, of which something is allowed."""
        listed = statement.actions or ()
        if len(listed) < 2:
            return listed
        return tuple(it for it in listed if any(found.statement == statement for found in self.found(it)))


def _groups(policy: Document, bounds: Bounds) -> Iterator[tuple[str, str, list[Caller]]]:
    """The callers outside of a zone as findings name them: all others first, then accounts, then the named."""
    found = mentioned([policy, *bounds.limits])
    known = bounds.zone.known(found)
    unmentioned = (spare_account(known), bounds.zone.other(found))
    groups: dict[tuple[str, str], list[Caller]] = {("AWS", "*"): []}
    for caller in callers.everybody(known):
        kind = caller.sample.kind
        if kind is PrincipalKind.SERVICE or bounds.zone.has(caller):
            continue
        if caller.provider:
            groups.setdefault(("Federated", caller.provider), []).append(caller)
        elif kind is PrincipalKind.ANONYMOUS or (caller.sample.account in unmentioned and not caller.canonical_user):
            groups["AWS", "*"].append(caller)
        elif caller.canonical_user:
            groups.setdefault(("CanonicalUser", caller.canonical_user), []).append(caller)
        else:
            whole = caller.unnamed or kind is PrincipalKind.ROOT
            groups.setdefault(("AWS", caller.sample.account if whole else caller.name), []).append(caller)
    ordered = sorted(groups, key=lambda each: (each[1] != "*", not each[1].isdigit()))
    for group in ordered:
        yield *group, groups[group]


def _all_of(group: Sequence[Caller]) -> Callable[[Mentioned], Iterable[Caller]]:
    return lambda _known: group


def _conditions(statement: Statement) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for condition in statement.conditions:
        key = folded(condition.key)
        if key in FIXING or key.startswith(_CONTEXT):
            found.setdefault(condition.key, []).extend(condition.values)
    return {key: ",".join(values) for key, values in found.items()}

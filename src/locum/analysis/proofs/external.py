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
from locum.analysis.proofs.checks import Question
from locum.analysis.proofs.dimensions import ACTION
from locum.analysis.proofs.formulas import Atom, every
from locum.analysis.proofs.public import FIXING, actions_of, public_access
from locum.analysis.proofs.zones import Zone
from locum.core.letter_case import folded
from locum.core.principal import PrincipalKind
from locum.policy import Document, Request, Statement

_CONTEXT: Final = "kms:encryptioncontext:"


class ExternalAccess(NamedTuple):
    """Access of callers outside of the zone of trust of a resource, as an external access finding has it.

    `principal` is by type, as in a policy: `{"AWS": "444455556666"}`. `conditions` are those of the statement on the
    keys of `FIXING` and on encryption contexts, by their names as written: the values, separated by commas. `request`
    is one that is allowed.
    """

    statement: Statement
    principal: Mapping[str, str]
    conditions: Mapping[str, str]
    public: bool
    request: Request

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions of the statement as it has them; that of the request where it lists what it is not about."""
        return self.statement.actions or (self.request.action,)


def external_access(policy: Document, kind: str, zone: Zone, budget: Budget | None = None) -> list[ExternalAccess]:
    """Who outside of `zone` the policy of a resource of type `kind` allows something. Raises NotDecided.

    Services and service-linked roles are not reported. A statement that allows everyone is reported once, for `*`; one
    that is public has no conditions by which it would not be.
    """
    work = budget or Budget()
    public = {found.statement.number for found in public_access(policy, kind, work, zone)}
    wanted = Atom(ACTION, actions_of(kind))
    found: list[ExternalAccess] = []
    for kind_of_principal, name, group in _groups(policy, zone):
        wider = ({"AWS": "*"}, {"AWS": group[0].sample.account} if not name.isdigit() else {})
        told = {access.statement.number for access in found if access.principal in wider}
        question = Question(
            policy,
            _all_of(group),
            also=lambda here: every((wanted, zone.outside(here))),
            admits=zone.admits,
            knowing=zone.known,
        )
        for statement, request in question.found(work):
            if statement.number not in told:
                conditions = _conditions(statement)
                is_public = name == "*" and statement.number in public
                found.append(ExternalAccess(statement, {kind_of_principal: name}, conditions, is_public, request))
    return sorted(found, key=lambda access: access.statement.number)


def _groups(policy: Document, zone: Zone) -> Iterator[tuple[str, str, list[Caller]]]:
    """The callers outside of a zone as findings name them: all others first, then accounts, then the named."""
    known = zone.known(mentioned([policy]))
    spare = spare_account(known)
    groups: dict[tuple[str, str], list[Caller]] = {("AWS", "*"): []}
    for caller in callers.everybody(known):
        kind = caller.sample.kind
        if kind is PrincipalKind.SERVICE or zone.has(caller):
            continue
        if caller.provider:
            groups.setdefault(("Federated", caller.provider), []).append(caller)
        elif kind is PrincipalKind.ANONYMOUS or (caller.sample.account == spare and not caller.canonical_user):
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

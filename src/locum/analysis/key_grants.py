"""Grants of a KMS key: those that a call is within only with certain parameters (its encryption context, or the grant's
id), and grants as statements of a policy.

AWS KMS Developer Guide, "Grants in AWS KMS", "Using grant constraints".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.analysis.openly import Answer, Clause, Condition
from locum.authz.services.kms_grants import GRANTEE, GRANTS
from locum.core.resources import ResourceFacts
from locum.policy import PolicyType

_MEMBERS: Final = ("GranteePrincipal", "RetiringPrincipal")
_RETIRING: Final = "RetireGrant"


class Within(NamedTuple):
    """Parameters with which a call is within a grant, and the clause that tells of them."""

    params: Mapping[str, Any]
    clause: Clause


def grants_of(facts: ResourceFacts) -> list[dict[str, Any]]:
    """The grants of a key, as ListGrants has them."""
    found: list[dict[str, Any]] = json.loads(facts.attributes.get(GRANTS) or "[]")
    return found


def grantees(facts: ResourceFacts) -> Iterator[str]:
    """Those to whom a key is granted, and who may retire a grant."""
    for grant in grants_of(facts):
        yield from (grant[member] for member in _MEMBERS if isinstance(grant.get(member), str))


def statements(
    grants: Iterable[Mapping[str, Any]], wanted: Callable[[str], bool] = lambda _account: True
) -> list[dict[str, Any]]:
    """Grants of a key, as ListGrants has them, as statements: to those (grantees, and who may retire one) whose account
    is `wanted`.

    Constraints are conditions on the pairs of the encryption context. Several grants alike are one statement.
    """
    found: dict[str, dict[str, Any]] = {}
    for grant in grants:
        conditions = _conditions(grant.get("Constraints") or {})
        operations = [str(it) for it in grant.get("Operations") or ()]
        for who, listed in ((grant.get(_MEMBERS[0]), operations), (grant.get(_MEMBERS[1]), [_RETIRING])):
            if listed and GRANTEE.fullmatch(str(who)) and wanted(account_of(str(who))):
                made = _statement(str(who), listed, conditions if listed is operations else {})
                found.setdefault(json.dumps(made, sort_keys=True), made)
    return list(found.values())


def _statement(who: str, operations: Sequence[str], conditions: Mapping[str, Any]) -> dict[str, Any]:
    actions = [f"kms:{operation}" for operation in operations]
    made = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": actions, "Resource": "*"}
    return made | ({"Condition": {"StringEquals": conditions}} if conditions else {})


def _conditions(constraints: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    pairs = (pair for context in constraints.values() for pair in context.items())
    return {f"kms:EncryptionContext:{key}": value for key, value in pairs}


def account_of(principal: str) -> str:
    """The account of a grantee: an account, or the ARN of one of its principals."""
    return principal if principal.isdigit() else principal.split(":", 5)[4]


def within(facts: ResourceFacts, operation: str) -> Iterator[Within]:
    """The parameters that grants ask for."""
    for grant in grants_of(facts):
        grant_id = str(grant.get("GrantId"))
        if operation == _RETIRING:
            yield Within({"GrantId": grant_id}, _clause(grant_id, Condition("GrantId", "", (grant_id,))))
        constraints = grant.get("Constraints") or {}
        for name in constraints if operation in (grant.get("Operations") or ()) else ():
            pairs = constraints[name]
            told = Condition(name, "kms:EncryptionContext", tuple(f"{key}={value}" for key, value in pairs.items()))
            yield Within({"EncryptionContext": pairs, "Constraints": {name: pairs}}, _clause(grant_id, told))


def _clause(grant_id: str, condition: Condition) -> Clause:
    return Clause(str(PolicyType.RESOURCE), f"grant {grant_id}", "", 0, "", (condition,))


def beside(answer: Answer | None, ways: list[tuple[Clause, Answer]]) -> Answer | None:
    """An answer with what grants let beside it."""
    if not ways or (answer is not None and not answer.when):
        return answer
    more = tuple(((clause,), *way) for clause, found in ways for way in found.when or ((),))
    unless = tuple(dict.fromkeys(clause for _, found in ways for clause in found.unless))
    return Answer("conditional", (*more, *(answer.when if answer is not None else ())), unless)

"""GetDelegationRequest, DelegationPermissionCheck: could the caller delegate what a request asks for?

IAM API Reference, PermissionCheckResult: "This is an approximate result. ALLOWED: The caller has sufficient permissions
cover all the requested permissions. DENIED: The caller does not [...]. UNSURE: It is not possible to determine whether
the caller has all the permissions needed. This output is most likely for cases when the caller has permissions with
conditions."

A pattern in the request is held against the caller's policies as if it were a name: a `*` of theirs covers a `*`. So
what is found to be covered is; for the rest, where patterns or conditions play a part, the answer is that it is unsure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum import authz
from locum.core.principal import PrincipalKind
from locum.policy import Document, Statement
from locum.policy.patterns import glob, scan
from locum.services.iam.delegation.policies import listed, statements
from locum.services.verbs import Context
from locum.state import Role, User
from locum.state.arns import entity_of

ALLOWED: Final = "ALLOWED"
DENIED: Final = "DENIED"
UNSURE: Final = "UNSURE"


def result(context: Context, document: str) -> str:
    """ALLOWED, DENIED or UNSURE: whether the caller has the permissions of `document`."""
    principal, session = context.caller.principal, context.caller.session
    if principal.kind is PrincipalKind.ROOT:
        return ALLOWED
    caller = entity_of(context.state, principal.principal_arn)
    limited = session is not None and (session.policy is not None or session.policy_arns)
    if not isinstance(caller, User | Role) or limited:
        return UNSURE
    supposed = authz.suppose(principal, {}, authz.gathered(context.state, caller))
    own = [found.document for found in supposed.policies.identity]
    lacking = [asked for asked in _asked(document) if not supposed.decide(*asked, principal.account).allowed]
    granting = [statement for found in own for statement in found.statements if statement.allows]
    if any(not any(_meets(action, statement) for statement in granting) for action, _ in lacking):
        return DENIED
    if any(map(_conditional, own)) or any("*" in part or "?" in part for asked in lacking for part in asked):
        return UNSURE
    return DENIED if lacking else ALLOWED


def _asked(document: str) -> Iterator[tuple[str, str]]:
    """Each action that `document` allows, and each resource it allows it on."""
    for statement in statements(document):
        if statement["Effect"] == "Allow":
            for action in listed(statement.get("Action", "*")):  # of NotAction: everything, to be on the safe side
                for resource in listed(statement.get("Resource", "*")):
                    yield action, resource


def _conditional(document: Document) -> bool:
    """Whether a policy has conditions, variables or denials, which a pattern may meet in part."""
    return "${" in document.text or any(one.conditions or not one.allows for one in document.statements)


def _meets(action: str, statement: Statement) -> bool:
    """Whether a statement speaks of some of what `action` stands for."""
    if statement.actions is None:
        return True
    return any(_covers(mine, action) or _covers(action, mine) for mine in statement.actions)


def _covers(pattern: str, text: str) -> bool:
    return glob(scan(pattern.lower(), variables=False))(text.lower())

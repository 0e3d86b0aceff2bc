"""GetDelegationRequest, DelegationPermissionCheck: could the caller delegate what a request asks for?

IAM API Reference, PermissionCheckResult: "This is an approximate result. ALLOWED: The caller has sufficient permissions
cover all the requested permissions. DENIED: The caller does not [...]. UNSURE: It is not possible to determine whether
the caller has all the permissions needed. This output is most likely for cases when the caller has permissions with
conditions."

A pattern in the request is held against the caller's policies as if it were a name: a `*` of theirs covers a `*`. So
what is found to be covered is; for the rest, where patterns or conditions play a part, the answer is that it is unsure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum import policy
from locum.core.principal import PrincipalKind
from locum.policy import Policies, Request
from locum.policy.patterns import glob, scan
from locum.services.iam.delegation.policies import listed, statements
from locum.services.iam.simulator import sources
from locum.services.verbs import Context
from locum.state import Role, User
from locum.state.attachments import Identity, identity_policies

ALLOWED: Final = "ALLOWED"
DENIED: Final = "DENIED"
UNSURE: Final = "UNSURE"


def result(context: Context, document: str) -> str:
    """ALLOWED, DENIED or UNSURE: whether the caller has the permissions of `document`."""
    if context.caller.principal.kind is PrincipalKind.ROOT:
        return ALLOWED
    caller = _caller(context)
    session = context.caller.session
    if caller is None or (session is not None and (session.policy is not None or session.policy_arns)):
        return UNSURE
    policies = Policies(
        identity=sources.identity(context.state, caller, lambda _found: False),
        boundary=sources.boundary(context.state, caller),
        scps=sources.service_controls(context.state, caller),
        principal_in_management_account=sources.exempt(context.state, caller),
    )
    asked = list(_asked(document))
    lacking = [(action, where) for action, where in asked if not _allowed(context, policies, action, where)]
    documents = [found.document for found in identity_policies(context.state, caller)]
    granted = [one for text in documents for one in statements(text) if one["Effect"] == "Allow"]
    if any(not any(_meets(action, one) for one in granted) for action, _ in lacking):
        return DENIED
    unclear = any(map(_conditional, documents)) or any("*" in part or "?" in part for pair in lacking for part in pair)
    if unclear:
        return UNSURE
    return DENIED if lacking else ALLOWED


def _caller(context: Context) -> Identity | None:
    principal = context.caller.principal
    arn = principal.principal_arn
    kind: type[User] | type[Role] = Role if principal.kind is PrincipalKind.ROLE_SESSION else User
    return context.state.get(kind, principal.account, arn.rsplit("/", 1)[-1].lower())


def _asked(document: str) -> Iterator[tuple[str, str]]:
    for statement in statements(document):
        if statement["Effect"] == "Allow":
            for action in listed(statement.get("Action", "*")):  # of NotAction: everything, to be on the safe side
                for resource in listed(statement.get("Resource", "*")):
                    yield action, resource


def _allowed(context: Context, policies: Policies, action: str, resource: str) -> bool:
    principal = context.caller.principal
    known = {"aws:principalarn": principal.principal_arn, "aws:principalaccount": principal.account}
    request = Request(principal, action, resource, principal.account, known, resource == "*")
    return policy.evaluate(request, policies).allowed


def _conditional(document: str) -> bool:
    """Whether a policy has conditions, variables or denials, which a pattern may meet in part."""
    found = statements(document)
    return "${" in document or any("Condition" in one or one["Effect"] == "Deny" for one in found)


def _meets(action: str, statement: Mapping[str, Any]) -> bool:
    """Whether a statement speaks of some of what `action` stands for."""
    if "NotAction" in statement:
        return True
    return any(_covers(mine, action) or _covers(action, mine) for mine in listed(statement["Action"]))


def _covers(pattern: str, text: str) -> bool:
    return glob(scan(pattern.lower(), variables=False))(text.lower())

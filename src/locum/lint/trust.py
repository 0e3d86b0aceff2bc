"""Checks of roles' trust policies.

IAM User Guide, "Roles terms and concepts", "Create a role for OpenID Connect federation".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from locum.lint.globs import has_wildcard, matcher
from locum.lint.view import Condition, Issue, Policy, Principal, Statement, issue
from locum.policy.grammar import Quantifier

GITHUB: Final = "token.actions.githubusercontent.com"
_SAML: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:saml-provider/.+")
_OIDC: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/(.+)")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/.*)?")
_ROLES_ANYWHERE: Final = "rolesanywhere.amazonaws.com"
_ROLES_ANYWHERE_NEEDS: Final = ("sts:assumerole", "sts:setsourceidentity", "sts:tagsession")
_SESSION: Final = re.compile(r"arn:([^:]+):(?:sts|iam)::([0-9]{12}):assumed-role/([^/]+)/.+")
_ROLE: Final = re.compile(r"arn:([^:]+):iam::([0-9]{12}):role/(?:.*/)?([^/]+)")
# The providers whose `aud` claim has a single value.
_SINGLE_AUDIENCE: Final = frozenset(
    {"accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com", GITHUB}
)


def no_not_principal(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL."""
    member = statement.element("NotPrincipal")
    if policy.trust and member is not None:
        yield issue("ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", policy.key(member))


def no_lone_wildcard(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL: "Principal": "*", not "AWS": "*"."""
    for principal in statement.principals:
        if policy.trust and principal.kind == "" and principal.value.text == "*":
            yield issue("ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", policy.value(principal.value))


def no_resource(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE."""
    for name in ("Resource", "NotResource"):
        member = statement.element(name)
        if policy.trust and member is not None:
            yield issue("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", policy.key(member))


def _federated(policy: Policy, statement: Statement) -> tuple[Principal, ...]:
    if not policy.trusts(statement):
        return ()
    return tuple(p for p in statement.principals if p.kind == "Federated" and not has_wildcard(p.value.text))


def provider_formats(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY."""
    for principal in _federated(policy, statement):
        if not any(form.fullmatch(principal.value.text) for form in (_SAML, _OIDC, _DOMAIN)):
            yield issue("INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", policy.value(principal.value))


def _provider(principal: Principal) -> str:
    """The domain (and path) of an OpenID Connect provider; empty for other principals."""
    text = principal.value.text
    if principal.kind != "Federated" or _SAML.fullmatch(text):
        return ""
    match = _OIDC.fullmatch(text)
    return (match.group(1) if match else text if _DOMAIN.fullmatch(text) else "").lower()


def mismatched_actions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISMATCHED_ACTION_FOR_PRINCIPAL."""
    if not policy.trusts(statement):
        return
    for action in statement.actions:
        wrong = [p for p in statement.principals if p.kind and not _fits(action.text.lower(), p)]
        if wrong:
            names = ", ".join(principal.value.text for principal in wrong)
            places = (policy.value(action), *(policy.value(principal.value) for principal in wrong))
            yield issue("MISMATCHED_ACTION_FOR_PRINCIPAL", *places, action=action.text, principals=names)


def _fits(action: str, principal: Principal) -> bool:
    if principal.kind == "AWS" and principal.value.text == "*":
        return True
    saml = principal.kind == "Federated" and bool(_SAML.fullmatch(principal.value.text))
    if action == "sts:assumerolewithsaml":
        return saml
    if action == "sts:assumerolewithwebidentity":
        return principal.kind == "Federated" and not saml
    return action != "sts:assumerole" or principal.kind != "Federated"


def roles_anywhere(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY."""
    named = [p for p in statement.principals if p.kind == "Service" and p.value.text == _ROLES_ANYWHERE]
    if not named or not statement.allows or not policy.trusts(statement):
        return
    patterns = [matcher(action.text.lower()) for action in statement.actions]
    if not all(any(matches(needed) for matches in patterns) for needed in _ROLES_ANYWHERE_NEEDS):
        yield issue("MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY", policy.value(named[0].value))


def provider_conditions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_GITHUB_REPO_CONDITION_KEY and MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL."""
    if not statement.allows or not policy.trusts(statement):
        return
    for principal in statement.principals:
        provider = _provider(principal)
        if not provider or principal.negated:
            continue
        if provider.partition("/")[0] == GITHUB:
            if not any(name.startswith(GITHUB) and name.endswith(":sub") for name in statement.keys):
                yield issue("MISSING_GITHUB_REPO_CONDITION_KEY", policy.value(principal.value))
        elif not any(name.startswith(f"{provider}:") for name in statement.keys):
            yield issue("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", policy.value(principal.value))


def github_branches(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED."""
    if not statement.allows or f"{GITHUB}:ref" in statement.keys:
        return
    for condition in statement.conditions:
        if condition.name != f"{GITHUB}:sub" or condition.negated or condition.parts is None:
            continue
        for value in condition.values:
            if condition.parts.comparison == "like" and has_wildcard(value.text):
                yield issue("SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED", policy.value(value))


def audiences(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE and CONFIRM_AUDIENCE_CLAIM_TYPE."""
    if not policy.trusts(statement):
        return
    for condition in statement.conditions:
        provider, _, claim = condition.name.rpartition(":")
        if claim != "aud" or condition.parts is None or condition.parts.quantifier is Quantifier.NONE:
            continue
        yield from _audience(policy, condition, provider, condition.parts.quantifier)


def _audience(policy: Policy, condition: Condition, provider: str, quantifier: Quantifier) -> Iterator[Issue]:
    place, key = policy.key(condition.operator), condition.key.name
    if provider not in _SINGLE_AUDIENCE:
        yield issue("CONFIRM_AUDIENCE_CLAIM_TYPE", place, key=key, audience_type="audience")
    elif quantifier is Quantifier.ANY:
        yield issue("FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE", place, key=key)


def redundant_sessions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY."""
    if not policy.trusts(statement):
        return
    parents: dict[tuple[str, ...], str] = {}
    for principal in statement.principals:
        role = _ROLE.fullmatch(principal.value.text)
        if role:
            parents[role.groups()] = principal.value.text
    for principal in statement.principals:
        session = _SESSION.fullmatch(principal.value.text)
        if session and session.groups() in parents:
            words = {"redundant": principal.value.text, "parent": parents[session.groups()]}
            yield issue("REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", policy.value(principal.value), **words)

"""Strangers with a token of an identity provider that a role trusts: whom its trust policy lets in whoever they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from locum.analysis.escalation.judging import Hop, Judge
from locum.analysis.escalation.surface import statements_of
from locum.core.principal import Caller, FederatedClaims, Principal, PrincipalKind
from locum.policy import PolicyKind
from locum.state import OidcProvider, Role
from locum.state.arns import entity_of

_SUBJECTS: Final = {"token.actions.githubusercontent.com": "repo:stranger/stranger:ref:refs/heads/main"}
_STRANGER: Final = "stranger-zq7x"
METHOD: Final = "sts:AssumeRoleWithWebIdentity"


def outsider_hops(judge: Judge, roles: Iterable[Role]) -> Iterator[Hop]:
    """The hops of anybody with a token of a provider to one of `roles`: with a subject that nobody thought of."""
    for role in roles:
        for provider in sorted(_providers(role)):
            for caller in _callers(judge, role, provider):
                made = judge.web_identity(role, caller, judge.surface.region)
                if made is not None:
                    yield Hop(provider, role.arn, METHOD, (made,))
                    break


def _providers(role: Role) -> set[str]:
    found: set[str] = set()
    for statement in statements_of(role.trust, PolicyKind.TRUST):
        if statement.allows and statement.principals is not None:
            found.update(one for one in statement.principals.federated if ":saml-provider/" not in one)
    return found


def _callers(judge: Judge, role: Role, provider: str) -> Iterator[Caller]:
    """Strangers with a token for each audience that the provider, or where it has none the trust policy, allows."""
    entity = entity_of(judge.surface.state, provider)
    url = provider.split(":oidc-provider/", 1)[-1]
    audiences = entity.client_ids if isinstance(entity, OidcProvider) else ()
    subject = _SUBJECTS.get(url, _STRANGER)
    for audience in audiences or _audiences(role) or (_STRANGER,):
        context = {f"{url}:{name}".lower(): value for name, value in (("sub", subject), ("aud", audience))}
        principal_id = f"{provider}:{audience}:{subject}"
        principal = Principal.federated(PrincipalKind.WEB_IDENTITY, provider, role.account, principal_id, subject)
        yield Caller(principal, federated_claims=FederatedClaims(context=context))


def _audiences(role: Role) -> tuple[str, ...]:
    return tuple(
        value
        for statement in statements_of(role.trust, PolicyKind.TRUST)
        for condition in statement.conditions
        if condition.key.lower().endswith(":aud")
        for value in condition.values
    )

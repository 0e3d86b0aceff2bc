"""The condition keys that are derived from the principal.

IAM User Guide, "AWS global condition context keys" and "Policy variables: request information that is always
available", table "Principal key values".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.core.letter_case import folded, with_folded_keys
from locum.core.principal import ContextValue, Principal, PrincipalKind, Session

PRINCIPAL_ARN: Final = "aws:principalarn"
PRINCIPAL_ACCOUNT: Final = "aws:principalaccount"
PRINCIPAL_TYPE: Final = "aws:principaltype"
USER_ID: Final = "aws:userid"
USER_NAME: Final = "aws:username"

DERIVED_KEYS: Final = frozenset({PRINCIPAL_ARN, PRINCIPAL_ACCOUNT, PRINCIPAL_TYPE, USER_ID, USER_NAME})

_TYPES: Final = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ROLE_SESSION: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
    PrincipalKind.ANONYMOUS: "Anonymous",
}


def derived_context(principal: Principal, session: Session | None = None) -> Mapping[str, ContextValue]:
    """The condition keys that follow from the principal, and with `session` those of its temporary credentials.

    aws:PrincipalArn of a role session is the role's ARN; aws:username exists for IAM users only
    (SEMANTICS 51). An anonymous caller has only the type and the user id (SEMANTICS 15); a service principal, or a
    caller authenticated by an identity provider, has none of these keys.
    """
    kind = principal.kind
    if kind is PrincipalKind.SERVICE or principal.provider:
        return {}
    if kind is PrincipalKind.ANONYMOUS:
        return {PRINCIPAL_TYPE: "Anonymous", USER_ID: "anonymous"}
    keys: dict[str, ContextValue] = {PRINCIPAL_ACCOUNT: principal.account, PRINCIPAL_TYPE: _TYPES[kind]}
    # A simulated caller may lack some of these.
    if principal.principal_arn:
        keys[PRINCIPAL_ARN] = principal.principal_arn
    if principal.user_id:
        keys[USER_ID] = principal.user_id
    if kind is PrincipalKind.USER and principal.name:
        keys[USER_NAME] = principal.name
    if session is not None:
        keys.update(_session_context(session))
    return keys


def _session_context(session: Session) -> dict[str, ContextValue]:
    """The keys of the session: aws:PrincipalTag/..., aws:SourceIdentity and the claims, lower-case (SEMANTICS 44)."""
    keys = with_folded_keys(session.context)
    keys.update({f"aws:principaltag/{folded(key)}": value for key, value in session.tags.items()})
    if session.source_identity:
        keys["aws:sourceidentity"] = session.source_identity
    return keys

"""The claims of a verified ID token.

IAM User Guide, "Available keys for AWS OIDC federation": of a token's claims, `aud`, `sub`, `amr`, `email` and `oaud`
are condition keys of every provider, PROVIDER:CLAIM; further ones of GitHub, Google, CircleCI and Oracle are available
in the trust policy only. "Pass session tags in AWS STS", "Monitor and control actions taken with assumed roles": claims
under https://aws.amazon.com/ are for STS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from locum.core.errors import Fault
from locum.core.principal import ContextValue
from locum.services.sts.assumed import NAME
from locum.services.sts.faults import invalid_identity_token

_LATEST: Final = 1e15
"""The limit for instants in epoch seconds, which excludes infinity."""

TAGS: Final = "https://aws.amazon.com/tags"
SOURCE_IDENTITY: Final = "https://aws.amazon.com/source_identity"
ROLES: Final = "https://aws.amazon.com/roles"

_FLAT_TAG: Final = f"{TAGS}/principal_tags/"
_FLAT_TRANSITIVE: Final = f"{TAGS}/transitive_tag_keys"

_CLAIMS_BY_HOST: Final[Mapping[str, tuple[str, ...]]] = {
    "token.actions.githubusercontent.com": (
        "actor",
        "actor_id",
        "enterprise_id",
        "environment",
        "job_workflow_ref",
        "ref",
        "repository",
        "repository_id",
        "workflow",
    ),
    "accounts.google.com": ("google/organization_number",),
    "oidc.circleci.com": ("oidc.circleci.com/project-id",),
}
"""Further claims by the host of the provider's URL."""

_ORACLE_HOST: Final = re.compile(r"identity\.[a-z0-9.-]*oraclecloud\.com|identity\.oraclecloud\.com")


def text(claims: Mapping[str, Any], name: str) -> str:
    """A required claim that is text. Raises InvalidIdentityToken."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise missing(name)
    return value


def instant(claims: Mapping[str, Any], name: str) -> float:
    """A required claim that is epoch seconds. Raises InvalidIdentityToken."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LATEST < value < _LATEST:
        raise missing(name)
    return value


def audience(claims: Mapping[str, Any], client_ids: Sequence[str]) -> tuple[str, str]:
    """The audience of the token, which must be one of `client_ids`, and the first value of the `aud` claim.

    They differ where there is an `azp` claim: "azp when the azp field is set". A token with several audiences must have
    one (OpenID Connect Core 1.0, 3.1.3.7, rule 4). Raises InvalidIdentityToken.
    """
    listed = claims.get("aud")
    audiences = [listed] if isinstance(listed, str) else listed
    if not isinstance(audiences, list) or not audiences or not all(isinstance(a, str) and a for a in audiences):
        raise missing("aud")
    party = text(claims, "azp") if "azp" in claims else None
    if party is None and len(audiences) > 1:
        raise _incorrect_audience()
    chosen = party or audiences[0]
    if chosen not in client_ids:
        raise _incorrect_audience()
    return chosen, audiences[0]


def session_keys(claims: Mapping[str, Any], chosen: str, other: str, subject: str) -> dict[str, ContextValue]:
    """The claims, by name, that are condition keys of the trust policy and of the session."""
    found: dict[str, ContextValue] = {"aud": chosen, "oaud": other, "sub": subject}
    if isinstance(claims.get("email"), str):
        found["email"] = claims["email"]
    methods = claims.get("amr")
    listed = [methods] if isinstance(methods, str) else methods
    if isinstance(listed, list) and listed and all(isinstance(method, str) for method in listed):
        found["amr"] = tuple(listed)
    return found


def trust_policy_keys(url: str, claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The claims of well-known providers that are condition keys of the trust policy only."""
    host = url.partition("/")[0].lower()
    names = ("rpst_id",) if _ORACLE_HOST.fullmatch(host) else _CLAIMS_BY_HOST.get(host, ())
    for name in names:
        value = claims.get(name)
        if isinstance(value, bool):
            yield name, str(value).lower()
        elif isinstance(value, str | int):
            yield name, str(value)


def session_tags(claims: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The session tags and the transitive tag keys, in the nested or the flat form.

    "principal_tags": {"Project": ["Automation"]}, "transitive_tag_keys": ["Project"]; or the claims
    https://aws.amazon.com/tags/principal_tags/Project and https://aws.amazon.com/tags/transitive_tag_keys. Raises
    IDPRejectedClaim.
    """
    nested = claims.get(TAGS, {})
    if not isinstance(nested, dict) or not isinstance(nested.get("principal_tags", {}), dict):
        raise _rejected(TAGS)
    flat = {name.removeprefix(_FLAT_TAG): value for name, value in claims.items() if name.startswith(_FLAT_TAG)}
    tags = {key: _tag_value(value) for key, value in {**nested.get("principal_tags", {}), **flat}.items()}
    transitive = claims.get(_FLAT_TRANSITIVE, nested.get("transitive_tag_keys", []))
    keys = [transitive] if isinstance(transitive, str) else transitive
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise _rejected(TAGS)
    return tags, tuple(keys)


def _tag_value(value: Any) -> str:
    """The value of a tag: text, or a list of one text."""
    only = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(only, str):
        raise _rejected(TAGS)
    return only


def source_identity(claims: Mapping[str, Any]) -> str:
    """The source identity in the token; empty where there is none. Raises IDPRejectedClaim."""
    value = claims.get(SOURCE_IDENTITY, "")
    if value == "":
        return ""
    if not isinstance(value, str) or not NAME.fullmatch(value) or value.lower().startswith("aws:"):
        raise _rejected(SOURCE_IDENTITY)
    return value


def role_authorized(claims: Mapping[str, Any], role_arn: str) -> str:
    """sts:RoleAuthorizedByIdp: "true" where the token has the roles that it is for, else "false".

    Raises InvalidIdentityToken where the role is not among them.
    """
    if ROLES not in claims:
        return "false"
    listed = claims[ROLES]
    roles = [listed] if isinstance(listed, str) else listed
    if not isinstance(roles, list) or role_arn not in roles:
        raise invalid_identity_token(f"The web identity token is not authorized for the role {role_arn}")
    return "true"


def missing(name: str) -> Fault:
    """The error for a claim that is missing or invalid."""
    return invalid_identity_token(f"Missing a required claim: {name}")


def _incorrect_audience() -> Fault:
    return invalid_identity_token("Incorrect token audience")


def _rejected(name: str) -> Fault:
    return Fault("IDPRejectedClaim", f"The claim {name} is not valid.", 403)

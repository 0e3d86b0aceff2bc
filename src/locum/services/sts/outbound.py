"""GetWebIdentityToken: a signed token with the identity of the caller, for services outside of AWS.

IAM User Guide, "Understanding token claims": the standard claims, and those of AWS under https://sts.amazonaws.com/.
"""

from __future__ import annotations

from typing import Any, Final

from locum.core.clock import iso8601
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.core.letter_case import folded
from locum.core.principal import PrincipalKind, Session
from locum.credentials import webtokens
from locum.services.sts import passed
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance, OutboundFederation, Role, User, organizations
from locum.state.indexes import INSTANCE_ID, UNIQUE_ID

DEFAULT_DURATION: Final = 300
LARGEST_PAYLOAD: Final = 16_384
"""The limit in octets for the claims. AWS has one, but does not document it."""

_OWN: Final = "https://sts.amazonaws.com/"

_DISABLED: Final = "The outbound web identity federation feature is not enabled for this account."
_ESCALATION: Final = "The requested token duration would extend the session beyond its original expiration time."
_TOO_LARGE: Final = "The requested token payload size exceeds the maximum allowed size."


def get_web_identity_token(ctx: Context, params: Params) -> Outcome:
    """sts:GetWebIdentityToken.

    Raises OutboundWebIdentityFederationDisabledException, SessionDurationEscalationException,
    JWTPayloadSizeExceededException.
    """
    federation = ctx.state.get(OutboundFederation, ctx.account, ctx.account)
    if federation is None or not federation.enabled:
        raise _fault("OutboundWebIdentityFederationDisabled", _DISABLED, 403)
    algorithm = params["SigningAlgorithm"]
    key = next((key for key in federation.keys if key.algorithm == algorithm), None)
    if key is None:
        raise Fault("ValidationError", f"There is no key for the signing algorithm {algorithm}.")
    issued = int(ctx.wall)  # its readers are outside
    expires = issued + int(params.get("DurationSeconds", DEFAULT_DURATION))
    session = ctx.caller.session
    if session is not None and expires > session.expires_at - round(ctx.ahead):
        raise _fault("SessionDurationEscalation", _ESCALATION, 403)
    audiences = list(params["Audience"])
    claims = {
        "aud": audiences[0] if len(audiences) == 1 else audiences,
        "sub": _subject(ctx),
        _OWN: _own_claims(ctx, params),
        "iss": ctx.settings.issuer(federation.id),
        "exp": expires,
        "iat": issued,
        "jti": request_id(ctx.entropy),
    }
    if len(webtokens.payload(claims)) > LARGEST_PAYLOAD:
        raise _fault("JWTPayloadSizeExceeded", _TOO_LARGE, 400)
    token = webtokens.sign(ctx.keyring, claims, algorithm, key.id, key.private)
    return Outcome({"WebIdentityToken": token, "Expiration": expires})


def _fault(code: str, message: str, status: int) -> Fault:
    return Fault(f"{code}Exception", message, status)


def _subject(ctx: Context) -> str:
    """The ARN of the principal; for a role session, that of the role."""
    principal = ctx.caller.principal
    return principal.issuer_arn if principal.kind is PrincipalKind.ROLE_SESSION else principal.arn


def _own_claims(ctx: Context, params: Params) -> dict[str, Any]:
    session = ctx.caller.session
    own: dict[str, Any] = {
        "aws_account": ctx.account,
        "source_region": ctx.region,
        "principal_id": _subject(ctx),
        **_organization(ctx),
    }
    if session is not None:
        own["original_session_exp"] = iso8601(session.expires_at - round(ctx.ahead))
        own |= _nonempty({"source_identity": session.source_identity})
        own |= _nonempty({"federated_provider": session.context.get("aws:federatedprovider")})
        own |= _instance(ctx, session)
    own |= _nonempty({"principal_tags": _principal_tags(ctx)})
    return own | _nonempty({"request_tags": passed.session_tags(params)})


def _organization(ctx: Context) -> dict[str, Any]:
    organization, member = (
        organizations.organization_of(ctx.state, ctx.account),
        organizations.member_of(ctx.state, ctx.account),
    )
    if organization is None or member is None:
        return {}
    return {"org_id": organization.id, "ou_path": [organizations.path_of(ctx.state, organization, member)]}


def _instance(ctx: Context, session: Session) -> dict[str, Any]:
    """The claims for credentials from IMDS: those of ec2:SourceInstanceArn and ec2:RoleDelivery."""
    instance = ctx.state.first(Instance, INSTANCE_ID, session.instance_id) if session.instance_id else None
    if instance is None:
        return {}
    delivery = session.context.get("ec2:roledelivery")
    return {"ec2_source_instance_arn": instance.arn, **_nonempty({"ec2_role_delivery": delivery})}


def _principal_tags(ctx: Context) -> dict[str, str]:
    """The tags of the user or role and of the session, which take precedence, regardless of case."""
    principal, session = ctx.caller.principal, ctx.caller.session
    session_tags = {} if session is None else session.tags
    found = ctx.state.find(UNIQUE_ID, principal.unique_id) if principal.unique_id else ()
    own = next((entity.tags for entity in found if isinstance(entity, User | Role)), {})
    overridden = set(map(folded, session_tags))
    return {**{key: value for key, value in own.items() if folded(key) not in overridden}, **session_tags}


def _nonempty(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims that have a value."""
    return {name: value for name, value in claims.items() if value}

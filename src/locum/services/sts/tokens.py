"""GetSessionToken and GetFederationToken, by which a user or root user gets a session for its long-term key.

STS API, both operations: "Acceptable durations for IAM user sessions range from 900 seconds (15 minutes) to 129,600
seconds (36 hours), with 43,200 seconds (12 hours) as the default. Sessions for AWS account owners are restricted to a
maximum of 3,600 seconds (one hour). If the duration is longer than one hour, the session for AWS account owners
defaults to one hour."
"""

from __future__ import annotations

from typing import Final

from locum.core.principal import Principal, PrincipalKind, Session
from locum.services.sts import passed, second_factor
from locum.services.sts.answers import credentials
from locum.services.sts.faults import access_denied, duration
from locum.services.verbs import Context, Outcome, Params

DEFAULT_DURATION: Final = 43_200
LONGEST: Final = 129_600
ROOT_LIMIT: Final = 3_600


def get_session_token(ctx: Context, params: Params) -> Outcome:
    """sts:GetSessionToken: a session of the same user or root user."""
    principal = _long_term_caller(ctx, "GetSessionToken")
    events = second_factor.consume(ctx, params)
    session = Session(
        kind=principal.kind,
        account=principal.account,
        name=principal.name,
        issuer_arn=principal.arn,
        issuer_id=principal.unique_id,
        issued_at=int(ctx.now),
        expires_at=int(ctx.now) + _duration(params, principal),
        mfa_at=int(ctx.now) if events else None,
    )
    return Outcome({"Credentials": credentials(ctx, session)}, events)


def get_federation_token(ctx: Context, params: Params) -> Outcome:
    """sts:GetFederationToken: a session with its own name, limited by the user's and the session policies."""
    principal = _long_term_caller(ctx, "GetFederationToken")
    given = passed.read(ctx.state, principal.account, params)
    session = Session(
        kind=PrincipalKind.FEDERATED_USER,
        account=principal.account,
        name=params["Name"],
        issuer_arn=principal.arn,
        issuer_id=principal.unique_id,
        issued_at=int(ctx.now),
        expires_at=int(ctx.now) + _duration(params, principal),
        policy=given.policy,
        policy_arns=given.policy_arns,
        tags=given.tags,
    )
    federated = Principal.federated_user(session.account, session.name, session.issuer_arn, session.issuer_id)
    return Outcome(
        {
            "Credentials": credentials(ctx, session),
            "FederatedUser": {"FederatedUserId": federated.user_id, "Arn": federated.arn},
            "PackedPolicySize": given.packed or 0,
        }
    )


def _long_term_caller(ctx: Context, operation: str) -> Principal:
    principal = ctx.caller.principal
    if ctx.caller.session is not None or principal.kind not in (PrincipalKind.USER, PrincipalKind.ROOT):
        raise access_denied(f"Cannot call {operation} with session credentials")
    return principal


def _duration(params: Params, principal: Principal) -> int:
    seconds = duration(params, DEFAULT_DURATION, LONGEST)
    return min(seconds, ROOT_LIMIT) if principal.kind is PrincipalKind.ROOT else seconds

"""Role sessions of federated principals, for AssumeRoleWithWebIdentity and AssumeRoleWithSAML.

The token or assertion was verified and the trust policy evaluated before (`locum.gateway.federation`).
"""

from __future__ import annotations

from typing import Any

from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.principal import FederatedClaims, PrincipalKind, Session
from locum.services.sts import passed
from locum.services.sts.assumed import DEFAULT_DURATION, LONGEST, answer, check_duration, check_session_name
from locum.services.sts.faults import access_denied, duration, invalid
from locum.services.verbs import Context, Params
from locum.state import Role
from locum.state.arns import entity_by_arn


def untrusted(operation: str) -> Fault:
    """AccessDenied as for a denial by the trust policy, also for a role that does not exist."""
    return access_denied(f"Not authorized to perform sts:{operation}")


def account_of_role(arn: str) -> str:
    """The account in a role's ARN, in which the provider must be, too. Raises ValidationError."""
    parsed = Arn.find(arn)
    if parsed is None or parsed.service != "iam" or not parsed.resource.startswith("role/"):
        raise invalid(f"{arn} is invalid")
    return parsed.account


def assume(ctx: Context, params: Params, operation: str, session_name: str) -> dict[str, Any]:
    """The answer with credentials of a role session named `session_name` for the federated caller.

    Raises Fault: AccessDenied, ValidationError, MalformedPolicyDocument, PackedPolicyTooLarge, InvalidParameterValue.
    """
    role, federated_claims = entity_by_arn(ctx.state, Role, params["RoleArn"]), ctx.caller.federated_claims
    if role is None or federated_claims is None or ctx.caller.principal.account != role.account:
        raise untrusted(operation)
    check_session_name(session_name)
    given = passed.read(ctx.state, role.account, {**params, **federated_claims.as_params()})
    session = Session(
        kind=PrincipalKind.ROLE_SESSION,
        account=role.account,
        name=session_name,
        issuer_arn=role.arn,
        issuer_id=role.id,
        issued_at=int(ctx.now),
        expires_at=_end(ctx, params, role, federated_claims),
        policy=given.policy,
        policy_arns=given.policy_arns,
        tags=given.tags,
        transitive_tag_keys=given.transitive,
        source_identity=federated_claims.source_identity,
        context=dict(federated_claims.lasting),
    )
    return {**answer(ctx, session, given), **federated_claims.answer}


def _end(ctx: Context, params: Params, role: Role, federated_claims: FederatedClaims) -> int:
    """The end of the session in epoch seconds: at the latest that of the identity provider, by the wall clock."""
    seconds = duration(params, DEFAULT_DURATION, LONGEST)
    check_duration(role, seconds)
    requested = int(ctx.now) + seconds
    if federated_claims.ends_at is None:
        return requested
    return min(requested, federated_claims.ends_at + round(ctx.ahead))

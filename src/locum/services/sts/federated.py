"""What AssumeRoleWithWebIdentity and AssumeRoleWithSAML have in common: a session for whom a provider vouches for.

The proof was verified and the trust policy evaluated before (`locum.gateway.vouching`).
"""

from __future__ import annotations

import re
from typing import Any, Final

from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.principal import Principal, PrincipalKind, Session, Vouched
from locum.services.sts import passed
from locum.services.sts.answers import credentials, packed_size
from locum.services.sts.faults import access_denied, constraint, duration, invalid
from locum.services.verbs import Context, Params
from locum.state import Role, State

DEFAULT_DURATION: Final = 3600
LONGEST: Final = 43200

_SESSION_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_SESSION_NAME_RULE: Final = "Member must satisfy regular expression pattern: [\\w+=,.@-]*"


def not_authorized(operation: str) -> Fault:
    """The refusal that a trust policy would have given, and that of a role that is not there."""
    return access_denied(f"Not authorized to perform sts:{operation}")


def role_of(state: State, arn: str) -> Role | None:
    """The role that has this very ARN."""
    parsed = Arn.find(arn)
    if parsed is None:
        return None
    role = state.get(Role, parsed.account, parsed.resource.rsplit("/", 1)[-1].lower())
    return role if role is not None and role.arn == arn else None


def account_of_role(arn: str) -> str:
    """The account in a role's ARN: it is there that the provider must be. Raises ValidationError."""
    parsed = Arn.find(arn)
    if parsed is None or parsed.service != "iam" or not parsed.resource.startswith("role/"):
        raise invalid(f"{arn} is invalid")
    return parsed.account


def assume(ctx: Context, params: Params, operation: str, session_name: str) -> dict[str, Any]:
    """The answer with a session of the role, called `session_name`, for the caller who was vouched for.

    Raises Fault: AccessDenied, ValidationError, MalformedPolicyDocument, PackedPolicyTooLarge, InvalidParameterValue.
    """
    role, vouched = role_of(ctx.state, params["RoleArn"]), ctx.caller.vouched
    if role is None or vouched is None or ctx.caller.principal.account != role.account:
        raise not_authorized(operation)
    if not _SESSION_NAME.fullmatch(session_name):
        raise constraint(session_name, "roleSessionName", _SESSION_NAME_RULE)
    given = passed.read(ctx.state, role.account, {**params, **vouched.as_params()})
    session = Session(
        kind=PrincipalKind.ROLE_SESSION,
        account=role.account,
        name=session_name,
        issuer_arn=role.arn,
        issuer_id=role.id,
        issued_at=int(ctx.now),
        expires_at=_end(ctx, params, role, vouched),
        policy=given.policy,
        policy_arns=given.policy_arns,
        tags=given.tags,
        transitive_tag_keys=given.transitive,
        source_identity=vouched.source_identity,
        context=dict(vouched.lasting),
    )
    assumed = Principal.role_session(role.arn, role.id, session_name)
    answer: dict[str, Any] = {
        "Credentials": credentials(ctx, session),
        "AssumedRoleUser": {"AssumedRoleId": assumed.user_id, "Arn": assumed.arn},
        **packed_size(given),
        **vouched.answer,
    }
    if vouched.source_identity:
        answer["SourceIdentity"] = vouched.source_identity
    return answer


def _end(ctx: Context, params: Params, role: Role, vouched: Vouched) -> int:
    """When the session ends, in epoch seconds: the earlier of what was asked for and what the provider allows."""
    seconds = duration(params, DEFAULT_DURATION, LONGEST)
    if seconds > role.max_session:
        raise invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    asked = int(ctx.now) + seconds
    if vouched.ends_at is None:
        return asked
    return min(asked, vouched.ends_at)

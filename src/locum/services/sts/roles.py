"""AssumeRole.

IAM User Guide, "Methods to assume a role" and "Role chaining":
- "You can specify a value from 900 seconds (15 minutes) up to the maximum session duration set for the role."
- "Role chaining limits your [...] role session to a maximum of one hour. [...] if you provide a parameter value higher
  than one hour, the operation fails."
- "You cannot call AssumeRole by using root user credentials; access is denied."
- "The source identity value persists across chained role sessions"; it cannot be changed once it is set.

IAM User Guide, "Secure API access with MFA": "you enforce MFA at the time when the user assumes the role. The temporary
credentials returned by AssumeRole do not include MFA information in the context".
"""

from __future__ import annotations

from typing import Final

from locum.core.arn import Arn
from locum.core.principal import PrincipalKind, Session
from locum.services.sts import passed, second_factor
from locum.services.sts.assumed import DEFAULT_DURATION, LONGEST, answer, check_duration, check_session_name
from locum.services.sts.faults import access_denied, duration, invalid, not_authorized
from locum.services.sts.instance import calling_instance, is_delivered, lifetime
from locum.services.verbs import Context, Outcome, Params
from locum.state import Role
from locum.state.arns import entity_by_arn

CHAINED_LIMIT: Final = 3600

_ACTION: Final = "sts:AssumeRole"
_MAY_ASSUME: Final = frozenset((PrincipalKind.USER, PrincipalKind.ROLE_SESSION, PrincipalKind.SERVICE))


def assume_role(ctx: Context, params: Params) -> Outcome:
    """sts:AssumeRole. The trust policy was evaluated before; other reasons for AccessDenied are checked here."""
    role = _role(ctx, params["RoleArn"])
    name = params["RoleSessionName"]
    check_session_name(name)
    events = second_factor.consume(ctx, params)
    if params.get("ProvidedContexts"):
        raise invalid("The provided context assertion could not be verified: there is no context provider.")
    calling = _calling_role_session(ctx)
    instance = calling_instance(ctx)
    seconds = lifetime(ctx.settings) if is_delivered(ctx) else _duration(params, role, calling is not None)
    given = passed.read(ctx.state, role.account, params, calling)
    session = Session(
        kind=PrincipalKind.ROLE_SESSION,
        account=role.account,
        name=name,
        issuer_arn=role.arn,
        issuer_id=role.id,
        issued_at=int(ctx.now),
        expires_at=int(ctx.now) + seconds,
        policy=given.policy,
        policy_arns=given.policy_arns,
        tags=given.tags,
        transitive_tag_keys=given.transitive,
        source_identity=_source_identity(params.get("SourceIdentity", ""), calling),
        chained=calling is not None,
        instance_id="" if instance is None else instance.id,
        context={} if ctx.caller.source is None else ctx.caller.source.session_context,
    )
    return Outcome(answer(ctx, session, given), events)


def _role(ctx: Context, text: str) -> Role:
    """The role with the ARN `text`, for a caller that can assume roles. Raises AccessDenied where it does not exist."""
    principal = ctx.caller.principal
    if principal.kind is PrincipalKind.ROOT:
        raise access_denied("Roles may not be assumed by root accounts.")
    if Arn.find(text) is None:
        raise invalid(f"{text} is invalid")
    role = entity_by_arn(ctx.state, Role, text)
    if role is None or principal.kind not in _MAY_ASSUME:
        raise not_authorized(principal, _ACTION, text)
    if principal.kind is PrincipalKind.SERVICE and role.account != ctx.account:  # no passing of roles across accounts
        raise not_authorized(principal, _ACTION, text)
    return role


def _calling_role_session(ctx: Context) -> Session | None:
    """The calling session in a role chain. A user's GetSessionToken session is not one."""
    session = ctx.caller.session
    return session if session is not None and session.kind is PrincipalKind.ROLE_SESSION else None


def _duration(params: Params, role: Role, chained: bool) -> int:
    seconds = duration(params, DEFAULT_DURATION, LONGEST)
    if chained and seconds > CHAINED_LIMIT:
        raise invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    check_duration(role, seconds)
    return seconds


def _source_identity(requested: str, calling: Session | None) -> str:
    inherited = calling.source_identity if calling is not None else ""
    if requested and inherited and requested != inherited:
        raise invalid("The source identity is already set for this assume role session")
    if requested.lower().startswith("aws:"):
        raise invalid("The specified value for sourceIdentity is invalid: the prefix aws: is reserved.")
    return inherited or requested

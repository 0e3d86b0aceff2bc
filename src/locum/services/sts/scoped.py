"""GetScopedCredentials, by which a session gets credentials of its own with fewer permissions or a shorter life.

STS API, GetScopedCredentials:
- "preserves the caller's identity while narrowing the permissions and optionally shortening the session lifetime";
- "A request must provide at least one of Policy or DurationSeconds";
- "The resulting session's permissions are the intersection of the calling session's existing permissions and this
  scope down policy";
- "can be called recursively [...] A maximum of 3 scope down policy layers are allowed per session".

The time of issue stays that of the calling session: a policy on aws:TokenIssueTime that revokes the one revokes the
other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from locum.core.errors import Fault
from locum.core.principal import Session
from locum.services.sts import passed
from locum.services.sts.answers import credentials
from locum.services.sts.faults import access_denied, invalid
from locum.services.verbs import Context, Outcome, Params

MOST_SCOPES: Final = 3
LONGEST_TOKEN: Final = 4096
"""In bytes, of which SessionTokenUtilization is a percentage."""


def get_scoped_credentials(ctx: Context, params: Params) -> Outcome:
    """sts:GetScopedCredentials. Raises ValidationError, MalformedPolicyDocument, InsufficientSessionLifetime."""
    session = ctx.caller.session
    assert session is not None  # long-term credentials are refused before
    if "Policy" not in params and "DurationSeconds" not in params:
        raise invalid("At least one of Policy or DurationSeconds must be provided.")
    scoped = replace(session, expires_at=_end(ctx, session, params), scopes=_scopes(ctx, session, params))
    issued = credentials(ctx, _padded(ctx, scoped, params.get("MinimumSessionTokenSize", 0)))
    size = len(issued["SessionToken"])
    principal = ctx.caller.principal
    answer: dict[str, Any] = {
        "Credentials": issued,
        "SessionInfo": {"ScopedSessionId": principal.user_id, "Arn": principal.arn},
        "SessionTokenSize": size,
        "SessionTokenUtilization": min(100, size * 100 // LONGEST_TOKEN),
        "ScopedPoliciesCount": len(scoped.scopes),
    }
    if session.source_identity:
        answer["SourceIdentity"] = session.source_identity
    return Outcome(answer)


def _end(ctx: Context, session: Session, params: Params) -> int:
    """The instant at which the credentials expire. Raises InsufficientSessionLifetime."""
    if "DurationSeconds" not in params:
        return session.expires_at
    end = int(ctx.now) + int(params["DurationSeconds"])
    if end > session.expires_at:
        message = "The requested DurationSeconds exceeds the remaining lifetime of the calling session."
        raise Fault("InsufficientSessionLifetime", message, 400)
    return end


def _scopes(ctx: Context, session: Session, params: Params) -> tuple[str, ...]:
    """The scope down policies with the new one. Raises AccessDenied, and what `passed.read` raises."""
    if "Policy" not in params:
        return session.scopes
    if len(session.scopes) >= MOST_SCOPES:
        raise access_denied(f"Cannot exceed the maximum of {MOST_SCOPES} scope down policies for a session")
    passed.read(ctx.state, session.account, {"Policy": params["Policy"]})
    return (*session.scopes, params["Policy"])


def _padded(ctx: Context, session: Session, least: int) -> Session:
    """`session` with a session token of `least` bytes, or of more."""
    session = replace(session, padding="")
    missing = least - len(credentials(ctx, session)["SessionToken"])
    return session if missing <= 0 else replace(session, padding=ctx.entropy(missing).hex())

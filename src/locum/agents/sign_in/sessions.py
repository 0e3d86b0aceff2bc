"""The sessions that signing in gives: temporary credentials of the user or root user, marked as the console's."""

from __future__ import annotations

from typing import Final

from locum.calls import Runtime
from locum.core.clock import Instant
from locum.core.principal import Principal, PrincipalKind, Session, principal_of
from locum.core.sign_in import HOURS, Keys, SignedIn
from locum.credentials import issue

ONLY_CHANGE: Final = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow",'
    ' "Action": ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"], "Resource": "*"}}'
)
"""What a session can do whose user has to change the password first."""


def session_of(principal: Principal, instant: Instant, mfa_at: int | None, *, only_change: bool = False) -> Session:
    """The session of somebody who signs in now."""
    now = int(instant.now)
    return Session(
        kind=principal.kind,
        account=principal.account,
        name=principal.name or principal.account,
        issuer_arn=principal.arn,
        issuer_id=principal.unique_id,
        issued_at=now,
        expires_at=now + HOURS * 3600,
        mfa_at=mfa_at,
        scopes=(ONLY_CHANGE,) if only_change else (),
        from_console=True,
    )


def signed_in(runtime: Runtime, session: Session) -> SignedIn:
    """What the console gets of `session`: credentials of its own."""
    issued = issue(runtime.keyring, session, runtime.entropy, runtime.ledger.state.sequence)
    ends = runtime.clock.instant().told(issued.expiration)
    principal = principal_of(session)
    return SignedIn(
        Keys(issued.access_key_id, issued.secret_access_key, issued.session_token, ends),
        session.account,
        principal.arn,
        "root" if principal.kind is PrincipalKind.ROOT else principal.name,
        principal.kind.value,
        bool(session.scopes),
    )

"""What all ways to assume a role have in common: which role, the name and the length of the session, the answer."""

from __future__ import annotations

import re
from typing import Any, Final

from locum.core.principal import Principal, Session
from locum.services.sts.answers import credentials, packed_size
from locum.services.sts.faults import constraint, invalid
from locum.services.sts.passed import Passed
from locum.services.verbs import Context
from locum.state import Role, State
from locum.state.arns import entity_by_arn

DEFAULT_DURATION: Final = 3600
LONGEST: Final = 43200
"""Seconds: of no role the maximum session duration is longer than 12 hours."""

NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
"""STS API, RoleSessionName and SourceIdentity: `[\\w+=,.@-]*`, 2 to 64 characters, none of them beyond ASCII."""

_NAME_RULE: Final = "Member must satisfy regular expression pattern: [\\w+=,.@-]*"


def role_of(state: State, arn: str) -> Role | None:
    """The role with exactly this ARN, or None."""
    return entity_by_arn(state, Role, arn)


def check_session_name(name: str) -> None:
    """Raises ValidationError where no session can be called `name`."""
    if not NAME.fullmatch(name):
        raise constraint(name, "roleSessionName", _NAME_RULE)


def check_duration(role: Role, seconds: int) -> None:
    """Raises ValidationError where no session of `role` may last `seconds`."""
    if seconds > role.max_session:
        raise invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def answer(ctx: Context, session: Session, given: Passed) -> dict[str, Any]:
    """The answer with fresh credentials of `session`, into which `given` was passed."""
    assumed = Principal.role_session(session.issuer_arn, session.issuer_id, session.name)
    shown: dict[str, Any] = {
        "Credentials": credentials(ctx, session),
        "AssumedRoleUser": {"AssumedRoleId": assumed.user_id, "Arn": assumed.arn},
        **packed_size(given),
    }
    if session.source_identity:
        shown["SourceIdentity"] = session.source_identity
    return shown

"""Common parts of the operations that assume a role: role, session name, duration and answer."""

from __future__ import annotations

import re
from typing import Any, Final

from locum.core.principal import Principal, Session
from locum.services.sts.answers import credentials, packed_size
from locum.services.sts.faults import constraint, invalid
from locum.services.sts.passed import Passed
from locum.services.verbs import Context
from locum.state import Role

DEFAULT_DURATION: Final = 3600
LONGEST: Final = 43200
"""The highest maximum session duration of a role in seconds: 12 hours."""

NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
"""STS API, RoleSessionName and SourceIdentity: `[\\w+=,.@-]*`, 2 to 64 ASCII characters."""

_NAME_RULE: Final = "Member must satisfy regular expression pattern: [\\w+=,.@-]*"


def check_session_name(name: str) -> None:
    """Raise ValidationError where `name` is not a valid session name."""
    if not NAME.fullmatch(name):
        raise constraint(name, "roleSessionName", _NAME_RULE)


def check_duration(role: Role, seconds: int) -> None:
    """Raise ValidationError where `seconds` is over the maximum session duration of `role`."""
    if seconds > role.max_session:
        raise invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def answer(ctx: Context, session: Session, given: Passed) -> dict[str, Any]:
    """The answer with new credentials for `session`; `given` are the session policies and tags passed to it."""
    assumed = Principal.role_session(session.issuer_arn, session.issuer_id, session.name)
    output: dict[str, Any] = {
        "Credentials": credentials(ctx, session),
        "AssumedRoleUser": {"AssumedRoleId": assumed.user_id, "Arn": assumed.arn},
        **packed_size(given),
    }
    if session.source_identity:
        output["SourceIdentity"] = session.source_identity
    return output

"""Signing in to the console: what somebody shows, and the session that it gives.

IAM User Guide, "How IAM users sign in to AWS"; "AWS Management Console sign-in events" (CloudTrail User Guide).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from locum.core.errors import LocumError

HOURS: Final = 12
"""The longest that a session of the console lasts: "your session expires in 12 hours"."""


@dataclass(frozen=True, slots=True)
class Password:
    """An account (its id or alias), a user's name (empty: the root user), the password and a code of an MFA device."""

    account: str
    user: str
    password: str = field(repr=False)
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody signs in from: the address, the agent, and the URL of the console."""

    source_ip: str
    user_agent: str
    url: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Temporary credentials. `expires_at` is by the clock of the client (epoch seconds)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: float = 0.0


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session of the console. `kind` is that of `core.principal.PrincipalKind`, `name` the user's or session's.

    `must_change_password`: its credentials can do nothing but change the user's password, after which
    `after_change` gives those of the whole session.
    """

    keys: Keys
    account: str
    arn: str
    name: str
    kind: str
    must_change_password: bool = False


class SignInRefused(LocumError):
    """Somebody may not sign in. The text is for them, and does not tell which part of what they showed is wrong."""


class CodeWanted(SignInRefused):
    """The password is right, and the user has MFA devices: a code of one is wanted as well."""

"""Entities of console sign-in: passwords, the password policy, MFA devices and the credential report."""

from __future__ import annotations

from typing import ClassVar

from locum.core.arn import iam_arn
from locum.state.entities import Entity, Tags


class LoginProfile(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="login-profile"):
    """The console password of `user` (a user key).

    `digest` is its argon2 hash; `previous` the earlier ones, newest first.

    `user` is empty for the root user, whose profile has no digest.
    `changed` is the time at which the password was set, `used` that of the last sign-in (0: never).
    """

    key_field: ClassVar[str] = "user"

    user: str
    digest: str = ""
    previous: tuple[str, ...] = ()
    created: int
    changed: int
    reset_required: bool = False
    used: int = 0


class PasswordPolicy(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="password-policy"):
    """The account's password policy. Defaults are those of UpdateAccountPasswordPolicy; ages are days, 0 is none.

    `hard_expiry` is None where it was not given.
    """

    key_field: ClassVar[str] = "account"

    minimum_length: int = 6
    symbols: bool = False
    numbers: bool = False
    uppercase: bool = False
    lowercase: bool = False
    users_may_change: bool = False
    max_age: int = 0
    reuse_prevention: int = 0
    hard_expiry: bool | None = None


class CredentialReport(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="credential-report"):
    """The account's credential report. `content` is its CSV, available from the time `generated` on."""

    key_field: ClassVar[str] = "account"

    content: str
    generated: int


class MfaDevice(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="mfa-device"):
    """A virtual MFA device (RFC 6238). `seed` is its secret, sealed under the key ring.

    "Use with path to uniquely identify a virtual MFA device": its key is both. `user` is a user key, or empty for the
    root user; it is meaningful only where the device is enabled. `enabled` is the time of that, or 0 where the device
    is not assigned. `step` is the last time step for which a code was accepted: no code is accepted twice, even if the
    device is deactivated in between. `drift` is the lead of the device's clock in steps, as EnableMFADevice or
    ResyncMFADevice determined it. `wrong` is how many wrong codes were shown since `wrong_since` (epoch seconds, by the
    wall clock), as far as they are counted here.
    """

    name: str
    path: str = "/"
    seed: bytes
    created: int
    user: str = ""
    enabled: int = 0
    step: int = 0
    drift: int = 0
    tags: Tags = {}
    wrong: int = 0
    wrong_since: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.path}{self.name}".lower()

    @property
    def arn(self) -> str:
        """The ARN, which is the serial number."""
        return iam_arn(self.account, "mfa", self.path, self.name)

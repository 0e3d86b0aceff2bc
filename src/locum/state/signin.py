"""What people prove themselves with: passwords, and second factors; and the report on who has which."""

from __future__ import annotations

from typing import ClassVar

from locum.core.arn import iam_arn
from locum.state.entities import Entity, Tags


class LoginProfile(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="login-profile"):
    """The console password of `user` (a user key). `digest` is its argon2 hash; `previous` those before, newest first.

    `user` is empty for the root user; its profile has no digest: whoever owns the account sets the password.
    `changed` is when the password was set, `used` when it last signed somebody in (0: never).
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

    `hard_expiry` None: it was not said.
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
    """The account's credential report: `content` is its CSV, complete from the instant `generated` on."""

    key_field: ClassVar[str] = "account"

    content: str
    generated: int


class MfaDevice(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="mfa-device"):
    """A virtual MFA device (RFC 6238). `seed` is its secret, sealed under the key ring.

    "Use with path to uniquely identify a virtual MFA device": its key is both. `user` is a user key, or empty for the
    root user; it says whose the device is only once it was enabled, which was at `enabled` (0: it is not assigned).
    `step` is the last time step a code was accepted for: none counts twice, nor after the device was deactivated.
    `drift` is how many steps the device's clock is ahead, as EnableMFADevice or ResyncMFADevice found.
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

    @property
    def key(self) -> str:
        return f"{self.path}{self.name}".lower()

    @property
    def arn(self) -> str:
        """The serial number, which is an ARN."""
        return iam_arn(self.account, "mfa", self.path, self.name)

"""The instance identity role: identity-credentials/ec2/, which every instance has, with or without a profile.

EC2 User Guide, "Instance identity roles": the role `aws:ec2-instance` is "automatically created when an instance is
launched", and its credentials "can be used with the AWS STS GetCallerIdentity action". They are good for nothing else
here: no service of Locum is integrated with them, so that their session denies every action.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from locum.core.arn import iam_arn
from locum.core.clock import Entropy, Instant, iso8601
from locum.core.identifiers import INSTANCE_IDENTITY_ROLE
from locum.core.principal import PrincipalKind, Session
from locum.credentials import KeyRing, TemporaryCredentials, issue
from locum.imds.texts import credentials_text, json_text
from locum.services.sts import is_fresh
from locum.state import Instance

INFO: Final = "identity-credentials/ec2/info"
CREDENTIALS: Final = "identity-credentials/ec2/security-credentials/ec2-instance"

_LIFETIME: Final = 6 * 3600
_CACHE_SIZE: Final = 4096
"""The number of sets at which those that are due are dropped."""
_NOTHING_ELSE: Final = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'


class _Kept(NamedTuple):
    made: TemporaryCredentials
    issued: int

    def is_current(self, now: float) -> bool:
        return is_fresh(self.issued, self.made.expiration, now)


class IdentityRole:
    """The current identity credentials of all instances."""

    def __init__(self, keyring: KeyRing, entropy: Entropy) -> None:
        self._keyring = keyring
        self._entropy = entropy
        self._kept: dict[tuple[str, int], _Kept] = {}

    def credentials(self, instance: Instance, at: Instant) -> str:
        """The document of the credentials of `instance`, which is kept until half of their life is over."""
        key = instance.id, instance.launched
        kept = self._kept.get(key)
        if kept is None or not kept.is_current(at.now):
            if len(self._kept) >= _CACHE_SIZE:
                self._kept = {each: it for each, it in self._kept.items() if it.is_current(at.now)}
            kept = self._kept[key] = self._issue(instance, int(at.now))
        return credentials_text(kept.made, kept.issued, at)

    def _issue(self, instance: Instance, now: int) -> _Kept:
        session = Session(
            kind=PrincipalKind.ROLE_SESSION,
            account=instance.account,
            name=instance.id,
            issuer_arn=iam_arn(instance.account, "role", "/", INSTANCE_IDENTITY_ROLE),
            issuer_id=f"{instance.account}:{INSTANCE_IDENTITY_ROLE}",
            issued_at=now,
            expires_at=now + _LIFETIME,
            policy=_NOTHING_ELSE,
        )
        return _Kept(issue(self._keyring, session, self._entropy), now)


def info(instance: Instance) -> str:
    """The document identity-credentials/ec2/info."""
    return json_text({"Code": "Success", "LastUpdated": iso8601(instance.launched), "AccountId": instance.account})

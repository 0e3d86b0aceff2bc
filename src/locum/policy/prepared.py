"""The authorization request that policies are evaluated against, and its form prepared for matching."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from locum.core.principal import ContextValue, Principal
from locum.policy.context import DERIVED_KEYS, derived_context
from locum.policy.openness import Presumed


class Request(NamedTuple):
    """An authorization request: may `principal` perform `action` on `resource`?

    `action` is `service:Name` in any case. `resource` is an ARN, a PartialArn where parts of it are not known, or `*`.
    `resource_account` is the account that owns it. `context` has lower-case keys and is complete: a key that is not
    there is absent, except for the keys that follow from the principal (aws:PrincipalArn ...), which are derived where
    they are missing. `wildcard_only`: the action has no resource-level permissions. `provider` is the identity provider
    (an ARN, or `accounts.google.com` ...) that authenticated the caller of AssumeRoleWithWebIdentity or
    AssumeRoleWithSAML. `canonical_user` is the S3 canonical user id of the caller's account. `presumed` is there where
    the context leaves keys open (`policy.openness`).
    """

    principal: Principal
    action: str
    resource: str
    resource_account: str
    context: Mapping[str, ContextValue]
    wildcard_only: bool = False
    provider: str = ""
    canonical_user: str = ""
    presumed: Presumed | None = None


class PreparedRequest:
    """A request, normalised for matching; one object per decision. `bounded`: the caller has a permissions boundary."""

    __slots__ = ("_derived", "action", "bounded", "context", "presumed", "principal", "request", "resource")

    def __init__(self, request: Request, *, bounded: bool = False) -> None:
        self.request = request
        self.principal = request.principal
        self.action = request.action.lower()
        # "Some actions don't support resource-level permissions: specify * in Resource." (SEMANTICS 33)
        self.resource = "*" if request.wildcard_only else request.resource
        self.context = request.context
        self.bounded = bounded
        self.presumed = request.presumed
        self._derived: Mapping[str, ContextValue] | None = None

    def get(self, key: str) -> ContextValue | None:
        """The value or values of a condition key (lower-case), or None."""
        value = self.context.get(key)
        if value is None and key in DERIVED_KEYS:
            if self._derived is None:
                self._derived = derived_context(self.principal)
            return self._derived.get(key)
        return value

    def variable(self, key: str) -> str | None:
        """The value of a policy variable; None where the key is absent or multivalued.

        "You can use any single-valued condition context key as a variable."
        """
        value = self.get(key)
        if value is None or isinstance(value, str):
            return value
        return value[0] if len(value) == 1 else None

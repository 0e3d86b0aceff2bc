"""An account of a test: its clients, its roles, its denials, and what is asserted of its calls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import boto3
from botocore.config import Config

from locum.core.errors import LocumError
from locum.testing import clients, expecting
from locum.testing.denials import Denial, denial_of, is_denied
from locum.testing.link import Keys, Link, Record
from locum.testing.roles import Document, LocumRole, Role, document_text, keys_of, trust_text

_ASSUMER: Final = "locum-testing"
"""The user that assumes roles which no service may: made in the account when it is first needed."""

_MAY_ASSUME: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"}],
}


class LocumAccount:
    """An account, with the key of its root user. `id` has 12 digits."""

    def __init__(self, link: Link, endpoint: Callable[[], str], region: str, account: str, root: Keys) -> None:
        self.id = account
        self.region = region
        self._owner = os.getpid()
        self._link = link
        self._endpoint = endpoint
        self._root = root
        self._numbers = count(1)
        self._assumer: Keys | None = None
        self._begun = link.position()

    @property
    def endpoint(self) -> str:
        """The URL of the plane."""
        return self._endpoint()

    def client(
        self, service: str, role: Role | None = None, region: str | None = None, config: Config | None = None
    ) -> Any:
        """A boto3 client that acts as `role`, or as the account's root user.

        `role` is what `role` answered, the ARN or name of a role, or Credentials that STS answered.
        """
        return clients.client(service, self.endpoint, region or self.region, self._keys(role), config)

    def environment(self, role: Role | None = None, region: str | None = None) -> dict[str, str]:
        """The variables with which AWS clients of any kind go to the plane, as `role` or the root user."""
        found = clients.variables(os.environ, self.endpoint, region or self.region, self._keys(role))
        return {name: value for name, value in found.items() if value is not None}

    @contextmanager
    def acting(self, role: Role | None = None, region: str | None = None) -> Iterator[None]:
        """Have clients that the block makes go to the plane, as `role` or the root user: boto3's default session too.

        The process's environment is changed, and as it was when the block ends.
        """
        wanted = clients.variables(os.environ, self.endpoint, region or self.region, self._keys(role))
        before, session = {name: os.environ.get(name) for name in wanted}, boto3.DEFAULT_SESSION
        boto3.DEFAULT_SESSION = None
        _set(wanted)
        try:
            yield
        finally:
            _set(before)
            boto3.DEFAULT_SESSION = session

    def role(
        self,
        policy: Document | None = None,
        trust: Document | None = None,
        *,
        name: str | None = None,
        managed: tuple[str, ...] = (),
    ) -> LocumRole:
        """A new role that may do what `policy` says (a dict or JSON; None: nothing), and the policies `managed` (ARNs).

        `trust` is a trust policy, a service principal, or an AWS principal; without one, the services that
        applications run on may assume it.
        """
        iam, name = self.client("iam"), name or f"role-{next(self._numbers)}"
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_text(trust))["Role"]
        if policy is not None:
            iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=document_text(policy))
        for arn in managed:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        return LocumRole(name, made["Arn"])

    # -- what was decided --------------------------------------------------------------------------------

    def denials(self) -> list[Denial]:
        """The denied calls in this account since the test began, oldest first."""
        return [denial_of(record) for record in self._records(self._begun) if is_denied(record)]

    def assert_denied(
        self,
        action: str,
        call: Callable[..., Any] | None = None,
        *args: Any,
        reason: str = "",
        role: Role | None = None,
        **kwargs: Any,
    ) -> Any:
        """Assert that a call which concerns `action` (`s3:GetObject`, `s3:*`) is denied.

        A context manager, whose value is the denial once the block has ended; with `call`, that is called with what
        follows, and the denial is returned. `reason` is a part of AWS's message or of the explanation. Raises
        AssertionError with the explanation.
        """
        __tracebackhide__ = True
        block = expecting.Denied(self._since, action, reason, "" if role is None else self._arn(role))
        if call is None:
            return block
        with block:
            call(*args, **kwargs)
        return block.denial

    def assert_allowed(
        self, action: str | Callable[..., Any] | None = None, call: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Assert that no call is denied, and that one which concerns `action` is allowed, where one is named.

        A context manager; with `call`, or a callable in place of `action`, that is called with what follows, and its
        result is returned. Raises AssertionError with the explanation.
        """
        if callable(action):
            action, call, args = None, action, (args if call is None else (call, *args))
        __tracebackhide__ = True
        block = expecting.Allowed(self._since, action)
        if call is None:
            return block
        with block:
            return call(*args, **kwargs)

    def taken(self, principal: str) -> dict[str, Any]:
        """The permissions that the calls of a role or user took, as the plane tells them (`calls.activity`)."""
        return self._link.taken(principal)

    def end(self) -> None:
        """End the account: its credentials are void, and all that it has is gone, names of buckets too.

        Nothing in a process that was forked from the one that made it.
        """
        if os.getpid() != self._owner:
            return
        self._link.end_account(self.id)

    def begin(self) -> None:
        """Have `denials` begin here."""
        self._begun = self._link.position()

    def _since(self) -> Callable[[], list[Record]]:
        position = self._link.position()
        return lambda: self._records(position)

    def _records(self, after: int) -> list[Record]:
        return list(self._link.records(self.id, after))

    # -- credentials -------------------------------------------------------------------------------------

    def _keys(self, role: Role | None) -> Keys:
        if role is None:
            return self._root
        if isinstance(role, Mapping):
            return keys_of(role)
        arn = self._arn(role)
        if arn.split(":")[4] == self.id:
            try:
                return self._link.session(arn)
            except LocumError as error:
                refused = error
                if "names no service" not in str(refused):
                    raise
        return self._assumed(arn)

    def _arn(self, role: Role) -> str:
        if isinstance(role, LocumRole):
            return role.arn
        if not isinstance(role, str):
            raise TypeError("a role is named by itself, by its ARN or by its name")
        return role if role.startswith("arn:") else f"arn:aws:iam::{self.id}:role/{role}"

    def _assumed(self, arn: str) -> Keys:
        """Credentials of a role that only a user may assume, or one of another account: its trust policy decides."""
        if self._assumer is None:
            iam = self.client("iam")
            iam.create_user(UserName=_ASSUMER)
            iam.put_user_policy(UserName=_ASSUMER, PolicyName="assume", PolicyDocument=document_text(_MAY_ASSUME))
            key = iam.create_access_key(UserName=_ASSUMER)["AccessKey"]
            self._assumer = Keys(key["AccessKeyId"], key["SecretAccessKey"])
        sts = clients.client("sts", self.endpoint, self.region, self._assumer)
        return keys_of(sts.assume_role(RoleArn=arn, RoleSessionName="test"))


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

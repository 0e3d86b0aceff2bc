"""The simulated caller.

IAM API Reference, CallerArn: "The ARN of the IAM user, group, or role that you want to use as the simulated caller
... You cannot specify the ARN of an assumed role, federated user, or a service principal." Of a user or role that
the account has, more is known than the ARN says.
"""

from __future__ import annotations

import re
from typing import Final

from locum.core.principal import Principal, PrincipalKind
from locum.services.iam.simulator import faults
from locum.services.verbs import Context
from locum.state import Role, User
from locum.state.arns import entity_of

_CALLER: Final = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):(user|group|role)/(?:.*/)?([^/]+)")

_NOBODY_ID: Final = "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR"
"""aws:userid where no caller is named, as the API has it."""

_SESSION: Final = "<simulated>"
"""The session of a role that calls: a name that none can have, so that no policy means this very session."""


def caller(context: Context, arn: str | None) -> Principal:
    """The principal of the simulated request; without an ARN, somebody of the account. Raises InvalidInput."""
    if arn is None:
        return Principal(PrincipalKind.USER, "", context.account, _NOBODY_ID)
    match = _CALLER.fullmatch(arn)
    if match is None:
        raise faults.invalid_caller()
    account, kind, name = match.groups()
    if kind == "group":
        # A user in the group, of whom nothing else is known.
        return Principal(PrincipalKind.USER, arn, account, arn)
    unique_id = _unique_id(context, arn)
    if kind == "user":
        return Principal(PrincipalKind.USER, arn, account, unique_id or arn, unique_id, name)
    return Principal.role_session(arn, unique_id or arn, _SESSION)


def _unique_id(context: Context, arn: str) -> str:
    """Of an entity that is there, and of this account: another account's ids are its own business."""
    found = entity_of(context.state, arn)
    return found.id if isinstance(found, User | Role) and found.account == context.account else ""

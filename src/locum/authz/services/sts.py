"""AWS STS: the source identity of a session, and the root user of a member account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values, one
from locum.core.arn import root_arn
from locum.state import State

# A root session into a member account is granted by the caller's own policies and by the organization: the account
# that it is into has no policy that could name the caller.
_OF_CALLER: Final = frozenset({"sts:AssumeRoot"})


def _source_identity_kept(state: State, call: Call) -> Iterator[Check]:
    """A source identity stays with a session that is assumed from another, and each step must be allowed to set it.

    IAM User Guide, "Monitor and control actions taken with assumed roles": "The trust policies of all roles in a
    role chain must allow the sts:SetSourceIdentity action".
    """
    session = call.caller.session
    if session is not None and session.source_identity and not call.params.get("SourceIdentity"):
        yield Check("sts:SetSourceIdentity", str(call.params.get("RoleArn", "*")), "role")


def _source_identity(state: State, call: Call, check: Check) -> list[str]:
    """sts:SourceIdentity: the one asked for, else the one that the session already has and keeps."""
    session = call.caller.session
    return one(call.params.get("SourceIdentity") or (session.source_identity if session else ""))


def _root_user(state: State, call: Call, values: Values) -> Iterable[str]:
    """AssumeRoot, TargetPrincipal: "The member account principal ARN or account ID"."""
    target = values[0] or "*"
    return (target if target.startswith("arn:") else root_arn(target),)


FUNCTIONS: Final = Functions(
    planners={"source_identity_kept": _source_identity_kept},
    resolvers={"sts_root_user": _root_user},
    keys={"source_identity": _source_identity},
    of_caller=_OF_CALLER,
)

"""AWS STS: the source identity and the transitive tags of a session, and the root user of a member account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Values, as_values
from locum.core.arn import root_arn
from locum.core.partial_arn import UNKNOWN_RESOURCE, with_missing
from locum.state import State

# AssumeRoot is allowed by the caller's own policies and by the organization: the member account has no policy that
# could name the caller.
_CALLER_ONLY_ACTIONS: Final = frozenset({"sts:AssumeRoot"})


def _transitive_tags_kept(state: State, call: Call) -> Iterator[Check]:
    """sts:TagSession for a session in a role chain that inherits transitive tags, as for tags of the request.

    IAM User Guide, "Pass session tags in AWS STS", "Chaining roles with session tags": "When you set session tags as
    transitive, [...] the tags pass to subsequent sessions in a role chain".
    """
    session, params = call.caller.session, call.params
    tagged = params.get("Tags") or params.get("TransitiveTagKeys")
    if session is not None and session.transitive_tag_keys and not tagged:
        yield Check("sts:TagSession", str(call.params.get("RoleArn", "*")), "role")


def _source_identity_kept(state: State, call: Call) -> Iterator[Check]:
    """sts:SetSourceIdentity for a session in a role chain, which inherits the source identity.

    IAM User Guide, "Monitor and control actions taken with assumed roles": "The trust policies of all roles in a
    role chain must allow the sts:SetSourceIdentity action".
    """
    session = call.caller.session
    if session is not None and session.source_identity and not call.params.get("SourceIdentity"):
        yield Check("sts:SetSourceIdentity", call.params.get("RoleArn") or UNKNOWN_RESOURCE, "role")


def _source_identity(state: State, call: Call, check: Check) -> list[str]:
    """sts:SourceIdentity: the requested one, else that of the calling session."""
    session = call.caller.session
    return as_values(call.params.get("SourceIdentity") or (session.source_identity if session else ""))


def _root_user(state: State, call: Call, values: Values) -> Iterable[str]:
    """The TargetPrincipal of AssumeRoot: "The member account principal ARN or account ID"."""
    target = values[0] or "*"
    return (target if target.startswith("arn:") else with_missing(root_arn(target)),)


FUNCTIONS: Final = Functions(
    planners={"source_identity_kept": _source_identity_kept, "transitive_tags_kept": _transitive_tags_kept},
    resolvers={"sts_root_user": _root_user},
    keys={"source_identity": _source_identity},
    caller_only_actions=_CALLER_ONLY_ACTIONS,
)

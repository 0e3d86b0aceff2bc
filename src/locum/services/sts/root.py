"""AssumeRoot.

STS API, AssumeRoot: "Returns a set of short term credentials you can use to perform privileged tasks on a member
account in your organization. You must use credentials from an Organizations management account or a delegated
administrator account for IAM to call AssumeRoot. You cannot use root user credentials to make this call."

The session is that of the member's root user, restricted by the task policy. The feature of centralized root access
that a task needs is in the IAM User Guide, "Centralize root access for member accounts":
- root credentials management "to delete root user credentials for member accounts";
- root sessions for "certain tasks that require root user credentials" and "to recover their root user credentials".
"""

from __future__ import annotations

import re
from typing import Any, Final

from locum.core.arn import iam_arn, root_arn
from locum.core.principal import PrincipalKind, Session
from locum.services.sts.answers import credentials
from locum.services.sts.faults import constraint, invalid, not_authorized
from locum.services.verbs import Context, Outcome, Params
from locum.state import AWS_MANAGED_ACCOUNT, Member, Organization, State, organizations
from locum.state.organizations import ROOT_ACCESS_SERVICE, ROOT_CREDENTIALS, ROOT_SESSIONS

LONGEST: Final = 900
"""In seconds, and the default: "from 0 seconds up to the maximum session duration of 900 seconds (15 minutes)"."""

_ACTION: Final = "sts:AssumeRoot"
_TARGET: Final = re.compile(r"(?P<id>[0-9]{12})|arn:aws:iam::(?P<root>[0-9]{12}):root")
_MAY_ASSUME: Final = frozenset((PrincipalKind.USER, PrincipalKind.ROLE_SESSION))


def _task(name: str) -> str:
    return iam_arn(AWS_MANAGED_ACCOUNT, "policy", "/root-task/", name)


TASKS: Final = {
    _task("IAMAuditRootUserCredentials"): frozenset((ROOT_CREDENTIALS, ROOT_SESSIONS)),
    _task("IAMCreateRootUserPassword"): frozenset((ROOT_SESSIONS,)),
    _task("IAMDeleteRootUserCredentials"): frozenset((ROOT_CREDENTIALS,)),
    _task("S3UnlockBucketPolicy"): frozenset((ROOT_SESSIONS,)),
    _task("SQSUnlockQueuePolicy"): frozenset((ROOT_SESSIONS,)),
}
"""The task policies, each with the features of which one must be enabled."""


def assume_root(ctx: Context, params: Params) -> Outcome:
    """sts:AssumeRoot. Raises ValidationError, AccessDenied."""
    account = _target(params["TargetPrincipal"])
    task = (params["TaskPolicyArn"] or {}).get("arn", "")
    if task not in TASKS:
        raise invalid(f"The task policy ARN {task} is not one of the supported root task policies.")
    seconds = _duration(params)
    _check_root_access(ctx, account, task)
    principal, calling = ctx.caller.principal, ctx.caller.session
    session = Session(
        kind=PrincipalKind.ROOT,
        account=account,
        name=account,
        issuer_arn=principal.arn,
        issuer_id=principal.unique_id,
        issued_at=int(ctx.now),
        expires_at=int(ctx.now) + seconds,
        policy_arns=(task,),
        source_identity="" if calling is None else calling.source_identity,
    )
    answer: dict[str, Any] = {"Credentials": credentials(ctx, session)}
    if session.source_identity:
        answer["SourceIdentity"] = session.source_identity
    return Outcome(answer)


def _target(text: str) -> str:
    """The account of a TargetPrincipal: "The member account principal ARN or account ID"."""
    match = _TARGET.fullmatch(text)
    if match is None:
        raise invalid(f"{text} is invalid")
    return str(match["id"] or match["root"])


def _duration(params: Params) -> int:
    seconds = int(params.get("DurationSeconds", LONGEST))
    if seconds < 0:
        raise constraint(seconds, "durationSeconds", "Member must have value greater than or equal to 0")
    if seconds > LONGEST:
        raise constraint(seconds, "durationSeconds", f"Member must have value less than or equal to {LONGEST}")
    return seconds


def _check_root_access(ctx: Context, account: str, task: str) -> None:
    """Raise AccessDenied unless the caller's account has root access to `account` for `task`."""
    principal = ctx.caller.principal
    organization = organizations.organization_of(ctx.state, ctx.account)
    allowed = (
        principal.kind in _MAY_ASSUME
        and organization is not None
        and organizations.administers_root_access(ctx.state, organization, ctx.account)
        and ROOT_ACCESS_SERVICE in organization.services
        and not TASKS[task].isdisjoint(organization.features)
        and _is_member(ctx.state, organization, account)
    )
    if not allowed:
        raise not_authorized(principal, _ACTION, root_arn(account))


def _is_member(state: State, organization: Organization, account: str) -> bool:
    """Whether `account` is an active member account of `organization`, not its management account."""
    member = state.get(Member, organization.account, account)
    return (
        member is not None
        and member.status == organizations.ACTIVE
        and not organizations.is_management(organization, account)
    )

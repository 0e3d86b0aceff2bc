"""Service-linked roles: created for a service, changed only by it, and deleted by a task.

IAM User Guide, "Create a service-linked role": "The service controls the attached policies and when the role can be
deleted."
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from locum.core.clock import DAY
from locum.core.identifiers import request_id
from locum.services.iam import shapes
from locum.services.iam.documents import encoded
from locum.services.iam.faults import invalid_input, no_such_entity, quota_exceeded, validation_error
from locum.services.iam.kinds import ROLE
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import AutoScalingGroup, Event, Role, RoleDeletion, managed, put, remove
from locum.state.service_linked_roles import PATH, LinkedService, linked_service

_NAME_LENGTH: Final = 64
_IN_USE: Final = "A service-linked role is required for all existing resources that use it."
_TASK_SECONDS: Final = DAY
"""The time for which the status of a deletion can be read, which AWS does not document."""


def create_service_linked_role(context: Context, params: Params) -> Outcome:
    """CreateServiceLinkedRole. Like CreateRole, its answer omits the description."""
    service = _service(params)
    role = Role(
        account=context.account,
        name=_new_name(context, service.role_name(params.get("CustomSuffix", ""))),
        path=service.path,
        id=ROLE.new_id(context),
        created=int(context.now),
        trust=_document(service.principal, "sts:AssumeRole"),
        description=params.get("Description"),
        attached=tuple(arn for arn in service.policies if managed.summary(arn) is not None),
    )
    # As recorded: the document in this answer has lists where later answers have single values.
    document = encoded(_document([service.principal], ["sts:AssumeRole"]))
    return Outcome({"Role": {**shapes.role_base(context, role), "AssumeRolePolicyDocument": document}}, (put(role),))


def delete_service_linked_role(context: Context, params: Params) -> Outcome:
    """DeleteServiceLinkedRole. The task completes at once; it fails where an Auto Scaling group has the role.

    Other roles are NoSuchEntity.
    """
    role = ROLE.of(context, params)
    if not role.path.startswith(PATH):
        raise no_such_entity(ROLE.missing.format(role.name))
    task = RoleDeletion(
        account=context.account,
        id=f"task{role.path}{role.name}/{request_id(context.entropy)}",
        requested=int(context.now),
        used_by=tuple(sorted(_users(context, role))),
    )
    done = () if task.used_by else (remove(role),)
    return Outcome({"DeletionTaskId": task.id}, (*_remove_expired_tasks(context), *done, put(task)))


def get_service_linked_role_deletion_status(context: Context, params: Params) -> Outcome:
    """GetServiceLinkedRoleDeletionStatus."""
    task = context.state.get(RoleDeletion, context.account, params["DeletionTaskId"])
    if task is None or _is_expired(context, task):
        raise no_such_entity(f"The deletion task with id {params['DeletionTaskId']} cannot be found.")
    if not task.used_by:
        return Outcome({"Status": "SUCCEEDED"})
    by_region: dict[str, list[str]] = {}
    for arn in task.used_by:
        by_region.setdefault(arn.split(":")[3], []).append(arn)
    used = [{"Region": region, "Resources": arns} for region, arns in by_region.items()]
    return Outcome({"Status": "FAILED", "Reason": {"Reason": _IN_USE, "RoleUsageList": used}})


def _users(context: Context, role: Role) -> Iterator[str]:
    """The ARNs of what uses a service-linked role."""
    groups = context.state.table(AutoScalingGroup, context.account).values()
    return (group.arn for group in groups if group.service_role == role.arn)


def _service(params: Params) -> LinkedService:
    """The service in `params`. Raises InvalidInput, also for a suffix that it does not support."""
    principal = params["AWSServiceName"]
    service = linked_service(principal)
    if service is None:
        raise invalid_input(f"{principal} is not a valid service principal.")
    if "CustomSuffix" in params and not service.takes_suffix:
        raise invalid_input(f"Custom suffix is not allowed for {principal}")
    return service


def _new_name(context: Context, name: str) -> str:
    """Check `name` for a new role, and return it. Raises InvalidInput, ValidationError, LimitExceeded."""
    if len(name) > _NAME_LENGTH:
        raise validation_error(
            f"1 validation error detected: Value '{name}' at 'roleName' failed to satisfy constraint:"
            f" Member must have length less than or equal to {_NAME_LENGTH}"
        )
    if context.state.get(Role, context.account, name.lower()) is not None:
        raise invalid_input(f"Service role name {name} has been taken in this account, please try a different suffix.")
    if ROLE.count(context) >= ROLE.limit:
        raise quota_exceeded(ROLE.quota, ROLE.limit)
    return name


def _document(principal: Any, action: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _remove_expired_tasks(context: Context) -> Iterator[Event]:
    for task in context.state.table(RoleDeletion, context.account).values():
        if _is_expired(context, task):
            yield remove(task)


def _is_expired(context: Context, task: RoleDeletion) -> bool:
    return context.now >= task.requested + _TASK_SECONDS


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateServiceLinkedRole": writes(create_service_linked_role),
    "DeleteServiceLinkedRole": writes(delete_service_linked_role),
    "GetServiceLinkedRoleDeletionStatus": reads(get_service_linked_role_deletion_status),
}

"""The service-linked role with which a group launches and terminates its instances.

User Guide, "Service-linked roles for Amazon EC2 Auto Scaling": "Amazon EC2 Auto Scaling creates the
AWSServiceRoleForAutoScaling service-linked role for you the first time that you create an Auto Scaling group", for
which the caller needs iam:CreateServiceLinkedRole.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any, Final, NamedTuple

from locum.core.actors import on_behalf_of
from locum.core.arn import iam_arn
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.core.identifiers import ROLE_ID, unique_id
from locum.services.autoscaling.faults import validation_error
from locum.services.autoscaling.sources import SERVICE
from locum.services.verbs import Context
from locum.state import Event, Role, put
from locum.state.arns import entity_by_arn
from locum.state.service_linked_roles import linked_service

_REGION: Final = "us-east-1"  # of IAM
_DESCRIPTION: Final = (
    "Default Service-Linked Role enables access to AWS Services and Resources used or managed by Auto Scaling"
)
_NOT_CREATED: Final = "The default Service-Linked Role for Auto Scaling could not be created."


class ServiceLinkedRole(NamedTuple):
    """The ARN of the role of a group, and the events that create it where it was not there."""

    arn: str
    events: tuple[Event, ...] = ()


def service_role(ctx: Context, given: str) -> Generator[Ask, Mapping[str, Any], ServiceLinkedRole]:
    """The role with the ARN `given`, or else the default one, which the caller creates. Raises Fault."""
    linked = linked_service(SERVICE)
    assert linked is not None
    arn = given or iam_arn(ctx.account, "role", linked.path, linked.role)
    if entity_by_arn(ctx.state, Role, arn, ctx.account) is not None:
        if f":role{linked.path}" not in arn:
            raise validation_error("The role specified is not a service-linked role of Auto Scaling.")
        return ServiceLinkedRole(arn)
    if given:
        raise validation_error("ARN specified for Service-Linked Role does not exist.")
    actor = on_behalf_of(ctx.caller, SERVICE)
    try:
        params = {"AWSServiceName": SERVICE}
        yield Ask(ServiceCall(actor, "iam", "CreateServiceLinkedRole", params, _REGION), decided_only=True)
    except Fault as fault:
        raise Fault(fault.code, f"{_NOT_CREATED} {fault.message}", 403) from fault
    statement = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    made = Role(
        account=ctx.account,
        name=linked.role,
        path=linked.path,
        id=unique_id(ROLE_ID, ctx.entropy),
        created=int(ctx.now),
        description=_DESCRIPTION,
        trust=json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":")),
        attached=linked.policies,
    )
    return ServiceLinkedRole(arn, (put(made),))

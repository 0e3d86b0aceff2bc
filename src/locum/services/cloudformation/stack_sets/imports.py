"""Stacks that are there become stacks of a set.

CloudFormation User Guide, "Import stacks into CloudFormation StackSets": "The import operation can import up to 10
stacks using inline stack IDs or up to 200 stacks using an Amazon S3 object"; "Stacks can only belong to one stack
set"; "A stack's custom parameter overrides aren't affected"; "Stacks that contain NoEcho won't be imported". [U] The
action of such an operation is not published: it is shown as CREATE.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any, Final

from locum.core.actors import on_behalf_of
from locum.core.arn import Arn
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.asking import Asking, asking
from locum.services.cloudformation.stack_sets.access import operated
from locum.services.cloudformation.stack_sets.lookup import instance_of
from locum.services.cloudformation.stack_sets.operations import IMPORT, begun, check_idle, repeated
from locum.services.cloudformation.stack_sets.targets import units_of_accounts
from locum.services.cloudformation.templates import CLOUDFORMATION, invalid, object_text
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes
from locum.state import StackInstance, StackSet
from locum.state.indexes import OF_INSTANCE_STACK
from locum.state.stack_sets import SERVICE_MANAGED

MOST_INLINE: Final = 10
MOST_LISTED: Final = 200
"""Stacks of one import."""

_STACK: Final = re.compile(r"stack/([a-zA-Z][-a-zA-Z0-9]{0,127})/[-0-9a-f]{36}")


def import_stacks_to_stack_set(ctx: Context, params: Params) -> Asking:
    """cloudformation:ImportStacksToStackSet. Whether a stack fits is looked at in its account, by the operation."""
    of = operated(ctx, params)
    if (again := repeated(ctx, of, IMPORT, params)) is not None:
        return Outcome({"OperationId": again.id})
    check_idle(ctx, of)
    stacks = yield from _stacks(ctx, params)
    within = units_of_accounts(ctx.state, of.account, list(params.get("OrganizationalUnitIds") or ()))
    instances = [_instance(ctx, of, stack, within) for stack in stacks]
    return begun(ctx, of, "CREATE", IMPORT, params, instances)


def _stacks(ctx: Context, params: Params) -> Generator[Ask, Mapping[str, Any], list[str]]:
    """The ARNs of the stacks that a call names. Raises Fault."""
    if ("StackIds" in params) == ("StackIdsUrl" in params):
        raise invalid("You must specify either StackIds or StackIdsUrl, but not both")
    if "StackIds" in params:
        found, most = list(params["StackIds"]), MOST_INLINE
    else:
        longest = MOST_LISTED << 10
        too_long = f"The object at StackIdsUrl may not exceed {longest} bytes in size."
        text = yield from object_text(ctx, str(params["StackIdsUrl"]), longest, too_long)
        found, most = re.findall(r"[^\s,;\"]+", text), MOST_LISTED
    if not found or len(found) > most:
        raise Fault("LimitExceededException", f"From 1 to {most} stacks can be imported at a time", 400)
    return list(dict.fromkeys(found))


def _instance(ctx: Context, of: StackSet, stack: str, within: Mapping[str, str]) -> StackInstance:
    """The instance of a set that has the stack with this ARN. Raises Fault."""
    arn = Arn.find(stack)
    name = None if arn is None or arn.service != "cloudformation" else _STACK.fullmatch(arn.resource)
    if arn is None or name is None:
        raise Fault("StackNotFoundException", f"Stack {stack} not found", 404)
    if instance_of(ctx.state, of, arn.account, arn.region) is not None:
        raise invalid(f"The stack set has a stack instance in account {arn.account} and region {arn.region}")
    if ctx.state.find(OF_INSTANCE_STACK, stack):
        raise invalid(f"Stack {stack} belongs to a stack set")
    if of.model == SERVICE_MANAGED and arn.account not in within:
        raise invalid(f"Account {arn.account} is not in the organizational units of the import")
    return StackInstance(
        account=of.account,
        region=of.region,
        stack_set=of.id,
        target=arn.account,
        place=arn.region,
        stack_name=name[1],
        stack=stack,
        unit=within.get(arn.account, "") if of.model == SERVICE_MANAGED else "",
    )


def text_of_stack(ctx: Context, stack: str) -> Generator[Ask, Mapping[str, Any], str]:
    """The template of the stack with this ARN, which the caller may read. Raises Fault."""
    arn = Arn.find(stack)
    if arn is None or arn.service != "cloudformation":
        raise invalid(f"StackId {stack} is not the ARN of a stack")
    caller = on_behalf_of(ctx.caller, CLOUDFORMATION)
    answer = yield Ask(ServiceCall(caller, "cloudformation", "GetTemplate", {"StackName": stack}, arn.region))
    return str(answer["TemplateBody"])


OPERATIONS: Final[dict[str, Operation]] = {IMPORT: asks_and_writes(asking(import_stacks_to_stack_set))}

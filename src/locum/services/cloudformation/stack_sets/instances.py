"""Instances of stack sets are created, updated and deleted by operations, and told of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.cloudformation.parameters import parameter_values, ssm_parameters
from locum.services.cloudformation.proposals import parameters_of, template_before
from locum.services.cloudformation.stack_sets import shapes
from locum.services.cloudformation.stack_sets.access import named, operated
from locum.services.cloudformation.stack_sets.lookup import instance_of, instances_of, template_text_of
from locum.services.cloudformation.stack_sets.operations import begun, check_idle, repeated
from locum.services.cloudformation.stack_sets.paging import LISTS
from locum.services.cloudformation.stack_sets.targets import (
    Targeting,
    deployed_to,
    meant,
    pairs_of,
    targeted,
    targeting,
    units_of_accounts,
)
from locum.services.cloudformation.stacks import seals_of
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads
from locum.state import StackInstance, StackSet
from locum.state.stack_sets import SERVICE_MANAGED

MOST_INSTANCES: Final = 100_000
"""Stack instances of a set. CloudFormation User Guide, "CloudFormation quotas"."""

MOST_AT_ONCE: Final = 10_000
"""Stack instances of one operation. [U] AWS's limit is not published; an operation is committed at once."""

_LONGEST_NAME: Final = 128


def create_stack_instances(ctx: Context, params: Params) -> Asking:
    """cloudformation:CreateStackInstances. Instances that are there already are made what the set is."""
    of = operated(ctx, params)
    if (again := repeated(ctx, of, "CreateStackInstances", params)) is not None:
        return Outcome({"OperationId": again.id})
    check_idle(ctx, of)
    found = yield from targeting(ctx, of, params)
    pairs = [(account, unit, region) for account, unit in meant(ctx, of, found).items() for region in found.regions]
    room = MOST_INSTANCES - len(instances_of(ctx.state, of))
    if len(pairs) > min(room, MOST_AT_ONCE):
        most = MOST_AT_ONCE if len(pairs) > MOST_AT_ONCE else MOST_INSTANCES
        raise Fault("LimitExceededException", f"Limit for stack instances has been exceeded: {most}", 400)
    of = _aimed(ctx, of, found)
    instances = [instance_at(ctx, of, *pair) for pair in pairs]
    return begun(ctx, of, "CREATE", "CreateStackInstances", params, _overridden(ctx, of, instances, params))


def instance_at(ctx: Context, of: StackSet, account: str, unit: str, region: str) -> StackInstance:
    """The instance of a set in a region of an account, which is new where there is none."""
    found = instance_of(ctx.state, of, account, region)
    if found is not None:
        return found
    identifier = request_id(ctx.entropy)
    room = _LONGEST_NAME - len("StackSet--") - len(identifier)
    return StackInstance(
        account=of.account,
        region=of.region,
        stack_set=of.id,
        target=account,
        place=region,
        stack_name=f"StackSet-{of.name[:room]}-{identifier}",
        unit=unit,
    )


def update_stack_instances(ctx: Context, params: Params) -> Asking:
    """cloudformation:UpdateStackInstances."""
    of = operated(ctx, params)
    if (again := repeated(ctx, of, "UpdateStackInstances", params)) is not None:
        return Outcome({"OperationId": again.id})
    check_idle(ctx, of)
    found = yield from targeting(ctx, of, params)
    instances = targeted(ctx, of, found)
    check_there(found, instances)
    return begun(ctx, of, "UPDATE", "UpdateStackInstances", params, _overridden(ctx, of, instances, params))


def check_there(found: Targeting, instances: Sequence[StackInstance]) -> None:
    """Check that what a call names has instances. Raises Fault StackInstanceNotFoundException."""
    there = {(it.target, it.place) for it in instances}
    pairs = [(account, region) for account in found.accounts for region in found.regions] if not found.units else []
    missing = [f"({account}, {region})" for account, region in sorted(pairs) if (account, region) not in there]
    if missing or not instances:
        message = f"Stack instances not found: [{', '.join(missing[:10])}]"
        raise Fault("StackInstanceNotFoundException", message, 404)


def delete_stack_instances(ctx: Context, params: Params) -> Asking:
    """cloudformation:DeleteStackInstances."""
    of = operated(ctx, params)
    if (again := repeated(ctx, of, "DeleteStackInstances", params)) is not None:
        return Outcome({"OperationId": again.id})
    check_idle(ctx, of)
    found = yield from targeting(ctx, of, params)
    instances = targeted(ctx, of, found)
    return begun(ctx, _left(ctx, of, found), "DELETE", "DeleteStackInstances", params, instances)


def describe_stack_instance(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackInstance."""
    of, account, region = named(ctx, params), params["StackInstanceAccount"], params["StackInstanceRegion"]
    found = instance_of(ctx.state, of, account, region)
    if found is None:
        told = f"Stack instance for stack set {of.full_name}, account {account} and region {region} not found"
        raise Fault("StackInstanceNotFoundException", told, 404)
    return Outcome({"StackInstance": shapes.instance(of, found, seals_of(ctx))})


def list_stack_instances(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStackInstances."""
    of = named(ctx, params)
    account, region = params.get("StackInstanceAccount"), params.get("StackInstanceRegion")
    shown = [
        it
        for it in instances_of(ctx.state, of)
        if account in (None, it.target) and region in (None, it.place) and _passes(it, params.get("Filters") or ())
    ]
    page = LISTS.page(params, shown, lambda it: f"{it.target}/{it.place}")
    return page.outcome("Summaries", lambda it: shapes.instance_summary(of, it))


def _passes(it: StackInstance, filters: Iterable[Mapping[str, str]]) -> bool:
    """Whether an instance has what all `filters` want."""
    has = {"DETAILED_STATUS": it.detailed, "LAST_OPERATION_ID": it.operation, "DRIFT_STATUS": it.drift or "NOT_CHECKED"}
    return all(has.get(one.get("Name", "")) == one.get("Values") for one in filters)


# -- what instances are to be --------------------------------------------------------------------------------


def _aimed(ctx: Context, of: StackSet, found: Targeting) -> StackSet:
    """A service-managed set that is deployed to further units.

    User Guide, "Enable or disable automatic deployments": "Automatic deployments do not consider account level
    targeting filters."
    """
    if of.model != SERVICE_MANAGED:
        return of
    regions = {unit: (*of.targets.get(unit, ()), *found.regions) for unit in found.units}
    targets = of.targets | {unit: tuple(dict.fromkeys(all_)) for unit, all_ in regions.items()}
    present = units_of_accounts(ctx.state, of.account, found.units)
    seen = {account: (*of.seen.get(account, ()), *found.regions) for account in present}
    return replace(
        of, targets=targets, seen=of.seen | {account: tuple(sorted(set(all_))) for account, all_ in seen.items()}
    )


def _left(ctx: Context, of: StackSet, found: Targeting) -> StackSet:
    """A set that is not deployed to some units any more, where all of their accounts are meant."""
    if not found.units or found.filter not in ("NONE", "UNION"):
        return of
    left = {
        unit: tuple(it for it in regions if unit not in found.units or it not in found.regions)
        for unit, regions in of.targets.items()
    }
    after = replace(of, targets={unit: regions for unit, regions in left.items() if regions})
    lost = pairs_of(deployed_to(ctx.state, of)) - pairs_of(deployed_to(ctx.state, after))
    seen = {account: tuple(it for it in all_ if (account, it) not in lost) for account, all_ in of.seen.items()}
    return replace(after, seen={account: regions for account, regions in seen.items() if regions})


def _overridden(
    ctx: Context, of: StackSet, instances: Sequence[StackInstance], params: Params
) -> Iterable[StackInstance]:
    """The instances with the ParameterOverrides of a call. Raises Fault ValidationError.

    "To leave all parameters set to their present values, don't specify this property at all."
    """
    if "ParameterOverrides" not in params:
        return instances
    seals, given = seals_of(ctx), list(params["ParameterOverrides"])
    template = template_before(template_text_of(ctx.state, of))
    values = parameters_of(of.version, seals, of.account, of.id)
    kept = [{"ParameterKey": name, "ParameterValue": it.value} for name, it in values.items()]
    named_here = {str(entry.get("ParameterKey", "")) for entry in given}
    others = [entry for entry in kept if entry["ParameterKey"] not in named_here]
    sealed: dict[bytes, bytes] = {}
    for it in instances:
        if it.overrides not in sealed:
            before: dict[str, str] = seals.open(of.account, of.id, it.overrides)
            previous = {name: value.value for name, value in values.items()} | before
            unread = dict.fromkeys(ssm_parameters(template, [*given, *others], previous), "")
            checked = parameter_values(template, [*given, *others], previous, unread)
            wanted = {name: checked[name].value for name in named_here}
            sealed[it.overrides] = seals.seal(of.account, of.id, wanted)
    return [replace(it, overrides=sealed[it.overrides]) for it in instances]


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateStackInstances": asks_and_writes(asking(create_stack_instances)),
    "DeleteStackInstances": asks_and_writes(asking(delete_stack_instances)),
    "DescribeStackInstance": reads(describe_stack_instance),
    "ListStackInstances": reads(list_stack_instances),
    "UpdateStackInstances": asks_and_writes(asking(update_stack_instances)),
}

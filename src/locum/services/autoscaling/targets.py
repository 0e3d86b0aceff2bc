"""Target groups of Elastic Load Balancing, with which a group's instances are registered while they are in service.

User Guide, "Use Elastic Load Balancing to distribute incoming application traffic". A target group is named as such, or
as a traffic source of the type `elbv2`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.actors import service_principal
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.asking import Asking, asking
from locum.services.autoscaling.faults import not_implemented, validation_error
from locum.services.autoscaling.lookup import group_named, page_of
from locum.services.autoscaling.sources import SERVICE
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import AutoScalingGroup, GroupInstance, put

MEMBER: Final = "TargetGroupARNs"

_TYPE: Final = "elbv2"
_NOT_FOUND: Final = "One or more target groups not found. Validating load balancer configuration failed."
_SUSPENDING: Final = "AddToLoadBalancer"


def target_groups(group: AutoScalingGroup) -> tuple[str, ...]:
    """The ARNs of the target groups of `group`."""
    return tuple(group.settings.get(MEMBER) or ())


def to_register(group: AutoScalingGroup) -> list[tuple[GroupInstance, str, bool]]:
    """Instances to register (True) and deregister (False) now, with the ARNs of target groups."""
    found: list[tuple[GroupInstance, str, bool]] = []
    for it in group.members:
        wanted = target_groups(group) if it.lifecycle == "InService" else ()
        if _SUSPENDING not in group.suspended:
            found += [(it, arn, True) for arn in wanted if arn not in it.targets]
        found += [(it, arn, False) for arn in it.targets if arn not in wanted]
    return found


def checked_targets(ctx: Context, params: Params) -> Generator[Ask, Mapping[str, Any], list[str]]:
    """The ARNs of all target groups in `params`, which are there. Raises Fault: ValidationError."""
    arns = list(params.get(MEMBER) or ())
    for source in params.get("TrafficSources") or ():
        kind = source.get("Type") or (_TYPE if ":targetgroup/" in source.get("Identifier", "") else "")
        if kind != _TYPE:
            raise not_implemented(f"traffic sources of type {kind or 'elb'}")
        arns.append(source["Identifier"])
    if arns:
        actor = service_principal(SERVICE, ctx.account)
        call = ServiceCall(actor, "elbv2", "DescribeTargetGroups", {"TargetGroupArns": arns}, ctx.region)
        try:
            yield Ask(call, of_backend=True)
        except Fault as fault:
            raise validation_error(_NOT_FOUND) from fault
    return list(dict.fromkeys(arns))


def attach(ctx: Context, params: Params) -> Asking:
    """autoscaling:AttachLoadBalancerTargetGroups and AttachTrafficSources."""
    group = group_named(ctx, params["AutoScalingGroupName"])
    added = yield from checked_targets(ctx, params)
    return Outcome({}, (put(with_targets(group, dict.fromkeys((*target_groups(group), *added)))),))


def detach(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DetachLoadBalancerTargetGroups and DetachTrafficSources."""
    group = group_named(ctx, params["AutoScalingGroupName"])
    gone = {*(params.get(MEMBER) or ()), *(source["Identifier"] for source in params.get("TrafficSources") or ())}
    return Outcome({}, (put(with_targets(group, (arn for arn in target_groups(group) if arn not in gone))),))


def describe_load_balancer_target_groups(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeLoadBalancerTargetGroups."""
    group = group_named(ctx, params["AutoScalingGroupName"], going=True)
    page = page_of(params, target_groups(group), str)
    name = "LoadBalancerTargetGroupARN"
    return page.outcome("LoadBalancerTargetGroups", lambda arn: {name: arn, "State": _state(group, arn)})


def describe_traffic_sources(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeTrafficSources: of the type that is asked for, or of all."""
    group = group_named(ctx, params["AutoScalingGroupName"], going=True)
    found = target_groups(group) if params.get("TrafficSourceType", _TYPE) == _TYPE else ()
    page = page_of(params, found, str)
    return page.outcome("TrafficSources", lambda arn: {**source_shape(arn), "State": _state(group, arn)})


def source_shape(arn: str) -> dict[str, str]:
    """A `TrafficSourceIdentifier`."""
    return {"Identifier": arn, "Type": _TYPE}


def with_targets(group: AutoScalingGroup, arns: Iterable[str]) -> AutoScalingGroup:
    """`group` with these target groups and no others."""
    return replace(group, settings={**group.settings, MEMBER: list(arns)})


def _state(group: AutoScalingGroup, arn: str) -> str:
    """ "Added: All Auto Scaling instances are registered with the load balancer." """
    serving = [it for it in group.members if it.lifecycle == "InService"]
    return "Added" if all(arn in it.targets for it in serving) else "Adding"


OPERATIONS: Final[dict[str, Operation]] = {
    "AttachLoadBalancerTargetGroups": asks_and_writes(asking(attach)),
    "AttachTrafficSources": asks_and_writes(asking(attach)),
    "DescribeLoadBalancerTargetGroups": reads(describe_load_balancer_target_groups),
    "DescribeTrafficSources": reads(describe_traffic_sources),
    "DetachLoadBalancerTargetGroups": writes(detach),
    "DetachTrafficSources": writes(detach),
}

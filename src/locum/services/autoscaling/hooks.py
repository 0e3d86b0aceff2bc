"""Lifecycle hooks: instances wait on their way into service and out of it until an action is completed.

User Guide, "Amazon EC2 Auto Scaling lifecycle hooks": "The instance remains in a wait state either until you complete
the lifecycle action, or until the timeout period ends (one hour by default)." The longest wait is 48 hours or 100 times
the heartbeat timeout, whichever is smaller. A result ABANDON, which is the default one, terminates an instance that
was launched; one that is terminated goes on in either case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.clock import Entropy
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.autoscaling.faults import limit_exceeded, validation_error
from locum.services.autoscaling.lookup import belonging, group_named
from locum.services.autoscaling.notices import hook_test
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import AutoScalingGroup, GroupInstance, LifecycleHook, PendingHook, State, put, remove
from locum.state.autoscaling import regional

LAUNCHING: Final = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING: Final = "autoscaling:EC2_INSTANCE_TERMINATING"

_TRANSITIONS: Final = (LAUNCHING, TERMINATING)
_RESULTS: Final = ("CONTINUE", "ABANDON")
_LONGEST: Final = 172_800  # seconds
_MOST: Final = 50
_TARGET: Final = "NotificationTargetARN"
_SETTINGS: Final = (_TARGET, "RoleARN", "NotificationMetadata")


def new_hook(group: AutoScalingGroup, params: Mapping[str, Any], before: LifecycleHook | None = None) -> LifecycleHook:
    """The hook that `params` describe, in place of `before`. Raises Fault: ValidationError."""
    transition = params.get("LifecycleTransition") or (before.transition if before else "")
    if transition not in _TRANSITIONS:
        raise validation_error(f"Lifecycle hook transition must be one of {', '.join(_TRANSITIONS)}")
    result = params.get("DefaultResult") or (before.result if before else "ABANDON")
    if result not in _RESULTS:
        raise validation_error(f"Lifecycle hook default result must be one of {', '.join(_RESULTS)}")
    timeout = int(params.get("HeartbeatTimeout") or (before.timeout if before else 3600))
    if not 30 <= timeout <= 7200:
        raise validation_error("The range for HeartbeatTimeout is from 30 to 7200 seconds.")
    settings = {**(before.settings if before else {}), **{name: params[name] for name in _SETTINGS if name in params}}
    return LifecycleHook(
        account=group.account,
        region=group.region,
        group=group.name,
        name=params["LifecycleHookName"],
        transition=transition,
        timeout=timeout,
        result=result,
        settings={name: value for name, value in settings.items() if value},  # "an empty string [...] overrides"
    )


def pending_hooks(
    state: State, group: AutoScalingGroup, transition: str, now: float, entropy: Entropy
) -> tuple[PendingHook, ...]:
    """The hooks of `group` that an instance waits for from now on."""
    found = sorted(belonging(state, group, LifecycleHook), key=lambda it: it.name)
    return tuple(
        PendingHook(
            name=it.name,
            token=request_id(entropy),
            until=int(now) + it.timeout,
            latest=int(now) + min(_LONGEST, 100 * it.timeout),
        )
        for it in found
        if it.transition == transition
    )


def timed_out(state: State, group: AutoScalingGroup, it: GroupInstance, now: float) -> GroupInstance:
    """`it` after the hooks whose time is up have got their default result."""
    for hook in it.hooks:
        if hook.until <= now:
            found = state.get(LifecycleHook, group.account, regional(group.region, group.name, hook.name))
            it = with_result(it, hook, found.result if found else "ABANDON")
    return it


def with_result(it: GroupInstance, hook: PendingHook, result: str) -> GroupInstance:
    """`it` after `hook` got its result: it waits for the others, goes on, or is to be replaced."""
    rest = tuple(other for other in it.hooks if other.name != hook.name)
    if result == "ABANDON":
        rest = ()  # "any remaining actions, such as other lifecycle hooks" are stopped
        if it.lifecycle == "Pending:Wait":
            return replace(it, hooks=(), lifecycle="Pending:Proceed", unhealthy="abandoned")
    if rest:
        return replace(it, hooks=rest)
    return replace(
        it, hooks=(), lifecycle="Pending:Proceed" if it.lifecycle == "Pending:Wait" else "Terminating:Proceed"
    )


def put_lifecycle_hook(ctx: Context, params: Params) -> Asking:
    """autoscaling:PutLifecycleHook. It counts for instances that begin the transition from now on."""
    group = group_named(ctx, params["AutoScalingGroupName"])
    before = ctx.state.get(LifecycleHook, ctx.account, regional(ctx.region, group.name, params["LifecycleHookName"]))
    if before is None and len(belonging(ctx.state, group, LifecycleHook)) >= _MOST:
        raise limit_exceeded(f"Limit on lifecycle hooks per Auto Scaling group exceeded: {_MOST}")
    made = new_hook(group, params, before)
    test = (yield from hook_test(ctx, group, made)) if params.get(_TARGET) else ()
    return Outcome({}, (put(made),), test)


def delete_lifecycle_hook(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DeleteLifecycleHook. "If there are any outstanding lifecycle actions, they are completed first
    (ABANDON for launching instances, CONTINUE for terminating instances)." """
    group, name = group_named(ctx, params["AutoScalingGroupName"]), params["LifecycleHookName"]
    found = ctx.state.get(LifecycleHook, ctx.account, regional(ctx.region, group.name, name))
    if found is None:
        raise validation_error(f"No Lifecycle Hook found with name {name} for AutoScalingGroup {group.name}")
    result = "ABANDON" if found.transition == LAUNCHING else "CONTINUE"
    members = tuple(_completed(it, name, result) for it in group.members)
    return Outcome({}, (remove(found), put(replace(group, members=members))))


def describe_lifecycle_hooks(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeLifecycleHooks."""
    group, wanted = group_named(ctx, params["AutoScalingGroupName"], going=True), params.get("LifecycleHookNames")
    found = sorted(belonging(ctx.state, group, LifecycleHook), key=lambda it: it.name)
    return Outcome({"LifecycleHooks": [_shown(it) for it in found if not wanted or it.name in wanted]})


def complete_lifecycle_action(ctx: Context, params: Params) -> Outcome:
    """autoscaling:CompleteLifecycleAction."""
    result = params["LifecycleActionResult"]
    if result not in _RESULTS:
        raise validation_error(f"LifecycleActionResult must be one of {', '.join(_RESULTS)}")
    group, it, hook = _waiting(ctx, params)
    return Outcome({}, (put(with_member(group, with_result(it, hook, result))),))


def record_lifecycle_action_heartbeat(ctx: Context, params: Params) -> Outcome:
    """autoscaling:RecordLifecycleActionHeartbeat: "This extends the timeout by the length of time defined using the
    PutLifecycleHook API call." """
    group, it, hook = _waiting(ctx, params)
    found = ctx.state.get(LifecycleHook, ctx.account, regional(ctx.region, group.name, hook.name))
    later = replace(hook, until=min(hook.latest, int(ctx.now) + (found.timeout if found else 0)))
    hooks = tuple(later if other is hook else other for other in it.hooks)
    return Outcome({}, (put(with_member(group, replace(it, hooks=hooks))),))


def describe_lifecycle_hook_types(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeLifecycleHookTypes."""
    return Outcome({"LifecycleHookTypes": list(_TRANSITIONS)})


def with_member(group: AutoScalingGroup, changed: GroupInstance) -> AutoScalingGroup:
    """`group` with `changed` in place of its instance of the same id."""
    return replace(group, members=tuple(changed if it.id == changed.id else it for it in group.members))


def _completed(it: GroupInstance, name: str, result: str) -> GroupInstance:
    found = next((hook for hook in it.hooks if hook.name == name), None)
    return it if found is None else with_result(it, found, result)


def _waiting(ctx: Context, params: Params) -> tuple[AutoScalingGroup, GroupInstance, PendingHook]:
    group, name = group_named(ctx, params["AutoScalingGroupName"], going=True), params["LifecycleHookName"]
    token, instance = params.get("LifecycleActionToken"), params.get("InstanceId")
    for it in group.members:
        for hook in it.hooks:
            if hook.name == name and (hook.token == token if token else it.id == instance):
                return group, it, hook
    named = f"token {token}" if token else f"instance ID {instance}"
    raise validation_error(f"No active Lifecycle Action found with {named}")


def _shown(it: LifecycleHook) -> dict[str, Any]:
    return {
        "LifecycleHookName": it.name,
        "AutoScalingGroupName": it.group,
        "LifecycleTransition": it.transition,
        **it.settings,
        "HeartbeatTimeout": it.timeout,
        "GlobalTimeout": min(_LONGEST, 100 * it.timeout),
        "DefaultResult": it.result,
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "CompleteLifecycleAction": writes(complete_lifecycle_action),
    "DeleteLifecycleHook": writes(delete_lifecycle_hook),
    "DescribeLifecycleHookTypes": reads(describe_lifecycle_hook_types),
    "DescribeLifecycleHooks": reads(describe_lifecycle_hooks),
    "PutLifecycleHook": asks_and_writes(asking(put_lifecycle_hook)),
    "RecordLifecycleActionHeartbeat": writes(record_lifecycle_action_heartbeat),
}

"""SendCommand and CancelCommand.

What a command is sent to is known before it is decided on: the instances that its targets name take the caller's
permission one by one, like those that it names by id. So a condition on their tags cannot be walked around.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.calls import Ask
from locum.core.clock import DAY
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.ssm import faults
from locum.services.ssm.descriptions import command_shape, invocations_of
from locum.services.ssm.documents import document_of, steps_of, with_stored_parameters
from locum.services.ssm.managed import SENDABLE, all_managed, managed
from locum.services.ssm.scripts import Plan, sealed_plan
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, writes
from locum.state import Command, CommandInvocation, Event, Instance, put, remove

KEPT: Final = 30 * DAY
"""Seconds: commands are listed for 30 days."""

MOST_KEPT: Final = 500
"""Commands of an account that are kept."""

FINAL: Final = ("Success", "Failed", "TimedOut", "Cancelled")

_NAMED: Final = "Named"
"""The member of effective parameters with the targets as they were given."""

_MOST_IDS: Final = 50
_SHOWN: Final = (
    "OutputS3Region",
    "OutputS3BucketName",
    "OutputS3KeyPrefix",
    "CloudWatchOutputConfig",
    "NotificationConfig",
    "ServiceRoleArn",
)


def with_instances(ctx: Context, params: Params) -> Generator[Ask, Mapping[str, Any], Params]:
    """`params` of SendCommand with the ids of the instances that its targets name."""
    targets = params.get("Targets")
    if not targets or params.get("InstanceIds") or _NAMED in params:
        return params
    found = _targeted(ctx, targets)
    yield from ()
    rest = {name: value for name, value in params.items() if name != "Targets"}
    return {**rest, "InstanceIds": found, _NAMED: list(targets)}


def send_command(ctx: Context, params: Params) -> Asking:
    """ssm:SendCommand."""
    params = yield from with_instances(ctx, params)
    _check(params)
    targets = params.get(_NAMED) or ()
    ids = _instances(ctx, params)
    document = yield from document_of(ctx, params["DocumentName"], params.get("DocumentVersion", ""))
    given = {name: list(values) for name, values in (params.get("Parameters") or {}).items()}
    values = yield from with_stored_parameters(ctx, given)
    steps = steps_of(document, values)
    command = request_id(ctx.entropy)
    made = Command(
        account=ctx.account,
        id=command,
        region=ctx.region,
        document=params["DocumentName"],
        document_version=params.get("DocumentVersion") or "$DEFAULT",
        requested=ctx.now,
        timeout=int(params.get("TimeoutSeconds", 3600)),
        instances=() if targets else tuple(ids),
        targets=tuple(dict(target) for target in targets),
        max_concurrency=params.get("MaxConcurrency") or "50",
        max_errors=params.get("MaxErrors") or "0",
        comment=params.get("Comment", ""),
        settings={name: params[name] for name in _SHOWN if params.get(name)},
        sealed=sealed_plan(Plan(given, steps), ctx.account, command, ctx.keyring, ctx.entropy),
    )
    sent = [_invocation(made, instance) for instance in ids]
    answer = {"Command": command_shape(made, sent, ctx.keyring)}
    return Outcome(answer, (*_expired(ctx), put(made), *map(put, sent)))


def cancel_command(ctx: Context, params: Params) -> Outcome:
    """ssm:CancelCommand: what waits is cancelled; what runs is being cancelled until it has ended."""
    command = ctx.state.get(Command, ctx.account, params["CommandId"])
    if command is None or command.region != ctx.region:
        raise faults.invalid_command_id()
    wanted = params.get("InstanceIds") or ()
    found = {it.instance: it for it in invocations_of(ctx.state, command)}
    if unknown := [instance for instance in wanted if instance not in found]:
        raise faults.invalid_instances(unknown, ctx.account)
    events: list[Event] = [] if wanted else [put(replace(command, cancelled=True))]
    for instance in wanted or found:
        it = found[instance]
        if it.status == "Pending":
            events.append(put(replace(it, status="Cancelled", details="Cancelled")))
        elif it.status == "InProgress":
            events.append(put(replace(it, status="Cancelling", details="Cancelling")))
    return Outcome({}, tuple(events))


def _check(params: Params) -> None:
    """Raises Fault for what Run Command does not take, and for what is lacking here."""
    if not params.get("InstanceIds") and _NAMED not in params:
        raise Fault("ValidationException", "Either InstanceIds or Targets must be specified.")
    if params.get("InstanceIds") and params.get("Targets"):
        raise Fault("ValidationException", "InstanceIds and Targets cannot both be specified.")
    if params.get("AlarmConfiguration"):
        raise faults.not_implemented("AlarmConfiguration")
    if params.get("NotificationConfig") and not params.get("ServiceRoleArn"):
        raise Fault("InvalidNotificationConfig", "NotificationConfig requires ServiceRoleArn.")
    if params.get("DocumentHash"):
        raise faults.not_implemented("DocumentHash")


def _instances(ctx: Context, params: Params) -> list[str]:
    """The ids of the instances that a command is sent to. Raises Fault: InvalidInstanceId, DuplicateInstanceId."""
    ids = list(params.get("InstanceIds") or ())
    if len(ids) > _MOST_IDS and not params.get(_NAMED):
        raise Fault("ValidationException", f"InstanceIds may have at most {_MOST_IDS} entries.")
    for instance in ids:
        if ids.count(instance) > 1:
            raise faults.duplicate_instance(instance)
    if wrong := [instance for instance in ids if managed(ctx, instance) is None]:
        raise faults.invalid_instances(wrong, ctx.account)
    return ids


def _targeted(ctx: Context, targets: Iterable[Mapping[str, Any]]) -> list[str]:
    """The managed instances that all of `targets` name, by their ids or tags. Raises Fault."""
    found = [it.id for it in all_managed(ctx)]
    for target in targets:
        key, values = target.get("Key", ""), set(target.get("Values") or ())
        if key.lower() == "instanceids":
            if wrong := sorted(values - set(found)):
                raise faults.invalid_instances(wrong, ctx.account)
            found = [it for it in found if it in values]
        elif key.startswith("tag:"):
            found = [it for it in found if _tags(ctx, it).get(key.removeprefix("tag:")) in values]
        elif key == "tag-key":
            found = [it for it in found if values & set(_tags(ctx, it))]
        elif key.startswith("resource-groups:"):
            raise faults.not_implemented("resource groups as targets")
        else:
            raise Fault("InvalidTarget", f"The target isn't valid or doesn't exist: {key}")
    return found


def _tags(ctx: Context, instance: str) -> Mapping[str, str]:
    found = ctx.state.get(Instance, ctx.account, instance)
    return found.tags if found is not None and found.state in SENDABLE else {}


def _invocation(command: Command, instance: str) -> CommandInvocation:
    return CommandInvocation(
        account=command.account,
        command=command.id,
        instance=instance,
        region=command.region,
        requested=command.requested,
    )


def _expired(ctx: Context) -> Iterable[Event]:
    """The events that remove the commands of the account that are not kept any more."""
    every = sorted(ctx.state.table(Command, ctx.account).values(), key=lambda it: it.requested)
    surplus = len(every) - MOST_KEPT + 1
    for command in every:
        invocations = invocations_of(ctx.state, command)
        old = command.requested < ctx.now - KEPT or surplus > 0
        if old and all(it.status in FINAL for it in invocations):
            surplus -= 1
            yield remove(command)
            yield from map(remove, invocations)


OPERATIONS: Final[dict[str, Operation]] = {
    "CancelCommand": writes(cancel_command),
    "SendCommand": asks_and_writes(asking(send_command))._replace(effective=with_instances),
}

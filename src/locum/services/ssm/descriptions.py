"""Commands and their invocations as they are shown: ListCommands, ListCommandInvocations, GetCommandInvocation.

AWS Systems Manager User Guide, "Understanding command statuses": the status of a command follows from its invocations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from locum.core.clock import iso8601_ms
from locum.core.errors import Fault
from locum.credentials import KeyRing
from locum.services.pagination import Pagination, newest_first
from locum.services.ssm import faults
from locum.services.ssm.documents import PLUGIN, RUN_SHELL_SCRIPT
from locum.services.ssm.scripts import Printed, output_of, plan_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads
from locum.state import Command, CommandInvocation, PluginResult, State
from locum.state.indexes import OF_COMMAND, scoped

MOST_OUT: Final = 24_000
MOST_ERR: Final = 8_000
"""Characters of GetCommandInvocation: "The first 24,000 characters" and "The first 8,000 characters"."""

_LISTED: Final = 2_500
"""Characters of a plugin's output in ListCommandInvocations."""

_LIST: Final = Pagination("MaxResults", "NextToken", "NextToken", 50, faults.invalid_token)
_WAITING: Final = ("Pending", "InProgress", "Cancelling")
_FAILED: Final = ("Failed", "TimedOut")
_UNCOUNTED: Final = ("Undeliverable", "Terminated", "AccessDenied")


def invocations_of(state: State, command: Command) -> list[CommandInvocation]:
    """The invocations of `command`, by instance."""
    found = state.find(OF_COMMAND, scoped(command.account, command.id))
    return sorted((it for it in found if isinstance(it, CommandInvocation)), key=lambda it: it.instance)


def number_in(text: str, targets: int) -> int:
    """The number that MaxConcurrency or MaxErrors (`10`, or `10%`) is of so many targets, rounded up."""
    return math.ceil(targets * int(text[:-1]) / 100) if text.endswith("%") else int(text)


def counts_as_error(it: CommandInvocation) -> bool:
    """Whether an invocation counts against MaxErrors."""
    return it.status in _FAILED and it.details not in _UNCOUNTED


def status_of(command: Command, invocations: Sequence[CommandInvocation]) -> tuple[str, str]:
    """Status and StatusDetails of a command."""
    if not invocations:
        return "Failed", "NoInstancesInTag"
    if any(it.status in _WAITING for it in invocations):
        if command.cancelled:
            return "Cancelling", "Cancelling"
        begun = any(it.status != "Pending" for it in invocations)
        return ("InProgress", "InProgress") if begun else ("Pending", "Pending")
    if command.cancelled and any(it.status == "Cancelled" for it in invocations):
        return "Cancelled", "Cancelled"
    if all(it.status == "Success" for it in invocations):
        return "Success", "Success"
    return _failure(command, invocations)


def _failure(command: Command, invocations: Sequence[CommandInvocation]) -> tuple[str, str]:
    most = number_in(command.max_errors, len(invocations))
    late = sum(it.details == "DeliveryTimedOut" for it in invocations)
    if late > most:
        return "TimedOut", "DeliveryTimedOut"
    if sum(map(counts_as_error, invocations)) > most:
        ended = {it.details for it in invocations if counts_as_error(it)}
        return ("TimedOut", "ExecutionTimedOut") if ended == {"ExecutionTimedOut"} else ("Failed", "Failed")
    return "Failed", "Incomplete"


def command_shape(command: Command, invocations: Sequence[CommandInvocation], ring: KeyRing) -> dict[str, Any]:
    """A `Command`."""
    status, details = status_of(command, invocations)
    settings = dict(command.settings)
    role = settings.pop("ServiceRoleArn", "")
    return {
        "CommandId": command.id,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "Comment": command.comment,
        "ExpiresAfter": command.requested + command.timeout,
        "Parameters": plan_of(command, ring).parameters,
        "InstanceIds": list(command.instances),
        "Targets": list(command.targets),
        "RequestedDateTime": command.requested,
        "Status": status,
        "StatusDetails": details,
        "MaxConcurrency": command.max_concurrency,
        "MaxErrors": command.max_errors,
        "TargetCount": len(invocations),
        "CompletedCount": sum(it.status not in _WAITING for it in invocations),
        "ErrorCount": sum(it.status in _FAILED for it in invocations),
        "DeliveryTimedOutCount": sum(it.details == "DeliveryTimedOut" for it in invocations),
        "ServiceRole": role,
        "TimeoutSeconds": command.timeout,
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        **settings,
    }


def list_commands(ctx: Context, params: Params) -> Outcome:
    """ssm:ListCommands: the newest first."""
    instance = params.get("InstanceId")
    found = []
    for command in _commands(ctx, params):
        invocations = invocations_of(ctx.state, command)
        if instance is None or any(it.instance == instance for it in invocations):
            found.append((command, invocations))
    for entry in params.get("Filters") or ():
        found = [row for row in found if _passes(entry, row[0], status_of(*row)[0])]
    page = _LIST.page(params, found, lambda row: newest_first(row[0].requested, row[0].id))
    return page.outcome("Commands", lambda row: command_shape(*row, ctx.keyring))


def list_command_invocations(ctx: Context, params: Params) -> Outcome:
    """ssm:ListCommandInvocations: the newest first, with what they printed where `Details` are asked for."""
    instance, detailed = params.get("InstanceId"), bool(params.get("Details"))
    found = [
        (command, it)
        for command in _commands(ctx, params)
        for it in invocations_of(ctx.state, command)
        if instance in (None, it.instance)
    ]
    for entry in params.get("Filters") or ():
        found = [row for row in found if _passes(entry, row[0], row[1].status)]
    page = _LIST.page(params, found, lambda row: newest_first(row[1].requested, row[1].key))
    return page.outcome("CommandInvocations", lambda row: _invocation_shape(ctx, *row, detailed=detailed))


def get_command_invocation(ctx: Context, params: Params) -> Outcome:
    """ssm:GetCommandInvocation: one step of a command on one instance."""
    command = ctx.state.get(Command, ctx.account, params["CommandId"])
    key = f"{params['CommandId']}/{params['InstanceId']}"
    it = ctx.state.get(CommandInvocation, ctx.account, key)
    if command is None or it is None or it.region != ctx.region:
        raise Fault("InvocationDoesNotExist", "")
    position = _step(command, params.get("PluginName", ""), ctx.keyring)
    result, printed = _at(it, position, ctx.keyring)
    name = plan_of(command, ctx.keyring).steps[position].name
    failed = it.status in (*_FAILED, "Cancelled") and not it.results
    over = it.status not in _WAITING
    return Outcome(
        {
            "CommandId": command.id,
            "InstanceId": it.instance,
            "Comment": command.comment,
            "DocumentName": command.document,
            "DocumentVersion": command.document_version,
            "PluginName": name,
            "ResponseCode": result.code,
            "ExecutionStartDateTime": iso8601_ms(result.began) if result.began else "",
            "ExecutionElapsedTime": f"PT{result.ended - result.began:.3f}S" if result.ended else "",
            "ExecutionEndDateTime": iso8601_ms(result.ended) if result.ended else "",
            "Status": it.status if failed or not over or len(it.results) <= 1 else result.status,
            "StatusDetails": it.details if failed or not over or len(it.results) <= 1 else result.details,
            "StandardOutputContent": printed.out[:MOST_OUT],
            "StandardErrorContent": printed.err[:MOST_ERR],
            "StandardOutputUrl": _url(command, it, name, "stdout"),
            "StandardErrorUrl": _url(command, it, name, "stderr"),
            "CloudWatchOutputConfig": _logs(command),
        }
    )


def document_name(command: Command) -> str:
    """The name of the document of a command, which may be given by its ARN."""
    return command.document.rpartition("/")[2]


def output_key(command: Command, it: CommandInvocation, step: str, stream: str) -> str:
    """The key of the object in S3 with what a step printed."""
    prefix = str(command.settings.get("OutputS3KeyPrefix") or "").strip("/")
    place = f"0.{PLUGIN.replace(':', '')}" if document_name(command) == RUN_SHELL_SCRIPT else step
    rest = f"{command.id}/{it.instance}/{PLUGIN.replace(':', '')}/{place}/{stream}"
    return f"{prefix}/{rest}" if prefix else rest


def _url(command: Command, it: CommandInvocation, step: str, stream: str) -> str:
    bucket = command.settings.get("OutputS3BucketName")
    if not bucket:
        return ""
    return f"https://s3.{command.region}.amazonaws.com/{bucket}/{output_key(command, it, step, stream)}"


def _logs(command: Command) -> Mapping[str, Any]:
    given = command.settings.get("CloudWatchOutputConfig")
    return given if isinstance(given, dict) else {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False}


def _commands(ctx: Context, params: Params) -> list[Command]:
    wanted = params.get("CommandId")
    every = [it for it in ctx.state.table(Command, ctx.account).values() if it.region == ctx.region]
    if wanted is None:
        return every
    found = [it for it in every if it.id == wanted]
    if not found:
        raise faults.invalid_command_id()
    return found


def _invocation_shape(ctx: Context, command: Command, it: CommandInvocation, *, detailed: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "CommandId": command.id,
        "InstanceId": it.instance,
        "InstanceName": "",
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "RequestedDateTime": it.requested,
        "Status": it.status,
        "StatusDetails": it.details,
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [],
        "ServiceRole": command.settings.get("ServiceRoleArn", ""),
        "CloudWatchOutputConfig": _logs(command),
    }
    if detailed:
        steps = plan_of(command, ctx.keyring).steps
        shape["CommandPlugins"] = [
            _plugin(command, it, step.name, *_at(it, position, ctx.keyring)) for position, step in enumerate(steps)
        ]
    return shape


def _plugin(
    command: Command, it: CommandInvocation, name: str, result: PluginResult, printed: Printed
) -> dict[str, Any]:
    """A `CommandPlugin`."""
    error = f"\n----------ERROR-------\n{printed.err}" if printed.err else ""
    shape: dict[str, Any] = {
        "Name": name,
        "Status": result.status,
        "StatusDetails": result.details,
        "ResponseCode": result.code,
        "Output": f"{printed.out}{error}"[:_LISTED],
        "StandardOutputUrl": _url(command, it, name, "stdout"),
        "StandardErrorUrl": _url(command, it, name, "stderr"),
        "OutputS3Region": command.settings.get("OutputS3Region", command.region),
        "OutputS3BucketName": command.settings.get("OutputS3BucketName", ""),
        "OutputS3KeyPrefix": command.settings.get("OutputS3KeyPrefix", ""),
    }
    if result.began:
        shape["ResponseStartDateTime"] = result.began
    if result.ended:
        shape["ResponseFinishDateTime"] = result.ended
    return shape


def _step(command: Command, name: str, ring: KeyRing) -> int:
    """The position of the step `name`. Raises Fault: InvalidPluginName."""
    names = [step.name for step in plan_of(command, ring).steps]
    if not name and len(names) == 1:
        return 0
    if name not in names:
        raise Fault("InvalidPluginName", "The plugin name isn't valid.")
    return names.index(name)


def _at(it: CommandInvocation, position: int, ring: KeyRing) -> tuple[PluginResult, Printed]:
    """The result of a step, and what it printed; nothing of one that was not begun."""
    printed = output_of(it, ring)
    result = it.results[position] if position < len(it.results) else None
    if result is None:
        result = PluginResult(name="", status=it.status, details=it.details)
    return result, printed[position] if position < len(printed) else Printed()


def _passes(entry: Mapping[str, str], command: Command, status: str) -> bool:
    key, value = entry["key"], entry["value"]
    tests: Mapping[str, Callable[[], bool]] = {
        "Status": lambda: status == value,
        "DocumentName": lambda: command.document == value,
        "InvokedAfter": lambda: iso8601_ms(command.requested) > value,
        "InvokedBefore": lambda: iso8601_ms(command.requested) < value,
        "ExecutionStage": lambda: (status in _WAITING) == (value == "Executing"),
    }
    if key not in tests:
        raise faults.invalid_filter_key(key)
    return tests[key]()


OPERATIONS: Final[dict[str, Operation]] = {
    "GetCommandInvocation": reads(get_command_invocation),
    "ListCommandInvocations": reads(list_command_invocations),
    "ListCommands": reads(list_commands),
}

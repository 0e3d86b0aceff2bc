"""Macros of accounts: functions that process templates, or parts of them.

CloudFormation User Guide, "Create a CloudFormation macro definition": a macro is a resource AWS::CloudFormation::Macro,
whose name is known in its account and region. "CloudFormation runs macros by impersonating the user": the function is
invoked with the permissions of whoever calls CloudFormation.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from locum.core.actors import on_behalf_of
from locum.core.arn import PARTITION
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.cloudformation.includes import FUNCTION, INCLUDE, Room, calls_of, include, named
from locum.services.cloudformation.plain_values import plain
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.templates import CLOUDFORMATION, LONGEST_OBJECT, invalid
from locum.services.verbs import Context
from locum.state import StackResource

MACRO: Final = "AWS::CloudFormation::Macro"
_REQUESTS: Final = UUID("6f9f2e3c-0c6e-4f0d-9a55-5f6b1c4d2a10")
"""The namespace of request ids: a request that is made again has the same one."""

_MOST: Final = 50
"""Calls of macros in a template. [U] CloudFormation's limit is not published."""

_THERE: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_FAILED", "IMPORT_COMPLETE")


class Macro(NamedTuple):
    """A macro: its name with its account, `ACCOUNT::NAME`, and the ARN of its function."""

    name: str
    function: str


def macro_named(ctx: Context, name: str) -> Macro:
    """The macro of the caller's account with that name, or of the account `ACCOUNT::NAME`. Raises Fault."""
    account, _, short = name.rpartition("::")
    account = account or ctx.account
    for it in ctx.state.table(StackResource, account).values():
        if (it.type, it.physical, it.region) == (MACRO, short, ctx.region) and it.status in _THERE:
            kept = Seals(ctx.keyring, ctx.entropy).open(account, it.stack, it.properties)
            function = str(kept["properties"]["FunctionName"])
            if not function.startswith("arn:"):
                function = f"arn:{PARTITION}:lambda:{ctx.region}:{account}:function:{function}"
            return Macro(f"{account}::{short}", function)
    raise invalid(f"No transform named {account}::{short} found.")


def macros_of(ctx: Context, names: Iterable[str], called: Iterable[Any]) -> dict[str, Macro]:
    """The macros with those names; `called` are all calls of transforms. Raises Fault ValidationError."""
    found = {name: macro_named(ctx, name) for name in names}
    if sum(named(entry) in found for entry in called) > _MOST:
        raise invalid(f"A template may not call macros more than {_MOST} times.")
    return found


def invoked(
    ctx: Context, macro: Macro, fragment: Any, parameters: Mapping[str, Any], known: Mapping[str, Any]
) -> Generator[Ask, Mapping[str, Any], Any]:
    """What a macro makes of a fragment of a template. Raises Fault ValidationError.

    `parameters` are those of the transform, which are not evaluated; `known` those of the template.
    """
    event: dict[str, Any] = {
        "region": ctx.region,
        "accountId": ctx.account,
        "fragment": fragment,
        "transformId": macro.name,
        "params": parameters,
        "templateParameterValues": known,
    }
    event["requestId"] = str(uuid5(_REQUESTS, json.dumps(event, sort_keys=True)))
    params = {
        "FunctionName": macro.function,
        "InvocationType": "RequestResponse",
        "Payload": json.dumps(event).encode(),
    }
    caller = on_behalf_of(ctx.caller, CLOUDFORMATION)
    try:
        answer = yield Ask(ServiceCall(caller, "lambda", "Invoke", params, ctx.region), computes=True)
    except Fault as fault:
        raise invalid(f"Transform {macro.name} failed with: {fault.message}") from fault
    return _fragment(macro, answer, event["requestId"])


class Processing(NamedTuple):
    """The processing of a template by macros and includes: what they are, and what is known to them."""

    ctx: Context
    macros: Mapping[str, Macro]
    snippets: Mapping[str, tuple[dict[str, Any], int]]
    room: Room
    known: Mapping[str, Any]

    def within(self, value: Any) -> Generator[Ask, Mapping[str, Any], Any]:
        """A value of a template after the transforms in it, the most deeply nested first."""
        if isinstance(value, list):
            items = []
            for item in value:
                items.append((yield from self.within(item)))  # noqa: PERF401 - which a comprehension cannot
            return items
        if not isinstance(value, Mapping):
            return value
        fragment: Any = {}
        for name, member in value.items():
            if name != FUNCTION:
                fragment[name] = yield from self.within(member)
        for entry in calls_of(value):
            if named(entry) != INCLUDE:
                fragment = yield from self.macro(entry, fragment)
            elif isinstance(fragment, dict):
                include(fragment, entry, self.snippets, self.room)
            else:
                raise invalid("Template format error: unsupported structure.")
        return fragment

    def macro(self, entry: Any, fragment: Any) -> Generator[Ask, Mapping[str, Any], Any]:
        """What the macro that `entry` calls makes of a fragment."""
        parameters = entry.get("Parameters", {}) if isinstance(entry, Mapping) else {}
        made = yield from invoked(self.ctx, self.macros[named(entry)], fragment, parameters, self.known)
        self.room.take(len(json.dumps(made)))
        return made


def _fragment(macro: Macro, answer: Mapping[str, Any], request: str) -> Any:
    """The fragment in the answer of a macro's function, which tells of its success."""
    malformed = invalid(f"Received malformed response from transform {macro.name}")
    payload: bytes = answer.get("Payload") or b""
    if answer.get("FunctionError") or len(payload) > LONGEST_OBJECT:
        raise malformed
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise malformed from error
    if not isinstance(told, Mapping) or told.get("requestId") != request or not isinstance(told.get("status"), str):
        raise malformed
    if told["status"].lower() != "success":
        message = told.get("errorMessage")
        raise invalid(
            f"Transform {macro.name} failed " + (f"with: {message}" if message else "without an error message.")
        )
    if "fragment" not in told:
        raise malformed
    return plain(told["fragment"])

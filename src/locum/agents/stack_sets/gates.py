"""Account gates: a function of an account that says whether a stack set may do anything there.

API Reference, AccountGateResult: "CloudFormation invokes the function each time a StackSet operation is requested for
that account and Region; if the function returns FAILED, CloudFormation cancels the operation in that account and
Region". Where there is none, or the execution role may not invoke it, it goes on.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from locum.calls import Calls
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.principal import Caller

FUNCTION: Final = "AWSCloudFormationStackSetAccountGate"
_MISSING: Final = "ResourceNotFoundException"


class Gate(NamedTuple):
    """AccountGateResult: SUCCEEDED, FAILED or SKIPPED, and why."""

    status: str
    reason: str = ""


async def asked(calls: Calls, caller: Caller, region: str) -> Gate:
    """What the account gate in a region of the account of `caller`, who invokes it, says."""
    try:
        answer = await calls.make(ServiceCall(caller, "lambda", "Invoke", {"FunctionName": FUNCTION}, region))
    except Fault as fault:
        if fault.code == _MISSING:
            arn = f"arn:aws:lambda:{region}:{caller.account}:function:{FUNCTION}"
            return Gate("SKIPPED", f"Function not found: {arn}")
        if fault.status == 403:
            return Gate("SKIPPED", f"Insufficient permissions to invoke {FUNCTION}")
        return Gate("FAILED", fault.message)
    said = _status(answer)
    return Gate("SUCCEEDED") if said == "SUCCEEDED" else Gate("FAILED", f"{FUNCTION} returned {said or 'no status'}")


def _status(answer: dict[str, Any]) -> str:
    """The status that the function returned; empty where it returned none, or failed."""
    try:
        told = json.loads(answer.get("Payload") or b"null")
    except ValueError:
        return ""
    return str(told.get("Status", ""))[:100] if isinstance(told, dict) and "FunctionError" not in answer else ""

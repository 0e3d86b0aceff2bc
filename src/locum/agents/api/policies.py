"""ReplayPolicies and WritePolicy: what `locum policy` does, for an account."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any

from locum import analysis, policy
from locum.agents.api import scope
from locum.agents.api.plane import Plane
from locum.agents.api.sight import sight
from locum.backends import BackendCall
from locum.calls import activity, policy_texts
from locum.core.errors import Fault
from locum.policy import MalformedPolicy, PolicyKind


async def replay_policies(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out ReplayPolicies."""
    params, account = call.params, call.caller.account
    principal = params.get("PrincipalArn", "")
    scope.check_principal(account, principal)
    async with plane.turns.turn(call):
        await asyncio.to_thread(_check, params["Policies"])
        question = activity.Proposed(
            params["Policies"], principal, _since(call), _until(call), add=params.get("Add", False)
        )
        found = await activity.proposed(plane.runtime, question, account)
    return {
        "Calls": found["calls"],
        "Records": found["records"],
        "Truncated": found["truncated"],
        "Changed": _changes(_seen(plane, call, found["changed"])),
        "StillDenied": _changes(_seen(plane, call, found["stillDenied"])),
        "NotDecided": _undecided(found["notDecided"]),
    }


async def write_policy(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out WritePolicy."""
    account, principal = call.caller.account, call.params["PrincipalArn"]
    scope.check_principal(account, principal)
    since, until = _since(call), _until(call) if "Until" in call.params else plane.runtime.clock()
    async with plane.turns.turn(call):
        denied = call.params.get("IncludeDenied", False)
        taken = activity.Taken(principal, since, until, include_denied=denied)
        found = await activity.taken(plane.runtime, taken, account)
        written = await asyncio.to_thread(_written, found)
        documents = {f"written {number}": json.dumps(document) for number, document in enumerate(written, 1)}
        tried = await activity.proposed(plane.runtime, activity.Proposed(documents, principal, since, until), account)
    lacking = _seen(plane, call, policy_texts.still_denied(found, tried))
    return {
        "Documents": [json.dumps(document, indent=2) for document in written],
        "Notes": list(policy_texts.about_written(found, written, lacking)),
        "Complete": not lacking and not policy_texts.incomplete(found),
        "StillDenied": _changes(lacking),
        "LeftOut": _undecided(found["leftOut"]),
    }


def _seen(plane: Plane, call: BackendCall, changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Changes without the names of policies that the account does not see."""
    seeing = sight(plane.runtime.ledger.state, call.caller.account)
    named = ("wasDeterminedBy", "determinedBy")
    return [{**change, **{member: seeing.names(change[member]) for member in named}} for change in changes]


def _written(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return analysis.documents(analysis.write(policy_texts.permissions({**found})))


def _check(policies: Mapping[str, str]) -> None:
    """Raise Fault where one of `policies` is no identity policy."""
    for name, text in policies.items():
        try:
            policy.parse(text, PolicyKind.IDENTITY)
        except MalformedPolicy as error:
            raise Fault("ValidationException", f"{name} is no identity policy: {error.message}") from error


def _since(call: BackendCall) -> float:
    return float(call.params.get("Since", 0.0))


def _until(call: BackendCall) -> float | None:
    return float(call.params["Until"]) if "Until" in call.params else None


def _changes(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "RequestId": row["requestId"],
            "Time": row["at"],
            "PrincipalArn": row["principal"],
            "Operation": row["operation"],
            "Action": row["action"],
            "Resource": str(row["resource"]),
            "Times": row["times"],
            "Was": row["was"],
            "Becomes": row["becomes"],
            "Present": row["present"],
            "Reason": row["reason"],
            "WasDeterminedBy": row["wasDeterminedBy"],
            "DeterminedBy": row["determinedBy"],
        }
        for row in rows
    ]


def _undecided(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "RequestId": row["requestId"],
            "Time": row["at"],
            "PrincipalArn": row["principal"],
            "Operation": row["operation"],
            "Resources": row["resources"],
            "Verdict": row["verdict"],
            "Times": row["times"],
            "Reason": row["reason"],
        }
        for row in rows
    ]

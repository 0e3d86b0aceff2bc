"""ExplainAccess, DecideAgain, WhoCan and WhatCan: the questions of `calls.hypothetical`, asked by an account."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from locum.agents.api import scope, statements
from locum.agents.api.plane import Plane
from locum.agents.api.sight import Sight, deciding, sight
from locum.audit import Record
from locum.backends import BackendCall
from locum.calls import hypothetical
from locum.calls.carrying import facts_of
from locum.calls.hypothetical import Again, Question, View, What, Who, Why
from locum.core.record_texts import explained
from locum.core.resources import UNKNOWN, ResourceFacts, owner_of
from locum.state import State
from locum.state.of_account import of_account


async def explain_access(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out ExplainAccess."""
    params = call.params
    scope.check_principal(call.caller.account, params["PrincipalArn"])
    asked = {**_asked(call), "action": params["Action"], "resource": params.get("Resource", "*")}
    found = await _answered(plane, call, Why(**asked, principal=params["PrincipalArn"]))
    state = await _state(plane, call)
    seeing = sight(state, call.caller.account)
    explanation = seeing.explanation(found["explanation"])
    found |= {
        "explanation": explanation,
        "determining": _names(explanation, found["determining"]),
        "depends": _without_hidden(seeing, found["depends"]),
    }
    decided = deciding(explanation, found["determining"])
    return {
        "PrincipalArn": found["principal"],
        "Verdict": found["verdict"],
        "Message": found["denial"],
        "Explanation": list(explained(explanation)),
        "Determining": statements.told(decided, of_account(state, call.caller.account), params["PrincipalArn"]),
        "Note": found["note"],
        "Answer": json.dumps(found),
    }


async def decide_again(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out DecideAgain. Raises Fault where the account has made no such call, or not on what is its own."""
    account, request = call.caller.account, call.params["RequestId"]
    found = await plane.runtime.ledger.read(partial(plane.runtime.history.by_request, request))
    mine = [record for record in found if record.identity.account == account]
    if not mine or not await _is_own(plane, mine[0], account):
        raise scope.not_found(f"No request {request} is recorded that {account} has made on what is its own.")
    common = _asked(call)
    question = Again(account=common["account"], region=common["region"], at=common["at"], request=request)
    # On the whole state: the account's own principal and resource, and the policies that are in force for them.
    async with plane.turns.turn(call):
        again = await hypothetical.answered(plane.runtime, question)
    explanation = sight(await _state(plane, call), account).explanation(again["explanation"])
    return {
        "Was": again["was"],
        "Verdict": again["verdict"],
        "Message": again["denial"],
        "Explanation": list(explained(explanation)),
        "Determining": _names(explanation, again["determining"]),
    }


async def who_can(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out WhoCan."""
    asked = {**_asked(call), "action": call.params["Action"], "resource": call.params["Resource"]}
    found = await _answered(plane, call, Who(**asked))
    seeing = sight(await _state(plane, call), call.caller.account)
    found["groups"] = [_without_hidden(seeing, group) for group in found["groups"]]
    return {
        "Groups": [
            {
                "Principals": [
                    {"Arn": it["arn"], "Kind": it["kind"], "AccountId": it["account"]} for it in group["principals"]
                ],
                "Verdict": group["verdict"],
                "Keys": group["keys"],
            }
            for group in found["groups"]
        ],
        "Note": found["note"],
        "Answer": json.dumps(found),
    }


async def what_can(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out WhatCan."""
    params = call.params
    scope.check_principal(call.caller.account, params["PrincipalArn"])
    question = What(**_asked(call), principal=params["PrincipalArn"], services=list(params.get("Services", ())))
    found = await _answered(plane, call, question)
    seeing = sight(await _state(plane, call), call.caller.account)
    found["rows"] = [_without_hidden(seeing, row) for row in found["rows"]]
    return {
        "PrincipalArn": found["principal"],
        "Rows": [
            {
                "Service": row["service"],
                "AccessLevel": row["accessLevel"],
                "Actions": row["actions"],
                "ActionsOfLevel": row["actionsOfLevel"],
                "Resources": row["resources"],
                "Verdict": row["verdict"],
                "Keys": row["keys"],
            }
            for row in found["rows"]
        ],
        "Answer": json.dumps(found),
    }


async def _answered(plane: Plane, call: BackendCall, question: Question) -> dict[str, Any]:
    """The answer, of what the account may see. Raises Fault where the resource is not one that it may have."""
    account = call.caller.account

    def admit(resource: str, known: ResourceFacts) -> None:
        if not _may_be_of(account, resource, known):
            raise scope.not_found(f"There is no resource {resource} in the account {account}.")

    view: View = partial(of_account, account=account)
    async with plane.turns.turn(call):
        return await hypothetical.answered(plane.runtime, question, view, admit)


def _may_be_of(account: str, resource: str, known: ResourceFacts) -> bool:
    """Whether a resource is of an account, or of no account: a bucket that is not there, and is to be, say."""
    return owner_of(resource, known) in ("", account)


async def _is_own(plane: Plane, record: Record, account: str) -> bool:
    """Whether all resources of a call that an account made are its own."""
    arns = [it.arn for it in record.resources]
    facts = await facts_of(plane.runtime, arns, account, record.region)
    return all(_may_be_of(account, arn, facts.get(arn, UNKNOWN)) for arn in arns)


def _asked(call: BackendCall) -> dict[str, Any]:
    """What all questions have."""
    params = call.params
    given = [(it["Key"], value) for it in params.get("ContextEntries", ()) for value in it["Values"]]
    common = {"account": call.caller.account, "region": call.origin.region, "given": given}
    return {**common, "absent": list(params.get("AbsentKeys", ())), "at": _at(call) if "At" in params else None}


def _at(call: BackendCall) -> float:
    return float(call.params["At"])


async def _state(plane: Plane, call: BackendCall) -> State:
    """The state that is asked about. Raises Forgotten."""
    ledger = plane.runtime.ledger
    return await ledger.state_at(_at(call)) if "At" in call.params else ledger.state


def _names(explanation: Mapping[str, Any] | None, names: Iterable[str]) -> list[str]:
    """Those of the deciding statements that are seen."""
    return [name for name in names if any(deciding(explanation, [name]))]


def _without_hidden(seeing: Sight, found: Any) -> Any:
    """What an answer depends on (`analysis.openly.answer_json`), with the content of policies of others left out."""
    if found is None:
        return None

    def clause(it: Mapping[str, Any]) -> dict[str, Any]:
        if seeing.sees(it["type"], seeing.account):
            return {**it}
        return {**it, "policy": it["type"], "arn": "", "sid": "", "statement": 0, "conditions": []}

    when = [[[clause(it) for it in one] for one in way] for way in found["when"]]
    hidden = any(not seeing.sees(it["type"], seeing.account) for way in found["when"] for one in way for it in one)
    hidden = hidden or any(not seeing.sees(it["type"], seeing.account) for it in found["unless"])
    return {**found, "when": when, "unless": [clause(it) for it in found["unless"]],
            "keys": [] if hidden else found["keys"]}  # fmt: skip

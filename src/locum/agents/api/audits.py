"""FindEscalationPaths and GetAudit: what `locum audit` does, for an account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from locum.agents.api.plane import Plane
from locum.agents.audits.question import Question, report
from locum.analysis.audit import DAYS, RULES
from locum.backends import BackendCall
from locum.core.actors import on_behalf_of
from locum.state.of_account import of_account

_ITSELF: Final = "locum.amazonaws.com"
_OF_PATHS: Final = frozenset({"escalation-path", "administrators-of-another-account"})
_IDENTITIES: Final = (":user/", ":role/", ":root")


async def find_escalation_paths(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out FindEscalationPaths."""
    found = await _report(plane, call)
    rows = [row for row in found["findings"] if row["rule"] in _OF_PATHS]
    return {**_head(found), "Complete": found["searched"], "Findings": [_finding(row) for row in rows]}


async def get_audit(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out GetAudit."""
    found = await _report(plane, call)
    findings = [_finding(row) for row in found["findings"]]
    return {**_head(found), "Complete": found["complete"], "Findings": findings, "Unread": found["unread"]}


async def _report(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """The audit of the caller's account. What other services have is read with the permissions of the caller."""
    runtime, params, account = plane.runtime, call.params, call.caller.account
    buckets, days = tuple(params.get("Buckets", ())), params.get("Days", DAYS)
    question = Question(account=account, region=call.origin.region, buckets=buckets, days=days)
    async with plane.turns.turn(call):
        state = of_account(runtime.ledger.state, account)
        return await report(runtime, plane.make, state, on_behalf_of(call.caller, _ITSELF), question)


def _head(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"Time": found["at"], "Administrators": found["administrators"]}


def _finding(row: Mapping[str, Any]) -> dict[str, Any]:
    rule, resource = RULES[row["rule"]], str(row["resource"])
    about = ":iam::" in resource and any(kind in resource for kind in _IDENTITIES)
    members: dict[str, Any] = {
        "Id": row["id"],
        "Rule": row["rule"],
        "Severity": row["severity"],
        "Title": rule.title,
        "AccountId": row["account"],
        "PrincipalArn": resource if about else "",
        "Resource": resource,
        "What": row["what"],
        "Why": row["why"],
        "ToDo": row["todo"],
        "Page": rule.page,
        "Steps": row["steps"],
        "Fixes": [_fix(fix) for fix in row["fixes"]],
    }
    return {name: value for name, value in members.items() if value not in ("", [])}


def _fix(fix: Mapping[str, Any]) -> dict[str, Any]:
    members = {"Service": fix["service"], "Operation": fix["operation"], "Region": fix["region"]}
    return {**{name: value for name, value in members.items() if value}, "Parameters": json.dumps(fix["params"])}

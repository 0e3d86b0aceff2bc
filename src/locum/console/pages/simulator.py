"""The simulator: actions and resources of a principal as a matrix of verdicts, each with its explanation."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Answer, CallFailed, attempt
from locum.console.pages.questions import context_entries
from locum.console.person import Person, View, url

_MOST: Final = 400
"""Verdicts of a matrix."""


async def form(person: Person) -> Response:
    """The form, and the matrix where something was asked."""
    given = {name: person.query(name) for name in ("principal", "actions", "resources", "context")}
    roles, users = await asyncio.gather(
        attempt(person.aws.listed("iam", "list_roles", "Roles")),
        attempt(person.aws.listed("iam", "list_users", "Users")),
    )
    arns = [it["Arn"] for answer in (users, roles) if answer.value is not None for it in answer.value]
    matrix = await _matrix(person, given) if given["principal"] and given["actions"].split() else None
    return person.page("simulator.html", given=given, principals=arns, matrix=matrix)


async def _matrix(person: Person, given: dict[str, str]) -> Answer[dict[str, Any]]:
    actions, resources = given["actions"].split(), given["resources"].split() or ["*"]
    if len(actions) * len(resources) > _MOST:
        text = f"A matrix has at most {_MOST} verdicts: ask for fewer actions or resources at a time."
        return Answer(None, CallFailed("ValidationError", text, "iam:SimulatePrincipalPolicy"))
    context = [{"ContextKeyName": it["Key"], "ContextKeyValues": it["Values"], "ContextKeyType": "stringList"}
               for it in context_entries(given["context"])]  # fmt: skip
    asked = {"PolicySourceArn": given["principal"], "ActionNames": actions, "ResourceArns": resources}
    found = await attempt(
        person.aws.listed(
            "iam", "simulate_principal_policy", "EvaluationResults", most=_MOST, ContextEntries=context, **asked
        )
    )
    if found.value is None:
        return Answer(None, found.error)
    more, verdicts = found.value.more, _verdicts(found.value)
    return Answer({"actions": actions, "resources": resources, "verdicts": verdicts, "more": more})


def _verdicts(results: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """The verdicts by action and resource."""
    verdicts: dict[tuple[str, str], str] = {}
    for result in results:
        for part in result.get("ResourceSpecificResults") or [result]:
            name = part.get("EvalResourceName", result.get("EvalResourceName", "*"))
            verdicts[result["EvalActionName"], name] = part.get("EvalResourceDecision", result["EvalDecision"])
    return verdicts


async def why(person: Person) -> Response:
    """The explanation of one verdict."""
    asked = {"PrincipalArn": person.query("principal"), "Action": person.query("action")}
    asked |= {"Resource": person.query("resource") or "*"}
    entries = context_entries(person.query("context"))
    found = await attempt(person.aws.call("locum", "explain_access", ContextEntries=entries, **asked))
    return person.part("simulated_why.html", found=found)


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("simulator"), form),
    ("GET", url("simulator", "why"), why),
)

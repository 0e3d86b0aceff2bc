"""GetRecord: the records of a request, with the explanation of what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec

from locum.agents.api import scope, statements
from locum.agents.api.plane import Plane
from locum.agents.api.sight import Sight, deciding, sight
from locum.audit import Record, cloudtrail_event, readable
from locum.backends import BackendCall
from locum.calls import Runtime, hypothetical
from locum.core.errors import LocumError
from locum.core.record_texts import explained, headline, particulars
from locum.state import State

_OF_THE_CALLER: Final = ("managed policy ", "inline policy ", "session policy of ", "scope down policy of ",
                         "account password policy")  # fmt: skip
"""How the names of policies begin that are the caller's own."""


async def get_record(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out GetRecord. Raises Fault where the account has no such record."""
    account, request = call.caller.account, call.params["RequestId"]
    history = plane.runtime.history
    found = await plane.runtime.ledger.read(partial(history.by_request, request))
    mine = [record for record in found if scope.concerns(record, account)]
    if not mine:
        raise scope.not_found(f"No request {request} is recorded in the account {account}.")
    async with plane.turns.turn(call):
        return {"Records": [await _details(plane.runtime, record, account) for record in mine]}


async def _details(runtime: Runtime, record: Record, account: str) -> dict[str, Any]:
    told = scope.shown(record, account)
    if not scope.made(record, account):
        return told
    state = await _state_of(runtime, record)
    seeing = sight(state, account, record.endpoint[2])
    explanation = seeing.explanation(await _explanation(runtime, record))
    decided = list(deciding(explanation, record.determining))
    told["Explanation"] = list(_lines(record, seeing, explanation if record.denied else None))
    told["Determining"] = statements.told(decided, state, record.identity.principal_arn)
    told["CloudTrailEvent"] = msgspec.json.encode(cloudtrail_event(record)).decode()
    return told


def _lines(record: Record, seeing: Sight, explanation: Mapping[str, Any] | None) -> list[str]:
    """What `locum explain` tells of a record, without the policies of others."""
    shown = readable(record)
    shown["determining"] = [name for name in record.determining if _is_seen(name, seeing, explanation)]
    what = f"{record.service}:{record.operation or '(unnamed call)'}"
    return [f"{headline(shown)}  {what}", *particulars(shown), *explained(None if not explanation else {**explanation})]


def _is_seen(name: str, seeing: Sight, explanation: Mapping[str, Any] | None) -> bool:
    """Whether a deciding statement may be named: it is in the seen explanation, or the caller's own by its name."""
    return name.startswith(_OF_THE_CALLER) or any(deciding(explanation, [name]))


async def _state_of(runtime: Runtime, record: Record) -> State | None:
    """The state that a call was decided on; None where it is not known any more."""
    try:
        return await runtime.ledger.state_at(record.at)
    except LocumError:
        return None


async def _explanation(runtime: Runtime, record: Record) -> Mapping[str, Any] | None:
    """The explanation in the record, or for an allowed call, which has none, that of the same decision made again."""
    if record.explanation is not None or not record.verdict:
        found: Mapping[str, Any] | None = record.explanation
        return found
    question = hypothetical.Again(account=record.account, region=record.region, request=record.request_id, at=record.at)
    try:
        again = await hypothetical.answered(runtime, question)
    except LocumError:  # who called is gone, say
        return None
    same = again["verdict"] == record.verdict and again["determining"] == list(record.determining)
    whole: Mapping[str, Any] | None = again["explanation"] if same else None
    return whole

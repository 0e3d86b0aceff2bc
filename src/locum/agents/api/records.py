"""ListRecords: the records of an account, those that it has and those that come."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import msgspec

from locum.agents.api import scope
from locum.agents.api.plane import Plane
from locum.audit import Record
from locum.backends import BackendCall
from locum.core.letter_case import folded
from locum.wire.route import OWN_SERVICE

_COUNT: Final = 50
"""Records of an answer, where nothing else is asked for."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The records of `account` that are asked for; whatever is empty is any.

    Allowed calls of this API are wanted where `source` names it: else whoever waits for records would be told of its
    own waiting, without end.
    """

    account: str
    verdict: str = ""
    principal: str = ""
    source: str = ""
    name: str = ""
    resource: str = ""

    @property
    def denied(self) -> bool | None:
        """Whether only denied records are wanted."""
        return True if self.verdict == "denied" else None

    def matches(self, record: Record) -> bool:
        """Whether a record is one of these."""
        return (
            scope.concerns(record, self.account)
            and (not self.verdict or record.denied == (self.verdict == "denied"))
            and (not self.source or record.event_source == folded(self.source))
            and (not self.name or folded(record.operation) == folded(self.name))
            and (not self.principal or self._is_by(record))
            and (not self.resource or any(it.arn == self.resource for it in record.resources))
            and (record.service != OWN_SERVICE or record.denied or bool(self.source))
        )

    def _is_by(self, record: Record) -> bool:
        told = scope.made(record, self.account)  # of others it is not told who they are
        return told and self.principal in (record.identity.arn, record.identity.principal_arn)


async def list_records(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out ListRecords."""
    ledger, history, params = plane.runtime.ledger, plane.runtime.history, call.params
    wanted, count = _wanted(call), params.get("MaxResults", _COUNT)
    after = params.get("After")
    if after is None:
        found, position = await ledger.read(partial(history.newest_of, wanted, count))
    else:
        # A position behind the last one is of a history that is no more: it begins anew.
        found, position = [], min(after, await ledger.read(history.position))

    async def look() -> bool:
        nonlocal found, position
        more = True
        while more and not found:
            found, position, more = await ledger.read(partial(history.next_of, position, wanted, count))
        return bool(found)

    if after is not None and not await look() and params.get("WaitSeconds"):
        await plane.polls.wait(ledger, call, look)
    return {"Records": [scope.shown(record, wanted.account) for record in found], "Position": position}


def _wanted(call: BackendCall) -> Wanted:
    names = {
        "verdict": "Verdict",
        "principal": "PrincipalArn",
        "source": "EventSource",
        "name": "EventName",
        "resource": "ResourceArn",
    }
    return Wanted(account=call.caller.account, **{ours: call.params.get(member, "") for ours, member in names.items()})

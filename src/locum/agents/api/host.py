"""The backend of Locum's own API. What carries out an operation is loaded with the first call of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Final

from locum.agents.api.long_polls import LongPolls
from locum.agents.api.plane import Labs, Make, Plane, Turns
from locum.backends import Backend, BackendCall, Carried
from locum.calls import Runtime
from locum.core.errors import ConfigurationError, Fault
from locum.store.journal import Forgotten
from locum.wire.route import OWN_SERVICE

_CARRIED_OUT_BY: Final = {
    "ListRecords": ("records", "list_records"),
    "GetRecord": ("details", "get_record"),
    "ExplainAccess": ("questions", "explain_access"),
    "DecideAgain": ("questions", "decide_again"),
    "WhoCan": ("questions", "who_can"),
    "WhatCan": ("questions", "what_can"),
    "ReplayPolicies": ("policies", "replay_policies"),
    "WritePolicy": ("policies", "write_policy"),
    "FindEscalationPaths": ("audits", "find_escalation_paths"),
    "GetAudit": ("audits", "get_audit"),
    "GetLabProgress": ("labs", "get_lab_progress"),
    "PutLabProgress": ("labs", "put_lab_progress"),
}
"""By operation, the module and the function."""

OPERATIONS: Final = tuple((OWN_SERVICE, name) for name in _CARRIED_OUT_BY)
"""The service and the names of the operations."""


class ApiHost(Backend):
    """The backend of the API. `runtime` is the plane's, and `make` makes calls, once they are there.

    `labs` is where the progress of an account with labs is kept.
    """

    forgets = False

    def __init__(self, runtime: Callable[[], Runtime], make: Callable[[], Make], labs: Labs) -> None:
        self._runtime = runtime
        self._make = make
        self._labs = labs
        self._polls = LongPolls()
        self._turns = Turns()

    async def call(self, call: BackendCall) -> Carried:
        call.codec.check(call.params)
        module, function = _CARRIED_OUT_BY[call.operation]
        carry: Callable[[Plane, BackendCall], Awaitable[dict[str, Any]]]
        carry = getattr(import_module(f"locum.agents.api.{module}"), function)
        try:
            answer = await carry(Plane(self._runtime(), self._make(), self._polls, self._turns, self._labs), call)
        except (ConfigurationError, Forgotten) as error:
            raise Fault("ValidationException", str(error)) from error
        return Carried(await asyncio.to_thread(call.codec.serialize, answer, call.origin.request_id))

    def hurry(self) -> None:
        """Have nobody wait for records any more: the plane ends."""
        self._polls.hurry()

    async def close(self) -> None:
        self.hurry()

    @property
    def waiting(self) -> int:
        """The calls that wait for records."""
        return self._polls.waiting

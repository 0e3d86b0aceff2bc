"""Instances that an HTTP backend runs: what becomes of them there by itself becomes of them here.

The backend is asked every `PERIOD` seconds. An instance that has stopped, started or ended there is so here. One that
it does not know is taken for ended when it is missing twice in a row: it may just have been launched.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, Literal

from msgspec.structs import replace

from locum.agents.waiting import cancelled
from locum.calls import Runtime
from locum.calls.backend_answers import backend_answer
from locum.core.errors import Fault, LocumError
from locum.services.verbs import Outcome
from locum.state import Event, Instance, State, put, remove
from locum.state.associations import association_of

PERIOD: Final = 5.0
_AT_ONCE: Final = 100
"""Instances that are asked for with one call."""

_MOST_PAGES: Final = 2 * _AT_ONCE
"""Pages of one answer: some of a backend may be empty."""

_SETTLED: Final[Mapping[str, Literal["running", "stopped", "terminated"]]] = {
    "running": "running",
    "stopped": "stopped",
    "shutting-down": "terminated",
    "terminated": "terminated",
}
"""The state here, by that at the backend; others are on their way to one of them."""
_MISSING: Final = {"State": {"Name": "terminated"}, "StateTransitionReason": "Server.InternalError"}

_log: Final = logging.getLogger("locum.agents")


class BackendInstances:
    """Compares the instances that the backend of EC2 runs with those here. Nothing where it is the embedded one."""

    def __init__(self, runtime: Runtime, period: float = PERIOD) -> None:
        self._runtime = runtime
        self._period = period
        self._missing: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to compare."""
        if self._runtime.settings.instances_at_backend:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Compare no more."""
        if self._task is not None:
            await cancelled(self._task)

    async def compare(self) -> None:
        """Take over what became of the instances. Raises Fault, where the backend does not answer, or LocumError."""
        missing: set[str] = set()
        failed: Fault | None = None
        for (account, region), instances in _by_place(self._runtime.ledger.state).items():
            try:
                for start in range(0, len(instances), _AT_ONCE):
                    missing |= await self._compared(account, region, instances[start : start + _AT_ONCE])
            except Fault as fault:
                failed = fault  # the other accounts and regions are compared nonetheless
        self._missing = missing
        if failed is not None:
            raise failed

    async def _compared(self, account: str, region: str, asked: Sequence[Instance]) -> set[str]:
        """Take over what became of the instances `asked`; the ids of those that the backend does not know."""
        there = await self._described(account, region, [it.id for it in asked])
        absent = {it.id for it in asked if it.id not in there}
        there |= dict.fromkeys(absent & self._missing, _MISSING)
        await self._take_over(asked, there)
        return absent

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            try:
                await self.compare()
            except LocumError as error:
                _log.warning("the backend of EC2 does not tell of its instances: %s", error)

    async def _described(self, account: str, region: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The backend's `Instance`s with these ids, by id. Raises Fault."""
        params: dict[str, Any] = {"Filters": [{"Name": "instance-id", "Values": list(ids)}]}
        found: dict[str, Mapping[str, Any]] = {}
        for _ in range(_MOST_PAGES):
            answer = await backend_answer(self._runtime, "ec2", "DescribeInstances", params, account, region)
            each = (it for reservation in answer.get("Reservations", ()) for it in reservation["Instances"])
            found |= {it["InstanceId"]: it for it in each}
            if not answer.get("NextToken"):
                return found
            params["NextToken"] = answer["NextToken"]
        raise Fault("InternalError", f"{len(ids)} instances are on more than {_MOST_PAGES} pages of the backend")

    async def _take_over(self, asked: Sequence[Instance], there: Mapping[str, Mapping[str, Any]]) -> None:
        """Commit the states of the instances `asked`, but of those that have changed here meanwhile."""
        now = int(self._runtime.clock())
        changed = [it for it in asked if it.id in there and _state(there[it.id]) not in (None, it.state)]
        if not changed:
            return

        def handler(state: State) -> Outcome:
            events: list[Event] = []
            for it in changed:
                if state.get(Instance, it.account, it.id) is it:
                    events += _events(state, it, there[it.id], now)
            return Outcome({}, tuple(events))

        await self._runtime.ledger.transact(handler, lambda _outcome: ())


def _by_place(state: State) -> dict[tuple[str, str], list[Instance]]:
    """The living instances of the backend, by account and region."""
    found: defaultdict[tuple[str, str], list[Instance]] = defaultdict(list)
    for it in state.every(Instance):
        if it.at_backend and it.state != "terminated":
            found[it.account, it.region].append(it)
    return found


def _state(shape: Mapping[str, Any]) -> Literal["running", "stopped", "terminated"] | None:
    return _SETTLED.get(shape["State"]["Name"])


def _events(state: State, it: Instance, shape: Mapping[str, Any], now: int) -> Iterator[Event]:
    """The change of an instance to what it is at the backend."""
    settled = _state(shape)
    assert settled is not None
    if settled == "running":
        yield put(replace(it, state=settled, state_changed=now, state_reason="", boots=it.boots + 1))
    else:
        reason = shape.get("StateTransitionReason") or "Client.InstanceInitiatedShutdown"
        notices = import_module("locum.services.ec2.announced").uninterrupted(it.notices)  # late, as EC2 is
        yield put(replace(it, state=settled, state_changed=now, state_reason=reason, notices=notices))
    association = association_of(state, it) if settled == "terminated" else None
    if association is not None:
        yield remove(association)

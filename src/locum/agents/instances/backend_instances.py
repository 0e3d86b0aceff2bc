"""Instances that an HTTP backend runs: what becomes of them there by itself becomes of them here.

The backend is asked every `PERIOD` seconds. An instance that has stopped, started or ended there is so here. One that
it does not know is taken for ended when it is missing twice in a row: it may just have been launched.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec.structs import replace

from locum.calls import Runtime
from locum.calls.backend_answers import backend_answer
from locum.core.errors import Fault, LocumError
from locum.services.verbs import Outcome
from locum.state import Event, Instance, State, put, remove
from locum.state.associations import association_of

PERIOD: Final = 5.0
_AT_ONCE: Final = 100
"""Instances that are asked for with one call."""

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
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def compare(self) -> None:
        """Take over what became of the instances. Raises Fault, where the backend does not answer, or LocumError."""
        missing: set[str] = set()
        for (account, region), instances in _by_place(self._runtime.ledger.state).items():
            for start in range(0, len(instances), _AT_ONCE):
                asked = instances[start : start + _AT_ONCE]
                there = await self._described(account, region, [it.id for it in asked])
                absent = {it.id for it in asked if it.id not in there}
                missing |= absent
                there |= dict.fromkeys(absent & self._missing, _MISSING)
                await self._take_over(asked, there)
        self._missing = missing

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            try:
                await self.compare()
            except LocumError as error:
                _log.warning("the backend of EC2 does not tell of its instances: %s", error)

    async def _described(self, account: str, region: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The backend's `Instance`s with these ids, by id. Raises Fault."""
        params = {"Filters": [{"Name": "instance-id", "Values": list(ids)}]}
        answer = await backend_answer(self._runtime, "ec2", "DescribeInstances", params, account, region)
        if answer.get("NextToken"):
            raise Fault("InternalError", f"{len(ids)} instances are more than a page of the backend")
        found = (each for reservation in answer.get("Reservations", ()) for each in reservation["Instances"])
        return {each["InstanceId"]: each for each in found}

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
    reason = "" if settled == "running" else shape.get("StateTransitionReason") or "Client.InstanceInitiatedShutdown"
    yield put(replace(it, state=settled, state_changed=now, state_reason=reason))
    association = association_of(state, it) if settled == "terminated" else None
    if association is not None:
        yield remove(association)

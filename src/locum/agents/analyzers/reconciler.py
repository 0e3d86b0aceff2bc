"""The tasks that have analyzers look at resources: one for each analyzer, so that none waits for another.

What is done for an analyzer is in `agents.analyzers.scanning`, which is loaded with the first one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Any, Final

from msgspec.structs import replace

from locum.agents.reconciling import RETRY, Reconciler
from locum.agents.waiting import cancelled
from locum.calls import Calls, Runtime
from locum.core.calls import ServiceCall
from locum.core.errors import LocumError
from locum.state import Event, Put
from locum.state.analyzers import Analyzer

Scan = Callable[[Runtime, Callable[[ServiceCall], Awaitable[Any]], Analyzer], Awaitable[float]]

_log: Final = logging.getLogger("locum.agents")


class Analyzers(Reconciler):
    """Has each analyzer analyze what is due.

    `_due` has the times at which those that are not at work look again: none for one that is to look now. `_asked` are
    those that were changed while they are at work; `_turns` keep two looks of one apart. Those that are not `_known`
    look at everything, as they do after each start: a backend may have forgotten what it had.
    """

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Access Analyzer")
        self._runtime = runtime
        self._calls = calls
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._due: dict[str, float] = {}
        self._asked: set[str] = set()
        self._turns: dict[str, asyncio.Lock] = {}
        self._known: set[str] = set()

    async def reconcile(self) -> float | None:
        """Have those begin that are to look now, and that are not at work."""
        now, analyzers = self._clock(), {it.arn: it for it in self._runtime.ledger.state.every(Analyzer)}
        self._due = {arn: at for arn, at in self._due.items() if arn in analyzers}
        self._turns = {arn: turn for arn, turn in self._turns.items() if arn in analyzers or turn.locked()}
        for arn, it in analyzers.items():
            if arn not in self._at_work and self._due.get(arn, now) <= now:
                self._at_work[arn] = asyncio.create_task(self._look(it))
        return min((at for arn, at in self._due.items() if arn not in self._at_work), default=None)

    async def settled(self) -> None:
        """Have every analyzer look, and wait until all have."""
        await asyncio.gather(*map(self._scan, self._runtime.ledger.state.every(Analyzer)))

    def concerns(self, events: Sequence[Event] | None) -> bool:
        if events is None:
            self._look_again(tuple(self._due))
            return True
        entities = (event.entity for event in events if isinstance(event, Put))
        arns = [it.arn for it in entities if isinstance(it, Analyzer) and (it.asked or not it.scanned)]
        self._look_again(arns)
        return bool(arns)

    def wake(self) -> None:
        """Look again at what is due: the clock was moved, perhaps back."""
        self._due.clear()
        super().wake()

    async def close(self) -> None:
        """End. What was not analyzed is analyzed after the next start."""
        await super().close()
        await cancelled(*self._at_work.values())

    def _look_again(self, arns: Sequence[str]) -> None:
        for arn in arns:
            self._due.pop(arn, None)
        self._asked.update(arn for arn in arns if arn in self._at_work)

    async def _look(self, analyzer: Analyzer) -> None:
        """Have an analyzer look once."""
        arn = analyzer.arn
        try:
            at = await self._scan(analyzer)
        except (LocumError, OSError) as error:  # storage that does not work at the moment, say
            _log.warning("%s goes on later for %s: %s", self._name, arn, error)
            at = self._clock() + RETRY
        finally:
            del self._at_work[arn]
        if arn in self._asked:
            self._asked.discard(arn)
        elif at is not None:
            self._due[arn] = at
        self.changed.set()

    async def _scan(self, analyzer: Analyzer) -> float | None:
        """Analyze what is due for an analyzer as it is now. Two of one analyzer take turns."""
        async with self._turns.setdefault(analyzer.arn, asyncio.Lock()):
            it = self._runtime.ledger.state.get(Analyzer, analyzer.account, analyzer.key)
            if it is None:
                return None
            scan: Scan = import_module("locum.agents.analyzers.scanning").scan
            known = it if it.arn in self._known else replace(it, scanned=0.0)
            at = await self.apart(it.arn, scan(self._runtime, self._calls.make, known))
            self._known.add(it.arn)
            return at

"""One analyzer: which resources are to be looked at.

IAM User Guide, "How IAM Access Analyzer works": a policy that was changed is analyzed soon, and all of them once a day.
Here a change is seen in the event history.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, Protocol

from msgspec.structs import replace

from locum.agents.analyzers import external, internal, unused
from locum.agents.analyzers.resources import BUCKET, Make, Named, blocked
from locum.agents.analyzers.upkeep import Analysis, in_line, outdated
from locum.calls import Runtime
from locum.core.clock import DAY
from locum.services.accessanalyzer import zones
from locum.services.accessanalyzer.kinds import EXTERNAL, INTERNAL, KINDS, UNUSED
from locum.services.accessanalyzer.lookups import resources_of
from locum.services.verbs import Outcome
from locum.state import Event, State, put
from locum.state.analyzers import Analyzer

EVERY: Final = 5.0
"""Seconds between two looks at the event history."""
_PAGE: Final = 1_000
_AT_ONCE: Final = 100
"""Resources whose findings are committed together."""
_FINDINGS_AT_ONCE: Final = 1_000
"""Findings with which the resources that are committed together are enough."""
_AGAIN: Final = 3_600.0
"""Seconds after which everything is looked at again where a type of resource could not be listed."""


class Looks(Protocol):
    """An analysis: the resources that an analyzer looks at, and what it finds about one."""

    def concerned(self, state: State, analyzer: Analyzer, arns: Iterable[str], /) -> list[Named]:
        """The resources to be looked at when what `arns` name has changed, or is asked about."""
        ...

    async def everything(self, runtime: Runtime, make: Make, analyzer: Analyzer, /) -> tuple[list[Named], bool] | None:
        """All resources to be looked at, and whether each type could be listed; None where that has to wait."""
        ...

    async def analyzed(self, runtime: Runtime, analyzer: Analyzer, resource: Named, now: float, /) -> Analysis:
        """What is found about a resource as it is `now`."""
        ...


ANALYSES: Final[Mapping[str, Looks]] = {EXTERNAL: external, INTERNAL: internal, UNUSED: unused}


async def scan(runtime: Runtime, make: Make, analyzer: Analyzer) -> float:
    """Have an analyzer analyze what is due; when to look again (epoch seconds)."""
    now, looks = runtime.clock(), ANALYSES[KINDS[analyzer.type].analysis]
    if zones.reason(runtime.ledger.state, analyzer):
        return now + EVERY
    zone = zones.outline(runtime.ledger.state, analyzer)
    due = not analyzer.scanned or now - analyzer.scanned >= DAY or now < analyzer.scanned
    due = due or not zone.keys() <= {analyzer.account, *analyzer.zone}
    position, arns = await _changes(runtime, analyzer, now)
    resources = looks.concerned(runtime.ledger.state, analyzer, [*analyzer.asked, *arns])
    everything = await looks.everything(runtime, make, analyzer) if due else None
    scanned = None
    if everything is not None:
        resources += everything[0]
        scanned = now if everything[1] else now - DAY + _AGAIN
    behind = bool(analyzer.position) and position - analyzer.position >= _PAGE
    if not (everything or resources or behind or analyzer.asked or zone != analyzer.zone):
        return now + EVERY
    left = deque(dict.fromkeys(resources))
    while left:
        found: list[Analysis] = []
        while left and len(found) < _AT_ONCE and sum(len(it.findings) for it in found) < _FINDINGS_AT_ONCE:
            found.append(await looks.analyzed(runtime, analyzer, left.popleft(), now))
        await _commit(runtime, analyzer, partial(in_line, found=found, now=now))

    def done(state: State, it: Analyzer) -> list[Event]:
        asked = tuple(arn for arn in it.asked if arn not in analyzer.asked)
        same = it.configuration == analyzer.configuration  # else everything is to be looked at anew
        scanned_at = (scanned if same else None) or it.scanned
        made = replace(it, position=position, asked=asked, scanned=scanned_at, zone=zone)
        return [put(made), *outdated(state, analyzer, now)]

    await _commit(runtime, analyzer, done)
    return now if behind else now + EVERY


async def _commit(runtime: Runtime, analyzer: Analyzer, events: Callable[[State, Analyzer], list[Event]]) -> None:
    """Commit events, if the analyzer is still there: they are made with what it is now."""

    def handler(state: State) -> Outcome:
        it = state.get(Analyzer, analyzer.account, analyzer.key)
        there = it is not None and it.created == analyzer.created
        return Outcome({}, tuple(events(state, it)) if it is not None and there else ())

    await runtime.ledger.transact(handler, lambda _outcome: ())


async def _changes(runtime: Runtime, analyzer: Analyzer, now: float) -> tuple[int, list[str]]:
    """The position of the last event that was read, and the ARNs of what somebody changed."""
    history, accounts = runtime.history, ("", *zones.accounts(runtime.ledger.state, analyzer))
    if not analyzer.position:
        return await runtime.ledger.read(lambda: history.position_at(now)), []
    read = await runtime.ledger.read(lambda: history.after(analyzer.position, _PAGE))
    made = [record for _, record in read if not record.read_only and not record.error_code and record.management]
    arns = [it.arn for record in made for it in record.resources if it.account in accounts]
    behind = {record.account for record in made if blocked(record)}.intersection(accounts)
    known = resources_of(runtime.ledger.state, analyzer) if behind else ()
    arns += [it.arn for it in known if it.type == BUCKET and it.owner in behind]
    return (read[-1][0] if read else analyzer.position), arns

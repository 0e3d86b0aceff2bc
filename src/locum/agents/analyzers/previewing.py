"""One access preview: what an analyzer would find if a resource had the proposed configuration.

IAM User Guide, "Previewing access with IAM Access Analyzer APIs". It is found as the analyzer finds it, and held
against the findings that the analyzer has when the preview is complete.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from msgspec.structs import replace

from locum.agents.analyzers import external
from locum.agents.analyzers.kept import Kept
from locum.agents.analyzers.proposals import Proposed, proposed
from locum.agents.analyzers.proposed_policies import InvalidConfiguration
from locum.agents.analyzers.upkeep import INTERNAL_ERROR, Analysis, is_unchanged, outcome
from locum.calls import Runtime
from locum.core.errors import StorageError
from locum.core.identifiers import request_id
from locum.services.accessanalyzer.lookups import findings_of
from locum.services.verbs import Outcome
from locum.state import State, put, remove
from locum.state.analyzers import AccessFinding, AccessPreview, Analyzer, PreviewFinding
from locum.state.autoscaling import regional

_INVALID: Final = "INVALID_CONFIGURATION"

_log: Final = logging.getLogger("locum.agents")


class Previewing:
    """The making of one access preview, in `turn`."""

    def __init__(self, runtime: Runtime, it: AccessPreview, turn: asyncio.Lock) -> None:
        self._runtime = runtime
        self._it = it
        self._turn = turn

    async def run(self) -> None:
        """Find what is to be found, and commit it unless the preview was deleted meanwhile."""
        async with self._turn:
            found, reason = None, ""
            try:
                found = await self._analysis()
            except InvalidConfiguration as error:
                _log.info("access preview %s is of an invalid configuration: %s", self._it.id, error)
                reason = _INVALID
            except (StorageError, OSError):  # storage that does not work at the moment, say
                raise
            except Exception:  # a fault barrier: what breaks, or is not decided, fails, and does not stay under way
                _log.exception("access preview %s fails", self._it.id)
                reason = INTERNAL_ERROR
            await self._commit(found, reason)

    async def _analysis(self) -> Analysis | None:
        """What would be found; None where there is no analyzer any more."""
        analyzer = self._analyzer(self._runtime.ledger.state)
        if analyzer is None:
            return None
        it = await proposed(self._runtime, analyzer, self._it)
        return await _analyzed(self._runtime.ledger.state, analyzer, it, self._runtime.clock())

    async def _commit(self, found: Analysis | None, reason: str) -> None:
        def commit(state: State) -> Outcome:
            there, analyzer = state.get(AccessPreview, self._it.account, self._it.key), self._analyzer(state)
            if there is None or not there.under_way:
                return Outcome({})
            if analyzer is None:
                return Outcome({}, (remove(there),))
            if found is None:
                return Outcome({}, (put(replace(there, status="FAILED", reason=reason)),))
            findings = self._compared(state, analyzer, found)
            return Outcome({}, (put(replace(there, status="COMPLETED", findings=findings)),))

        await self._runtime.ledger.transact(commit, lambda _outcome: ())

    def _analyzer(self, state: State) -> Analyzer | None:
        return state.get(Analyzer, self._it.account, regional(self._it.region, self._it.analyzer))

    def _compared(self, state: State, analyzer: Analyzer, found: Analysis) -> tuple[PreviewFinding, ...]:
        """What would become of the findings about the resource."""
        now, entropy = self._runtime.clock(), self._runtime.entropy
        before = {it.id: it for it in findings_of(state, analyzer) if it.resource == found.resource.arn}
        after = outcome(analyzer, found, before, now)
        return tuple(_preview(request_id(entropy), before.get(it.id), it, now) for it in after)


async def _analyzed(state: State, analyzer: Analyzer, it: Proposed, now: float) -> Analysis:
    """The analysis of what is proposed. The one place in which previews have an analyzer's analysis made."""
    kept = Kept(analyzer.account, it.policy, it.own)
    findings = await external.found_by(state, analyzer, it.resource, kept, now)
    return Analysis(it.resource, there=True, owner=analyzer.account, findings=findings)


def _preview(name: str, before: AccessFinding | None, after: AccessFinding, now: float) -> PreviewFinding:
    """The preview of a finding. It is CHANGED where it would have another status, or would say something else."""
    finding = replace(after, created=now)
    if before is None:
        return PreviewFinding(id=name, finding=finding, change="NEW")
    change = "UNCHANGED" if is_unchanged(before, after) else "CHANGED"
    return PreviewFinding(id=name, finding=finding, change=change, existing_status=before.status)

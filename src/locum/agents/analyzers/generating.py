"""Policies generated from the recorded calls of a principal, as `locum policy` writes them.

IAM User Guide, "IAM Access Analyzer policy generation": actions that policies cannot grant, and calls that were denied,
are no reason for a permission.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from locum import analysis
from locum.agents.under_way import UnderWay
from locum.calls import Runtime
from locum.calls.activity import Taken, decoded, taken
from locum.core.errors import ConfigurationError, StorageError
from locum.services.verbs import Outcome
from locum.state import Event, Put, State, put
from locum.state.analyzers import PolicyGeneration

_log: Final = logging.getLogger("locum.agents")


class Generating:
    """One policy generation."""

    def __init__(self, runtime: Runtime, it: PolicyGeneration) -> None:
        self._runtime = runtime
        self._it = it

    async def run(self) -> None:
        """Generate the policy, and commit it unless the generation was cancelled meanwhile."""
        it = self._it
        try:
            made = await self._generated()
        except ConfigurationError as error:  # the principal was deleted
            made = replace(it, status="FAILED", code="RESOURCE_NOT_FOUND_ERROR", message=str(error))
        except (StorageError, OSError):  # storage that does not work at the moment, say
            raise
        except Exception:  # a fault barrier: a generation that breaks fails, and does not stay under way
            _log.exception("policy generation %s fails", it.id)
            made = replace(it, status="FAILED", code="SERVICE_ERROR", message="The policy could not be generated.")

        def commit(state: State) -> Outcome:
            there = state.get(PolicyGeneration, it.account, it.key)
            if there is None or not there.is_under_way:
                return Outcome({})
            return Outcome({}, (put(replace(made, ended=self._runtime.clock())),))

        await self._runtime.ledger.transact(commit, lambda _outcome: ())

    async def _generated(self) -> PolicyGeneration:
        """The generation with its policies. Raises ConfigurationError where the principal is gone."""
        found = await taken(self._runtime, Taken(self._it.principal, self._it.since, self._it.until))
        written = analysis.documents(analysis.write([decoded(row) for row in found["permissions"]]))
        policies = tuple(json.dumps(document) for document in written)
        return replace(self._it, status="SUCCEEDED", policies=policies, complete=not found["truncated"])


class PolicyGenerations(UnderWay):
    """Has a task for each policy generation that is in progress, also after a restart."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime.ledger, runtime.clock, "Policy generation")
        self._runtime = runtime

    async def reconcile(self) -> float | None:
        """Begin with the generations that nothing is done for yet."""
        for it in list(self._runtime.ledger.state.every(PolicyGeneration)):
            name = f"policy generation {it.id}"
            if it.is_under_way and name not in self.runs:
                self.begin(name, Generating(self._runtime, it))
        return None

    def concerns(self, events: Sequence[Event] | None) -> bool:
        if events is None:
            return True
        entities = (event.entity for event in events if isinstance(event, Put))
        return any(isinstance(it, PolicyGeneration) and it.is_under_way for it in entities)

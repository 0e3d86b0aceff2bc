"""A policy generated from the recorded calls of a principal, as `locum policy` writes them.

IAM User Guide, "IAM Access Analyzer policy generation": actions that policies cannot grant, and calls that were denied,
are no reason for a permission.
"""

from __future__ import annotations

import json
import logging
from typing import Final

from msgspec.structs import replace

from locum import analysis
from locum.calls import Runtime
from locum.calls.activity import Taken, decoded, taken
from locum.core.errors import ConfigurationError, StorageError
from locum.services.verbs import Outcome
from locum.state import State, put
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
            if there is None or not there.under_way:
                return Outcome({})
            return Outcome({}, (put(replace(made, ended=self._runtime.clock())),))

        await self._runtime.ledger.transact(commit, lambda _outcome: ())

    async def _generated(self) -> PolicyGeneration:
        """The generation with its policies. Raises ConfigurationError where the principal is gone."""
        found = await taken(self._runtime, Taken(self._it.principal, self._it.since, self._it.until))
        written = analysis.documents(analysis.write([decoded(row) for row in found["permissions"]]))
        policies = tuple(json.dumps(document) for document in written)
        return replace(self._it, status="SUCCEEDED", policies=policies, complete=not found["truncated"])

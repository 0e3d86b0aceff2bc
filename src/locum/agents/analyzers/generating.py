"""A policy generated from the recorded calls of a principal, as `locum policy` writes them.

IAM User Guide, "IAM Access Analyzer policy generation": actions that policies cannot grant, and calls that were denied,
are no reason for a permission.
"""

from __future__ import annotations

import json

from msgspec.structs import replace

from locum import analysis
from locum.agents.analyzers.job import Job
from locum.calls.activity import Taken, decoded, taken
from locum.core.errors import ConfigurationError
from locum.state.analyzers import PolicyGeneration


class Generating(Job[PolicyGeneration]):
    """One policy generation."""

    broken = "The policy could not be generated."

    async def made(self) -> PolicyGeneration:
        """The generation with its policies; a failed one where the principal is gone."""
        try:
            found = await taken(self._runtime, Taken(self._it.principal, self._it.since, self._it.until))
        except ConfigurationError as error:
            return self.failed("RESOURCE_NOT_FOUND_ERROR", str(error))
        written = analysis.documents(analysis.write([decoded(row) for row in found["permissions"]]))
        policies = tuple(json.dumps(document) for document in written)
        return replace(self._it, status="SUCCEEDED", policies=policies, complete=not found["truncated"])

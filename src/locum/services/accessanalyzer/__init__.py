"""IAM Access Analyzer: policy validation, and analyzers with their findings.

What analyzers find is `agents.analyzers`'s.
"""

from __future__ import annotations

from typing import Final

from locum.services.accessanalyzer import analyzers, findings, generations
from locum.services.accessanalyzer.validation import validate_policy
from locum.services.verbs import Operation, computes

OPERATIONS: Final[dict[str, Operation]] = {
    "ValidatePolicy": computes(validate_policy),
    **analyzers.OPERATIONS,
    **findings.OPERATIONS,
    **generations.OPERATIONS,
}

__all__ = ["OPERATIONS"]

"""IAM Access Analyzer: policy validation.

Analyzers and findings of external access are not implemented.
"""

from __future__ import annotations

from typing import Final

from locum.services.accessanalyzer.validation import validate_policy
from locum.services.verbs import Operation, computes

OPERATIONS: Final[dict[str, Operation]] = {"ValidatePolicy": computes(validate_policy)}

__all__ = ["OPERATIONS"]

"""IAM Access Analyzer, as far as policies themselves: their validation.

Analyzers and their findings of unintended access are not here.
"""

from __future__ import annotations

from typing import Final

from locum.services.accessanalyzer.validation import validate_policy
from locum.services.verbs import Operation, computes

OPERATIONS: Final[dict[str, Operation]] = {"ValidatePolicy": computes(validate_policy)}

__all__ = ["OPERATIONS"]

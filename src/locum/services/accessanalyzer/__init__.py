"""IAM Access Analyzer, as far as policies themselves: their validation.

Analyzers and their findings of unintended access are not here.
"""

from __future__ import annotations

from typing import Final

from locum.services.accessanalyzer.validation import validate_policy
from locum.services.verbs import Operation, looks_up

# Beside the event loop: a long document takes its time.
OPERATIONS: Final[dict[str, Operation]] = {"ValidatePolicy": looks_up(validate_policy)}

__all__ = ["OPERATIONS"]

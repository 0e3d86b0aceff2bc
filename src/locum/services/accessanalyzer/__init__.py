"""IAM Access Analyzer: policy validation, custom policy checks, and analyzers with their findings and access previews.

What analyzers find is `agents.analyzers`'s.
"""

from __future__ import annotations

from typing import Final

from locum.services.accessanalyzer import (
    analyzers,
    archive_rules,
    findings,
    generations,
    previews,
    recommendations,
    statistics,
)
from locum.services.accessanalyzer.custom_checks import (
    check_access_not_granted,
    check_no_new_access,
    check_no_public_access,
)
from locum.services.accessanalyzer.validation import validate_policy
from locum.services.verbs import Operation, computes

OPERATIONS: Final[dict[str, Operation]] = {
    "CheckAccessNotGranted": computes(check_access_not_granted),
    "CheckNoNewAccess": computes(check_no_new_access),
    "CheckNoPublicAccess": computes(check_no_public_access),
    "ValidatePolicy": computes(validate_policy),
    **analyzers.OPERATIONS,
    **archive_rules.OPERATIONS,
    **findings.OPERATIONS,
    **generations.OPERATIONS,
    **recommendations.OPERATIONS,
    **statistics.OPERATIONS,
    **previews.OPERATIONS,
}

__all__ = ["OPERATIONS"]

"""Policy lint: what IAM Access Analyzer's policy validation finds in a document.

    findings = lint(text, PolicyType.IDENTITY_POLICY, None, catalogue)

Pure. Every finding of the document, not the first only; every text can be linted, also one that `policy.parse`
refuses. What services, actions and condition keys there are is told by a `Catalogue`. The checks, their codes and
their texts are those of the IAM User Guide, "IAM policy validation check reference".
"""

from locum.lint.catalogue import Action, Catalogue, ConditionKey, ResourceType, Service
from locum.lint.finding import Finding, FindingType, Key, Location, PathElement, PolicyType, Substring
from locum.lint.linting import lint
from locum.lint.texts import CODES

__all__ = [
    "CODES",
    "Action",
    "Catalogue",
    "ConditionKey",
    "Finding",
    "FindingType",
    "Key",
    "Location",
    "PathElement",
    "PolicyType",
    "ResourceType",
    "Service",
    "Substring",
    "lint",
]

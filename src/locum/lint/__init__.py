"""Policy lint: the checks of IAM Access Analyzer's policy validation.

    findings = lint(text, PolicyType.IDENTITY_POLICY, None, catalogue)

Pure. It reports all findings of a document, and accepts any text, also one that `policy.parse` refuses. A `Catalogue`
provides the services, actions and condition keys. The checks, their codes and their texts are those of the IAM User
Guide, "IAM policy validation check reference".
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

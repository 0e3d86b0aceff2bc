"""Findings and their locations.

IAM Access Analyzer API Reference, "ValidatePolicyFinding", "Location", "PathElement".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from locum.policy.location import Span

REFERENCE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"


class PolicyType(StrEnum):
    """The declared type of a document. A role's trust policy is a RESOURCE_POLICY."""

    IDENTITY_POLICY = "IDENTITY_POLICY"
    RESOURCE_POLICY = "RESOURCE_POLICY"
    SERVICE_CONTROL_POLICY = "SERVICE_CONTROL_POLICY"
    RESOURCE_CONTROL_POLICY = "RESOURCE_CONTROL_POLICY"


class FindingType(StrEnum):
    """The impact of a finding, the most severe first.

    "Errors report when a part of the policy is not functional. Security warnings report when the policy allows
    access that we consider overly permissive. Warnings report non-security issues when a policy does not conform to
    policy writing best practices. Suggestions recommend stylistic improvements that do not impact access."
    """

    ERROR = "ERROR"
    SECURITY_WARNING = "SECURITY_WARNING"
    WARNING = "WARNING"
    SUGGESTION = "SUGGESTION"


class Key(NamedTuple):
    """A path element: the key `name` itself, not its value."""

    name: str


class Substring(NamedTuple):
    """A path element: `length` characters of a string, from `start` (from 0)."""

    start: int
    length: int


PathElement = str | int | Key | Substring
"""An element of a path. A `str` is the value under that key, an `int` an element of an array."""


class Location(NamedTuple):
    """A location in the document. The span's lines and columns count from 1 (in the API, columns count from 0)."""

    path: tuple[PathElement, ...]
    span: Span


class Finding(NamedTuple):
    """A finding: its impact, code, text and locations."""

    type: FindingType
    code: str
    details: str
    locations: tuple[Location, ...]

    @property
    def learn_more(self) -> str:
        """The URL of the check in AWS's reference."""
        kind = "GENERAL_WARNING" if self.type is FindingType.WARNING else self.type
        anchor = f"access-analyzer-reference-policy-checks-{kind}-{self.code}".lower().replace("_", "-")
        return f"{REFERENCE}#{anchor}"

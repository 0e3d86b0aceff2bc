"""The types of analyzers: what each analyzes, and the accounts it looks at.

Access Analyzer API Reference, CreateAnalyzer, `type`; IAM User Guide, "IAM Access Analyzer quotas".
"""

from __future__ import annotations

from typing import Final, NamedTuple

EXTERNAL: Final = "external"
"""Access of others to resources: by their policies, who outside of the zone of trust may do something."""
UNUSED: Final = "unused"
"""Access that nobody uses: roles, keys and passwords of users, and permissions of both."""
INTERNAL: Final = "internal"
"""Access within an account or organization: which users and roles may do something with chosen resources."""


class Kind(NamedTuple):
    """A type of analyzers: its analysis, and how many an account has in a Region at most.

    `together`: it is how many all accounts of an organization have.
    """

    analysis: str
    most: int
    together: bool = False


ACCOUNT: Final = "ACCOUNT"
ORGANIZATION: Final = "ORGANIZATION"
KINDS: Final = {
    ACCOUNT: Kind(EXTERNAL, most=1),
    ORGANIZATION: Kind(EXTERNAL, most=5),
    "ACCOUNT_INTERNAL_ACCESS": Kind(INTERNAL, most=1),
    "ORGANIZATION_INTERNAL_ACCESS": Kind(INTERNAL, most=1, together=True),
    "ACCOUNT_UNUSED_ACCESS": Kind(UNUSED, most=1),
    "ORGANIZATION_UNUSED_ACCESS": Kind(UNUSED, most=5),
}
"""By the API's names."""

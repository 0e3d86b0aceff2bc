"""The links that every page has: title and links (name, path)."""

from __future__ import annotations

from typing import Final

Links = tuple[tuple[str, str], ...]

NAVIGATION: Final[tuple[tuple[str, Links], ...]] = (
    ("Plane", (("Home", "/console/"),)),
    (
        "Identity",
        (
            ("Roles", "/console/roles"),
            ("Users", "/console/users"),
            ("Groups", "/console/groups"),
            ("Policies", "/console/policies"),
            ("Instance profiles", "/console/instance-profiles"),
            ("Identity providers", "/console/identity-providers"),
        ),
    ),
    ("Compute", (("Instances", "/console/instances"), ("Stacks", "/console/stacks"))),
    (
        "Insight",
        (
            ("Trail", "/console/trail"),
            ("Simulator", "/console/simulator"),
            ("Who can", "/console/who-can"),
            ("What can", "/console/what-can"),
            ("Escalation paths", "/console/escalations"),
            ("Analyzers", "/console/analyzers"),
            ("Audit", "/console/audit"),
        ),
    ),
    ("Organization", (("Accounts", "/console/organization"), ("Policies", "/console/organization-policies"))),
    ("Learn", (("Labs", "/console/labs"), ("Quiz", "/console/quiz"))),
)


def navigation() -> tuple[tuple[str, Links], ...]:
    """The sections of the navigation, in order."""
    return NAVIGATION

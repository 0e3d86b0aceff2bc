"""The audit of the identities of a plane: checks, each a function of the evidence that gives findings. Pure.

finding    findings, their rules, and the calls that mend what was found
evidence   what the checks look at
unused     roles, users, keys, passwords and profiles that nobody uses
grants     policies that allow more than is used, or more than anybody should
trust      trust policies that let strangers in
sign_in    keys and passwords
workloads  instances and what wears roles
secrets    long-lived access keys where a role belongs
paths      paths to an administrator

    findings = audited(evidence)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from locum.analysis.audit import grants, paths, secrets, sign_in, trust, unused, workloads
from locum.analysis.audit.evidence import DAYS, Evidence, Exposed, Use
from locum.analysis.audit.finding import RULES, SEVERITIES, Finding, Fix, Rule

Check = Callable[[Evidence], Iterable[Finding]]

CHECKS: Final[tuple[Check, ...]] = (
    *unused.CHECKS,
    *grants.CHECKS,
    *trust.CHECKS,
    *sign_in.CHECKS,
    *workloads.CHECKS,
    *secrets.CHECKS,
    *paths.CHECKS,
)


def audited(evidence: Evidence) -> list[Finding]:
    """The findings of all checks, the severest first."""
    found = {finding.id: finding for check in CHECKS for finding in check(evidence)}
    order = {severity: number for number, severity in enumerate(SEVERITIES)}
    return sorted(found.values(), key=lambda one: (order[one.severity], one.rule, one.account, one.resource, one.id))


__all__ = ["CHECKS", "DAYS", "RULES", "SEVERITIES", "Evidence", "Exposed", "Finding", "Fix", "Rule", "Use", "audited"]

"""Questions about what policies can allow, decided by proof: satisfiability modulo theories.

    globs, languages       patterns as automata, and the search for texts
    representatives        numbers, dates, addresses and bytes
    condition_keys         the values that condition keys can have
    callers                the callers that policies can tell apart
    dimensions             the theory: which values there are
    formulas, solver       the formulas, and z3 with that theory
    world, translation     from policies to formulas
    witnesses              from models to requests
    checks                 the questions: new access, granted access
    zones, public, external  requests from outside of a zone of trust: public and external access

Pure. z3 is loaded with the first question (the extra `analyze`); without it a question raises SolverMissing.
"""

from locum.analysis.proofs.budget import Budget
from locum.analysis.proofs.checks import Access, Found, granted_access, grants, new_access
from locum.analysis.proofs.errors import NotDecided, SolverMissing
from locum.analysis.proofs.external import ExternalAccess, external_access
from locum.analysis.proofs.public import SERVICES, TRUST_POLICY, public_access, service_of
from locum.analysis.proofs.references import read_policy
from locum.analysis.proofs.solver import check_installed
from locum.analysis.proofs.zones import Zone

__all__ = [
    "SERVICES",
    "TRUST_POLICY",
    "Access",
    "Budget",
    "ExternalAccess",
    "Found",
    "NotDecided",
    "SolverMissing",
    "Zone",
    "check_installed",
    "external_access",
    "granted_access",
    "grants",
    "new_access",
    "public_access",
    "read_policy",
    "service_of",
]

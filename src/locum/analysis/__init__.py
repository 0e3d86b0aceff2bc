"""Questions about policies as a whole, answered from calls and decisions. Pure.

needs       the permissions that a call takes and that identity policies have to give
narrowing   the condition keys that a written policy may have
naming      ARN patterns for the resources of one action
writing     the least-privilege policy for a set of permissions
granted     the services and actions that policies grant
granting    the actions that policies grant, beside those that were used
refining    policies without what is not used
unused      what of a role or user is not used, by its last uses
proofs      what policies can allow, decided by proof (a package of its own)
identities  users and roles by name, and the callers that they are
asked       an action on a resource, that calls are supposed for
candidates  who could make a call
openly      the conditions that a decision depends on
holding     whether those conditions can hold together
who_can     the principals that can
what_can    the actions that a principal can
internal_access  what the principals of some accounts can do with one resource
why         the explanation of a decision on a supposed call
"""

from locum.analysis.granting import Comparison, Held, Used, compare
from locum.analysis.needs import Needs, Permission, Trial, Unattainable, distinct, with_policies
from locum.analysis.writing import Statement, documents, write

__all__ = [
    "Comparison",
    "Held",
    "Needs",
    "Permission",
    "Statement",
    "Trial",
    "Unattainable",
    "Used",
    "compare",
    "distinct",
    "documents",
    "with_policies",
    "write",
]

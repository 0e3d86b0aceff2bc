"""The policy engine: parser, compiler, evaluator and explainer of IAM policies.

Pure and total: no I/O, no clock, no randomness. Every document that parses compiles, and every compiled policy can be
evaluated without an error.

    document = policy.parse(text, PolicyKind.IDENTITY)
    compiled = policy.compile(document, Source(PolicyKind.IDENTITY, "inline policy s3-read"))
    decision = policy.evaluate(Request(...), Policies(identity=(compiled,)))
    print(policy.explain(request, policies, decision).text())
"""

from locum.policy.compile import CompiledPolicy, StatementReference, compile  # noqa: A004 - the package's public verb
from locum.policy.context import derived_context
from locum.policy.decision import Decision, Outcomes, PolicyType, PolicyTypeOutcome, Verdict
from locum.policy.document import Condition, Document, Principals, Statement
from locum.policy.errors import MalformedPolicy
from locum.policy.evaluate import Policies, allows_alone, evaluate
from locum.policy.explain import Explanation, StatementReport, explain, matches
from locum.policy.grammar import PolicyKind, Source, significant_length
from locum.policy.openness import Open, Presumed
from locum.policy.parse import parse
from locum.policy.prepared import Request

__all__ = [
    "CompiledPolicy",
    "Condition",
    "Decision",
    "Document",
    "Explanation",
    "MalformedPolicy",
    "Open",
    "Outcomes",
    "Policies",
    "PolicyKind",
    "PolicyType",
    "PolicyTypeOutcome",
    "Presumed",
    "Principals",
    "Request",
    "Source",
    "Statement",
    "StatementReference",
    "StatementReport",
    "Verdict",
    "allows_alone",
    "compile",
    "derived_context",
    "evaluate",
    "explain",
    "matches",
    "parse",
    "significant_length",
]

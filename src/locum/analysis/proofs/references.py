"""Policies as the custom policy checks read their Principal elements.

IAM User Guide: "IAM Access Analyzer custom policy checks allow wildcards in the `Principal` element for reference
resource policies." AWS's own reference policies have `"Principal": "*"` include services and identity providers.
The evaluator knows neither; so it is given the names that match the caller in place of the wildcards.
"""

from __future__ import annotations

from locum.analysis.proofs.callers import wildcards
from locum.core.principal import PrincipalKind
from locum.policy import Document, PolicyKind, Request, Statement, parse
from locum.policy.checks import check_values
from locum.policy.document import Principals
from locum.policy.patterns import glob, scan


def read_policy(text: str, kind: PolicyKind) -> Document:
    """Parse a policy for a check. Raises MalformedPolicy.

    The Resource of a resource policy may be missing, and the names of its principals may have wildcards.
    """
    found = parse(text, kind, judge_values=False, resource=None)
    if kind in (PolicyKind.RESOURCE, PolicyKind.TRUST):
        check_values(found._replace(statements=tuple(map(_without_wildcards, found.statements))))
        return found
    return parse(text, kind, resource=None)


def _without_wildcards(statement: Statement) -> Statement:
    listed = statement.principals
    return statement if listed is None else statement._replace(principals=_plain(listed))


def _plain(listed: Principals) -> Principals:
    wild = set(wildcards(listed))
    return listed._replace(
        aws=tuple(name for name in listed.aws if name not in wild),
        service=tuple(name for name in listed.service if name != "*"),
        federated=tuple(name for name in listed.federated if name != "*"),
    )


def as_read(document: Document, request: Request, *, reference: bool) -> Document:
    """`document` with the wildcards of its principals replaced by the caller's name, where they match it."""
    return document._replace(
        statements=tuple(_statement(statement, request, reference=reference) for statement in document.statements)
    )


def _statement(statement: Statement, request: Request, *, reference: bool) -> Statement:
    listed = statement.principals
    if listed is None or not (statement.allows or reference):
        return statement
    everyone = is_for_everyone(statement, reference=reference)
    return statement._replace(principals=_named(listed, request, everyone=everyone))


def is_for_everyone(statement: Statement, *, reference: bool) -> bool:
    """Whether services and identity providers are among those that an Allow for everybody lets in."""
    listed = statement.principals
    return reference and statement.allows and listed is not None and listed.anyone


def _named(listed: Principals, request: Request, *, everyone: bool) -> Principals:
    principal = request.principal
    service = principal.kind is PrincipalKind.SERVICE
    if service and (everyone or "*" in listed.service):
        listed = listed._replace(service=(*listed.service, principal.arn))
    if request.provider and (everyone or "*" in listed.federated):
        listed = listed._replace(federated=(*listed.federated, request.provider))
    arn = principal.principal_arn
    if arn and any(glob(scan(text, variables=False))(arn) for text in wildcards(listed)):
        listed = listed._replace(aws=(*listed.aws, principal.account))
    return listed

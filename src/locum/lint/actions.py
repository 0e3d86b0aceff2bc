"""Checks of Action and NotAction: whether services and actions exist, and wildcards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from locum.lint.catalogue import Service
from locum.lint.finding import PolicyType
from locum.lint.globs import has_wildcard, matcher
from locum.lint.reading import Node
from locum.lint.view import TRUST_POLICY, Issue, Policy, Statement, issue

MAX_SUGGESTIONS: Final = 20
"""The limit of suggestions per document, as each takes a comparison with every action of the service."""

# The services whose actions a policy of the resource type may contain.
SERVICES_OF: Final = {
    "AWS::S3::Bucket": "s3",
    "AWS::S3::AccessPoint": "s3",
    "AWS::S3::MultiRegionAccessPoint": "s3",
    "AWS::S3ObjectLambda::AccessPoint": "s3-object-lambda",
    "AWS::DynamoDB::Table": "dynamodb",
    TRUST_POLICY: "sts",
}

# API operations that are authorized by an action of another name.
_ACTIONS_OF_OPERATIONS: Final = {
    "dynamodb:transactgetitems": "GetItem",
    "dynamodb:transactwriteitems": "PutItem",
    "lambda:invoke": "InvokeFunction",
    "s3:completemultipartupload": "PutObject",
    "s3:copyobject": "PutObject",
    "s3:createmultipartupload": "PutObject",
    "s3:deleteobjects": "DeleteObject",
    "s3:headbucket": "ListBucket",
    "s3:headobject": "GetObject",
    "s3:listbuckets": "ListAllMyBuckets",
    "s3:listobjects": "ListBucket",
    "s3:listobjectsv2": "ListBucket",
    "s3:listobjectversions": "ListBucketVersions",
    "s3:selectobjectcontent": "GetObject",
    "s3:uploadpart": "PutObject",
}


def named(statement: Statement) -> Iterator[tuple[Node, str, str]]:
    """All actions but `*`: the node, the lower-case prefix and the name."""
    for node in statement.texts("Action", "NotAction"):
        if node.text != "*":
            prefix, _, name = node.text.partition(":")
            yield node, prefix.lower(), name


def unknown_actions(policy: Policy) -> Iterator[Issue]:
    """Check for INVALID_ACTION and INVALID_SERVICE_IN_ACTION."""
    suggestions = 0
    for statement in policy.statements:
        for node, prefix, name in named(statement):
            if has_wildcard(prefix):
                continue
            code, candidates = _unknown(policy, prefix, name)
            if not code:
                continue
            suggestions += 1
            meant = _suggestion(prefix, name, candidates, code) if suggestions <= MAX_SUGGESTIONS else ""
            words = {"service": prefix} if code == "INVALID_SERVICE_IN_ACTION" else {"action": node.text}
            yield issue(code, policy.value(node), suggestion=meant, **words)


def _unknown(policy: Policy, prefix: str, name: str) -> tuple[str, Iterable[str]]:
    """The code for an action, empty where it is valid, and the candidates for a suggestion."""
    service = policy.catalogue.service(prefix)
    if not name:
        return "INVALID_ACTION", ()
    if service is None:
        return "INVALID_SERVICE_IN_ACTION", policy.catalogue.prefixes()
    if _exists(service, name.lower()):
        return "", ()
    return "INVALID_ACTION", (action.name for action in service.actions.values())


def _exists(service: Service, name: str) -> bool:
    if not has_wildcard(name):
        return name in service.actions
    matches = matcher(name)
    return any(map(matches, service.actions))


def _suggestion(prefix: str, name: str, candidates: Iterable[str], code: str) -> str:
    """The suggestion " Did you mean ...?", or empty."""
    if code == "INVALID_SERVICE_IN_ACTION":
        close = get_close_matches(prefix[:64], candidates, n=1, cutoff=0.8)
        return f" Did you mean {close[0]}?" if close else ""
    authorized = _ACTIONS_OF_OPERATIONS.get(f"{prefix}:{name.lower()}")
    if authorized is not None:
        action = f"{prefix}:{authorized}"
        return f" Did you mean {action}? The API called {name} authorizes against the IAM action {action}."
    close = get_close_matches(name[:64], candidates, n=1, cutoff=0.8)
    return f" Did you mean {prefix}:{close[0]}?" if close else ""


def wildcard_services(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for WILDCARD_IN_SERVICE_NAME, in actions and in resources."""
    for node, prefix, _ in named(statement):
        if has_wildcard(prefix):
            yield issue("WILDCARD_IN_SERVICE_NAME", policy.value(node))
    for node in statement.texts("Resource", "NotResource"):
        fields = node.text.split(":", 3)
        if fields[0] == "arn" and len(fields) > 3 and has_wildcard(fields[2]):
            yield issue("WILDCARD_IN_SERVICE_NAME", policy.value(node))


def unsupported_actions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for UNSUPPORTED_ACTION_IN_POLICY."""
    wanted = SERVICES_OF.get(policy.resource_type or "")
    if wanted is None:
        return
    for node, prefix, _ in named(statement):
        if prefix != wanted and not has_wildcard(prefix) and policy.catalogue.service(prefix) is not None:
            words = {"action": node.text, "resource_type": str(policy.resource_type)}
            yield issue("UNSUPPORTED_ACTION_IN_POLICY", policy.value(node), **words)


def scp_wildcards(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for SCP_SYNTAX_ERROR_ACTION_WILDCARD: "you can specify iam:Get* but not iam:*role"."""
    if policy.type is not PolicyType.SERVICE_CONTROL_POLICY:
        return
    for node in statement.texts("Action", "NotAction"):
        if has_wildcard(node.text[:-1]):
            yield issue("SCP_SYNTAX_ERROR_ACTION_WILDCARD", policy.value(node), action=node.text)

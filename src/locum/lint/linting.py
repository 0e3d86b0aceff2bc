"""The entry point of lint: from a text to its findings."""

from __future__ import annotations

from collections.abc import Iterator

from locum.lint.catalogue import Catalogue
from locum.lint.finding import Finding, FindingType, Key, Location, PathElement, PolicyType, Substring
from locum.lint.reading import BrokenJson, Kind, Node, read
from locum.lint.table import DOCUMENT, STATEMENT
from locum.lint.texts import CODES
from locum.lint.view import Issue, Policy, issue

_SEVERITY = {kind: i for i, kind in enumerate(FindingType)}


def lint(text: str, policy_type: PolicyType, resource_type: str | None, catalogue: Catalogue) -> list[Finding]:
    """All findings of the document `text`, by location, and at one location the most severe first.

    `resource_type` is the type of resource that a resource policy is attached to (`AWS::S3::Bucket`), where known. Any
    text is accepted: text that is not JSON, or not a policy, has findings as well.
    """
    try:
        root = read(text)
    except BrokenJson as error:
        policy = Policy(text, Node(Kind.NULL, (), 0, 0), policy_type, resource_type, catalogue)
        return [_finding(_json_error(policy, error.offset))]
    policy = Policy(text, root, policy_type, resource_type, catalogue)
    return sorted(map(_finding, _issues(policy)), key=_order)


def _issues(policy: Policy) -> Iterator[Issue]:
    for check in DOCUMENT:
        yield from check(policy)
    for statement in policy.statements:
        for statement_check in STATEMENT:
            yield from statement_check(policy, statement)


def _json_error(policy: Policy, offset: int) -> Issue:
    place = policy.offset(offset)
    text = f" at index {offset} line {place.span.line} column {place.span.column - 1}"
    return issue("JSON_SYNTAX_ERROR", place, place=text)


def _finding(found: Issue) -> Finding:
    kind, text = CODES[found.code]
    return Finding(kind, found.code, _encodable(text.format(**found.words)), tuple(map(_cleaned, found.places)))


def _cleaned(location: Location) -> Location:
    """`location` without lone surrogates, which JSON can express but UTF-8 cannot encode."""
    return Location(tuple(map(_cleaned_step, location.path)), location.span)


def _cleaned_step(step: PathElement) -> PathElement:
    if isinstance(step, Key):
        return Key(_encodable(step.name))
    return _encodable(step) if isinstance(step, str) else step


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _order(finding: Finding) -> tuple[int, int, int, str]:
    spans = [location.span for location in finding.locations]
    start = min(span.start for span in spans)
    substring = any(isinstance(step, Substring) for location in finding.locations for step in location.path)
    return start, _SEVERITY[finding.type], int(substring), finding.code

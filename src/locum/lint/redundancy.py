"""Checks for redundant actions, resources and statements."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from locum.lint.globs import covers, has_wildcard
from locum.lint.reading import Kind, Node
from locum.lint.view import Issue, Policy, Statement, issue
from locum.policy.patterns import Matcher

MAX_COMPARED: Final = 20_000_000
"""The limit of comparisons per element, in characters: far above any policy within its quota."""

_GROUP: Final = re.compile(r"arn:[^:*?$]*:[^:*?$]*:|[^:*?$]*:")
"""The part that a text has in common with a pattern that covers it: service, or partition and service."""


def actions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for REDUNDANT_ACTION: "when all of the contents of an action are redundant"."""
    for name in ("Action", "NotAction"):
        covered = _covered(statement.texts(name), fold=True)
        if covered:
            words = {"count": str(len(covered)), "action": covered[0].text}
            yield issue("REDUNDANT_ACTION", *map(policy.value, covered), **words)


def resources(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for REDUNDANT_RESOURCE."""
    for name in ("Resource", "NotResource"):
        covered = _covered(statement.texts(name), fold=False)
        if covered:
            yield issue("REDUNDANT_RESOURCE", *map(policy.value, covered), count=str(len(covered)))


def _covered(nodes: tuple[Node, ...], *, fold: bool) -> list[Node]:
    """The nodes that another node covers; of nodes that cover each other, all but the first."""
    texts = [node.text.lower() if fold else node.text for node in nodes]
    first: dict[str, int] = {}
    for i, text in enumerate(texts):
        first.setdefault(text, i)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for text in first:
        if has_wildcard(text):
            groups[_group(text)].append(text)
    redundant: set[str] = set()
    remaining = MAX_COMPARED
    tests = {text: covers(text) for patterns in groups.values() for text in patterns}
    for text in first:
        rivals = [*groups[""], *(groups.get(_group(text), ()) if _group(text) else ())]
        remaining -= len(rivals) * len(text)
        if remaining < 0:
            break
        if any(_is_covered(text, rival, tests, first) for rival in rivals):
            redundant.add(text)
    return [node for i, node in enumerate(nodes) if first[texts[i]] != i or texts[i] in redundant]


def _group(text: str) -> str:
    match = _GROUP.match(text)
    return match.group() if match else ""


def _is_covered(text: str, by: str, tests: dict[str, Matcher], first: dict[str, int]) -> bool:
    if by == text or not tests[by](text):
        return False
    mutual = text in tests and tests[text](by)
    return not mutual or first[by] < first[text]


def statements(policy: Policy) -> Iterator[Issue]:
    """Check for REDUNDANT_STATEMENT: equal except for the Sid and the order of lists."""
    seen: dict[object, Statement] = {}
    for statement in policy.statements:
        content = _canonical(statement.node)
        if content in seen:
            yield issue("REDUNDANT_STATEMENT", policy.value(seen[content].node), policy.value(statement.node))
        else:
            seen[content] = statement


def _canonical(node: Node) -> object:
    if node.kind is Kind.OBJECT:
        return node.kind, frozenset((m.name, _canonical(m.value)) for m in node.members if m.name != "Sid")
    if node.kind is Kind.ARRAY:
        members = frozenset(_canonical(item) for item in node.items)
        return next(iter(members)) if len(members) == 1 else (node.kind, members)
    return node.kind, node.text

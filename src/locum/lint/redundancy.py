"""What could be left out without changing what the policy says."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from locum.lint.globs import coverer, has_wildcard
from locum.lint.reading import Kind, Node
from locum.lint.view import Issue, Policy, Statement, issue
from locum.policy.patterns import Matcher

MAX_COMPARED: Final = 20_000_000
"""Characters that patterns are held against, an element: no policy within its quota comes near."""

_GROUP: Final = re.compile(r"arn:[^:*?$]*:[^:*?$]*:|[^:*?$]*:")
"""What a text must share with a pattern that may cover it: service, or partition and service."""


def actions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """REDUNDANT_ACTION: "when all of the contents of an action are redundant"."""
    for name in ("Action", "NotAction"):
        covered = _covered(statement.texts(name), fold=True)
        if covered:
            words = {"count": str(len(covered)), "action": covered[0].text}
            yield issue("REDUNDANT_ACTION", *map(policy.value, covered), **words)


def resources(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """REDUNDANT_RESOURCE."""
    for name in ("Resource", "NotResource"):
        covered = _covered(statement.texts(name), fold=False)
        if covered:
            yield issue("REDUNDANT_RESOURCE", *map(policy.value, covered), count=str(len(covered)))


def _covered(nodes: tuple[Node, ...], *, fold: bool) -> list[Node]:
    """Those that another covers; of those that cover one another, all but the first."""
    texts = [node.text.lower() if fold else node.text for node in nodes]
    first: dict[str, int] = {}
    for i, text in enumerate(texts):
        first.setdefault(text, i)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for text in first:
        if has_wildcard(text):
            groups[_group(text)].append(text)
    redundant: set[str] = set()
    left = MAX_COMPARED
    tests = {text: coverer(text) for patterns in groups.values() for text in patterns}
    for text in first:
        rivals = [*groups[""], *(groups.get(_group(text), ()) if _group(text) else ())]
        left -= len(rivals) * len(text)
        if left < 0:
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
    """REDUNDANT_STATEMENT: the same but for its Sid and the order of what it lists."""
    seen: dict[object, Statement] = {}
    for statement in policy.statements:
        said = _said(statement.node)
        if said in seen:
            yield issue("REDUNDANT_STATEMENT", policy.value(seen[said].node), policy.value(statement.node))
        else:
            seen[said] = statement


def _said(node: Node) -> object:
    if node.kind is Kind.OBJECT:
        return node.kind, frozenset((m.name, _said(m.value)) for m in node.members if m.name != "Sid")
    if node.kind is Kind.ARRAY:
        members = frozenset(_said(item) for item in node.items)
        return next(iter(members)) if len(members) == 1 else (node.kind, members)
    return node.kind, node.text

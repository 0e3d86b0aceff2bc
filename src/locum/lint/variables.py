"""Checks of policy variables: `${key}` and `${key, 'default'}`.

IAM User Guide, "IAM policy elements: Variables and tags".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from locum.lint.globals import global_key
from locum.lint.reading import Kind, Node
from locum.lint.view import Issue, Policy, Statement, issue

_CLOSED: Final = re.compile(r"\$\{([^{}]*)\}")
_OPENED: Final = re.compile(r"\$\{[^}]*(\$\{|$)")
_LITERALS: Final = frozenset("*?$")
_WITH: Final = frozenset({"String", "Arn"})


def _texts(statement: Statement) -> Iterator[Node]:
    """The strings that may have variables."""
    yield from statement.texts("Resource", "NotResource")
    for condition in statement.conditions:
        yield from (value for value in condition.values if value.kind is Kind.STRING)


def braces(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_BRACE_IN_VARIABLE."""
    for node in _texts(statement) if policy.variables else ():
        match = _OPENED.search(node.text)
        if match:
            length = match.end() - match.start()
            yield issue("MISSING_BRACE_IN_VARIABLE", policy.part(node, match.start(), length))


def inside(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for EMPTY_VARIABLE, UNSUPPORTED_SPACE_IN_VARIABLE, MISSING_QUOTE_IN_VARIABLE."""
    for node in _texts(statement) if policy.variables else ():
        for match in _CLOSED.finditer(node.text):
            code = _wrong(match.group(1))
            if code:
                yield issue(code, policy.part(node, match.start(), match.end() - match.start()))


def _wrong(inner: str) -> str:
    if inner in _LITERALS:
        return ""
    key, comma, rest = inner.partition(",")
    if not key.strip():
        return "EMPTY_VARIABLE"
    if any(character.isspace() for character in key) and not _is_tag(key):
        return "UNSUPPORTED_SPACE_IN_VARIABLE"
    default = rest.strip()
    quoted = len(default) >= 2 and default[0] == default[-1] == "'"
    return "MISSING_QUOTE_IN_VARIABLE" if comma and not quoted else ""


def _is_tag(key: str) -> bool:
    """Whether `key` has a tag key, which may have inner spaces."""
    base, slash, _ = key.partition("/")
    return bool(slash) and key == key.strip() and not any(character.isspace() for character in base)


def elements(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for VARIABLE_UNSUPPORTED_IN_ELEMENT."""
    names = ("Sid", "Effect", "Action", "NotAction")
    nodes = (*statement.texts(*names), *(principal.value for principal in statement.principals))
    for node in nodes:
        for match in _CLOSED.finditer(node.text):
            place = policy.part(node, match.start(), match.end() - match.start())
            yield issue("VARIABLE_UNSUPPORTED_IN_ELEMENT", place, variable=match.group())


def versions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for VARIABLE_UNSUPPORTED_IN_VERSION: where the key in the braces exists."""
    for node in _texts(statement) if not policy.variables else ():
        for match in _CLOSED.finditer(node.text):
            name = match.group(1).partition(",")[0].strip().lower()
            if name in _LITERALS or global_key(name) is not None or policy.catalogue.key(name) is not None:
                place = policy.part(node, match.start(), match.end() - match.start())
                yield issue("VARIABLE_UNSUPPORTED_IN_VERSION", place)


def operators(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_VARIABLE_FOR_OPERATOR."""
    for condition in statement.conditions:
        for value in condition.values if condition.parts is not None and condition.family not in _WITH else ():
            if policy.variables and _CLOSED.search(value.text):
                yield issue("INVALID_VARIABLE_FOR_OPERATOR", policy.value(value))

"""Checks for grants of iam:PassRole and iam:CreateServiceLinkedRole on too many roles.

The reference has the same six findings for both actions. They depend on how the statement includes the action (by
name, by a wildcard, by NotAction) and the resource (by a wildcard, by NotResource).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from locum.lint.finding import PolicyType
from locum.lint.globs import has_wildcard, matcher
from locum.lint.reading import Node
from locum.lint.view import Issue, Policy, Statement, issue


class _Grant(NamedTuple):
    """An action, the prefix of its codes, and the condition key that restricts it."""

    action: str
    code: str
    key: str


_PASS_ROLE: Final = _Grant("iam:passrole", "PASS_ROLE", "iam:passedtoservice")
_CREATE_ROLE: Final = _Grant("iam:createservicelinkedrole", "CREATE_SLR", "iam:awsservicename")

# A role's name that begins with a wildcard: "*", role/*, role/aws-service-role/*.
# "Some AWS services include their service namespace in the name of their role. This policy check takes these
# conventions into account ...: arn:aws:iam::*:role/Service*".
_ANY_ROLE: Final = re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:(\*|role\*|role/([^*?]*/)?[*?].*)", re.DOTALL)

# (how the action is included, whether there is a NotResource) -> the suffix of the code.
_CODES: Final = {
    ("named", False): "WITH_STAR_IN_RESOURCE",
    ("wildcard", False): "WITH_STAR_IN_ACTION_AND_RESOURCE",
    ("not excluded", False): "WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
    ("named", True): "WITH_NOT_RESOURCE",
    ("wildcard", True): "WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
    ("not excluded", True): "WITH_NOT_ACTION_AND_NOT_RESOURCE",
}


def pass_role(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for PASS_ROLE_WITH_..."""
    yield from _broad_grants(policy, statement, _PASS_ROLE)


def create_role(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for CREATE_SLR_WITH_..."""
    yield from _broad_grants(policy, statement, _CREATE_ROLE)


def _broad_grants(policy: Policy, statement: Statement, grant: _Grant) -> Iterator[Issue]:
    if policy.type is not PolicyType.IDENTITY_POLICY or not statement.allows or grant.key in statement.keys:
        return
    how, actions = _granted(statement, grant.action)
    excluded = statement.element("NotResource")
    wide = [excluded.value] if excluded is not None else [r for r in statement.resources if _ANY_ROLE.fullmatch(r.text)]
    if actions and wide:
        code = f"{grant.code}_{_CODES[how, excluded is not None]}"
        yield issue(code, *map(policy.value, (*actions, *wide)))


def _granted(statement: Statement, action: str) -> tuple[str, list[Node]]:
    """The way in which the statement includes the action, and the nodes that do; none where it does not grant it."""
    excluding = statement.element("NotAction")
    if excluding is not None:
        covered = any(matcher(node.text.lower())(action) for node in statement.texts("NotAction"))
        return "not excluded", [] if covered else [excluding.value]
    named = [node for node in statement.actions if node.text.lower() == action]
    if named:
        return "named", named
    return "wildcard", [n for n in statement.actions if has_wildcard(n.text) and matcher(n.text.lower())(action)]

"""iam:PassRole and iam:CreateServiceLinkedRole: what is granted on more roles than anybody meant.

The reference has the same six findings for both actions. Which of them depends on how the statement names the action
(itself, by a wildcard, by not excluding it) and the resource (by a wildcard, by not excluding it).
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
    """An action, the beginning of its codes, and the condition key that narrows it."""

    action: str
    code: str
    key: str


_PASS_ROLE: Final = _Grant("iam:passrole", "PASS_ROLE", "iam:passedtoservice")
_CREATE_ROLE: Final = _Grant("iam:createservicelinkedrole", "CREATE_SLR", "iam:awsservicename")

# A role's name that says nothing before its wildcard: "*", role/*, role/aws-service-role/*.
# "Some AWS services include their service namespace in the name of their role. This policy check takes these
# conventions into account ...: arn:aws:iam::*:role/Service*".
_ANY_ROLE: Final = re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:(\*|role\*|role/([^*?]*/)?[*?].*)", re.DOTALL)

# (how the action is named, whether the resource is excluded) -> the end of the code.
_CODES: Final = {
    ("named", False): "WITH_STAR_IN_RESOURCE",
    ("wildcard", False): "WITH_STAR_IN_ACTION_AND_RESOURCE",
    ("not excluded", False): "WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
    ("named", True): "WITH_NOT_RESOURCE",
    ("wildcard", True): "WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
    ("not excluded", True): "WITH_NOT_ACTION_AND_NOT_RESOURCE",
}


def pass_role(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """PASS_ROLE_WITH_..."""
    yield from _too_many(policy, statement, _PASS_ROLE)


def create_role(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """CREATE_SLR_WITH_..."""
    yield from _too_many(policy, statement, _CREATE_ROLE)


def _too_many(policy: Policy, statement: Statement, grant: _Grant) -> Iterator[Issue]:
    if policy.type is not PolicyType.IDENTITY_POLICY or not statement.allows or grant.key in statement.keys:
        return
    how, actions = _granted(statement, grant.action)
    excluded = statement.element("NotResource")
    wide = [excluded.value] if excluded is not None else [r for r in statement.resources if _ANY_ROLE.fullmatch(r.text)]
    if actions and wide:
        code = f"{grant.code}_{_CODES[how, excluded is not None]}"
        yield issue(code, *map(policy.value, (*actions, *wide)))


def _granted(statement: Statement, action: str) -> tuple[str, list[Node]]:
    """How the statement names the action, and where; nowhere, if it does not grant it."""
    excluding = statement.element("NotAction")
    if excluding is not None:
        covered = any(matcher(node.text.lower())(action) for node in statement.texts("NotAction"))
        return "not excluded", [] if covered else [excluding.value]
    named = [node for node in statement.actions if node.text.lower() == action]
    if named:
        return "named", named
    return "wildcard", [n for n in statement.actions if has_wildcard(n.text) and matcher(n.text.lower())(action)]

"""Checks of service and resource control policies.

Organizations User Guide, "SCP syntax", "RCP syntax".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.lint.finding import PolicyType
from locum.lint.globs import has_wildcard
from locum.lint.view import Condition, Issue, Policy, Statement, issue

_PRINCIPAL_KEYS: Final = frozenset(
    {"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:principaltag"}
)
_SOURCE_KEYS: Final = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
_NULL_CHECKED: Final = frozenset({"aws:sourceorgid", "aws:sourceorgpaths"})
_IS_SERVICE: Final = "aws:principalisawsservice"


def scp_principals(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for SCP_SYNTAX_ERROR_PRINCIPAL."""
    for name in ("Principal", "NotPrincipal"):
        member = statement.element(name)
        if policy.type is PolicyType.SERVICE_CONTROL_POLICY and member is not None:
            yield issue("SCP_SYNTAX_ERROR_PRINCIPAL", policy.key(member))


def _is_rcp(policy: Policy) -> bool:
    return policy.type is PolicyType.RESOURCE_CONTROL_POLICY


def rcp_principals(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for RCP_SYNTAX_ERROR_PRINCIPAL."""
    if not _is_rcp(policy):
        return
    excluded = statement.element("NotPrincipal")
    if excluded is not None:
        yield issue("RCP_SYNTAX_ERROR_PRINCIPAL", policy.key(excluded))
    for principal in statement.principals:
        everyone = principal.kind in ("", "AWS") and principal.value.text == "*"
        if not everyone and not principal.negated:
            yield issue("RCP_SYNTAX_ERROR_PRINCIPAL", policy.value(principal.value))


def rcp_allow(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for RCP_SYNTAX_ERROR_ALLOW."""
    if not _is_rcp(policy) or not statement.allows:
        return
    whole = [node.text for node in statement.resources] == ["*"] and statement.element("Condition") is None
    if not whole:
        yield issue("RCP_SYNTAX_ERROR_ALLOW", policy.value(statement.node))


def rcp_not_action(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for RCP_SYNTAX_ERROR_NOTACTION."""
    member = statement.element("NotAction")
    if _is_rcp(policy) and member is not None:
        yield issue("RCP_SYNTAX_ERROR_NOTACTION", policy.key(member))


def rcp_actions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for RCP_SYNTAX_ERROR_ACTION: a lone `*`, which only RCPFullAWSAccess may have."""
    for node in statement.actions if _is_rcp(policy) else ():
        prefix = node.text.partition(":")[0].lower()
        supported = prefix in policy.catalogue.rcp_services() or (node.text == "*" and statement.allows)
        known = has_wildcard(prefix) or policy.catalogue.service(prefix) is not None
        if known and not supported:
            yield issue("RCP_SYNTAX_ERROR_ACTION", policy.value(node))


# --- effects of resource control policies on services ---


def rcp_services(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY, RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY."""
    if not _is_rcp(policy) or not statement.denies:
        return
    asked = {value.text.lower() for c in statement.conditions if c.name == _IS_SERVICE for value in c.values}
    for condition in statement.conditions:
        base = condition.name.partition("/")[0]
        words = {"key": condition.key.name}
        if base in _PRINCIPAL_KEYS and "false" not in asked:
            yield issue("RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY", policy.key(condition.key), **words)
        if base in _SOURCE_KEYS and "true" not in asked and not _is_null_check(condition):
            place = policy.key(condition.key)
            yield issue("RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY", place, **words)


def _is_null_check(condition: Condition) -> bool:
    return condition.family == "Null"


def rcp_null_checks(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK."""
    if not _is_rcp(policy) or not statement.denies:
        return
    checked = any(_is_null_check(c) and c.name in ("aws:sourceaccount", "aws:sourcearn") for c in statement.conditions)
    for condition in statement.conditions if not checked else ():
        if condition.name in _NULL_CHECKED:
            words = {"key": condition.key.name}
            yield issue("RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK", policy.key(condition.key), **words)

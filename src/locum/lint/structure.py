"""Checks of a document's structure: required, unknown and empty elements, and their types.

IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from locum.lint.finding import PolicyType
from locum.lint.reading import Kind, Member, Node
from locum.lint.view import Issue, Policy, Statement, issue
from locum.policy.grammar import DOCUMENT_FIELDS, STATEMENT_FIELDS, VERSIONS

_LISTS: Final = ("Action", "NotAction", "Resource", "NotResource")
_PRINCIPALS: Final = ("Principal", "NotPrincipal")
_SID: Final = re.compile(r"[A-Za-z0-9]*")
_STRINGS: Final = "String or String Array"


# --- the document ---


def repeated_members(policy: Policy) -> Iterator[Issue]:
    """Check for JSON_SYNTAX_ERROR: a duplicate member."""
    left = [policy.root]
    while left:
        node = left.pop()
        left += [*node.items, *(member.value for member in node.members)]
        seen: set[str] = set()
        for member in node.members:
            if member.name in seen:
                yield issue("JSON_SYNTAX_ERROR", policy.key(member), place="")
            seen.add(member.name)


def missing_version(policy: Policy) -> Iterator[Issue]:
    """Check for MISSING_VERSION."""
    if policy.root.kind is Kind.OBJECT and "Version" not in policy.elements:
        yield issue("MISSING_VERSION", policy.everywhere())


def invalid_version(policy: Policy) -> Iterator[Issue]:
    """Check for INVALID_VERSION."""
    member = policy.elements.get("Version")
    if member is not None and member.value.kind is Kind.STRING and member.value.text not in VERSIONS:
        versions = ", ".join(sorted(VERSIONS, reverse=True))
        yield issue("INVALID_VERSION", policy.value(member.value), version=member.value.text, versions=versions)


def missing_statement(policy: Policy) -> Iterator[Issue]:
    """Check for MISSING_STATEMENT."""
    member = policy.elements.get("Statement")
    if policy.root.kind is Kind.OBJECT and member is None:
        yield issue("MISSING_STATEMENT", policy.everywhere())
    elif member is not None and member.value.kind is Kind.ARRAY and not member.value.items:
        yield issue("MISSING_STATEMENT", policy.value(member.value))


def document_elements(policy: Policy) -> Iterator[Issue]:
    """Check for INVALID_POLICY_ELEMENT, outside of statements."""
    yield from _unknown(policy, policy.root.members, DOCUMENT_FIELDS)


def document_types(policy: Policy) -> Iterator[Issue]:
    """Check for DATA_TYPE_MISMATCH, outside of statements."""
    if policy.root.kind is not Kind.OBJECT:
        yield _mismatch(policy, policy.root, "Object")
    for name in ("Version", "Id"):
        member = policy.elements.get(name)
        if member is not None and member.value.kind is not Kind.STRING:
            yield _mismatch(policy, member.value, "String")
    statement = policy.elements.get("Statement")
    if statement is not None:
        nodes = statement.value.items if statement.value.kind is Kind.ARRAY else (statement.value,)
        for node in nodes:
            if node.kind is not Kind.OBJECT:
                yield _mismatch(policy, node, "Object")


def repeated_sids(policy: Policy) -> Iterator[Issue]:
    """Check for UNIQUE_SIDS_REQUIRED in policies of IAM and Organizations, UNIQUE_SIDS_RECOMMENDED in others.

    "in IAM, the Sid value must be unique within a JSON policy".
    """
    recommended = policy.type is PolicyType.RESOURCE_POLICY and not policy.trust
    code = "UNIQUE_SIDS_RECOMMENDED" if recommended else "UNIQUE_SIDS_REQUIRED"
    seen: set[str] = set()
    for statement in policy.statements:
        for sid in statement.texts("Sid"):
            if sid.text and sid.text in seen:
                yield issue(code, policy.value(sid))
            seen.add(sid.text)


# --- a statement ---


def statement_elements(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_POLICY_ELEMENT, in statements."""
    yield from _unknown(policy, statement.node.members, STATEMENT_FIELDS)


def _unknown(policy: Policy, members: tuple[Member, ...], known: frozenset[str]) -> Iterator[Issue]:
    for member in members:
        if member.name not in known:
            yield issue("INVALID_POLICY_ELEMENT", policy.key(member), element=member.name)


def statement_types(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for DATA_TYPE_MISMATCH, in statements."""
    for name in ("Sid", "Effect"):
        member = statement.element(name)
        if member is not None and member.value.kind is not Kind.STRING:
            yield _mismatch(policy, member.value, "String")
    for name in _LISTS:
        member = statement.element(name)
        if member is not None:
            yield from _strings(policy, member.value)
    for name in _PRINCIPALS:
        member = statement.element(name)
        for entry in member.value.members if member is not None else ():
            yield from _strings(policy, entry.value)
    yield from _condition_types(policy, statement)


def _condition_types(policy: Policy, statement: Statement) -> Iterator[Issue]:
    block = statement.element("Condition")
    if block is None:
        return
    if block.value.kind is not Kind.OBJECT:
        yield _mismatch(policy, block.value, "Object")
    for operator in block.value.members:
        if operator.value.kind is not Kind.OBJECT:
            yield _mismatch(policy, operator.value, "Object")
        for key in operator.value.members:
            values = key.value.items if key.value.kind is Kind.ARRAY else (key.value,)
            for value in values:
                if value.kind in (Kind.OBJECT, Kind.ARRAY, Kind.NULL):
                    yield _mismatch(policy, value, _STRINGS)


def _strings(policy: Policy, value: Node) -> Iterator[Issue]:
    for node in value.items if value.kind is Kind.ARRAY else (value,):
        if node.kind is not Kind.STRING:
            yield _mismatch(policy, node, _STRINGS)


def _mismatch(policy: Policy, node: Node, wanted: str) -> Issue:
    return issue("DATA_TYPE_MISMATCH", policy.value(node), data_type=wanted)


def missing_effect(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_EFFECT."""
    if statement.element("Effect") is None:
        yield issue("MISSING_EFFECT", policy.value(statement.node))


def invalid_effect(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_EFFECT."""
    for effect in statement.texts("Effect"):
        if effect.text not in ("Allow", "Deny"):
            yield issue("INVALID_EFFECT", policy.value(effect), effect=effect.text)


def missing_action(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_ACTION."""
    if statement.element("Action") is None and statement.element("NotAction") is None:
        yield issue("MISSING_ACTION", policy.value(statement.node))


def missing_resource(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_RESOURCE.

    "All policies except role trust policies must include a Resource or NotResource element".
    """
    if policy.trusts(statement):
        return
    if statement.element("Resource") is None and statement.element("NotResource") is None:
        yield issue("MISSING_RESOURCE", policy.value(statement.node))


def missing_principal(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_PRINCIPAL."""
    wanted = policy.type in (PolicyType.RESOURCE_POLICY, PolicyType.RESOURCE_CONTROL_POLICY)
    if wanted and all(statement.element(name) is None for name in _PRINCIPALS):
        yield issue("MISSING_PRINCIPAL", policy.value(statement.node))


def unsupported_principal(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for UNSUPPORTED_PRINCIPAL."""
    for name in _PRINCIPALS if policy.type is PolicyType.IDENTITY_POLICY else ():
        member = statement.element(name)
        if member is not None:
            yield issue("UNSUPPORTED_PRINCIPAL", policy.key(member), policy_type=policy.type)


def element_combinations(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for UNSUPPORTED_ELEMENT_COMBINATION."""
    for name in ("Action", "Resource", "Principal"):
        one, other = statement.element(name), statement.element(f"Not{name}")
        if one is not None and other is not None:
            places = policy.key(one), policy.key(other)
            yield issue("UNSUPPORTED_ELEMENT_COMBINATION", *places, element1=one.name, element2=other.name)


def unsupported_sid(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for UNSUPPORTED_SID, except in resource policies, whose services accept other characters."""
    if policy.type is PolicyType.RESOURCE_POLICY and not policy.trust:
        return
    for sid in statement.texts("Sid"):
        if not _SID.fullmatch(sid.text):
            yield issue("UNSUPPORTED_SID", policy.value(sid))


# --- empty elements ---


def empty_sid(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for EMPTY_SID_VALUE."""
    for sid in statement.texts("Sid"):
        if not sid.text:
            yield issue("EMPTY_SID_VALUE", policy.value(sid))


def _empty(policy: Policy, code: str, members: list[Member | None], kind: Kind) -> Iterator[Issue]:
    for member in members:
        if member is not None and member.value.kind is kind and not member.value.items and not member.value.members:
            yield issue(code, policy.value(member.value))


def empty_actions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for EMPTY_ARRAY_ACTION."""
    found = [statement.element("Action"), statement.element("NotAction")]
    yield from _empty(policy, "EMPTY_ARRAY_ACTION", found, Kind.ARRAY)


def empty_resources(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for EMPTY_ARRAY_RESOURCE."""
    found = [statement.element("Resource"), statement.element("NotResource")]
    yield from _empty(policy, "EMPTY_ARRAY_RESOURCE", found, Kind.ARRAY)


def empty_principals(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for EMPTY_OBJECT_PRINCIPAL and EMPTY_ARRAY_PRINCIPAL."""
    found = [statement.element(name) for name in _PRINCIPALS]
    yield from _empty(policy, "EMPTY_OBJECT_PRINCIPAL", found, Kind.OBJECT)
    entries: list[Member | None] = [entry for member in found if member is not None for entry in member.value.members]
    yield from _empty(policy, "EMPTY_ARRAY_PRINCIPAL", entries, Kind.ARRAY)


def empty_conditions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for EMPTY_OBJECT_CONDITION."""
    block = statement.element("Condition")
    operators = list(block.value.members) if block is not None else []
    yield from _empty(policy, "EMPTY_OBJECT_CONDITION", [block, *operators], Kind.OBJECT)

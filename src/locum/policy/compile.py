"""The policy compiler: from a parsed document to indexed, prepared statements.

Compiling happens once, when a policy is stored or loaded. Statements are indexed by the service prefix and name of
their actions. The candidate statements of an action are cached from one decision to the next, and a long list of
candidates is indexed by resource prefix, so that a decision touches only statements that can match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from locum.core.letter_case import folded
from locum.core.partial_arn import PartialArn
from locum.policy.conditions import PreparedCondition, prepare
from locum.policy.document import Document, Statement
from locum.policy.grammar import RULES, Operator, Quantifier, Source, operator
from locum.policy.openness import Open
from locum.policy.partial import in_resources, not_in_resources
from locum.policy.patterns import ArnPattern, Matcher, glob, scan
from locum.policy.prepared import PreparedRequest
from locum.policy.principals import Form, NotPrincipalTest, PrincipalTest
from locum.policy.standing import holds, is_in

_CACHED_ACTIONS: Final = 1024
"""The number of actions with cached candidates per policy: more than any service has, but bounded."""

_LINEAR_SCAN_LIMIT: Final = 12
"""The number of candidates up to which trying each is faster than a look-up by resource."""

SOURCE_KEYS: Final = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"})
"""The condition keys that restrict on whose behalf a service calls: "The confused deputy problem", IAM User Guide."""

ResourceTest = Callable[[PreparedRequest], bool]


class StatementReference(NamedTuple):
    """A reference to one statement of a policy. `number` is its index, from 0."""

    source: Source
    number: int
    sid: str


class CompiledStatement:
    """A compiled statement. `applies` checks Resource and Condition, `names` checks Principal."""

    __slots__ = ("_holds", "allows", "conditions", "principal", "reference", "resource", "resources", "statement")

    def __init__(self, statement: Statement, document: Document, source: Source) -> None:
        self.statement = statement
        self.reference = StatementReference(source, statement.number, statement.sid)
        self.allows = statement.allows
        self.principal = _principal_test(statement)
        self.resources = _patterns(statement, document)
        self.resource = _resource_test(statement, self.resources)
        self.conditions: tuple[PreparedCondition, ...] = tuple(
            prepare(condition, allows=statement.allows, variables=document.variables)
            for condition in statement.conditions
        )
        self._holds = tuple(condition.holds for condition in self.conditions)

    def applies(self, prepared: PreparedRequest) -> bool:
        """Whether the resource and all conditions of this statement match (SEMANTICS 3)."""
        try:
            if self.resource is not None and not self.resource(prepared):
                return False
            for met in self._holds:
                if not met(prepared):
                    return False
        except Open:
            return self._presumed(prepared)
        return True

    def _presumed(self, prepared: PreparedRequest) -> bool:
        """Whether the statement is taken to apply, where that is open; it does not if any part is known to fail."""
        found = self.standing(prepared)
        if found is None:
            return False
        presumed, reference = prepared.presumed, self.reference
        return found == () or (presumed is not None and presumed(reference.source, reference.number, self.allows))

    def standing(self, prepared: PreparedRequest) -> tuple[PreparedCondition | None, ...] | None:
        """The conditions that are open, with None in place of the resource; None where a part is known to fail."""
        listed = self.statement.not_resources is not None
        found: bool | None = True
        if self.resource is not None:
            found = is_in(self.resources, prepared, undefined=listed and self.allows)
            found = found if found is None else found is not listed
        parts: list[PreparedCondition | None] = [None] if found is None else []
        for condition in self.conditions:
            met = holds(condition.holds, prepared)
            if met is None:
                parts.append(condition)
            elif not met:
                return None
        return None if found is False else tuple(parts)

    def names(self, prepared: PreparedRequest) -> Form | None:
        """The way in which the Principal element names the caller; None where it does not, or is not there."""
        return None if self.principal is None else self.principal.names(prepared)


def _principal_test(statement: Statement) -> PrincipalTest | NotPrincipalTest | None:
    if statement.principals is not None:
        return PrincipalTest(
            statement.principals, allows=statement.allows, source_condition=_has_source_condition(statement)
        )
    if statement.not_principals is not None:
        return NotPrincipalTest(statement.not_principals, allows=statement.allows)
    return None


def _has_source_condition(statement: Statement) -> bool:
    """Whether a condition requires one of `SOURCE_KEYS`. It does not where it also holds without the key."""
    return any(
        folded(condition.key) in SOURCE_KEYS and _requires_key(operator(condition.operator))
        for condition in statement.conditions
    )


def _requires_key(parts: Operator | None) -> bool:
    if parts is None or parts.negated or parts.if_exists:
        return False
    return parts.family in ("String", "Arn") and parts.quantifier is not Quantifier.ALL


def _patterns(statement: Statement, document: Document) -> tuple[ArnPattern, ...]:
    listed = statement.resources if statement.resources is not None else statement.not_resources
    complete = RULES[document.kind].completes
    return tuple(
        ArnPattern(text, scan(text, variables=document.variables), complete=complete, resource_variables_only=True)
        for text in listed or ()
    )


def _resource_test(statement: Statement, patterns: Sequence[ArnPattern]) -> ResourceTest | None:
    """The test of Resource or NotResource; None where every resource matches, as in a trust policy (SEMANTICS 22)."""
    if statement.not_resources is not None:
        return _resource_not_in(patterns, allows=statement.allows)
    if statement.resources is None or any(pattern.text == "*" for pattern in patterns):
        return None
    return _resource_in(patterns, allows=statement.allows)


def _resource_in(patterns: Sequence[ArnPattern], *, allows: bool) -> ResourceTest:
    fixed = [pattern.fixed for pattern in patterns if pattern.fixed is not None]
    open_patterns = [pattern for pattern in patterns if pattern.fixed is None]
    only = fixed[0] if len(fixed) == 1 and not open_patterns else None

    def test(prepared: PreparedRequest) -> bool:
        resource = prepared.resource
        if isinstance(resource, PartialArn):
            if prepared.presumed is not None:
                raise Open
            return in_resources(patterns, resource, prepared.variable, allows=allows)
        if only is not None:
            return only(resource)
        for matches in fixed:
            if matches(resource):
                return True
        return any(pattern.matches(resource, prepared.variable) for pattern in open_patterns)

    return test


def _resource_not_in(patterns: Sequence[ArnPattern], *, allows: bool) -> ResourceTest:
    """The test of NotResource. Where a variable in it has no value, an Allow does not match and a Deny does."""

    def test(prepared: PreparedRequest) -> bool:
        resource = prepared.resource
        if isinstance(resource, PartialArn):
            if prepared.presumed is not None:
                raise Open
            return not_in_resources(patterns, resource, prepared.variable, allows=allows)
        for pattern in patterns:
            found = pattern.matches(resource, prepared.variable)
            if found or (found is None and allows):
                return False
        return True

    return test


class Candidates:
    """The statements of one effect that can match one action, in the document's order."""

    __slots__ = ("_lengths", "_table", "statements")

    def __init__(self, statements: Sequence[CompiledStatement]) -> None:
        self.statements = tuple(statements)
        self._table: dict[str, list[CompiledStatement]] = {}
        if len(statements) > _LINEAR_SCAN_LIMIT:
            for statement in statements:
                for prefix in _prefixes(statement):
                    self._table.setdefault(prefix, []).append(statement)
        self._lengths = sorted({len(prefix) for prefix in self._table})

    def of(self, resource: str) -> Iterable[CompiledStatement]:
        """The candidates that can match `resource`."""
        if not self._table or isinstance(resource, PartialArn):
            return self.statements
        found: dict[int, CompiledStatement] = {}
        for length in self._lengths:
            for statement in self._table.get(resource[:length], ()):
                found[statement.reference.number] = statement
        return [found[index] for index in sorted(found)]


def _prefixes(statement: CompiledStatement) -> set[str]:
    """The prefixes of `statement`'s resources: every resource it matches begins with one of them."""
    if statement.resource is None or statement.statement.not_resources is not None:
        return {""}
    return {pattern.prefix for pattern in statement.resources}


Selection = tuple[Candidates | None, Candidates | None]


class ActionPattern(NamedTuple):
    """A compiled action pattern, lower-case (SEMANTICS 30). `service` is None for a lone `*`."""

    service: str | None
    name: str
    matches: Matcher


def action_pattern(text: str) -> ActionPattern:
    """Compile an Action value such as `s3:Get*` or `*`. The service prefix has no wildcards of its own."""
    text = text.lower()
    service, colon, name = text.partition(":")
    matches = glob(scan(text, variables=False))
    if not colon or "*" in service or "?" in service:
        return ActionPattern(None, name, matches)
    return ActionPattern(service, name, matches)


class CompiledPolicy:
    """A compiled policy. Immutable but for its cache of candidates by action."""

    __slots__ = ("_any_service", "_by_name", "_by_pattern", "_selected", "document", "source", "statements")

    def __init__(self, document: Document, source: Source) -> None:
        self.document = document
        self.source = source
        self.statements = tuple(CompiledStatement(statement, document, source) for statement in document.statements)
        self._by_name: dict[str, list[int]] = {}
        self._by_pattern: dict[str, list[tuple[Matcher, int]]] = {}
        self._any_service: list[tuple[Matcher, int]] = []
        self._selected: dict[str, Selection] = {}
        for statement in self.statements:
            self._index(statement.statement)

    def _index(self, statement: Statement) -> None:
        if statement.not_actions is not None:
            excluded = [action_pattern(text).matches for text in statement.not_actions]
            self._any_service.append(
                (lambda action: not any(matches(action) for matches in excluded), statement.number)
            )
            return
        for text in statement.actions or ():
            pattern = action_pattern(text)
            if pattern.service is None:
                self._any_service.append((pattern.matches, statement.number))
            elif "*" in pattern.name or "?" in pattern.name:
                self._by_pattern.setdefault(pattern.service, []).append((pattern.matches, statement.number))
            else:
                self._by_name.setdefault(f"{pattern.service}:{pattern.name}", []).append(statement.number)

    def select(self, action: str) -> Selection:
        """The Deny and the Allow statements that can match `action` (lower-case), each None where there are none."""
        selected = self._selected.get(action)
        if selected is None:
            if len(self._selected) >= _CACHED_ACTIONS:
                self._selected.clear()
            selected = self._selected[action] = self._select(action)
        return selected

    def _select(self, action: str) -> Selection:
        service = action.partition(":")[0]
        found = set(self._by_name.get(action, ()))
        found.update(index for matches, index in self._by_pattern.get(service, ()) if matches(action))
        found.update(index for matches, index in self._any_service if matches(action))
        statements = [self.statements[index] for index in sorted(found)]
        denies = [statement for statement in statements if not statement.allows]
        allows = [statement for statement in statements if statement.allows]
        return Candidates(denies) if denies else None, Candidates(allows) if allows else None


def compile(document: Document, source: Source) -> CompiledPolicy:  # noqa: A001 - the package's public verb
    """Compile `document`, attached at `source`. Total: every document that parses compiles."""
    return CompiledPolicy(document, source)

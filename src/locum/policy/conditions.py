"""The compiler of conditions: operators, their values and set operators become predicates of a request.

IAM User Guide, "IAM JSON policy elements: Condition operators", "Conditions with multiple context keys or values",
"Set operators for multivalued context keys". In three steps:

1. an operator and its values become a *test* of one value of the request: some value of the policy matches (True),
   none does (False), or the comparison is undefined (None: an unparsable number ...);
2. negation, and the result for an undefined comparison, turn the test into a *check*;
3. the set operator says which of the request's values the check must hold for, and what an absent key means.

    key            positive   negated   ...IfExists   ForAllValues   ForAnyValue     Null "true" / "false"
    absent, []     no         holds     holds         holds          no              holds / no
    one value      check      check     check         check          check           no / holds

Where the documentation leaves a result open ([U] in SEMANTICS 40-42, 47), an Allow does not match and a Deny does.
"""

from __future__ import annotations

import operator as compare
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from locum.core.letter_case import folded
from locum.core.principal import ContextValue
from locum.policy import values
from locum.policy.document import Condition
from locum.policy.grammar import Operator, Quantifier, operator
from locum.policy.patterns import ArnPattern, Lookup, Tokens, glob, has_variables, resolve, scan
from locum.policy.prepared import PreparedRequest

Test = Callable[[str, Lookup], "bool | None"]
Check = Callable[[str, Lookup], bool]
Holds = Callable[[PreparedRequest], bool]

_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": compare.eq,
    "<": compare.lt,
    "<=": compare.le,
    ">": compare.gt,
    ">=": compare.ge,
}


UNKNOWN_OPERATOR: Final = Operator(Quantifier.NONE, "Unknown", "", negated=False, if_exists=False)
"""An unknown operator, accepted by a lenient parse: an Allow never holds under it, a Deny always does."""


class PreparedCondition(NamedTuple):
    """A compiled condition. `key` is lower-case; `source` is the parsed condition.

    `variables`: whether its document has policy variables.
    """

    source: Condition
    operator: Operator
    key: str
    holds: Holds
    variables: bool = True


def prepare(condition: Condition, *, allows: bool, variables: bool) -> PreparedCondition:
    """Compile `condition` of a statement that `allows` (or denies), in a document with or without `variables`."""
    key = folded(condition.key)
    parts = operator(condition.operator)
    if parts is None:
        return PreparedCondition(condition, UNKNOWN_OPERATOR, key, lambda _facts: not allows)
    if parts.family == "Null":
        return PreparedCondition(condition, parts, key, _null(key, condition.values))
    test = _TESTS[parts.family](parts.comparison, condition.values, variables)
    check = _check(test, negated=parts.negated, undefined=not allows)
    return PreparedCondition(condition, parts, key, _quantified(parts, key, check, allows=allows), variables)


# --- one value -----------------------------------------------------------------------------------------------


def _check(test: Test, *, negated: bool, undefined: bool) -> Check:
    """The check for `test`: a negated operator holds where no value of the policy matches (SEMANTICS 36)."""
    if not negated:
        return lambda value, lookup: test(value, lookup) is True

    def check(value: str, lookup: Lookup) -> bool:
        found = test(value, lookup)
        return undefined if found is None else not found

    return check


def _string(comparison: str, texts: Sequence[str], variables: bool) -> Test:
    """The string operators.

    StringEquals has no wildcards (SEMANTICS 45); an unresolved variable matches nothing (49).
    """
    like = comparison == "like"
    scanned = [scan(text, variables=variables, wildcards=like) for text in texts]
    templates = [tokens for tokens in scanned if has_variables(tokens)]
    fixed = [tokens for tokens in scanned if not has_variables(tokens)]
    if like:
        return _string_like(fixed, templates)
    fold = str.lower if comparison == "equals-ignore-case" else str
    known = frozenset(fold(_text(tokens)) for tokens in fixed)
    if not templates:
        return lambda value, _lookup: fold(value) in known

    def test(value: str, lookup: Lookup) -> bool:
        value = fold(value)
        if value in known:
            return True
        resolved = (resolve(tokens, lookup) for tokens in templates)
        return any(tokens is not None and fold(_text(tokens)) == value for tokens in resolved)

    return test


def _text(tokens: Tokens) -> str:
    """The text of literal tokens."""
    return "".join(map(str, tokens))


def _string_like(fixed: Sequence[Tokens], templates: Sequence[Tokens]) -> Test:
    matchers = [glob(tokens) for tokens in fixed]
    if not templates and len(matchers) == 1:
        only = matchers[0]
        return lambda value, _lookup: only(value)

    def test(value: str, lookup: Lookup) -> bool:
        if any(matches(value) for matches in matchers):
            return True
        resolved = (resolve(tokens, lookup) for tokens in templates)
        return any(tokens is not None and glob(tokens)(value) for tokens in resolved)

    return test


def _arn(_comparison: str, texts: Sequence[str], variables: bool) -> Test:
    """The ARN operators: "Each of the six colon-delimited components of the ARN is checked separately".

    `*` matches all.
    """
    patterns = [ArnPattern(text, scan(text, variables=variables)) for text in texts]

    def test(value: str, lookup: Lookup) -> bool | None:
        if value.count(":") < 5 or not value.startswith("arn:"):
            return None
        return any(pattern.matches(value, lookup) for pattern in patterns)

    return test


def _ordered(read: Callable[[str], Decimal | None]) -> Callable[[str, Sequence[str], bool], Test]:
    """The numeric or date operators. They have no variables (SEMANTICS 48)."""

    def family(comparison: str, texts: Sequence[str], _variables: bool) -> Test:
        wanted, otherwise = _readable(read, texts)
        compared = _COMPARISONS[comparison]

        def test(value: str, _lookup: Lookup) -> bool | None:
            given = read(value)
            if given is None:
                return None
            return any(compared(given, limit) for limit in wanted) or otherwise

        return test

    return family


def _readable(read: Callable[[str], Any], texts: Sequence[str]) -> tuple[list[Any], bool | None]:
    """The parsed `texts`, and the result where none of them matches: False, or None where one could not be parsed."""
    found = [read(text) for text in texts]
    wanted = [value for value in found if value is not None]
    return wanted, None if len(wanted) < len(found) else False


def _bool(_comparison: str, texts: Sequence[str], variables: bool) -> Test:
    """The Bool operator. [U] SEMANTICS 48: it has variables, as the page of condition operators says."""
    scanned = [scan(text, variables=variables, wildcards=False) for text in texts]

    def test(value: str, lookup: Lookup) -> bool | None:
        given = values.boolean(value)
        if given is None:
            return None
        resolved = (resolve(tokens, lookup) for tokens in scanned)
        return any(tokens is not None and values.boolean(_text(tokens)) is given for tokens in resolved)

    return test


def _binary(_comparison: str, texts: Sequence[str], _variables: bool) -> Test:
    wanted, otherwise = _readable(values.binary, texts)

    def test(value: str, _lookup: Lookup) -> bool | None:
        given = values.binary(value)
        return None if given is None else given in wanted or otherwise

    return test


def _ip(_comparison: str, texts: Sequence[str], _variables: bool) -> Test:
    """The IP address operators. IPv4 never matches IPv6 (SEMANTICS 46)."""
    networks, otherwise = _readable(values.network, texts)

    def test(value: str, _lookup: Lookup) -> bool | None:
        given = values.address(value)
        if given is None:
            return None
        version, number = given
        return any(n.version == version and n.first <= number <= n.last for n in networks) or otherwise

    return test


_TESTS: Final[dict[str, Callable[[str, Sequence[str], bool], Test]]] = {
    "String": _string,
    "Arn": _arn,
    "Numeric": _ordered(values.number),
    "Date": _ordered(values.instant),
    "Bool": _bool,
    "Binary": _binary,
    "Ip": _ip,
}


# --- all values ----------------------------------------------------------------------------------------------


_NO_VALUES: Final = ((), ("",))


def _null(key: str, texts: Sequence[str]) -> Holds:
    """The Null operator; set operators make no difference to it.

    A value of `false` or `""` is present (SEMANTICS 43). [U] 42: a list that is empty, or holds only the empty string,
    is absent, as for ForAllValues: "You can prevent ... context keys with empty values from evaluating to true by
    including a Null condition operator".
    """
    wanted = frozenset(values.boolean(text) for text in texts)

    def holds(prepared: PreparedRequest) -> bool:
        value = prepared.get(key)
        return (value is None or value in _NO_VALUES) in wanted

    return holds


def _quantified(parts: Operator, key: str, check: Check, *, allows: bool) -> Holds:
    if parts.quantifier is Quantifier.ALL:
        return _for_all(key, check)
    if parts.quantifier is Quantifier.ANY:
        # [U] 42: IfExists beside ForAnyValue.
        return _for_any(key, check, absent=parts.if_exists and not allows)
    return _single(key, check, absent=parts.if_exists or parts.negated, combine=all if allows else any)


def _single(key: str, check: Check, *, absent: bool, combine: Callable[[list[bool]], bool]) -> Holds:
    """No set operator. [U] 41: of a multivalued key, all values must pass the check in an Allow, any in a Deny."""

    def holds(prepared: PreparedRequest) -> bool:
        value = prepared.get(key)
        if value is None:
            return absent
        if isinstance(value, str):
            return check(value, prepared.variable)
        if not value:
            return absent
        return combine([check(item, prepared.variable) for item in value])

    return holds


def _for_all(key: str, check: Check) -> Holds:
    """The set operator ForAllValues.

    "It also returns true if there are no context keys in the request, or if the context key value resolves to a
    null data set, such as an empty string."
    """

    def holds(prepared: PreparedRequest) -> bool:
        items = _items(prepared.get(key))
        return items == ("",) or all(check(item, prepared.variable) for item in items)

    return holds


def _for_any(key: str, check: Check, *, absent: bool) -> Holds:
    """The set operator ForAnyValue: "returns false if the key is not present", also when negated (SEMANTICS 38)."""

    def holds(prepared: PreparedRequest) -> bool:
        items = _items(prepared.get(key))
        if not items:
            return absent
        return any(check(item, prepared.variable) for item in items)

    return holds


def _items(value: ContextValue | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value

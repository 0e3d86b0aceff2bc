"""Filters of findings, of lists and of archive rules.

IAM User Guide, "IAM Access Analyzer filter keys"; Access Analyzer API Reference, Criterion: the conditions of one
criterion and the criteria of a filter must all be met, each by one of its values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from locum.services.accessanalyzer.faults import invalid
from locum.services.accessanalyzer.kinds import EXTERNAL, INTERNAL, KINDS, UNUSED
from locum.state.analyzers import AccessFinding

Filter = Mapping[str, Mapping[str, Any]]

_MOST_VALUES: Final = 20
_NONE: Final[Mapping[str, Sequence[str]]] = {}
_OPERATORS: Final = ("eq", "neq", "contains", "exists")
_CONDITION: Final = "condition."
_PRINCIPAL: Final = "principal."
_RESTRICTION: Final = "resourceControlPolicyRestriction"

_FIELDS: Final[dict[str, Callable[[AccessFinding], Sequence[str]]]] = {
    "action": lambda it: it.actions,
    "error": lambda it: [it.error] if it.error else [],
    "findingType": lambda it: [it.finding_type],
    "id": lambda it: [it.id],
    "isPublic": lambda it: ["true" if it.public else "false"],
    "resource": lambda it: [it.resource],
    "resourceControlPolicyRestriction": lambda it: [it.more[_RESTRICTION]] if _RESTRICTION in it.more else [],
    "resourceOwnerAccount": lambda it: [it.owner],
    "resourceType": lambda it: [it.type],
    "status": lambda it: [it.status],
}
_OF_SOME: Final = (
    "accessType",
    "principalOwnerAccount",
    "principalType",
    "resourceControlPolicyRestriction",
    "serviceControlPolicyRestriction",
)
"""The keys of members of the details that only some findings have."""
_KEY: Final = re.compile(r"(condition\.[\w:/.-]{1,256}|principal\.(AWS|Federated|CanonicalUser))")


_LIMITED: Final[Mapping[str, frozenset[str]]] = {
    UNUSED: frozenset({"error", "findingType", "id", "resource", "resourceOwnerAccount", "resourceType", "status"}),
}
"""The keys that are for the findings of an analysis, by the column "Supported analyzer types"; others have all."""
_ONLY: Final[Mapping[str, str]] = {
    "accessType": INTERNAL,
    "isPublic": EXTERNAL,
    "principalOwnerAccount": INTERNAL,
    "principalType": INTERNAL,
    "serviceControlPolicyRestriction": INTERNAL,
}
"""The keys that are for the findings of one analysis alone."""


_LISTED: Final = frozenset({"id", "status"})
"""The keys that archive rules do not have."""


def check(given: Filter, kind: str, *, of_rule: bool = False, further: Collection[str] = ()) -> None:
    """Check the criteria of a filter of findings of a type of analyzers, that of an archive rule with `of_rule`.

    It may have `further` keys. Raises Fault ValidationException.
    """
    analysis = KINDS[kind].analysis
    limited = _LIMITED.get(analysis)
    for key, criterion in given.items():
        if not (key in _FIELDS or key in _OF_SOME or key in further or _KEY.fullmatch(key)):
            raise invalid("filter", f"{key} is not a filter key.")
        if (limited is not None and key not in limited) or _ONLY.get(key, analysis) != analysis:
            raise invalid("filter", f"{key} is not a filter key of analyzers of the type {kind}.")
        if of_rule and key in _LISTED:
            raise invalid("filter", f"{key} is not a filter key of archive rules.")
        operators = [name for name in _OPERATORS if criterion.get(name) is not None]
        if not operators:
            raise invalid("filter", f"The criterion of {key} has no condition.")
        for name in operators:
            if name != "exists" and not 1 <= len(criterion[name]) <= _MOST_VALUES:
                raise invalid("filter", f"The criterion of {key} has 1 to {_MOST_VALUES} values.")


def meets(finding: AccessFinding, wanted: Filter, further: Mapping[str, Sequence[str]] = _NONE) -> bool:
    """Whether a finding meets all criteria of a filter. `further` are values that it has by other keys."""
    return all(
        _holds(criterion, further[key] if key in further else _values(finding, key))
        for key, criterion in wanted.items()
    )


def _values(finding: AccessFinding, key: str) -> Sequence[str]:
    if key.startswith(_CONDITION):
        wanted = key.removeprefix(_CONDITION).lower()
        return [it for name, text in finding.conditions.items() if name.lower() == wanted for it in text.split(",")]
    if key.startswith(_PRINCIPAL):
        named = finding.principal.get(key.removeprefix(_PRINCIPAL))
        return [] if named is None else [named]
    if key in _OF_SOME:
        return [str(finding.more[key])] if key in finding.more else []
    return _FIELDS[key](finding)


def _holds(criterion: Mapping[str, Any], values: Sequence[str]) -> bool:
    equal, other, within = (criterion.get(name) for name in ("eq", "neq", "contains"))
    there = criterion.get("exists")
    return (
        (equal is None or any(value in equal for value in values))
        and (other is None or not any(value in other for value in values))
        and (within is None or any(part in value for part in within for value in values))
        and (there is None or there is bool(values))
    )

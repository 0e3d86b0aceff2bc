"""Advanced event selectors: which events a trail or an event data store has.

CloudTrail API, `AdvancedEventSelector` and `AdvancedFieldSelector`. A selector is the structure of the API: a `Name`
and `FieldSelectors`, each a `Field` with values by operator. An event is what `audit.cloudtrail_event` makes.

An event is selected where one selector matches it; a selector matches where all of its fields do. CloudTrail User
Guide, "Filtering data events": of the conditions on one field, those that select (Equals, StartsWith, EndsWith) are
joined by OR, those that deselect (NotEquals, NotStartsWith, NotEndsWith) exclude an event that meets any of them, and
both groups are joined by AND.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from locum.core.errors import Fault

MAX_VALUES: Final = 500
"""InvalidEventSelectorsException: "up to 500 values for all conditions in all advanced event selectors"."""

_SELECTING: Final[dict[str, Callable[[str, str], bool]]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
}
_DESELECTING: Final = {"NotEquals": "Equals", "NotStartsWith": "StartsWith", "NotEndsWith": "EndsWith"}
_ALL: Final = frozenset(_SELECTING) | frozenset(_DESELECTING)
_EQUALITY: Final = frozenset({"Equals"})

_OPERATORS: Final = {
    "eventCategory": _EQUALITY,
    "readOnly": _EQUALITY,
    "resources.type": _EQUALITY,
    "errorCode": _EQUALITY,
    "sessionCredentialFromConsole": frozenset({"Equals", "NotEquals"}),
    "eventName": _ALL,
    "eventSource": _ALL,
    "eventType": _ALL,
    "resources.ARN": _ALL,
    "userIdentity.arn": _ALL,
    "vpcEndpointId": _ALL,
}
"""The operators that a field can have."""

_OF_STORES: Final = ("eventName", "eventType", "sessionCredentialFromConsole", "userIdentity.arn")
_FIELDS: Final = {
    "Management": ("eventSource", "readOnly"),
    "Data": ("eventSource", "readOnly", *_OF_STORES, "resources.type", "resources.ARN"),
    "NetworkActivity": ("eventSource", "eventName", "errorCode", "vpcEndpointId"),
}
"""The fields besides eventCategory, by its value. Management events of event data stores have `_OF_STORES` as well."""

_REQUIRED: Final = {"Data": "resources.type", "NetworkActivity": "eventSource"}

ACTIVITY: Final = "ActivityAuditLog"
"""The category of events from outside of AWS."""

OTHER_CATEGORIES: Final = frozenset({"Insight", "ConfigurationItem", "Evidence", ACTIVITY})
"""Categories that event data stores alone have; the only field of their selectors is eventCategory."""

_VALUES: Final = {
    "readOnly": frozenset({"true", "false"}),
    "sessionCredentialFromConsole": frozenset({"true", "false"}),
    "errorCode": frozenset({"VpceAccessDenied"}),
}
EXCLUDABLE: Final = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})
"""The event sources of management events that a trail can leave out, its only condition on eventSource."""


def selected(selectors: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> bool:
    """Whether one of `selectors`, which `check` accepts, matches `event`."""
    return any(matches(selector, event) for selector in selectors)


def matches(selector: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether all fields of `selector` match `event`.

    A field that the event lacks meets no condition: nothing selects it, and nothing deselects it. Where the selector
    has a `resources.type`, `resources.ARN` is that of resources of this type.
    """
    conditions = conditions_of(selector)
    types = {value for name, value in conditions.get("resources.type", ()) if name == "Equals"}
    return all(_holds(found, _values(field, event, types)) for field, found in conditions.items())


def conditions_of(selector: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """The pairs of operator and value of each field of `selector`."""
    conditions: dict[str, list[tuple[str, str]]] = {}
    for statement in selector["FieldSelectors"]:
        conditions.setdefault(statement["Field"], []).extend(_pairs(statement))
    return conditions


def is_activity(selector: Mapping[str, Any]) -> bool:
    """Whether a selector takes events from outside of AWS."""
    return any(category == ACTIVITY for _, category in conditions_of(selector).get("eventCategory", ()))


def check(selectors: Sequence[Mapping[str, Any]], *, event_data_store: bool = False) -> None:
    """Assert that `selectors` are valid ones of a trail, or of an event data store.

    Raises Fault (InvalidEventSelectorsException).
    """
    if not selectors:
        raise _invalid("At least one advanced event selector is required.")
    values = 0
    for selector in selectors:
        if not selector.get("FieldSelectors"):
            raise _invalid("An advanced event selector must have at least one field selector.")
        for statement in selector["FieldSelectors"]:
            _check_statement(statement)
        conditions = conditions_of(selector)
        values += sum(len(pairs) for pairs in conditions.values())
        _check_selector(conditions, event_data_store)
    if values > MAX_VALUES:
        raise _invalid(f"The advanced event selectors have {values} values in all. The maximum is {MAX_VALUES}.")


def _holds(conditions: Sequence[tuple[str, str]], values: Sequence[str]) -> bool:
    selecting = [(name, value) for name, value in conditions if name in _SELECTING]
    deselecting = [(_DESELECTING[name], value) for name, value in conditions if name in _DESELECTING]
    return (not selecting or _meets_any(selecting, values)) and not _meets_any(deselecting, values)


def _meets_any(conditions: Sequence[tuple[str, str]], values: Sequence[str]) -> bool:
    return any(_SELECTING[name](value, operand) for name, operand in conditions for value in values)


def _values(field: str, event: Mapping[str, Any], types: set[str]) -> list[str]:
    """The values of `field` in `event`, as texts."""
    if field == "resources.type":
        return [_text(resource.get("type")) for resource in event.get("resources") or () if resource.get("type")]
    if field == "resources.ARN":
        resources = event.get("resources") or ()
        return [r["ARN"] for r in resources if r.get("ARN") and (not types or r.get("type") in types)]
    found: Any = event
    for name in field.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return [] if found is None else [_text(found)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pairs(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for operator in (*_SELECTING, *_DESELECTING):
        for value in statement.get(operator) or ():
            yield operator, value


def _check_statement(statement: Mapping[str, Any]) -> None:
    """Assert that one field selector has a field that there is, operators that it can have, and values."""
    field = statement.get("Field")
    if field not in _OPERATORS:
        raise _invalid(f"{field} is not a field of advanced event selectors. Use one of {_listed(_OPERATORS)}.")
    pairs = list(_pairs(statement))
    if not pairs:
        raise _invalid(f"The field selector of {field} must have at least one operator with a value.")
    for operator, value in pairs:
        if operator not in _OPERATORS[field]:
            raise _invalid(f"The operator {operator} is not valid for the field {field}.")
        if not _is_text(value):
            raise _invalid(f"A value of {field} has characters that are not valid.")
        if value not in _VALUES.get(field, (value,)):
            raise _invalid(f"{value} is not a valid value of {field}. Use one of {_listed(_VALUES[field])}.")


def _check_selector(conditions: Mapping[str, Sequence[tuple[str, str]]], event_data_store: bool) -> None:
    """Assert that one selector has a single category, and the fields that go with it."""
    categories = [value for _, value in conditions.get("eventCategory", ())]
    if len(categories) != 1:
        raise _invalid("An advanced event selector must have the field eventCategory, with one value.")
    category = categories[0]
    if category in OTHER_CATEGORIES and event_data_store:
        fields: tuple[str, ...] = ()
    elif category in _FIELDS:
        fields = _FIELDS[category] + (_OF_STORES if event_data_store and category == "Management" else ())
    else:
        raise _invalid(f"{category} is not a valid value of eventCategory.")
    for field in conditions:
        if field not in ("eventCategory", *fields):
            raise _invalid(f"The field {field} is not valid for the event category {category}.")
    required = _REQUIRED.get(category)
    if required and required not in conditions:
        raise _invalid(f"The field {required} is required for the event category {category}.")
    _check_resource_type(conditions)
    _check_event_source(category, conditions.get("eventSource", ()), event_data_store)


def _check_resource_type(conditions: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """`resources.type`: "You can have only one resources.type field per selector"."""
    if len(conditions.get("resources.type", ())) > 1:
        raise _invalid("The field resources.type must have one value. Add a selector for each resource type.")


def _check_event_source(category: str, pairs: Sequence[tuple[str, str]], event_data_store: bool) -> None:
    if category == "NetworkActivity" and any(operator != "Equals" for operator, _ in pairs):
        raise _invalid("The field eventSource of network activity events can only have the operator Equals.")
    if category == "Management" and not event_data_store:
        for operator, value in pairs:
            if operator != "NotEquals" or value not in EXCLUDABLE:
                raise _invalid(f"For management events, eventSource can only be NotEquals {_listed(EXCLUDABLE)}.")


def _is_text(value: str) -> bool:
    """Whether `value` can be in an event: without control characters and lone surrogates."""
    return not any(character < " " or "\ud800" <= character <= "\udfff" for character in value)


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))


def _invalid(message: str) -> Fault:
    return Fault("InvalidEventSelectorsException", message)

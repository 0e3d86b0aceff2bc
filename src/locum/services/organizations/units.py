"""Organizational units."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.services.organizations import limits, shapes
from locum.services.organizations.access import Scope, administered_reads, by_management
from locum.services.organizations.faults import constraint_violation, fault, unit_not_found
from locum.services.organizations.identifiers import new_id
from locum.services.organizations.tags import given
from locum.services.organizations.tree import parent_of, units_in
from locum.services.verbs import Operation, Outcome, Params, writes
from locum.state import Unit, change, put, remove
from locum.state.indexes import CHILD_MEMBERS, CHILD_UNITS, scoped
from locum.state.organizations import units_above


def unit_of(scope: Scope, params: Params) -> Unit:
    """The unit in `params`. Raises OrganizationalUnitNotFoundException."""
    found = scope.unit(params["OrganizationalUnitId"])
    if found is None:
        raise unit_not_found()
    return found


def create_organizational_unit(scope: Scope, params: Params) -> Outcome:
    """CreateOrganizationalUnit."""
    parent, name = parent_of(scope, params["ParentId"]), params["Name"]
    state, tags = scope.context.state, given(params)
    _check_name(scope, parent, name)
    above = scope.unit(parent)
    if above is not None and len(units_above(state, scope.organization, above)) >= limits.UNIT_DEPTH:
        raise constraint_violation(
            "OU_DEPTH_LIMIT_EXCEEDED",
            "You cannot add an organizational unit to the specified parent because it would exceed the max depth "
            "allowed.",
        )
    if len(state.table(Unit, scope.management)) >= limits.UNITS:
        raise constraint_violation(
            "OU_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of organizational units."
        )
    prefix = f"ou-{scope.organization.root.removeprefix('r-')}-"
    unit_id = new_id(prefix, 8, scope.context.entropy)
    made = Unit(account=scope.management, id=unit_id, name=name, parent=parent, tags=tags)
    return _answer(scope, made)


def update_organizational_unit(scope: Scope, params: Params) -> Outcome:
    """UpdateOrganizationalUnit: changes the name."""
    unit = unit_of(scope, params)
    if "Name" not in params:
        return Outcome({"OrganizationalUnit": shapes.unit(scope, unit)})
    _check_name(scope, unit.parent, params["Name"])
    return _answer(scope, replace(unit, name=params["Name"]))


def delete_organizational_unit(scope: Scope, params: Params) -> Outcome:
    """DeleteOrganizationalUnit. The unit must be empty."""
    unit, state = unit_of(scope, params), scope.context.state
    place = scoped(scope.management, unit.id)
    if state.count(CHILD_UNITS, place) or state.count(CHILD_MEMBERS, place):
        raise fault("OrganizationalUnitNotEmpty", "The specified organizational unit is not empty.")
    return Outcome({}, (remove(unit),))


def describe_organizational_unit(scope: Scope, params: Params) -> Outcome:
    """DescribeOrganizationalUnit."""
    return Outcome({"OrganizationalUnit": shapes.unit(scope, unit_of(scope, params))})


def _check_name(scope: Scope, parent: str, name: str) -> None:
    if any(unit.name == name for unit in units_in(scope, parent)):
        raise fault("DuplicateOrganizationalUnit", "An OU with the same name already exists.")


def _answer(scope: Scope, unit: Unit) -> Outcome:
    event = put(unit)
    after = Scope(scope.context._replace(state=change(scope.context.state, (event,))), scope.organization)
    return Outcome({"OrganizationalUnit": shapes.unit(after, unit)}, (event,))


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateOrganizationalUnit": writes(by_management(create_organizational_unit)),
    "UpdateOrganizationalUnit": writes(by_management(update_organizational_unit)),
    "DeleteOrganizationalUnit": writes(by_management(delete_organizational_unit)),
    **dict((administered_reads("DescribeOrganizationalUnit", describe_organizational_unit),)),
}

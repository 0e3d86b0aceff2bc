"""Validation of parameters against the model's constraints: a check per shape, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locum.wire.patterns import compile_pattern
from locum.wire.violations import Constraint, Render, Violation, fault_renderer, java_bucket, reports_by_hash

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape


_Check = Callable[[Any, str, str, list[Violation]], None]
Validator = Callable[[Mapping[str, Any]], None]

_Holds = Callable[[Any], Any]
_NESTED = ("structure", "list", "map")

_REQUIRED = Constraint("INPUT_REQUIRED", "Member must not be null", lambda value: False)

# Lists whose items must not be null, which the models do not say (recorded from IAM's Untag...).
_NEVER_NULL = frozenset({"tagKeyListType"})
_REQUIRED_ITEM = Constraint("INPUT_REQUIRED", "Member must not be null", lambda value: value is not None)


def compile_validator(model: OperationModel, protocol: str) -> Validator | None:
    """Compile the validator of an operation: it raises the service's Fault for parameters that break constraints.

    None where there are no constraints.
    """
    if model.input_shape is None or not model.input_shape.members:
        return None
    check = _Compiler(ec2=protocol == "ec2", by_hash=reports_by_hash(model, protocol)).structure(model.input_shape)
    return _validator(check, fault_renderer(model, protocol))


def _validator(check: _Check, render: Render) -> Validator:
    """The validator that makes a Fault of the violations that `check` finds."""

    def validate(params: Mapping[str, Any]) -> None:
        violations: list[Violation] = []
        check(params, "", "", violations)
        if violations:
            raise render(violations)

    return validate


# The members that have tags, in lower case, and the member of a tag that is its key.
_TAGS = frozenset(
    {"addtags", "taglist", "tags", "tagset", "tagging", "tagspecification", "tagspecifications", "tagstoadd"}
)
_TAG_KEYS = frozenset({"key", "tagkey"})


def compile_tag_validator(model: OperationModel, protocol: str) -> Validator | None:
    """Compile the validator of the tags in an operation's input alone, each of which needs a key, whatever the model.

    None where the input has no lists of tags.
    """
    if model.input_shape is None:
        return None
    compiler = _TagCompiler(ec2=protocol == "ec2", by_hash=False)
    members = model.input_shape.members
    checks = [(name, compiler.check(members[name])) for name in members if name.lower() in _TAGS]
    found = [(name, name[0].lower() + name[1:], check) for name, check in checks if check is not None]
    if not found:
        return None

    def check(params: Mapping[str, Any], path: str, wire_path: str, violations: list[Violation]) -> None:
        for name, place, check_member in found:
            if params.get(name) is not None:
                check_member(params[name], place, name, violations)

    return _validator(check, fault_renderer(model, protocol))


# Checks


class _Compiler:
    def __init__(self, *, ec2: bool, by_hash: bool) -> None:
        self._ec2 = ec2
        self._by_hash = by_hash
        self._structures: dict[str, _Check] = {}

    def check(self, shape: Shape) -> _Check | None:
        """The check of values of a shape; None where there is nothing to check."""
        if shape.type_name == "structure":
            return None if shape.is_document_type else self.structure(shape)
        if shape.type_name == "list":
            return self._list(shape)
        if shape.type_name == "map":
            return self._map(shape)
        return _all(_constraints(shape), sensitive=bool(shape.metadata.get("sensitive")))

    def structure(self, shape: StructureShape) -> _Check:
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        members: list[tuple[str, bool, _Holds | None, _Check | None, str, str]] = []

        def check(value: Any, path: str, wire_path: str, found: list[Violation]) -> None:
            for name, required, holds, check_member, place, wire_place in members:
                member = value.get(name)
                if member is None:
                    if required:
                        found.append(
                            Violation(_join_path(path, place), _join_path(wire_path, wire_place), None, _REQUIRED)
                        )
                elif (holds is None or not holds(member)) and check_member is not None:
                    check_member(member, _join_path(path, place), _join_path(wire_path, wire_place), found)

        self._structures[shape.name] = check
        for place, name in self._in_order(shape.members):
            member = shape.members[name]
            required, check_member = self._is_required(name, shape), self.check(member)
            if required or check_member is not None:
                # Fast path: most scalars hold all of their constraints.
                holds = None if member.type_name in _NESTED else _conjunction(_constraints(member))
                members.append((name, required, holds, check_member, place, self._wire_name(name, member)))
        return check

    def _is_required(self, name: str, shape: StructureShape) -> bool:
        return name in shape.required_members

    def _in_order(self, members: Mapping[str, Shape]) -> list[tuple[str, str]]:
        """The path segments and names of members, in the order in which violations are reported."""
        order = [(name[0].lower() + name[1:], name) for name in members]
        if self._by_hash:
            order.sort(key=lambda member: java_bucket(member[0], len(members)))
        return order

    def _wire_name(self, name: str, member: Shape) -> str:
        located = member.serialization.get("queryName") or member.serialization.get("name", name)
        return str(located[0].upper() + located[1:] if self._ec2 else located)

    def _list(self, shape: ListShape) -> _Check | None:
        size, item_constraints = _all(_constraints(shape)), _constraints(shape.member)
        nested = shape.member.type_name in _NESTED
        check_item = self.check(shape.member) if nested else None
        if shape.name in _NEVER_NULL:
            item_constraints.append(_REQUIRED_ITEM)
        combined = None if nested else _combined("Member must satisfy constraint", item_constraints)
        if size is None and check_item is None and combined is None:
            return None

        def check(value: Any, path: str, wire_path: str, found: list[Violation]) -> None:
            if size is not None:
                size(value, path, wire_path, found)
            if check_item is not None:
                for number, item in enumerate(value, 1):
                    check_item(item, f"{path}.{number}.member", f"{wire_path}.{number}", found)
            elif combined is not None and not all(combined.holds(item) for item in value):
                found.append(Violation(path, wire_path, value, combined))

        return check

    def _map(self, shape: MapShape) -> _Check | None:
        size = _all(_constraints(shape))
        keys = _combined("Map keys must satisfy constraint", _constraints(shape.key))
        nested = shape.value.type_name in _NESTED
        check_value = self.check(shape.value) if nested else None
        values = None if nested else _combined("Map value must satisfy constraint", _constraints(shape.value))
        if size is None and keys is None and check_value is None and values is None:
            return None

        def check(value: Any, path: str, wire_path: str, found: list[Violation]) -> None:
            if size is not None:
                size(value, path, wire_path, found)
            if keys is not None and not all(keys.holds(key) for key in value):
                found.append(Violation(path, wire_path, value, keys))
            if values is not None and not all(values.holds(item) for item in value.values()):
                found.append(Violation(path, wire_path, value, values))
            if check_value is not None:
                for key, item in value.items():
                    check_value(item, f"{path}.{key}.member", f"{wire_path}.{key}", found)

        return check


class _TagCompiler(_Compiler):
    """Compiles the checks of tags: their key is required where the model does not say so (Secrets Manager, EC2)."""

    def _is_required(self, name: str, shape: StructureShape) -> bool:
        return name.lower() in _TAG_KEYS or super()._is_required(name, shape)


def _join_path(path: str, place: str) -> str:
    return f"{path}.{place}" if path else place


def _all(constraints: list[Constraint], *, sensitive: bool = False) -> _Check | None:
    if not constraints:
        return None

    def check(value: Any, path: str, wire_path: str, found: list[Violation]) -> None:
        broken = [constraint for constraint in constraints if not constraint.holds(value)]
        found.extend(Violation(path, wire_path, value, constraint, sensitive) for constraint in broken)

    return check


def _conjunction(constraints: list[Constraint]) -> _Holds:
    tests = tuple(constraint.holds for constraint in constraints)
    if len(tests) == 1:
        return tests[0]

    def holds(value: Any) -> bool:
        for test in tests:  # noqa: SIM110 - all() with a generator takes twice the time
            if not test(value):
                return False
        return True

    return holds


def _combined(text: str, constraints: list[Constraint]) -> Constraint | None:
    """Combine constraints into one, in which Coral lists lengths first."""
    if not constraints:
        return None
    constraints = sorted(constraints, key=lambda constraint: "LENGTH" not in constraint.reason)
    listed = ", ".join(constraint.text for constraint in constraints)
    return Constraint(
        constraints[0].reason if len(constraints) == 1 else "INVALID_LIST_MEMBER",
        f"{text}: [{listed}]",
        _conjunction(constraints),
    )


_ALSO_ACCEPTED: Mapping[str, tuple[str, ...]] = {
    "FleetExcessCapacityTerminationPolicy": ("terminate",),
    "FleetOnDemandAllocationStrategy": ("lowestPrice",),
    "SpotAllocationStrategy": (
        "capacityOptimized",
        "capacityOptimizedPrioritized",
        "lowestPrice",
        "priceCapacityOptimized",
    ),
}
"""Values that services take for enumerations whose models lack them, by the names of the shapes.

Terraform's `aws_ec2_fleet` sends `lowestPrice`, and says that the constant of AWS's SDK is incorrect.
"""


def _constraints(shape: Shape) -> list[Constraint]:
    """The constraints of a shape in AWS's order: enum, pattern, maximum, minimum."""
    facts, kind = shape.metadata, shape.type_name
    found = []
    if kind == "string" and "enum" in facts:
        allowed = frozenset((*facts["enum"], *_ALSO_ACCEPTED.get(shape.name, ())))
        text = f"Member must satisfy enum value set: [{', '.join(facts['enum'])}]"
        found.append(Constraint("INVALID_ENUM", text, allowed.__contains__))
    if kind == "string" and "pattern" in facts:
        matches = compile_pattern(facts["pattern"])
        if matches is not None:
            text = f"Member must satisfy regular expression pattern: {facts['pattern']}"
            found.append(Constraint("INVALID_PATTERN", text, matches))
    if kind in ("string", "blob", "list", "map"):
        found += _lengths(facts)
    elif kind in ("integer", "long", "float", "double"):
        found += _values(facts)
    return found


def _lengths(facts: Mapping[str, Any]) -> list[Constraint]:
    most, least, found = facts.get("max"), facts.get("min"), []
    if most is not None:
        text = f"Member must have length less than or equal to {most}"
        found.append(Constraint("MAX_LENGTH_EXCEEDED", text, lambda value: len(value) <= most))
    if least:
        text = f"Member must have length greater than or equal to {least}"
        found.append(Constraint("MIN_LENGTH_EXCEEDED", text, lambda value: len(value) >= least))
    return found


def _values(facts: Mapping[str, Any]) -> list[Constraint]:
    most, least, found = facts.get("max"), facts.get("min"), []
    if most is not None:
        text = f"Member must have value less than or equal to {most}"
        found.append(Constraint("MAX_VALUE_EXCEEDED", text, lambda value: value <= most))
    if least is not None:
        text = f"Member must have value greater than or equal to {least}"
        found.append(Constraint("MIN_VALUE_EXCEEDED", text, lambda value: value >= least))
    return found

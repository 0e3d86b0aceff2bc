"""How resources of a type without a row are tagged: when they are made, and later."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from botocore.model import Shape

from derivation.members import members
from derivation.names import kebab, key_of
from derivation.operations import Operation
from locum.services.cloudformation.providers import ec2_tags
from locum.services.cloudformation.providers.table import Call, Tags
from locum.services.cloudformation.schemas import Schema
from locum.wire.models import service_model
from locum.wire.patterns import compile_pattern

_ADDING: Final = ("TagResource", "AddTagsToResource", "AddTags", "CreateTags")
_SYSTEM: Final = "aws:cloudformation:stack-name"
_REFUSING: Final = frozenset({"acm", "resource-groups"})
"""Services of which the embedded backend refuses tags of AWS's own from everyone."""

_REMOVING: Final = ("UntagResource", "RemoveTagsFromResource", "RemoveTags", "DeleteTags")


class _Form(NamedTuple):
    """How a member has tags: as a map, or a list of objects with a key and a value; none of AWS's if `own_only`."""

    form: str
    key: str = "Key"
    value: str = "Value"
    own_only: bool = False


def tags_property_of(schema: Schema) -> str:
    """The property that has the tags of the resource; empty where there is none."""
    named = str(schema.tagging.get("tagProperty") or "/properties/Tags").removeprefix("/properties/")
    return named if named in schema.properties else ""


def tags_of(schema: Schema, maker: Operation, arn: str) -> Tags | None:
    """How the resource that `maker` makes is tagged; `arn` is the template of its ARN, empty where nothing tells it."""
    named = tags_property_of(schema)
    if named and maker.service == "ec2":
        kind = kebab(maker.noun)
        return ec2_tags.tags_of(kind) if kind in _ec2_kinds() else None
    at_creation = _tags_member(maker.model.input_shape)
    if not named or at_creation is None:
        return None
    member, form = at_creation
    add = _call(maker.service, _ADDING, arn, form)
    remove = _call(maker.service, _REMOVING, arn, form)
    if add is None or remove is None:
        add = remove = None
    system = bool(schema.tagging.get("cloudFormationSystemTags", True))
    system = system and not form.own_only and maker.service not in _REFUSING
    return Tags(add, remove, member, form.form, named, form.key, form.value, reserved=system)


@cache
def _ec2_kinds() -> frozenset[str]:
    """The resource types that EC2 tags."""
    return frozenset(service_model("ec2").shape_for("ResourceType").enum)


def _tags_member(shape: Shape | None) -> tuple[str, _Form] | None:
    found = [(name, form) for name, member in members(shape).items() if (form := _form(name, member)) is not None]
    return found[0] if len(found) == 1 else None


def _form(name: str, shape: Shape) -> _Form | None:
    if "tag" not in name.lower():
        return None
    if shape.type_name == "map":
        return _Form("map", own_only=_own_only(shape.key))
    if shape.type_name != "list" or shape.member.type_name != "structure":
        return None
    keys = {member.lower(): member for member in shape.member.members}
    key = next((keys[name] for name in ("key", "tagkey") if name in keys), None)
    value = next((keys[name] for name in ("value", "tagvalue") if name in keys), None)
    if not (key and value):
        return None
    return _Form("list", key, value, own_only=_own_only(shape.member.members[key]))


def _own_only(key: Shape) -> bool:
    """Whether the pattern of a tag's key excludes those of AWS."""
    matches = compile_pattern(key.metadata.get("pattern", ".*"))
    return matches is not None and not matches(_SYSTEM)


def _call(service: str, names: tuple[str, ...], arn: str, form: _Form) -> Call | None:
    """The call that adds or removes tags of a resource, which it knows by its ARN."""
    model = service_model(service)
    operation = next((name for name in names if name in model.operation_names), None)
    shape = model.operation_model(operation).input_shape if operation else None
    if not arn or shape is None or operation is None:
        return None
    given: dict[str, Any] = {}
    for name in shape.required_members:
        member = shape.members[name]
        if key_of(name)[1] == "arn" or name.lower() == "resourceid":
            given[name] = arn
        elif member.type_name == "list" and member.member.type_name == "string":
            given[name] = "{keys}"
        elif (found := _form(name, member)) is not None and found[:3] == form[:3]:
            given[name] = "{tags}"
        else:
            return None
    return Call(operation, given)

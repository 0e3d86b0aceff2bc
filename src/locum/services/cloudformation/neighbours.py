"""What other resources of a stack add to a resource: a policy to a role, a rule to a security group. It is no drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from locum.services.cloudformation.comparison import PropertyDifference
from locum.services.cloudformation.providers.base import Properties

_HOLDERS: Final = {f"AWS::IAM::{noun}": noun for noun in ("Group", "Role", "User")}
_GROUP: Final = "AWS::EC2::SecurityGroup"
_MANAGED: Final = "AWS::IAM::ManagedPolicy"


class Neighbour(NamedTuple):
    """A resource of the same stack."""

    type: str
    physical: str
    properties: Properties


def unaccounted(
    kind: str, physical: str, differences: Iterable[PropertyDifference], neighbours: Iterable[Neighbour]
) -> list[PropertyDifference]:
    """The differences of a resource but for the items of lists that its neighbours add to it."""
    others = list(neighbours)

    def is_added(it: PropertyDifference) -> bool:
        return (
            it.type == "ADD"
            and len(it.path) == 2
            and any(_adds(other, kind, physical, it.path[0], it.actual) for other in others)
        )

    return [it for it in differences if not is_added(it)]


def _adds(other: Neighbour, kind: str, physical: str, name: str, item: Any) -> bool:
    """Whether `other` adds `item` to the property `name` of the resource."""
    own = other.properties
    if kind in _HOLDERS:
        noun = _HOLDERS[kind]
        if name == "Policies" and isinstance(item, Mapping) and own.get("PolicyName") == item.get("PolicyName"):
            return (other.type == "AWS::IAM::Policy" and physical in own.get(f"{noun}s", ())) or (
                other.type == f"AWS::IAM::{noun}Policy" and own.get(f"{noun}Name") == physical
            )
        if name == "ManagedPolicyArns":
            return other.type == _MANAGED and other.physical == item and physical in own.get(f"{noun}s", ())
        addition = other.type == "AWS::IAM::UserToGroupAddition"
        return name == "Groups" and addition and own.get("GroupName") == item and physical in own.get("Users", ())
    if kind == _MANAGED:
        attached = other.physical == item and physical in own.get("ManagedPolicyArns", ())
        return f"{_HOLDERS.get(other.type)}s" == name and attached
    if kind == _GROUP and f"{_GROUP}{name.removeprefix('SecurityGroup')}" == other.type:
        rule = {part: value for part, value in own.items() if part not in ("GroupId", "GroupName", "Description")}
        return own.get("GroupId", own.get("GroupName")) == physical and all(
            str(item.get(part)).lower() == str(value).lower() for part, value in rule.items()
        )
    return False

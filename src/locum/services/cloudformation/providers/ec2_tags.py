"""Tags of EC2's resources, and resources found by those that CloudFormation gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import Ending, Properties, Provider, Request, Resource
from locum.services.cloudformation.providers.steps import Steps, adopting, pairs
from locum.services.cloudformation.providers.table import Call, Tags

_ENDING: Final = frozenset({"deleted", "deleting", "failed"})
_STACK: Final = "aws:cloudformation:stack-id"
_PLURALS: Final = {"Address": "Addresses", "DhcpOptions": "DhcpOptions"}
_LOGICAL: Final = "aws:cloudformation:logical-id"


def specified(resource: Resource, kind: str, given: Any = None) -> dict[str, Any]:
    """`TagSpecifications` with all tags of a new resource of `kind`; empty where it has none."""
    tags = resource.all_tags(given)
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs(tags)}]} if tags else {}


def retagged(resource: Resource, before: Properties, physical: str = "") -> Ending:
    """Give an updated resource its tags, and take those that it has no more."""
    added, ended = resource.tag_changes(resource.properties.get("Tags"), before.get("Tags"))
    named = [physical or resource.physical]
    if ended:
        yield Request("ec2", "DeleteTags", {"Resources": named, "Tags": [{"Key": key} for key in ended]})
    if added:
        yield Request("ec2", "CreateTags", {"Resources": named, "Tags": pairs(added)})


def tags_of(kind: str, identifier: str = "id") -> Tags:
    """How the tags of EC2's resources of `kind` are given. `identifier` is the value that names them."""
    add = Call("CreateTags", {"Resources": [f"{{{identifier}}}"], "Tags": "{tags}"})
    return Tags(add, add._replace(operation="DeleteTags"), "TagSpecifications", kind)


def filters(**values: Any) -> list[dict[str, Any]]:
    """Filters of a Describe operation: `vpc_id=x` is the filter vpc-id."""
    return [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in values.items() if value is not None]


def earlier(resource: Resource, operation: str, member: str, **also: Any) -> Steps[Mapping[str, Any] | None]:
    """What an interrupted creation of `resource` made, by its tags.

    EC2 has no token for such calls. `also` are filters for what distinguishes it from a resource that it replaces.
    """
    if not (resource.tags.get(_STACK) and resource.tags.get(_LOGICAL)):
        return None
    tags = [{"Name": f"tag:{key}", "Values": [resource.tags[key]]} for key in (_STACK, _LOGICAL)]
    member_of_filters = "Filter" if operation == "DescribeNatGateways" else "Filters"
    answer = yield Request("ec2", operation, {member_of_filters: [*tags, *filters(**also)]})
    there = (found for found in answer.get(member) or () if found.get("State") not in _ENDING)
    return next(there, None)


def adopted(made_by: Provider, operation: str, member: str, **also: str) -> Provider:
    """`made_by`, whose creation adopts what an interrupted one made: `member` of the answer of a Describe operation.

    `also` are filters and the properties that give their values.
    """

    def find(resource: Resource) -> Steps[Mapping[str, Any] | None]:
        wanted = {name: resource.properties.get(given) for name, given in also.items()}
        found = yield from earlier(resource, operation, _PLURALS.get(member, f"{member}s"), **wanted)
        return None if found is None else {member: found, **found}

    return adopting(made_by, find)

"""A resource of a stack: as the state has it when it begins, as its provider takes it, and the tags that it gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.core.clock import Entropy
from locum.core.identifiers import unique_id
from locum.core.system_tags import OF_STACKS
from locum.services.cloudformation.providers.base import Resource
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.template import ResourceDefinition
from locum.state import Stack, StackResource


def new_resource(
    stack: Stack, definition: ResourceDefinition, status: str, now: float, entropy: Entropy
) -> StackResource:
    """A new resource of `stack`, the last in its order."""
    return StackResource(
        account=stack.account,
        region=stack.region,
        stack=stack.id,
        logical=definition.logical,
        type=definition.type,
        status=status,
        at=now,
        token=unique_id("", entropy)[-12:],
        operation=stack.operation,
        order=stack.events + 1,
    )


def in_stack(stack: Stack, kind: str, logical: str, properties: Mapping[str, Any], token: str, **more: Any) -> Resource:
    """A resource of type `kind` for its provider; `more` are further fields of `Resource`."""
    return Resource(
        type=kind,
        logical=logical,
        properties=properties,
        account=stack.account,
        region=stack.region,
        stack_name=stack.name,
        stack_arn=stack.arn,
        token=token,
        capabilities=stack.version.capabilities,
        **more,
    )


def as_given(stack: Stack, it: StackResource, wanted: Mapping[str, Any], seals: Seals, **more: Any) -> Resource:
    """`it` for its provider, with the properties and the tags that are `wanted` of it, or that are kept."""
    attributes = seals.open(stack.account, stack.id, it.attributes)
    more |= {"physical": it.physical, "attributes": attributes, "no_echo": it.no_echo, "tags": wanted.get("tags", {})}
    return in_stack(stack, it.type, it.logical, wanted.get("properties", {}), it.token, **more)


def tags_within(name: str, arn: str, logical: str, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a resource in the stack with this name and ARN: AWS's own, and the `tags` of the stack."""
    own = {"stack-name": name, "logical-id": logical, "stack-id": arn}
    return {**{f"{OF_STACKS}{key}": value for key, value in own.items()}, **tags}

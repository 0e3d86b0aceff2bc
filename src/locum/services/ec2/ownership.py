"""Which EC2 calls are ours. The others go to the backend.

Instances live here and nowhere else, so every operation of `OPERATIONS` is ours, save that tags belong to
whatever they are tied to:
- CreateTags and DeleteTags are ours when any resource is an instance. A call that mixes instances with other
  resources is refused by the verb (docs/differences.md): half of it would have to be undone when the other
  half fails.
- DescribeTags is ours when a filter asks for instances: resource-type is `instance`, or resource-id names them.
"""

from __future__ import annotations

from typing import Final

from locum.services.verbs import Params

INSTANCE_PREFIX: Final = "i-"

ALWAYS: Final = frozenset(
    (
        "AssociateIamInstanceProfile",
        "DescribeIamInstanceProfileAssociations",
        "DescribeInstanceAttribute",
        "DescribeInstanceStatus",
        "DescribeInstances",
        "DisassociateIamInstanceProfile",
        "ModifyInstanceAttribute",
        "ModifyInstanceMetadataOptions",
        "RebootInstances",
        "ReplaceIamInstanceProfileAssociation",
        "RunInstances",
        "StartInstances",
        "StopInstances",
        "TerminateInstances",
    )
)


def owns(operation: str, params: Params) -> bool:
    """Whether the call is ours to carry out, rather than the backend's."""
    if operation in ALWAYS:
        return True
    if operation in ("CreateTags", "DeleteTags"):
        return any(resource.startswith(INSTANCE_PREFIX) for resource in params.get("Resources") or ())
    if operation == "DescribeTags":
        return any(_asks_for_instances(f.get("Name", ""), f.get("Values") or ()) for f in params.get("Filters") or ())
    return False


def _asks_for_instances(name: str, values: list[str] | tuple[str, ...]) -> bool:
    if name == "resource-type":
        return list(values) == ["instance"]
    return name == "resource-id" and bool(values) and all(value.startswith(INSTANCE_PREFIX) for value in values)

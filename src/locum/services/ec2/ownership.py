"""The calls of EC2 that Locum carries out. All others are carried out by the backend.

Locum has the instances and the fleets that launch them, so that all operations in `OPERATIONS` are its own, except for
tags of other resources:

- CreateTags and DeleteTags are Locum's when any resource is an instance. A call with instances and other resources is
  refused by the verb (docs/differences.md): one part would have to be undone when the other fails.
- DescribeTags is Locum's when a filter selects instances: resource-type is `instance`, or resource-id has their ids.
"""

from __future__ import annotations

from typing import Final

from locum.services.verbs import Params

INSTANCE_PREFIX: Final = "i-"

ALWAYS: Final = frozenset(
    (
        "AssociateIamInstanceProfile",
        "CancelSpotInstanceRequests",
        "CreateFleet",
        "DeleteFleets",
        "DescribeFleetInstances",
        "DescribeFleets",
        "DescribeIamInstanceProfileAssociations",
        "DescribeInstanceAttribute",
        "DescribeInstanceCreditSpecifications",
        "DescribeInstanceStatus",
        "DescribeInstances",
        "DescribeSpotInstanceRequests",
        "DisassociateIamInstanceProfile",
        "GetInstanceMetadataDefaults",
        "ModifyInstanceAttribute",
        "ModifyInstanceCapacityReservationAttributes",
        "ModifyInstanceCpuOptions",
        "ModifyInstanceCreditSpecification",
        "ModifyInstanceMaintenanceOptions",
        "ModifyInstanceMetadataDefaults",
        "ModifyInstanceMetadataOptions",
        "ModifyInstancePlacement",
        "ModifyPrivateDnsNameOptions",
        "MonitorInstances",
        "RebootInstances",
        "ReplaceIamInstanceProfileAssociation",
        "RequestSpotFleet",
        "RequestSpotInstances",
        "ResetInstanceAttribute",
        "RunInstances",
        "StartInstances",
        "StopInstances",
        "TerminateInstances",
        "UnmonitorInstances",
    )
)


def owns(operation: str, params: Params) -> bool:
    """Whether Locum carries out the call, rather than the backend."""
    if operation in ALWAYS:
        return True
    if operation in ("CreateTags", "DeleteTags"):
        return any(resource.startswith(INSTANCE_PREFIX) for resource in params.get("Resources") or ())
    if operation == "DescribeTags":
        return any(_selects_instances(f.get("Name", ""), f.get("Values") or ()) for f in params.get("Filters") or ())
    return False


def _selects_instances(name: str, values: list[str] | tuple[str, ...]) -> bool:
    if name == "resource-type":
        return list(values) == ["instance"]
    return name == "resource-id" and bool(values) and all(value.startswith(INSTANCE_PREFIX) for value in values)

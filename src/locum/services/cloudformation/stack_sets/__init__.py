"""CloudFormation's stack sets: stacks of one template in many accounts and regions. `OPERATIONS` are their verbs."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.stack_sets import access, drift, imports, instances, operations, sets
from locum.services.verbs import Operation

OPERATIONS: Final[dict[str, Operation]] = {
    **access.OPERATIONS,
    **drift.OPERATIONS,
    **imports.OPERATIONS,
    **instances.OPERATIONS,
    **operations.OPERATIONS,
    **sets.OPERATIONS,
}
"""All operations on stack sets, by name."""

__all__ = ["OPERATIONS"]

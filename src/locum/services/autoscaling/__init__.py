"""Amazon EC2 Auto Scaling: one module per resource, one function per operation.

`groups`, `instances` and the others are what callers ask for; `progress` is what a group does by itself, and
`agents.scaling` carries that out.
"""

from __future__ import annotations

from typing import Final

from locum.services.autoscaling import (
    activities,
    groups,
    hooks,
    instances,
    launch_configurations,
    notifications,
    policies,
    processes,
    refresh,
    scheduled,
    tags,
    targets,
)
from locum.services.verbs import Operation

OPERATIONS: Final[dict[str, Operation]] = {
    **activities.OPERATIONS,
    **groups.OPERATIONS,
    **hooks.OPERATIONS,
    **instances.OPERATIONS,
    **launch_configurations.OPERATIONS,
    **notifications.OPERATIONS,
    **policies.OPERATIONS,
    **processes.OPERATIONS,
    **refresh.OPERATIONS,
    **scheduled.OPERATIONS,
    **tags.OPERATIONS,
    **targets.OPERATIONS,
}
"""All implemented operations of Auto Scaling, by name."""

__all__ = ["OPERATIONS"]

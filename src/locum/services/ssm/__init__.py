"""AWS Systems Manager's Run Command and managed instances: `agents.instances.run_command` runs what is sent here.

Parameters, documents and all else are left to the backend.
"""

from __future__ import annotations

from typing import Final

from locum.services.ssm import descriptions, managed, sending
from locum.services.verbs import Operation

OPERATIONS: Final[dict[str, Operation]] = {
    **descriptions.OPERATIONS,
    **managed.OPERATIONS,
    **sending.OPERATIONS,
}
"""All implemented operations of Systems Manager, by name."""

__all__ = ["OPERATIONS"]

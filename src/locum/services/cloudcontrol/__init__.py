"""The Cloud Control API: resources of all types by one set of operations, with the providers that stacks have.

What becomes of requests to make, change and delete resources is `agents.resource_requests`'.
"""

from __future__ import annotations

from typing import Final

from locum.services.cloudcontrol import descriptions, requests
from locum.services.verbs import Operation

OPERATIONS: Final[dict[str, Operation]] = {**descriptions.OPERATIONS, **requests.OPERATIONS}
"""All operations of the Cloud Control API, by name."""

__all__ = ["OPERATIONS"]

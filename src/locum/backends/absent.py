"""The backend where none is installed: it has nothing, and says what adds one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from locum.backends.port import Backend, BackendCall
from locum.core.extras import not_installed


class AbsentBackend(Backend):
    """Stands where moto would. There are no resources, so that nothing is known of any."""

    forgets = True

    async def call(self, call: BackendCall) -> NoReturn:
        raise not_installed("moto", f"{call.service}:{call.operation} is carried out by moto")

    async def told(
        self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any] | None:
        """EC2 asks what the backend has of Locum's own instances, which is nothing."""
        return {"Reservations": []} if (service, operation) == ("ec2", "DescribeInstances") else None

    def in_use(self, service: str) -> bool:
        return False

    async def close(self) -> None:
        """Nothing to let go of."""

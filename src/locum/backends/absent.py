"""The backend where none is installed, or wanted: it has nothing, and says what adds one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from locum.backends.port import Backend, BackendCall
from locum.core.errors import Fault
from locum.core.extras import not_installed


class AbsentBackend(Backend):
    """Stands where moto would. There are no resources, so that nothing is known of any.

    `wanted`: there would be moto, were it installed.
    """

    forgets = True

    def __init__(self, *, wanted: bool = True) -> None:
        self._wanted = wanted

    async def call(self, call: BackendCall) -> NoReturn:
        if not self._wanted:
            text = (
                f"{call.service}:{call.operation} is not carried out here: `--backend` of `locum up` names what does."
            )
            raise Fault("NotImplemented", text, 501)
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

"""What the plane does for launchers: serve on the sockets they bring, end what they leave behind."""

from __future__ import annotations

import socket
from typing import Any

from locum.audit import readable
from locum.cli.compose import Node
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.state import Instance


class NodeHost:
    """`compute.control.Host` over a node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def serve_metadata(self, sock: socket.socket, account: str, instance: str) -> None:
        await self._node.listeners.open(sock, self._node.metadata.app(account, instance))

    async def serve_gateway(self, sock: socket.socket) -> None:
        await self._node.listeners.open(sock, self._node.gateway)

    async def stop(self, sock: socket.socket) -> None:
        await self._node.listeners.close(sock)

    def refusal(self, account: str, instance: str) -> str | None:
        found = self._node.ledger.state.get(Instance, account, instance)
        if found is None:
            return f"there is no instance {instance} in account {account}"
        if found.state not in ("pending", "running"):
            return f"instance {instance} is {found.state}, not running: start it with `aws ec2 start-instances`"
        return None

    async def records(self, request_id: str, count: int, *, denied_only: bool) -> list[dict[str, Any]]:
        history = self._node.runtime.history
        if request_id:
            found = await self._node.ledger.read(lambda: history.by_request(request_id))
        else:
            found = await self._node.ledger.read(lambda: history.latest(count, denied_only=denied_only))
        return [readable(record) for record in found]

    async def ended(self, account: str, instance: str) -> None:
        """Terminate what a launcher left running, as EC2's own doing."""
        found = self._node.ledger.state.get(Instance, account, instance)
        if found is None or found.state in ("shutting-down", "terminated"):
            return
        ec2 = service_principal("ec2.amazonaws.com", account, found.arn)
        try:
            await self._node.calls.make(
                ServiceCall(ec2, "ec2", "TerminateInstances", {"InstanceIds": [instance]}, found.region)
            )
        except Fault:
            return  # protected against termination, or the plane is going down: it stays as it is

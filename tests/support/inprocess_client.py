"""The client of commands, on a plane in this process."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from locum.cli.client import CallFailed
from support.inprocess import InProcess, Key


class InProcessClient:
    """Makes calls with `key`, the root user's where there is none; one at a time. `calls` are those that it made."""

    threads = 1

    def __init__(self, plane: InProcess, key: Key | None = None) -> None:
        self._plane, self._key = plane, key
        self._clients: dict[str, Any] = {}
        self.calls: list[str] = []

    def call(self, service: str, operation: str, region: str = "", /, **parameters: Any) -> dict[str, Any]:
        """The answer. Raises CallFailed."""
        assert not region
        if service not in self._clients:
            self._clients[service] = self._plane.client(service, self._key)
        self.calls.append(operation)
        try:
            answer: dict[str, Any] = getattr(self._clients[service], operation)(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise CallFailed(error) from error
        return answer

    @property
    def changes(self) -> list[str]:
        """The calls that were not reads."""
        return [name for name in self.calls if not name.startswith(("get_", "list_"))]

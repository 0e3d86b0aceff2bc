"""The questions of commands about the state of the plane as a whole."""

from __future__ import annotations

from typing import Any

import msgspec

from locum.cli.compose import Node
from locum.compute.control import Asked, Questions


class _Save(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    save: str


class StateQuestions:
    """Answers them for a node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def questions(self) -> Questions:
        """Those who answer, by the kind of the question."""
        return {"save": self._save}

    async def _save(self, asked: Asked) -> dict[str, Any]:
        return {"services": await self._node.save(asked.read(_Save).save)}

"""Leases in memory, by a clock that a test moves, and with faults on request."""

from __future__ import annotations

from locum.core.errors import PassingStorageError


class MemoryLeases:
    """`store.leases.Leases`. While it is `away`, it answers nothing."""

    def __init__(self) -> None:
        self.now = 0.0
        self.away = False
        self._held: dict[str, tuple[str, float]] = {}

    def take(self, name: str, holder: str, term: float) -> bool:
        if self.holder(name) not in ("", holder):
            return False
        self._held[name] = holder, self.now + term
        return True

    def release(self, name: str, holder: str) -> None:
        if self.holder(name) == holder:
            del self._held[name]

    def holder(self, name: str) -> str:
        if self.away:
            raise PassingStorageError("the leases are away")
        holder, until = self._held.get(name, ("", 0.0))
        return holder if self.now < until else ""

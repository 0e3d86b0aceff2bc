"""Changes of instances, as the ledger publishes them: whoever acts on one is told which instance it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from locum.agents.reconciling import follow
from locum.agents.waiting import cancelled
from locum.state import Event, Instance, Removed, kind_of
from locum.store import Ledger


class InstanceChanges:
    """Calls `changed(id)` for each instance that has changed, `changed(None)` where any may have. On the event loop."""

    def __init__(self, ledger: Ledger, changed: Callable[[str | None], None]) -> None:
        self._ledger = ledger
        self._changed = changed
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what changes from now on."""
        self._task = asyncio.get_running_loop().create_task(follow(self._ledger, self._hear))

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            await cancelled(self._task)

    def _hear(self, events: Sequence[Event] | None) -> None:
        for instance in changed_instances(events):
            self._changed(instance)


def changed_instances(events: Sequence[Event] | None) -> Iterable[str | None]:
    """The ids of the instances that `events` change; None, alone, where it may be any (`events` is None)."""
    if events is None:
        yield None
        return
    for event in events:
        if isinstance(event, Removed):
            if event.kind == kind_of(Instance):
                yield event.key
        elif isinstance(event.entity, Instance):
            yield event.entity.id

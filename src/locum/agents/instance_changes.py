"""Changes of instances, as the ledger publishes them: whoever acts on one is told which instance it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from locum.core.errors import PassingStorageError
from locum.state import Event, Instance, Removed, kind_of
from locum.store import Ledger, Reloaded


class InstanceChanges:
    """Calls `changed(id)` for each instance that has changed, `changed(None)` where any may have. On the event loop."""

    def __init__(self, ledger: Ledger, changed: Callable[[str | None], None]) -> None:
        self._ledger = ledger
        self._changed = changed
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what changes from now on."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            try:
                with self._ledger.subscribe() as changes:
                    async for change in changes:
                        if isinstance(change, Reloaded):
                            self._changed(None)
                            continue
                        for instance in _instances(change.events):
                            self._changed(instance)
                return
            except PassingStorageError:  # the state has what was not read: it is looked at, and followed from there
                self._changed(None)


def _instances(events: Iterable[Event]) -> Iterable[str]:
    for event in events:
        if isinstance(event, Removed):
            if event.kind == kind_of(Instance):
                yield event.key
        elif isinstance(event.entity, Instance):
            yield event.entity.id

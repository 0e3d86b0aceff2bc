"""Compaction of a journal: a checkpoint costs as much as changed since the last one, and nothing waits for it.

A checkpoint is a layer upon the former one: what the entries between them say, of each entity the newest. Once the
layers weigh as much as half of what they stand upon, the base is written anew, of the state in memory, piece by piece.
Between two pieces calls are answered and batches written, and it rests for longer than it works.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import count, islice
from typing import Final, TypeVar

from locum.core.errors import StorageError
from locum.state import State
from locum.store import checkpoint
from locum.store.checkpoint import Layer
from locum.store.journal import Compacted, Journal
from locum.store.limits import Limits
from locum.store.workers import Workers

_PAGE: Final = 128
"""Entries read at once: what a commit may have to wait for is some milliseconds."""

_PIECE: Final = 16
"""Parts of a new base that are stored at once."""

_LARGE: Final = 32_768
"""Entities of a layer after which another one is begun."""

_REST: Final = 3.0
"""How much longer than at work it rests: calls have three quarters of a core that they share with it."""

R = TypeVar("R")


class Compaction:
    """The checkpoints that this handle of a journal takes. `compacted` is the newest that is known.

    `writer` is the thread that uses the journal, `reader` the threads that encode. `name` tells it from every other.
    """

    def __init__(self, journal: Journal, limits: Limits, writer: Workers, reader: Workers, name: str) -> None:
        self.compacted = journal.checkpointed()
        self._journal = journal
        self._limits = limits
        self._writer = writer
        self._reader = reader
        self._claims = (f"{name}.{number}" for number in count(1))
        self._unweighed = 0  # octets of layers since they were weighed, which takes a look at each part
        self._ending = False

    def end(self) -> None:
        """Begin no further piece of a base: what there is of it is as good as none."""
        self._ending = True

    async def take(self, state: State) -> None:
        """Have the checkpoint be that of `state`, or of a newer one. Raises StorageError where it cannot be."""
        while self.compacted < state.sequence:
            try:
                layer = await self._layer(self.compacted, state.sequence)
            except Compacted:  # by another handle, meanwhile
                self.compacted = await self._store(self._journal.checkpointed)
                continue
            parts = await self._compute(layer.parts)
            self._unweighed += sum(map(len, parts))
            save, keep = self._journal.save_checkpoint, self._limits.keep
            self.compacted = await self._store(partial(save, layer.sequence, parts, keep, self.compacted))
        if self.compacted == state.sequence and self._unweighed * 8 >= self._limits.layers and await self._is_heavy():
            await self._renew(state)

    async def _layer(self, after: int, upto: int) -> Layer:
        layer = Layer(after)
        while layer.sequence < upto and len(layer) < _LARGE:
            read = partial(self._journal.read, layer.sequence)
            size = min(_PAGE, upto - layer.sequence)
            page = await self._store(lambda: list(islice(read(), size)))  # noqa: B023 - it is waited for
            if not page:
                raise StorageError(f"the journal ends at entry {layer.sequence}, and {upto} was seen before")
            await self._compute(partial(layer.add, page))
        return layer

    async def _is_heavy(self) -> bool:
        """Whether the layers are so many that reading them costs more than it has to."""
        self._unweighed = 0
        largest, together = await self._store(self._journal.checkpoint_octets)
        return together > largest * 3 // 2 + self._limits.layers

    async def _renew(self, state: State) -> None:
        """Write the base anew, of `state`, which is that of the checkpoint."""
        claim = next(self._claims)
        if not await self._store(partial(self._journal.begin_base, claim, state.sequence)):
            return
        encoded, first = checkpoint.parts(state), 0
        while piece := await self._compute(lambda: list(islice(encoded, _PIECE))):
            extend = partial(self._journal.extend_base, claim, first, piece)
            if self._ending or not await self._store(extend):
                return
            first += len(piece)
        while not self._ending and await self._store(partial(self._journal.finish_base, claim)):
            pass

    async def _compute(self, work: Callable[[], R]) -> R:
        """Run `work` beside the loop, and leave the processor to calls for longer than it took."""
        begun = asyncio.get_running_loop().time()
        done = await self._reader.ask(work)
        if not self._ending:
            await asyncio.sleep(min(_REST * (asyncio.get_running_loop().time() - begun), 1.0))
        return done

    async def _store(self, work: Callable[[], R]) -> R:
        return await self._writer.ask(work)

"""Which services of an embedded backend may have something: told to other processes of the machine by common memory.

`Backend.in_use` is asked while an entry of the journal is computed, so that nobody can be waited for. A service is
marked before the first call of it is carried out: who does not see the mark asks before that call has had any effect.
"""

from __future__ import annotations

import mmap
import os
from functools import cache
from typing import Self

from locum.wire.models import index


@cache
def _places() -> dict[str, int]:
    return {name: place for place, name in enumerate(sorted(index().services))}


class UsedServices:
    """The marks, in the memory of `descriptor`, which processes with one version of Locum have in common."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, len(_places()))

    @classmethod
    def none_yet(cls) -> Self:
        """New memory, without a mark."""
        descriptor = os.memfd_create("locum-used", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, len(_places()))
        return cls(descriptor)

    def mark(self, service: str) -> None:
        """Have all processes know that the service may have something."""
        place = _places().get(service)
        if place is not None:
            self._memory[place] = 1

    def __contains__(self, service: object) -> bool:
        place = _places().get(str(service))
        return place is None or bool(self._memory[place])

    def close(self) -> None:
        """Let go of the memory in this process."""
        self._memory.close()
        os.close(self.descriptor)

"""What is read of a plane for a plan, from beside its event loop: facts of resources, and templates."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from locum.calls.backend_answers import backend_answer
from locum.calls.runtime import Runtime
from locum.core.calls import ServiceCall

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane whose event loop is `loop`, which another thread than the one that asks runs."""

    runtime: Runtime
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, done on the event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def read(self, made: ServiceCall, account: str) -> Mapping[str, Any]:
        """What the backend answers. Raises Fault."""
        work = backend_answer(self.runtime, made.service, made.operation, made.params, account, made.region)
        return self.wait(work)

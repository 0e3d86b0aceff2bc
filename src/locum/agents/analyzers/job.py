"""What is worked out once for an entity, in the background: a policy generation, a recommendation about a finding."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import ClassVar, Final, Generic, TypeVar

from msgspec.structs import replace

from locum.calls import Runtime
from locum.core.errors import StorageError
from locum.services.verbs import Outcome
from locum.state import State, put
from locum.state.analyzers import FindingRecommendation, PolicyGeneration

_log: Final = logging.getLogger("locum.agents")

T = TypeVar("T", PolicyGeneration, FindingRecommendation)


class Job(ABC, Generic[T]):
    """The work for one entity. `broken` is the message of one that breaks."""

    broken: ClassVar[str]

    def __init__(self, runtime: Runtime, it: T) -> None:
        self._runtime = runtime
        self._it: T = it

    @abstractmethod
    async def made(self) -> T:
        """The entity with what was worked out, or with the reason why it was not."""

    async def run(self) -> None:
        """Work it out, and commit it unless it is not under way any more: cancelled, or gone with its analyzer."""
        it = self._it
        try:
            made = await self.made()
        except (StorageError, OSError):  # storage that does not work at the moment, say
            raise
        except Exception:  # a fault barrier: what breaks fails, and does not stay under way
            _log.exception("%s %s fails", type(it).__name__, it.id)
            made = self.failed("SERVICE_ERROR", self.broken)

        def commit(state: State) -> Outcome:
            there = state.get(type(it), it.account, it.key)
            if there is None or not there.under_way or there.started != it.started:
                return Outcome({})
            return Outcome({}, (put(replace(made, ended=self._runtime.clock())),))

        await self._runtime.ledger.transact(commit, lambda _outcome: ())

    def failed(self, code: str, message: str) -> T:
        """The entity as one that failed."""
        return replace(self._it, status="FAILED", code=code, message=message)

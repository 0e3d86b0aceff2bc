"""The threads that run moto's code, and the containment of its exceptions.

Some exceptions of foreign code would do more than fail the call. A StopIteration cannot be set on a future, which would
then never be done (`asyncio.Future.set_exception`); a SystemExit ends the event loop, and with it the plane; a
CancelledError ends the request without a response and without a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

from locum.core.errors import Fault, LocumError

P = ParamSpec("P")
R = TypeVar("R")

THREADS: Final = 8
PATIENCE: Final = 960.0
"""Seconds. No call takes longer on AWS than an invocation of a Lambda function, which may take 15 minutes."""

_UNFINISHED: Final = ("ServiceUnavailable", "The embedded backend did not finish the call.", 503)


class MotoFailed(LocumError):
    """moto's code raised an unexpected exception, which is the cause of this one."""


def contained(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The result of `work`, run in this thread. Raises Fault where `work` does, MotoFailed for any other exception."""
    try:
        return work(*args, **kwargs)
    except Fault:
        raise
    except BaseException as error:  # the fault barrier of foreign code
        raise MotoFailed(f"moto raised {type(error).__name__}") from error


class Workers:
    """The threads for calls that may take long. They are daemons, so that the process can end while a call runs."""

    def __init__(self, threads: int = THREADS, patience: float = PATIENCE) -> None:
        self._waiting: SimpleQueue[_Task | None] = SimpleQueue()
        self._patience = patience
        self._closed = False
        self._threads = [Thread(target=self._serve, name=f"moto-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `contained` in a thread.

        Raises Fault ServiceUnavailable (503) where there is no result within `patience` seconds, or because of `close`.
        """
        if self._closed:
            raise Fault(*_UNFINISHED)
        outcome: Future[R] = Future()
        self._waiting.put(_Task(outcome, lambda: contained(work, *args, **kwargs)))
        future = asyncio.wrap_future(outcome)
        await asyncio.wait((future,), timeout=self._patience)
        if not future.done() or future.cancelled():
            future.cancel()
            raise Fault(*_UNFINISHED)
        return future.result()

    def close(self) -> None:
        """Stop the threads. Calls that wait for one fail with ServiceUnavailable."""
        self._closed = True
        with suppress(Empty):
            while (task := self._waiting.get_nowait()) is not None:
                task.outcome.cancel()
        for _ in self._threads:
            self._waiting.put(None)

    def _serve(self) -> None:
        while (task := self._waiting.get()) is not None:
            task.run()
            del task  # and with it the body of its call, which would be kept until the next one


class _Task(NamedTuple):
    outcome: Future[Any]
    work: Callable[[], Any]

    def run(self) -> None:
        if not self.outcome.set_running_or_notify_cancel():
            return
        try:
            self.outcome.set_result(self.work())
        except (Fault, MotoFailed) as error:
            self.outcome.set_exception(error)

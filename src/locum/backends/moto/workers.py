"""Where moto's code runs, and what may come out of it: an answer, or an exception that a request survives.

Of what other people's code may raise, some is more than an error here. A StopIteration cannot be set on a future, so
that whoever awaits it waits for ever (`asyncio.Future.set_exception`); a SystemExit ends the event loop, and with it
the plane; a CancelledError ends the request without an answer and without a record.
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
    """moto's code raised what no handler of a service should; its cause is what that was."""


def contained(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What `work` answers, in this thread. Raises Fault where `work` does, MotoFailed for all else that it raises."""
    try:
        return work(*args, **kwargs)
    except Fault:
        raise
    except BaseException as error:  # the fault barrier of what is not ours
        raise MotoFailed(f"moto raised {type(error).__name__}") from error


class Workers:
    """Some threads for what may take its time. `close` them.

    They are daemons: the process ends although something in them does not.
    """

    def __init__(self, threads: int = THREADS, patience: float = PATIENCE) -> None:
        self._waiting: SimpleQueue[_Task | None] = SimpleQueue()
        self._patience = patience
        self._closed = False
        self._threads = [Thread(target=self._serve, name=f"moto-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Like `contained`, in a thread. Raises Fault ServiceUnavailable (503) where there is no answer within
        `patience` seconds, or none any more because of `close`."""
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
        """Let go of the threads; what waits for one is answered ServiceUnavailable."""
        self._closed = True
        with suppress(Empty):
            while (task := self._waiting.get_nowait()) is not None:
                task.outcome.cancel()
        for _ in self._threads:
            self._waiting.put(None)

    def _serve(self) -> None:
        while (task := self._waiting.get()) is not None:
            if not task.outcome.set_running_or_notify_cancel():
                continue
            try:
                task.outcome.set_result(task.work())
            except (Fault, MotoFailed) as error:
                task.outcome.set_exception(error)


class _Task(NamedTuple):
    outcome: Future[Any]
    work: Callable[[], Any]

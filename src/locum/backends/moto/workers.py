"""Where moto's code runs, and what may come out of it: an answer, or an exception that a request survives.

Of what other people's code may raise, some is more than an error here. A StopIteration cannot be set on a future, so
that whoever awaits it waits for ever (`asyncio.Future.set_exception`); a SystemExit ends the event loop, and with it
the plane; a CancelledError ends the request without an answer and without a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from locum.core.errors import Fault, LocumError

P = ParamSpec("P")
R = TypeVar("R")

THREADS: Final = 8
PATIENCE: Final = 960.0
"""Seconds. No call takes longer on AWS than an invocation of a Lambda function, which may take 15 minutes."""


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
    """Some threads for what may take its time. `close` them."""

    def __init__(self, threads: int = THREADS, patience: float = PATIENCE) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="moto")
        self._patience = patience

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Like `contained`, in a thread. Raises Fault ServiceUnavailable (503) where there is no answer within
        `patience` seconds, or none any more because of `close`."""
        future = asyncio.wrap_future(self._threads.submit(lambda: contained(work, *args, **kwargs)))
        await asyncio.wait((future,), timeout=self._patience)
        if not future.done() or future.cancelled():
            future.cancel()
            raise Fault("ServiceUnavailable", "The embedded backend did not finish the call.", 503)
        return future.result()

    def close(self) -> None:
        """Let go of the threads; what waits for one is answered ServiceUnavailable."""
        self._threads.shutdown(wait=False, cancel_futures=True)

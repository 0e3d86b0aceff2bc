"""Whatever comes out of moto's code is answered and recorded, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import concurrent.futures
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from locum.backends.moto.workers import MotoFailed, Workers
from locum.core.errors import Fault
from support.inprocess import InProcess, refusal

RAISED = [
    StopIteration("value"),
    StopAsyncIteration(),
    GeneratorExit(),
    SystemExit(3),
    KeyboardInterrupt(),
    asyncio.CancelledError(),
    concurrent.futures.CancelledError(),
    RecursionError("too deep"),
    KeyError("missing"),
]


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def handler(*_args: Any, **_more: Any) -> NoReturn:
        raise error

    return handler


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("service", "operation", "method"),
    [
        ("sqs", "list_queues", "moto.sqs.responses.SQSResponse.list_queues"),
        ("s3", "list_buckets", "moto.s3.models.S3Backend.list_buckets"),
    ],
    ids=["in a thread", "on the loop"],
)
def test_whatever_a_handler_raises_is_answered_and_recorded(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch, service: str, operation: str, method: str, error: BaseException
) -> None:
    client = plane.client(service)
    getattr(client, operation)()
    with monkeypatch.context() as broken:
        broken.setattr(method, raising(error))
        assert refusal(getattr(client, operation))[:2] == ("InternalFailure", 500)
    record = plane.records(1)[0]
    assert (record.service, record.error_code, record.status) == (service, "InternalFailure", 500)
    getattr(client, operation)()


def test_what_moto_raises_while_it_is_asked_for_facts_is_answered(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = plane.client("sqs")
    url = client.create_queue(QueueName="facts")["QueueUrl"]
    monkeypatch.setattr("moto.sqs.models.Queue.policy", property(raising(SystemExit())))
    assert refusal(client.purge_queue, QueueUrl=url)[:2] == ("InternalFailure", 500)


@pytest.fixture
def stuck() -> Any:
    """Work that does not end before the test does."""
    ended = threading.Event()
    yield ended.wait
    ended.set()


def test_work_that_never_ends_is_answered_and_so_is_what_waits_behind_it(stuck: Callable[[], bool]) -> None:
    async def asked() -> tuple[bool | BaseException, ...]:
        workers = Workers(threads=1, patience=0.01)
        try:
            return await asyncio.gather(workers.run(stuck), workers.run(lambda: True), return_exceptions=True)
        finally:
            workers.close()

    for told in asyncio.run(asked()):
        assert isinstance(told, Fault)
        assert (told.code, told.status) == ("ServiceUnavailable", 503)


def test_work_that_still_waits_at_the_end_is_answered(stuck: Callable[[], bool]) -> None:
    async def asked() -> BaseException | None:
        workers, started = Workers(threads=1), threading.Event()

        def begin() -> bool:
            started.set()
            return stuck()

        first = asyncio.create_task(workers.run(begin))
        await asyncio.to_thread(started.wait)
        second = asyncio.create_task(workers.run(lambda: True))
        await asyncio.sleep(0)
        workers.close()
        await asyncio.wait([second])
        first.cancel()
        with pytest.raises(Fault, match="ServiceUnavailable"):
            await workers.run(lambda: True)
        return second.exception()

    told = asyncio.run(asked())
    assert isinstance(told, Fault)
    assert told.code == "ServiceUnavailable"


def test_a_process_ends_although_something_in_a_thread_does_not() -> None:
    code = (
        "import asyncio, threading\n"
        "from locum.backends.moto.workers import Workers\n"
        "async def main():\n"
        "    workers = Workers(threads=1)\n"
        "    started = threading.Event()\n"
        "    asyncio.ensure_future(workers.run(lambda: (started.set(), threading.Event().wait())))\n"
        "    await asyncio.to_thread(started.wait)\n"
        "    workers.close()\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_cause_of_a_failure_is_kept_and_an_answer_passes() -> None:
    async def asked() -> None:
        workers = Workers()
        assert await workers.run(int, "7") == 7
        with pytest.raises(Fault, match="Queue"):
            await workers.run(raising(Fault("QueueDoesNotExist", "-")))
        with pytest.raises(MotoFailed, match="moto raised StopIteration") as failed:
            await workers.run(raising(StopIteration()))
        assert isinstance(failed.value.__cause__, StopIteration)
        workers.close()

    asyncio.run(asked())

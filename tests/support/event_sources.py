"""Event sources for tests: queues and functions that are mapped to one another, and what handlers got."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple

import pytest

from locum.agents.functions.mapping_requests import settings_of
from locum.core.arn import Arn
from locum.core.event_sources import EventSourceMapping
from support.functions import function, package
from support.plane import ACCOUNT, REGION, RunningPlane, allow, fresh, trusting, up

SECONDS: Final = 60
"""How long anything may take before the test is given up."""

MAY_READ: Final = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"])

TELLING: Final = """
import json, os, socket

def handler(event, context):
    with socket.create_connection(("127.0.0.1", int(os.environ["SINK"]))) as sink:
        sink.sendall(json.dumps(event).encode() + b"\\n")
        answer = json.loads(sink.makefile().readline())
    if answer == "fail":
        raise ValueError("as it was told")
    return answer
"""
"""A module whose handler tells its event to the test (`Sink`), which says what it returns, or that it fails."""


FAILING: Final = "def handler(event, context): raise ValueError(event)"

SENDING: Final = """
import boto3

def handler(event, context):
    for record in event["Records"]:
        name = record["eventSourceARN"].rpartition(":")[2]
        sqs = boto3.client("sqs")
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=record["body"])
"""
"""A module whose handler sends every message to the queue that it is from."""

QUEUE: Final = Arn.parse(f"arn:aws:sqs:us-east-1:{ACCOUNT}:work")
MAPPING: Final = EventSourceMapping(
    account=ACCOUNT,
    region="us-east-1",
    uuid="u",
    source=QUEUE,
    function=function("").arn,
    settings=settings_of(QUEUE, {}),
)
"""A mapping of that queue, for what reads it without a plane."""


class Sink:
    """Where `TELLING` handlers tell their events. Each is answered when the test takes the next, or `answer`s."""

    def __init__(self, server: socket.socket) -> None:
        server.settimeout(SECONDS)
        self._server = server
        self._waiting: socket.socket | None = None
        self.port: int = server.getsockname()[1]

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Sink]:
        """A sink for as long as the block runs."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            made = cls(server)
            try:
                yield made
            finally:
                made.hang_up()

    def next(self, answer: Any = None, *, hold: bool = False) -> Any:
        """The event of the next invocation, which is answered at once, unless it is to `hold`."""
        coming, _ = self._server.accept()
        self.hang_up()
        self._waiting = coming
        self._waiting.settimeout(SECONDS)
        with self._waiting.makefile() as lines:
            event = json.loads(lines.readline())
        if not hold:
            self.answer(answer)
        return event

    def dismiss(self) -> None:
        """Send away a handler that has come, if there is one."""
        if self.comes():
            self._server.accept()[0].close()

    def comes(self) -> bool:
        """Whether a handler has come that was not taken yet; waits for it a moment."""
        return bool(select.select([self._server], [], [], 0.2)[0])

    def answer(self, answer: Any = None) -> None:
        """Have the handler that waits return `answer`, or fail with "fail"."""
        assert self._waiting is not None
        self._waiting.sendall(json.dumps(answer).encode() + b"\n")
        self.hang_up()

    def hang_up(self) -> None:
        """Let go of the handler that waits."""
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None


class Queue(NamedTuple):
    """A queue."""

    sqs: Any
    url: str
    arn: str

    def counts(self) -> tuple[int, int]:
        """How many messages are visible, and in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def send(self, body: str) -> None:
        """Send a message."""
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def holds(self, visible: int, in_flight: int = 0) -> None:
        """Wait until it holds so many messages."""
        while self.counts() != (visible, in_flight):
            pass

    def emptied(self) -> None:
        """Wait until there is nothing in it."""
        self.holds(0)

    def received(self) -> dict[str, Any]:
        """The next message; waits for it."""
        while True:
            found = self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=20, AttributeNames=["All"])
            for message in found.get("Messages", ()):
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                return dict(message)


class Function(NamedTuple):
    """A function, and the name of its role."""

    name: str
    arn: str
    role: str


class Sources:
    """Makes queues, functions and mappings in a plane; `close` deletes the mappings."""

    def __init__(self, plane: RunningPlane, sink: Sink) -> None:
        self.plane = plane
        self.sink = sink
        self.sqs, self.functions = plane.client("sqs"), plane.client("lambda")
        self._mappings: list[str] = []

    def queue(self, name: str = "queue", **attributes: str) -> Queue:
        """A new queue, whose messages are visible again after a minute."""
        fifo = name.endswith(".fifo")
        name = fresh("queue") + (".fifo" if fifo else "")
        told = {"VisibilityTimeout": "60", **({"FifoQueue": "true"} if fifo else {}), **attributes}
        url = self.sqs.create_queue(QueueName=name, Attributes=told)["QueueUrl"]
        return Queue(self.sqs, url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")

    def function(self, *statements: dict[str, Any], main: str = TELLING, timeout: int = SECONDS) -> Function:
        """A new function whose role may what `statements` allow."""
        role, name = self.plane.role(trusting(Service="lambda.amazonaws.com"), *statements), fresh("function")
        arn = self.functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=f"arn:aws:iam::{ACCOUNT}:role/{role}",
            Handler="main.handler",
            Timeout=timeout,
            Code={"ZipFile": package(main=main)},
            Environment={"Variables": {"SINK": str(self.sink.port)}},
        )["FunctionArn"]
        return Function(name, arn, role)

    def map(self, source: Queue | str, function: Function, **settings: Any) -> str:
        """The UUID of a new mapping."""
        arn = source if isinstance(source, str) else source.arn
        made = self.functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=function.name, **settings)
        self._mappings.append(made["UUID"])
        return str(made["UUID"])

    def told(self, mapping: str) -> dict[str, Any]:
        """What GetEventSourceMapping answers."""
        found: dict[str, Any] = self.functions.get_event_source_mapping(UUID=mapping)
        return found

    def says(self, mapping: str, result: str) -> None:
        """Wait until a mapping says `result`."""
        while self.told(mapping).get("LastProcessingResult") != result:
            pass

    def state(self, mapping: str, state: str) -> None:
        """Wait until a mapping is in `state`."""
        while self.told(mapping)["State"] != state:
            pass

    def gone(self, mapping: str) -> None:
        """Wait until a mapping is not there any more."""
        missing = self.functions.exceptions.ResourceNotFoundException
        try:
            while self.told(mapping):
                pass
        except missing:
            return

    def close(self) -> None:
        """Delete the mappings, and send handlers away until they are gone."""
        missing = self.functions.exceptions.ResourceNotFoundException
        self.sink.hang_up()
        for mapping in self._mappings:
            with suppress(missing):
                self.functions.delete_event_source_mapping(UUID=mapping)
                while self.told(mapping):
                    self.sink.dismiss()
        self.sink.dismiss()


def reporting(*failed: str) -> dict[str, Any]:
    """What a function returns that has not processed the items `failed`."""
    return {"batchItemFailures": [{"itemIdentifier": item} for item in failed]}


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    """Where the handlers of a module's tests tell their events."""
    with Sink.open() as made:
        yield made


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[RunningPlane]:
    """A plane of its own for a module, whose functions reach the sink."""
    with up(tmp_path_factory.mktemp("plane"), "--function-port", str(sink.port)) as running:
        yield running


@pytest.fixture
def sources(plane: RunningPlane, sink: Sink) -> Iterator[Sources]:
    """What a test makes in that plane; its mappings are deleted afterwards."""
    made = Sources(plane, sink)
    yield made
    made.close()

"""Stacks with resources that wait for somebody else: who that is asked, and answers, in a plane in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from locum.core.http import HttpRequest
from locum.state import Stack, StackResource, State
from support.inprocess import Answer, InProcess
from support.plane import fresh

PATIENCE: Final = 60
"""How long anything may take before the test is given up."""


class Asking(NamedTuple):
    """A request to whoever makes a custom resource."""

    told: Mapping[str, Any]

    def response(self, status: str = "SUCCESS", **more: Any) -> bytes:
        """A response to it."""
        same = {name: self.told[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
        return json.dumps({"Status": status, "PhysicalResourceId": "the-thing", **same, **more}).encode()


class Crafts:
    """A plane whose custom resources are made by whoever reads a queue behind a topic: the test."""

    def __init__(self, data: Path, **options: Any) -> None:
        self.plane = InProcess(data, **options)
        self._connect()
        name = fresh("crafts")
        self.topic = self.plane.client("sns").create_topic(Name=name)["TopicArn"]
        self._queue = self.plane.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        statement: dict[str, Any] = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
        statement["Principal"] = {"Service": "sns.amazonaws.com"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.plane.client("sqs").set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        self.plane.client("sns").subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )

    def _connect(self) -> None:
        self.cloudformation = self.plane.client("cloudformation")

    def restart(self) -> None:
        """End the plane, and start it again."""
        self.plane.close()
        self.plane.start()
        self._connect()

    def later(self, seconds: float) -> None:
        """Move the plane's clock by so many seconds."""
        clock = self.plane.node.runtime.clock
        clock.move(clock.ahead + seconds)

    # -- stacks ------------------------------------------------------------------------------------------

    def custom(self, **properties: Any) -> dict[str, Any]:
        """A custom resource for a template."""
        return {"Type": "Custom::Thing", "Properties": {"ServiceToken": self.topic, **properties}}

    def create(self, resources: Mapping[str, Any], outputs: Mapping[str, Any] | None = None, **params: Any) -> str:
        """The id of a new stack, which is under way."""
        body = template(resources, outputs)
        name = fresh("stack")
        made: str = self.cloudformation.create_stack(StackName=name, TemplateBody=body, **params)["StackId"]
        return made

    def update(self, stack: str, resources: Mapping[str, Any]) -> None:
        """Begin an update."""
        self.cloudformation.update_stack(StackName=stack, TemplateBody=template(resources))

    def described(self, stack: str) -> dict[str, Any]:
        """A stack once nothing is under way for it."""
        key = f"us-east-1/{stack.rpartition('/')[2]}"

        def ended(state: State) -> bool:
            it = state.get(Stack, "000000000000", key)
            return it is not None and not it.status.endswith("_IN_PROGRESS")

        self.until(ended)
        found: dict[str, Any] = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return found

    def status(self, stack: str) -> str:
        """Its status once nothing is under way."""
        found: str = self.described(stack)["StackStatus"]
        return found

    def reasons(self, stack: str, logical: str) -> list[str]:
        """What its events tell of a resource, oldest first: status and reason."""
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        found = [it for it in reversed(events) if it["LogicalResourceId"] == logical]
        return [f"{it['ResourceStatus']} {it.get('ResourceStatusReason', '')}".strip() for it in found]

    def resource(self, stack: str, logical: str) -> StackResource:
        """A resource as it is in the state."""
        key = f"us-east-1/{stack.rpartition('/')[2]}/{logical}"
        found = self.plane.node.runtime.ledger.state.get(StackResource, "000000000000", key)
        assert found is not None
        return found

    # -- those who are waited for ------------------------------------------------------------------------

    def asked(self) -> Asking:
        """The next request for a custom resource."""
        return Asking(json.loads(self.message()))

    def message(self) -> str:
        """What the topic tells next."""
        sqs = self.plane.client("sqs", read_timeout=PATIENCE)
        for _ in range(PATIENCE):
            for message in sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=20).get("Messages", ()):
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                body: str = message["Body"]
                return body
        raise AssertionError("nobody was asked")

    def is_asked(self) -> bool:
        """Whether there is another request."""
        found = self.plane.client("sqs").receive_message(QueueUrl=self._queue, WaitTimeSeconds=0)
        return bool(found.get("Messages"))

    def put(self, url: str, body: bytes, method: str = "PUT") -> Answer:
        """What is answered at a URL to somebody who signs nothing."""
        parts = urlsplit(url)
        headers = {"host": parts.netloc, "content-length": str(len(body))}
        return self.plane.send(HttpRequest(method, parts.path, parts.query, headers, body))

    def answer(self, asking: Asking, status: str = "SUCCESS", **more: Any) -> int:
        """The status of the answer to a response."""
        return self.put(asking.told["ResponseURL"], asking.response(status, **more)).status

    def until(self, reached: Callable[[State], bool]) -> None:
        """Go on until the state is one that is `reached`."""
        self.plane.run(_reached(self.plane, reached))

    def waits(self, stack: str, logical: str) -> None:
        """Go on until a resource waits for somebody else."""

        def waiting(_state: State) -> bool:
            events = self.plane.node.runtime.ledger.state.table(StackResource, "000000000000").values()
            found = [it for it in events if it.stack == stack.rpartition("/")[2] and it.logical == logical]
            return bool(found) and found[0].asked is not None and (found[0].asked.sent or not found[0].asked.id)

        self.until(waiting)


def template(resources: Mapping[str, Any], outputs: Mapping[str, Any] | None = None) -> str:
    """The text of a template; `outputs` are their values by name."""
    shown = {"Outputs": {name: {"Value": value} for name, value in outputs.items()}} if outputs else {}
    return json.dumps({"Resources": resources, **shown})


@contextmanager
def crafts(data: Path, **options: Any) -> Iterator[Crafts]:
    """A plane of its own for tests that wait."""
    made = Crafts(data, **options)
    try:
        yield made
    finally:
        made.plane.close()


async def _reached(plane: InProcess, reached: Callable[[State], bool]) -> None:
    ledger = plane.node.runtime.ledger
    async with asyncio.timeout(PATIENCE):
        with ledger.subscribe() as changes:
            if reached(ledger.state):
                return
            async for _ in changes:
                if reached(ledger.state):
                    return

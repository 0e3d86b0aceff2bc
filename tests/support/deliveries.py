"""What backends deliver because of calls, for the tests: kept as it comes out of them, or received in a queue."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, cast

from locum.backends import Backend, BackendCall, Carried, Delivery
from locum.core.resources import ResourceFacts
from support.inprocess import InProcess
from support.plane import ACCOUNT, REGION, document


class Listening(Backend):
    """A backend that keeps what every call to another one, behind it, came to; whoever called gets the answer alone."""

    forgets = True

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.carried: list[Carried] = []

    async def call(self, call: BackendCall) -> Carried:
        carried = await self._backend.call(call)
        self.carried.append(carried)
        return Carried(carried.response)

    async def facts(
        self, service: str, arn: str, account: str, region: str, parts: Collection[str] = ()
    ) -> ResourceFacts:
        return await self._backend.facts(service, arn, account, region, parts)

    async def close(self) -> None:
        """Nothing to let go of."""

    def taken(self) -> list[Delivery]:
        """What was delivered since it was asked last."""
        carried, self.carried = self.carried, []
        return [delivery for one in carried for delivery in one.deliveries]


@contextmanager
def listening(plane: InProcess, *services: str) -> Iterator[Listening]:
    """A Listening before the embedded backend of `services`."""
    named = cast("dict[str, Any]", plane.node.runtime.backends.by_service)
    between = Listening(plane.node.runtime.backends.default)
    named |= dict.fromkeys(services, between)
    try:
        yield between
    finally:
        for service in services:
            del named[service]


class Queue:
    """A queue that lets in whom `statements` name."""

    def __init__(self, plane: InProcess, name: str, *statements: dict[str, Any]) -> None:
        self._plane, self._sqs = plane, plane.client("sqs")
        self.url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        if statements:
            self.let_in(*statements)

    def let_in(self, *statements: dict[str, Any]) -> None:
        """Let `statements` be its policy, completed where they have no effect, action or resource."""
        named = [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": self.arn, **one} for one in statements]
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": document(*named)})

    def received(self) -> list[dict[str, Any]]:
        """What has come, once all that is pending has been carried out."""
        self._plane.carry_out()
        found = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in found]


def service(name: str, **condition: Any) -> dict[str, Any]:
    """The statement that lets in a service: service("sns.amazonaws.com", ArnEquals={...})."""
    return {"Principal": {"Service": name}, **({"Condition": condition} if condition else {})}

"""Questions about an earlier time, and recorded calls that are decided again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from locum.calls.hypothetical import answer
from locum.core.errors import ConfigurationError
from locum.store import Forgotten
from support.inprocess import InProcess, Key
from support.plane import allow, document, refused

ACCOUNT, REGION = "000000000000", "us-east-1"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"


class Worker:
    """A user who first may read a queue, an hour later may do all with it, and again an hour later nothing."""

    def __init__(self, plane: InProcess) -> None:
        self.plane, self.iam = plane, plane.client("iam")
        self.url = plane.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
        self.key: Key = plane.user("worker", allow("sqs:ReceiveMessage"))
        self.times = [plane.node.runtime.clock()]
        self.permit("sqs:*")
        self.permit()

    def permit(self, *actions: str) -> None:
        clock = self.plane.node.runtime.clock
        clock.move(clock.ahead + 3600)
        if actions:
            text = document(allow(list(actions)))
            self.iam.put_user_policy(UserName="worker", PolicyName="own", PolicyDocument=text)
        else:
            self.iam.delete_user_policy(UserName="worker", PolicyName="own")
        self.times.append(clock())

    def ask(self, kind: str, **question: Any) -> dict[str, Any]:
        told = {"type": kind, "account": ACCOUNT, "region": REGION, **question}
        return self.plane.run(answer(self.plane.node.runtime, told))

    def who(self, action: str, at: float | None) -> set[str]:
        groups = self.ask("who", action=action, resource=QUEUE, at=at)["groups"]
        return {one["arn"].rpartition("/")[2] for group in groups for one in group["principals"]}


@pytest.fixture
def worker(tmp_path: Any) -> Iterator[Worker]:
    """On a plane of its own, whose clock is moved."""
    plane = InProcess(tmp_path)
    yield Worker(plane)
    plane.close()


def test_who_could_do_something_at_a_time(worker: Worker) -> None:
    first, second, third = worker.times
    assert "worker" in worker.who("sqs:ReceiveMessage", first)
    assert "worker" not in worker.who("sqs:SendMessage", first)
    assert "worker" in worker.who("sqs:SendMessage", second)
    assert "worker" not in worker.who("sqs:SendMessage", third)
    assert worker.who("sqs:SendMessage", None) == worker.who("sqs:SendMessage", third)


def test_why_somebody_could_do_something_at_a_time(worker: Worker) -> None:
    why = {"principal": "worker", "action": "sqs:SendMessage", "resource": QUEUE}
    assert [worker.ask("why", **why, at=at)["verdict"] for at in worker.times] == [
        "implicit-deny",
        "allow",
        "implicit-deny",
    ]
    rows = worker.ask("what", principal="worker", services=["sqs"], at=worker.times[0])["rows"]
    assert {action for row in rows for action in row["actions"]} == {"ReceiveMessage"}


def test_a_time_that_is_not_known_is_refused(worker: Worker) -> None:
    long_ago = worker.times[0] - 91 * 86_400
    clock = worker.plane.node.runtime.clock
    clock.move(clock.ahead + 91 * 86_400)
    while worker.plane.run(worker.plane.node.ledger.read(lambda: worker.plane.node.journal.maintain(clock()))):
        pass
    with pytest.raises(Forgotten):
        worker.who("sqs:SendMessage", long_ago)


def test_a_recorded_call_is_decided_again_on_the_policies_of_now_and_of_then(worker: Worker) -> None:
    client = worker.plane.client("sqs", worker.key)
    fault = refused(client.send_message, QueueUrl=worker.url, MessageBody="x")
    (record,) = [it for it in worker.plane.records(5) if it.operation == "SendMessage"]
    assert fault.code
    request = record.request_id
    found = worker.ask("again", request=request)
    assert (found["was"], found["verdict"]) == ("implicit-deny", "implicit-deny")
    assert "sendmessage" in found["denial"].lower()
    assert worker.ask("again", request=request, at=worker.times[1])["verdict"] == "allow"
    worker.permit("sqs:SendMessage")
    assert worker.ask("again", request=request)["verdict"] == "allow"


def test_what_cannot_be_decided_again_is_said_so(worker: Worker) -> None:
    with pytest.raises(ConfigurationError, match="no call none is recorded"):
        worker.ask("again", request="none")
    (made,) = [it for it in worker.plane.records(50) if it.operation == "CreateQueue"]
    with pytest.raises(ConfigurationError, match="nobody who has policies"):
        worker.ask("again", request=made.request_id)

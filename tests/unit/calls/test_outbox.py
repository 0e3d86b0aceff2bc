"""Committed effects: sealed, in order, tried again by the clock, given up, and done once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from locum.audit import cloudtrail_event
from locum.backends import BackendCall, Carried
from locum.calls import OwnService, RequestContext
from locum.calls.committing import Committer
from locum.calls.effects import GIVEN_UP_AFTER
from locum.calls.outbox import AT_ONCE, Outbox
from locum.core.actors import ServiceRole, service_principal
from locum.core.calls import Effect, Patience, ServiceCall
from locum.core.clock import system_clock
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.identifiers import OWN_IMAGE, request_id
from locum.core.principal import Source
from locum.services import sts
from locum.services.verbs import Context, Operation, Outcome, Params, writes
from locum.state import PendingEffect, put
from support.backends import Doing, behind
from support.inprocess import InProcess
from support.plane import SECONDS, trusting

ACCOUNT = "000000000000"
REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:told"
PUBLISHED = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m</MessageId>'
    b"</PublishResult></PublishResponse>"
)


class Clocked(InProcess):
    """A plane with a clock that stands, and a verb that causes what the test says."""

    def __init__(self, data: Path) -> None:
        self.now = float(int(system_clock()))  # what boto3 signs by
        self.causes: list[Effect] = []
        super().__init__(data, lambda: self.now)

    def start(self) -> None:
        super().start()
        operations: dict[str, Operation] = {**sts.OPERATIONS, "GetAccessKeyInfo": writes(self._causing)}
        services = {**self.node.runtime.services, "sts": OwnService(operations, lambda _operation, _params: True)}
        self.node.runtime.services = services

    def _causing(self, ctx: Context, _params: Params) -> Outcome:
        return Outcome({"Account": ctx.account}, (), tuple(e._replace(id=request_id(ctx.entropy)) for e in self.causes))

    def cause(self, *effects: Effect) -> str:
        """The request id of a call that causes `effects`."""
        self.causes = list(effects)
        answer = self.client("sts").get_access_key_info(AccessKeyId="AKIAIOSFODNN7EXAMPLE")
        return str(answer["ResponseMetadata"]["RequestId"])

    @property
    def pending(self) -> list[PendingEffect]:
        return list(self.node.ledger.state.every(PendingEffect))

    def effect(self, message: str, **more: Any) -> Effect:
        """SNS tells its own topic."""
        sns = service_principal("sns.amazonaws.com", ACCOUNT, TOPIC)
        call = ServiceCall(sns, "sns", "Publish", {"TopicArn": TOPIC, "Message": message}, REGION)
        return Effect(request_id(self.node.runtime.entropy), call, **more)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Clocked]:
    running = Clocked(tmp_path / "plane")
    yield running
    running.close()


class Topic:
    """A backend of SNS that fails as often as it is told to."""

    def __init__(self, failures: int = 0, status: int = 503, code: str = "ServiceUnavailable") -> None:
        self.failures, self.status, self.code = failures, status, code
        self.got: list[tuple[str, str]] = []

    def __call__(self, call: BackendCall) -> HttpResponse:
        self.got.append((call.effect, call.params["Message"]))
        if self.failures:
            self.failures -= 1
            raise Fault(self.code, "Later.", self.status)
        return HttpResponse(200, [("content-type", "text/xml")], PUBLISHED)


def test_effects_of_a_lane_keep_their_order(plane: Clocked) -> None:
    with behind(plane, "sns", topic := Topic()):
        for number in range(5):
            plane.cause(*(plane.effect(f"{number}{letter}", lane="told") for letter in "ab"))
        plane.carry_out()
    assert [text for _, text in topic.got] == [f"{number}{letter}" for number in range(5) for letter in "ab"]
    assert plane.pending == []


def test_a_failed_effect_is_tried_again_when_its_time_has_come_and_under_the_same_id(plane: Clocked) -> None:
    with behind(plane, "sns", topic := Topic(failures=3)):
        plane.cause(plane.effect("hello"))
        waits = []
        while (due := plane.carry_out()) is not None:
            waits.append(due - plane.now)
            assert plane.carry_out() == due  # nothing happens before
            plane.now = due
    assert waits == [1, 2, 4]
    assert len(topic.got) == 4
    assert len(set(topic.got)) == 1
    outcomes = [record.error_code for record in reversed(plane.records()) if record.operation == "Publish"]
    assert outcomes == ["ServiceUnavailable"] * 3 + [""]


def test_an_effect_that_fails_for_a_day_is_given_up(plane: Clocked) -> None:
    with behind(plane, "sns", topic := Topic(failures=10_000)):
        plane.cause(plane.effect("hello"))
        begun = plane.now
        while (due := plane.carry_out()) is not None:
            plane.now = due
    assert plane.now - begun >= GIVEN_UP_AFTER
    assert len(topic.got) < 200


def test_an_effect_is_tried_again_as_often_as_its_service_says_and_something_else_is_done_instead(
    plane: Clocked,
) -> None:
    with behind(plane, "sns", topic := Topic(failures=3)):
        instead = plane.effect("in its place").call
        plane.cause(plane.effect("hello")._replace(patience=Patience(2), instead=instead))
        while (due := plane.carry_out()) is not None:
            plane.now = due
    assert [text for _, text in topic.got] == ["hello"] * 3 + ["in its place"]
    assert plane.pending == []


def test_what_is_done_instead_of_a_refused_effect_is_done_once(plane: Clocked) -> None:
    with behind(plane, "sns", topic := Topic(failures=1, status=400)):
        instead = plane.effect("in its place").call
        plane.cause(plane.effect("hello")._replace(instead=instead))
        plane.carry_out()
    assert [text for _, text in topic.got] == ["hello", "in its place"]
    assert plane.pending == []


def test_an_effect_that_is_refused_is_over_and_recorded(plane: Clocked) -> None:
    with behind(plane, "sns", topic := Topic(failures=1, status=400)):
        cause = plane.cause(plane.effect("hello"))
        assert plane.carry_out() is None
    (record,) = [record for record in plane.records() if record.operation == "Publish"]
    assert (record.cause, record.effect, record.status) == (cause, topic.got[0][0], 400)


def test_a_failing_effect_does_not_hold_up_another_lane(plane: Clocked) -> None:
    with behind(plane, "sns", topic := Topic(failures=1)):
        plane.cause(plane.effect("fails", lane="a"), plane.effect("goes", lane="b"))
        plane.carry_out()
        assert {text for _, text in topic.got} == {"fails", "goes"}
        assert len(plane.pending) == 1


def test_a_failed_effect_holds_up_those_behind_it_in_its_lane(plane: Clocked) -> None:
    with behind(plane, "sns", topic := Topic(failures=2)):
        plane.cause(plane.effect("first", lane="told"), plane.effect("second", lane="told"))
        while (due := plane.carry_out()) is not None:
            plane.cause(plane.effect(f"later at {due - plane.now:.0f}", lane="told"))
            plane.now = due
    order = ["first", "first", "first", "second", "later at 1", "later at 2"]
    assert [text for _, text in topic.got] == order
    assert plane.pending == []


def test_an_effect_that_is_throttled_is_tried_again(plane: Clocked) -> None:
    with behind(plane, "sns", topic := Topic(failures=1, status=400, code="Throttling")):
        plane.cause(plane.effect("hello"))
        assert plane.carry_out() == plane.now + 1
        plane.now += 1
        assert plane.carry_out() is None
    assert [text for _, text in topic.got] == ["hello", "hello"]


def test_an_effect_that_a_backend_answers_with_throttling_is_tried_again(plane: Clocked) -> None:
    body = b"<ErrorResponse><Error><Code>ThrottlingException</Code><Message>Later.</Message></Error></ErrorResponse>"
    with behind(plane, "sns", lambda _call: HttpResponse(400, [("content-type", "text/xml")], body)):
        plane.cause(plane.effect("hello"))
        assert plane.carry_out() == plane.now + 1
        assert len(plane.pending) == 1


def test_an_effect_that_is_no_call_of_any_service_is_given_up(plane: Clocked, caplog: pytest.LogCaptureFixture) -> None:
    sns = service_principal("sns.amazonaws.com", ACCOUNT, TOPIC)
    plane.cause(Effect("", ServiceCall(sns, "sns", "Shout", {}, REGION), "told"), plane.effect("behind", lane="told"))
    (entry, _) = sorted(plane.pending, key=lambda entry: entry.position)
    with behind(plane, "sns", topic := Topic()):
        assert plane.carry_out() is None
    assert [text for _, text in topic.got] == ["behind"]
    assert entry.id in caplog.text


def test_a_call_whose_awaited_effect_storage_did_not_take_is_answered_as_it_was_committed(
    plane: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise Fault("ServiceUnavailable", "no space", 503)

    with behind(plane, "sns", topic := Topic(failures=1)):
        with monkeypatch.context() as patched:
            patched.setattr(Committer, "refused", full)
            cause = plane.cause(plane.effect("hello", awaited=True))
        assert plane.record(cause).status == 200
        plane.carry_out()
    assert [text for _, text in topic.got] == ["hello", "hello"]


def test_an_awaited_effect_is_done_when_its_cause_is_answered(plane: Clocked) -> None:
    with behind(plane, "sns", topic := Topic()):
        plane.cause(plane.effect("at once", awaited=True))
        assert [text for _, text in topic.got] == ["at once"]
    assert plane.pending == []


def test_what_an_effect_sends_is_not_on_the_disk_in_clear(plane: Clocked, tmp_path: Path) -> None:
    with behind(plane, "sns", Topic(failures=1)):
        plane.cause(plane.effect("an exchange token"))
        plane.carry_out()
        assert len(plane.pending) == 1
        plane.run(plane.node.ledger.flush())
        files = [path for path in (tmp_path / "plane").iterdir() if path.is_file()]
        assert not any(b"an exchange token" in path.read_bytes() for path in files)


def test_effects_are_carried_out_after_a_restart(plane: Clocked) -> None:
    with behind(plane, "sns", Topic(failures=1)):
        plane.cause(plane.effect("kept"))
        plane.carry_out()
    plane.close()
    plane.now += 60
    plane.start()
    with behind(plane, "sns", topic := Topic()):
        plane.carry_out()
    assert [text for _, text in topic.got] == ["kept"]


def test_an_effect_in_locums_own_state_happens_once_though_it_is_begun_twice(plane: Clocked) -> None:
    iam = service_principal("iam.amazonaws.com", ACCOUNT)
    call = ServiceCall(iam, "iam", "CreateUser", {"UserName": "once"}, REGION)
    plane.cause(Effect(request_id(plane.node.runtime.entropy), call))
    (entry,) = plane.pending

    async def twice() -> None:
        await plane.node.calls.carry_out(entry)
        await plane.node.calls.carry_out(entry)

    plane.run(twice())
    assert [record.error_code for record in plane.records() if record.operation == "CreateUser"] == [""]


def test_a_role_that_was_passed_acts_with_its_own_permissions(plane: Clocked) -> None:
    iam = plane.client("iam")
    role = iam.create_role(RoleName="acting", AssumeRolePolicyDocument=trusting(Service="states.amazonaws.com"))["Role"]
    source = Source(ACCOUNT, f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m")
    actor = ServiceRole("states.amazonaws.com", role["Arn"], "machine", source)

    def creating(name: str) -> Effect:
        call = ServiceCall(actor, "iam", "CreateUser", {"UserName": name}, REGION)
        return Effect(request_id(plane.node.runtime.entropy), call)

    plane.cause(creating("denied"))
    plane.carry_out()
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="acting", PolicyName="own", PolicyDocument=json.dumps(document))
    plane.cause(creating("allowed"))
    plane.carry_out()
    records = [record for record in plane.records() if record.operation == "CreateUser"]
    assert sorted((record.verdict, record.invoked_by, record.identity.issuer_arn) for record in records) == [
        ("allow", "states.amazonaws.com", role["Arn"]),
        ("implicit-deny", "states.amazonaws.com", role["Arn"]),
    ]


def test_a_role_that_does_not_trust_the_service_does_nothing(plane: Clocked) -> None:
    iam = plane.client("iam")
    role = iam.create_role(RoleName="other", AssumeRolePolicyDocument=trusting(Service="ec2.amazonaws.com"))["Role"]
    actor = ServiceRole("states.amazonaws.com", role["Arn"], "machine", Source(ACCOUNT))
    call = ServiceCall(actor, "iam", "CreateUser", {"UserName": "never"}, REGION)
    plane.cause(Effect(request_id(plane.node.runtime.entropy), call))
    assert plane.carry_out() is None
    found = {record.operation: record for record in plane.records(3)}
    assert (found["AssumeRole"].verdict, found["AssumeRole"].invoked_by) == ("implicit-deny", "states.amazonaws.com")
    assert found["CreateUser"].error_code == "AccessDenied"
    event = cloudtrail_event(found["CreateUser"])  # the service has not come to act in the role
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "states.amazonaws.com"}
    assert event["recipientAccountId"] == ACCOUNT


def test_a_service_does_nothing_of_its_own_in_another_account(plane: Clocked) -> None:
    launched = plane.client("ec2").run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1)["Instances"][0]
    ec2 = service_principal("ec2.amazonaws.com", "444455556666")
    call = ServiceCall(ec2, "ec2", "TerminateInstances", {"InstanceIds": [launched["InstanceId"]]}, REGION)
    with pytest.raises(Fault):
        plane.run(plane.node.calls.make(call))
    assert plane.client("ec2").describe_instances()["Reservations"][0]["Instances"][0]["State"]["Name"] == "running"


def test_an_effect_that_no_key_opens_any_more_is_given_up(plane: Clocked, caplog: pytest.LogCaptureFixture) -> None:
    with behind(plane, "sns", topic := Topic(failures=1)):
        plane.cause(plane.effect("sealed"))
        plane.carry_out()
        (entry,) = plane.pending
        unreadable = replace(entry, sealed=bytes(len(entry.sealed)))
        plane.run(plane.node.ledger.transact(lambda _: Outcome({}, (put(unreadable),)), lambda _: ()))
        plane.now += 60
        assert plane.carry_out() is None
    assert len(topic.got) == 1
    assert entry.id in caplog.text


class Held(Doing):
    """A backend of SNS for which the message `slow` takes until it is released. `quick` is set at any other one."""

    def __init__(self) -> None:
        super().__init__(Topic())
        self.quick, self.released = asyncio.Event(), asyncio.Event()

    async def call(self, call: BackendCall) -> Carried:
        if call.params["Message"] == "slow":
            await self.released.wait()
        else:
            self.quick.set()
        return await super().call(call)


def test_functions_that_take_long_hold_up_no_messages(plane: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Effects without a lane, as invocations are: as many of them as are carried out at the same time."""
    held = Held()
    monkeypatch.setitem(cast("dict[str, Any]", plane.node.runtime.backends.by_service), "sns", held)
    plane.cause(*(plane.effect("slow") for _ in range(AT_ONCE)), plane.effect("quick", lane="told"))

    async def until_quick() -> None:
        plane.node.calls.outbox.begin()
        async with asyncio.timeout(SECONDS):
            await held.quick.wait()
        held.released.set()

    plane.run(until_quick())
    plane.carry_out()
    assert plane.pending == []
    assert len(held.calls) == AT_ONCE + 1


def test_effects_that_await_effects_do_not_wait_for_each_other_for_ever(plane: Clocked) -> None:
    """Each of more effects than are carried out at once causes one that it awaits."""
    with behind(plane, "sns", topic := Topic()):
        sts_caller = service_principal("sts.amazonaws.com", ACCOUNT)
        asked = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}
        call = ServiceCall(sts_caller, "sts", "GetAccessKeyInfo", asked, REGION)
        outer = [Effect(request_id(plane.node.runtime.entropy), call) for _ in range(AT_ONCE + 4)]
        plane.cause(*outer)
        plane.causes = [plane.effect("inner", awaited=True)]
        plane.carry_out()
    assert len(topic.got) == AT_ONCE + 4
    assert plane.pending == []


# -- several nodes ---------------------------------------------------------------------------------------------


def test_an_effect_whose_caller_waits_is_left_to_the_node_that_committed_it(plane: Clocked) -> None:
    """The node that delivers does not carry it out a second time, and takes it over where that node has gone."""
    runtime, outbox = plane.node.runtime, plane.node.calls.outbox
    with behind(plane, "sns", topic := Topic(failures=1)):
        runtime.node = "a"
        with outcomes_lost():
            plane.cause(plane.effect("hello", awaited=True))
        assert [entry.node for entry in plane.pending] == ["a"]
        plane.now += 60
        runtime.node = "b"
        assert outbox.others() == {"a"}
        plane.run(_begun(outbox, {"a"}))
        assert len(topic.got) == 1
        plane.run(_begun(outbox, set()))
    assert [text for _, text in topic.got] == ["hello", "hello"]
    assert plane.pending == []


def test_effects_behind_one_that_is_left_to_another_node_wait_for_it(plane: Clocked) -> None:
    runtime, outbox = plane.node.runtime, plane.node.calls.outbox
    with behind(plane, "sns", topic := Topic(failures=1)):
        runtime.node = "a"
        with outcomes_lost():
            plane.cause(plane.effect("first", lane="told", awaited=True), plane.effect("second", lane="told"))
        plane.now += 60
        runtime.node = "b"
        plane.run(_begun(outbox, {"a"}))
        assert [text for _, text in topic.got] == ["first"]
        plane.carry_out()
    assert [text for _, text in topic.got] == ["first", "first", "second"]


async def _begun(outbox: Outbox, others: set[str]) -> None:
    outbox.begin(others)
    await outbox.step() if not others else None


def test_attack_an_awaited_effect_that_was_put_off_is_not_left_to_a_node_that_does_not_deliver(plane: Clocked) -> None:
    """Else nobody would begin it again, nor what is behind it in its lane, until that node is gone."""
    runtime, outbox = plane.node.runtime, plane.node.calls.outbox
    with behind(plane, "sns", topic := Topic(failures=1)):
        runtime.node = "a"
        plane.cause(plane.effect("hello", awaited=True))
        assert [(entry.node, entry.attempts) for entry in plane.pending] == [("", 1)]
        runtime.node = "b"
        assert outbox.others() == frozenset()
        plane.now += 60
        plane.carry_out()
    assert [text for _, text in topic.got] == ["hello", "hello"]


def test_attack_an_awaited_effect_whose_outcome_storage_did_not_take_is_seen_through_by_its_node(
    plane: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node that delivers leaves it to this one, which need not have the duties."""
    monkeypatch.setattr("locum.calls.outbox.AFTER_FAILURE", 0.0)
    plane.run(plane.node.duties.deliveries.close())
    with behind(plane, "sns", topic := Topic(failures=1)):
        plane.node.runtime.node = "a"
        with outcomes_lost(1):
            plane.cause(plane.effect("hello", awaited=True))
            plane.run(_all_done(plane))
    assert [text for _, text in topic.got] == ["hello", "hello"]


def test_attack_a_node_that_ends_begins_no_effect_again(plane: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is another's by then."""
    monkeypatch.setattr("locum.calls.outbox.AFTER_FAILURE", 0.0)
    plane.run(plane.node.duties.deliveries.close())
    with behind(plane, "sns", topic := Topic(failures=1)):
        plane.node.runtime.node = "a"
        with outcomes_lost():
            plane.run(plane.node.calls.outbox.end())
            plane.cause(plane.effect("hello", awaited=True))
            plane.run(_turns())
            plane.run(plane.node.calls.outbox.close())  # what it had begun it would wait for
    assert len(topic.got) == 1
    assert [entry.node for entry in plane.pending] == ["a"]


@contextmanager
def outcomes_lost(times: int = 1_000) -> Iterator[None]:
    """While the block runs, storage does not take that effects failed: so often."""
    left = count(1)
    taken = Committer.refused

    async def refused(self: Committer, context: RequestContext, fault: Fault, retry: PendingEffect | None) -> None:
        if next(left) <= times:
            raise Fault("ServiceUnavailable", "no space", 503)
        await taken(self, context, fault, retry)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Committer, "refused", refused)
        yield


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def _all_done(plane: Clocked) -> None:
    with plane.node.ledger.subscribe() as changes:
        while plane.pending:
            await anext(changes)


def test_an_effect_for_which_nobody_waits_is_any_nodes(plane: Clocked) -> None:
    plane.node.runtime.node = "a"
    with behind(plane, "sns", Topic()):
        plane.cause(plane.effect("hello"))
        assert [entry.node for entry in plane.pending] == [""]
        plane.node.runtime.node = "b"
        assert plane.node.calls.outbox.others() == frozenset()
        plane.carry_out()
    assert plane.pending == []

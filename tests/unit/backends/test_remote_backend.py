"""A backend in another process: what reaches it, what comes back, and what becomes of a call whose caller is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from locum.backends.port import BackendCall, Carried, DeadLetter, Delivery, Origin
from locum.backends.remote import server as serving
from locum.backends.remote.client import BackendFailed
from locum.core.actors import ServiceRole
from locum.core.calls import Patience
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.partial_arn import NEW, UNKNOWN, Name, PartialArn
from locum.core.principal import Caller, Principal, Source
from locum.core.resources import ResourceFacts
from support.remote import RemoteHouse, call_of, pieces_of, remote_house, whole
from support.wire_requests import form, rest, target

PUT = rest("PUT", "/bucket/key", b"\x00\xffbody", content_type="text/plain", x_amz_meta_a="b")
GET = rest("GET", "/bucket/key?versionId=null")
NOTIFY = rest("PUT", "/bucket?notification", b"<NotificationConfiguration/>")
ARN = "arn:aws:s3:::bucket"
USER = Principal.user("000000000000", "arn:aws:iam::000000000000:user/ann", "AIDA1", "ann")
DELIVERY = Delivery(
    "s3.amazonaws.com",
    ARN,
    "000000000000",
    "sqs",
    "SendMessage",
    {"QueueUrl": "q", "MessageBody": "b", "Blob": b"\xff", "At": 1.5},
    "000000000000",
    "eu-west-1",
    delay=2.0,
    role=ServiceRole("lambda.amazonaws.com", "arn:aws:iam::000000000000:role/r", "s", Source("000000000000", ARN)),
    patience=Patience(3, 60.0),
    dead_letter=DeadLetter({"QueueUrl": "d"}, "eu-west-1"),
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[RemoteHouse]:
    with remote_house(tmp_path) as house:
        yield house


def answering(house: RemoteHouse, *args: Any, **kwargs: Any) -> None:
    async def act(_call: BackendCall) -> Carried:
        return Carried(*args, **kwargs)

    house.behind.act = act


# -- what reaches it -----------------------------------------------------------------------------------------


def test_a_call_arrives_as_it_was_made(house: RemoteHouse) -> None:
    caller = Caller(USER, "AKIA1", via=("cloudformation.amazonaws.com",))
    origin = Origin("AIDA1", "000000000000", "request", 12.5, USER.arn, "eu-west-1")
    more = {"host_bucket": "b", "effect": "e", "origin": origin, "access_point": "ap", "caller": caller}
    made = call_of(PUT, "s3", resources=(f"{ARN}/key",), **more)
    house.run(house.remote.call(made))
    [got] = house.behind.calls
    assert got.codec is made.codec
    for name in ("account", "region", "body", "params", "host_bucket", "effect", "origin", "access_point"):
        assert getattr(got, name) == getattr(made, name), name
    assert (got.caller, got.resources) == (caller, (f"{ARN}/key",))
    for name in ("method", "raw_path", "query_string", "headers", "body", "source_ip", "secure"):
        assert getattr(got.request, name) == getattr(made.request, name), name


@pytest.mark.parametrize(
    ("request_", "service"),
    [
        (form("ec2", "DescribeInstances", "InstanceId.1=i-1", "MaxResults=5"), "ec2"),
        (target("DynamoDB_20120810.PutItem", {"TableName": "t", "Item": {"k": {"B": "/w=="}}}), "dynamodb"),
        (rest("POST", "/2015-03-31/functions/f/invocations", b'{"a": 1}'), "lambda"),
    ],
)
def test_parameters_are_the_same_in_every_protocol(house: RemoteHouse, request_: Any, service: str) -> None:
    made = call_of(request_, service)
    house.run(house.remote.call(made))
    assert house.behind.calls[0].params == made.params
    assert house.behind.calls[0].protocol == made.protocol


def test_a_large_body_goes_over_once_and_is_there_once(house: RemoteHouse) -> None:
    body = b"x" * (64 << 20)
    house.run(house.remote.call(call_of(rest("PUT", "/bucket/key", body), "s3")))
    [got] = house.behind.calls
    assert got.body == body
    assert got.params["Body"] is got.body
    assert got.request.body is got.body


def test_what_was_committed_before_is_seen_before(house: RemoteHouse) -> None:
    house.run(house.remote.call(call_of(GET, "s3")))
    house.run(house.remote.facts("s3", ARN, "1", "eu-west-1"))
    house.run(house.remote.told("ec2", "DescribeInstances", {}, "1", "eu-west-1"))
    house.run(house.remote.forget("1"))
    assert house.seen == [7, 7, 7, 7]


def test_those_who_wait_for_a_resource_hear_of_the_call(house: RemoteHouse) -> None:
    made = call_of(PUT, "s3", resources=("arn:aws:sqs:eu-west-1:1:q",))
    house.run(house.remote.call(made))
    assert house.woken == [("PutObject", ("arn:aws:sqs:eu-west-1:1:q",))]


def test_an_operation_that_the_other_version_lacks_is_not_implemented(house: RemoteHouse) -> None:
    made = call_of(GET, "s3")
    later = copy(made.codec)
    later.operation = "GetObjectOfTomorrow"
    made = replace(made, codec=later)
    with pytest.raises(Fault) as refused:
        house.run(house.remote.call(made))
    assert (refused.value.code, refused.value.status) == ("NotImplemented", 501)
    assert house.behind.calls == []


def test_a_number_that_no_message_has_is_a_fault_of_its_sender(house: RemoteHouse) -> None:
    made = call_of(GET, "s3")
    made.params["PartNumber"] = 1 << 70
    with pytest.raises(Fault) as refused:
        house.run(house.remote.call(made))
    assert refused.value.status == 400


# -- what comes back -----------------------------------------------------------------------------------------


def test_the_answer_comes_back_with_its_deliveries(house: RemoteHouse) -> None:
    answering(house, HttpResponse(201, [("A", "1"), ("A", "2"), ("ETag", '"x"')], b"<xml/>"), (DELIVERY,))
    carried = house.run(house.remote.call(call_of(PUT, "s3")))
    assert carried.response.status == 201
    assert carried.response.headers == [("A", "1"), ("A", "2"), ("ETag", '"x"')]
    assert carried.response.body == b"<xml/>"
    assert carried.deliveries == (DELIVERY,)
    assert (carried.undo, carried.stands) == (None, None)


def test_facts_and_what_is_told_come_back(house: RemoteHouse) -> None:
    house.behind.known = ResourceFacts("1", "{}", {"k": "v"}, ARN, {"partition_key": "pk"})
    house.behind.answer = {"Reservations": [{"Instances": []}]}
    assert house.run(house.remote.facts("s3", ARN, "1", "eu-west-1", ["v1"])) == house.behind.known
    assert house.run(house.remote.told("ec2", "D", {"a": b"\xff"}, "1", "r")) == house.behind.answer
    house.run(house.remote.forget("2"))
    assert house.behind.asked == [("s3", ARN, "1", "eu-west-1", ("v1",)), ("ec2", "D", {"a": b"\xff"}, "1", "r"), "2"]


def test_an_arn_that_is_known_in_part_is_never_the_one_that_it_looks_like(house: RemoteHouse) -> None:
    partial = PartialArn(("arn:aws:ec2:eu-west-1:1:group/", UNKNOWN, "/", NEW), Name("GroupName", "web"))
    house.run(house.remote.facts("ec2", partial, "1", "eu-west-1"))
    [(_, arn, *_)] = house.behind.asked
    assert isinstance(arn, PartialArn)
    assert arn == partial
    assert arn != str(partial)


def test_a_fault_comes_back_as_it_is(house: RemoteHouse) -> None:
    async def act(_call: BackendCall) -> Carried:
        raise Fault("NoSuchBucket", "There is none.", 404, members={"BucketName": "bucket"}, resource="/bucket")

    house.behind.act = act
    with pytest.raises(Fault) as raised:
        house.run(house.remote.call(call_of(GET, "s3")))
    fault = raised.value
    assert (fault.code, fault.message, fault.status) == ("NoSuchBucket", "There is none.", 404)
    assert (dict(fault.members), fault.resource) == ({"BucketName": "bucket"}, "/bucket")


def test_an_unexpected_error_tells_its_class_and_nothing_that_it_quotes(
    house: RemoteHouse, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(call: BackendCall) -> Carried:
        raise KeyError(call.body)

    house.behind.act = act
    with caplog.at_level(logging.ERROR), pytest.raises(BackendFailed, match="KeyError") as raised:
        house.run(house.remote.call(call_of(rest("PUT", "/bucket/key", b"hunter2"), "s3")))
    assert "KeyError" in caplog.text
    assert "hunter2" not in caplog.text + str(raised.value)


def test_a_large_object_is_passed_on_piece_by_piece(house: RemoteHouse) -> None:
    body = bytes(range(256)) * (64 << 12)
    answering(house, HttpResponse(200, [], body))
    response = house.run(house.remote.call(call_of(GET, "s3"))).response
    assert not isinstance(response.body, bytes)
    assert response.headers == [("Content-Length", str(len(body)))]
    assert house.run(whole(response)) == body
    assert house.run(house.remote.facts("s3", ARN, "1", "r")) == house.behind.known  # the connection is good for more


def test_a_stream_of_unknown_length_is_a_stream(house: RemoteHouse) -> None:
    answering(house, HttpResponse(200, [], pieces_of(b"abc" * 400_000, 300_000)))
    response = house.run(house.remote.call(call_of(GET, "s3"))).response
    assert house.run(whole(response)) == b"abc" * 400_000


def test_an_error_is_never_a_stream(house: RemoteHouse) -> None:
    answering(house, HttpResponse(404, [], pieces_of(b"<Error/>", 3)))
    assert house.run(house.remote.call(call_of(GET, "s3"))).response.body == b"<Error/>"


def test_an_object_that_breaks_off_is_no_object(house: RemoteHouse) -> None:
    async def broken() -> Any:
        yield b"x" * 10
        raise OSError

    answering(house, HttpResponse(200, [], broken()))
    response = house.run(house.remote.call(call_of(GET, "s3"))).response
    with pytest.raises(Fault, match="ServiceUnavailable"):
        house.run(whole(response))


# -- deciding again ------------------------------------------------------------------------------------------


def test_what_was_waited_for_is_decided_on_again_where_its_caller_is(house: RemoteHouse) -> None:
    async def act(call: BackendCall) -> Carried:
        call.decide_again()
        return Carried(HttpResponse(200, [], b"secret"))

    def denied() -> None:
        raise Fault("AccessDenied", "no", 403)

    house.behind.act = act
    with pytest.raises(Fault, match="AccessDenied"):
        house.run(house.remote.call(call_of(GET, "s3", decide_again=denied)))


def test_what_was_not_waited_for_is_not_decided_on_again(house: RemoteHouse) -> None:
    def denied() -> None:
        raise Fault("AccessDenied", "no", 403)

    assert house.run(house.remote.call(call_of(GET, "s3", decide_again=denied))).response.status == 200


# -- undoing -------------------------------------------------------------------------------------------------


def undoable(house: RemoteHouse) -> list[str]:
    undone: list[str] = []
    answering(house, HttpResponse(200), (DELIVERY,), lambda: undone.append("undone"))
    return undone


def test_a_call_is_undone_before_anything_else_is_asked(house: RemoteHouse) -> None:
    undone, found = undoable(house), []

    async def work() -> None:
        carried = await house.remote.call(call_of(NOTIFY, "s3"))
        assert carried.undo is not None
        carried.undo()
        await house.remote.facts("s3", ARN, "1", "r")
        found.extend(undone)

    house.run(work())
    assert found == ["undone"]


def test_a_call_that_stands_stays(house: RemoteHouse) -> None:
    undone = undoable(house)

    async def work() -> None:
        carried = await house.remote.call(call_of(NOTIFY, "s3"))
        assert carried.stands is not None
        await carried.stands()
        await house.remote.facts("s3", ARN, "1", "r")

    house.run(work())
    house.run(house.close())
    assert undone == []


def test_a_call_is_undone_when_its_caller_dies_before_it_stands(house: RemoteHouse) -> None:
    ended = asyncio.Event()
    answering(house, HttpResponse(200), (DELIVERY,), ended.set)

    async def work() -> None:
        carried = await house.remote.call(call_of(NOTIFY, "s3"))
        assert carried.stands is not None
        house.channels[-1].close()  # as the end of its process does
        await asyncio.wait_for(ended.wait(), 5)

    house.run(work())


def test_a_call_that_nobody_says_stands_is_undone_and_does_not_stand_later(
    house: RemoteHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "UNDONE_AFTER", 0.0)
    ended = asyncio.Event()
    answering(house, HttpResponse(200), (DELIVERY,), ended.set)

    async def work() -> None:
        carried = await house.remote.call(call_of(NOTIFY, "s3"))
        await asyncio.wait_for(ended.wait(), 5)
        assert carried.stands is not None
        await carried.stands()

    with pytest.raises(Fault, match="ServiceUnavailable"):
        house.run(work())


# -- ends ----------------------------------------------------------------------------------------------------


def test_a_call_whose_caller_is_gone_is_cancelled(house: RemoteHouse) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def act(_call: BackendCall) -> Carried:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    async def work() -> None:
        house.behind.act = act
        task = asyncio.ensure_future(house.remote.call(call_of(GET, "s3")))
        await begun.wait()
        task.cancel()
        await asyncio.wait_for(ended.wait(), 5)

    house.run(work())


def test_nobody_there_is_a_503(house: RemoteHouse) -> None:
    house.run(house.server.close())
    with pytest.raises(Fault) as refused:
        house.run(house.remote.call(call_of(GET, "s3")))
    assert (refused.value.code, refused.value.status) == ("ServiceUnavailable", 503)


def test_a_server_that_begins_again_is_found(house: RemoteHouse) -> None:
    house.run(house.remote.facts("s3", ARN, "1", "r"))
    house.run(house.server.close())
    house.server = house.new_server()
    house.run(house.server.open_unix(house.path))
    assert house.run(house.remote.facts("s3", ARN, "1", "r")) == house.behind.known


def test_an_end_in_the_middle_of_a_call_is_a_503_and_not_a_second_call(house: RemoteHouse) -> None:
    begun = asyncio.Event()

    async def act(_call: BackendCall) -> Carried:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def work() -> None:
        house.behind.act = act
        task = asyncio.ensure_future(house.remote.call(call_of(PUT, "s3")))
        await begun.wait()
        await house.server.close()
        await task

    with pytest.raises(Fault, match="ServiceUnavailable"):
        house.run(work())
    assert len(house.behind.calls) == 1


def test_many_calls_at_once_get_their_own_answers(house: RemoteHouse) -> None:
    async def act(call: BackendCall) -> Carried:
        await asyncio.sleep(0)
        return Carried(HttpResponse(200, [], call.params["Key"].encode()))

    async def work() -> list[Any]:
        keys = [f"k{number}" for number in range(200)]
        calls = [house.remote.call(call_of(rest("GET", f"/bucket/{key}"), "s3")) for key in keys]
        found = [await whole(carried.response) for carried in await asyncio.gather(*calls)]
        return [found, [key.encode() for key in keys]]

    house.behind.act = act
    found, keys = house.run(work())
    assert found == keys


def test_attack_a_call_that_is_done_at_the_moment_when_the_server_ends_is_undone(house: RemoteHouse) -> None:
    """Nobody was told of it, and whoever asked says that it failed."""
    undone: list[str] = []

    async def act(call: BackendCall) -> Carried:
        ends = [task.cancel for task in house.server._connections]
        asyncio.get_running_loop().call_soon(lambda: [end() for end in ends])
        return Carried(HttpResponse(200, [], b""), (), lambda: undone.append(call.operation))

    house.behind.act = act
    with pytest.raises(Fault, match="did not answer"):
        house.run(house.remote.call(call_of(GET, "s3")))
    assert undone == ["GetObject"]

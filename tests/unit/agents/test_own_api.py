"""Locum's own API as a service: signed, decided on, recorded, and what it lists of the record."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from locum.agents.api.host import OPERATIONS
from locum.authz import service_reference
from locum.core.http import HttpRequest
from locum.wire.models import add_own_models, service_model
from support.inprocess import ENDPOINT, REGION, Answer, InProcess, arrived, exchange, refusal
from support.plane import allow

LISTS = allow("locum:ListRecords")


def listed(plane: InProcess, **params: Any) -> list[dict[str, Any]]:
    return list(plane.client("locum").list_records(**params)["Records"])


def test_the_service_model_the_actions_and_the_operations_are_the_same() -> None:
    names = sorted(service_model("locum").operation_names)
    assert {name for _, name in OPERATIONS} <= set(names)
    assert names == list(service_reference.action_names("locum"))


def test_any_botocore_session_makes_a_client() -> None:
    session = botocore.session.Session()
    add_own_models(session)
    client = session.create_client("locum", "eu-west-1", endpoint_url="http://127.0.0.1:1")
    assert "list_records" in dir(client)


def test_a_call_is_decided_on_and_recorded_as_a_reading_one(plane: InProcess) -> None:
    ann = plane.client("locum", plane.user("api-ann"))
    code, status, message = refusal(ann.list_records)
    assert (code, status) == ("AccessDeniedException", 403)
    assert "is not authorized to perform: locum:ListRecords because no identity-based policy allows" in message
    plane.client("locum", plane.user("api-ben", LISTS)).list_records()
    record = plane.records(1)[0]
    assert (record.service, record.event_source, record.operation) == ("locum", "locum.amazonaws.com", "ListRecords")
    assert (record.read_only, record.management, record.verdict) == (True, True, "allow")
    (event,) = plane.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventSource", "AttributeValue": "locum.amazonaws.com"}], MaxResults=1
    )["Events"]
    assert (event["EventName"], event["ReadOnly"]) == ("ListRecords", "true")


def test_attack_an_unsigned_call_gets_aws_error_and_health_needs_no_signature(plane: InProcess) -> None:
    unsigned = HttpRequest("POST", "/_locum/api/ListRecords", "", {"host": "127.0.0.1:4566"}, b"{}")
    answer = plane.send(unsigned)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")
    assert plane.send(HttpRequest("GET", "/_locum/health", "", {"host": "127.0.0.1:4566"})).status == 200


def test_attack_a_request_signed_for_another_service_does_not_reach_the_api(plane: InProcess) -> None:
    for service in ("lambda", "sts", "s3"):
        request = AWSRequest("POST", f"{ENDPOINT}/_locum/api/ListRecords", data=b"{}")
        request.headers["x-amz-content-sha256"] = hashlib.sha256(b"{}").hexdigest()
        SigV4Auth(Credentials(*plane.root[:2]), service, REGION).add_auth(request)
        answer = plane.send(arrived(request.prepare()))
        assert answer.status in (400, 404, 405), (service, answer)
        assert b"Records" not in answer.body


def test_records_are_listed_oldest_first_and_from_a_position_on(plane: InProcess) -> None:
    iam, client = plane.client("iam"), plane.client("locum")
    position = client.list_records()["Position"]
    iam.list_users()
    iam.list_roles()
    page = client.list_records(After=position, MaxResults=1)
    assert [it["Operation"] for it in page["Records"]] == ["ListUsers"]
    rest = client.list_records(After=page["Position"])
    assert [it["Operation"] for it in rest["Records"]] == ["ListRoles"]
    assert client.list_records(After=rest["Position"])["Records"] == []
    assert [it["Operation"] for it in listed(plane)][-2:] == ["ListUsers", "ListRoles"]


def test_records_are_selected_by_verdict_caller_service_operation_and_resource(plane: InProcess) -> None:
    cem = plane.user("api-cem")
    code, _, _ = refusal(plane.client("iam", cem).get_user, UserName="api-cem")
    assert code == "AccessDenied"
    arn = "arn:aws:iam::000000000000:user/api-cem"
    by_cem = listed(plane, Verdict="denied", PrincipalArn=arn)
    assert [(it["Operation"], it["Verdict"], it["ErrorCode"]) for it in by_cem] == [
        ("GetUser", "implicit-deny", "AccessDenied")
    ]
    assert listed(plane, Verdict="allowed", PrincipalArn=arn) == []
    assert {it["Operation"] for it in listed(plane, ResourceArn=arn)} >= {"CreateUser", "GetUser"}
    assert {it["Service"] for it in listed(plane, EventSource="iam.amazonaws.com")} == {"iam"}
    assert {it["Operation"] for it in listed(plane, EventName="createuser")} == {"CreateUser"}


def test_a_listing_does_not_tell_of_itself_unless_it_is_asked_to(plane: InProcess) -> None:
    client = plane.client("locum")
    position = client.list_records()["Position"]
    refusal(plane.client("locum", plane.user("api-dee")).who_can, Action="s3:GetObject", Resource="*")
    told = [(it["Service"], it["Operation"]) for it in client.list_records(After=position)["Records"]]
    assert told == [("iam", "CreateUser"), ("iam", "CreateAccessKey"), ("locum", "WhoCan")]
    own = listed(plane, EventSource="locum.amazonaws.com", Verdict="allowed")
    assert {it["Operation"] for it in own} == {"ListRecords"}


def test_a_record_is_returned_with_its_event_of_cloudtrail(plane: InProcess) -> None:
    request = plane.client("iam").list_groups()["ResponseMetadata"]["RequestId"]
    (found,) = plane.client("locum").get_record(RequestId=request)["Records"]
    assert (found["Operation"], found["Verdict"]) == ("ListGroups", "allow")
    assert json.loads(found["CloudTrailEvent"])["requestID"] == request


async def _waiting(plane: InProcess, number: int = 1) -> None:
    """Wait until so many calls wait for records."""
    while plane.node.api.waiting < number:  # noqa: ASYNC110 - turns of the loop, not time
        await asyncio.sleep(0)


def polled(plane: InProcess, meanwhile: Any, request: HttpRequest) -> Answer:
    """The answer to a long poll, during which `meanwhile` is done."""

    async def both() -> Answer:
        gone = asyncio.Event()
        poll = asyncio.create_task(exchange(plane.node.gateway, request, gone))
        await _waiting(plane)
        await meanwhile(gone)
        return await poll

    return plane.run(both())


def long_poll(plane: InProcess, key: Any = None, **params: Any) -> HttpRequest:
    position = plane.client("locum").list_records()["Position"]
    return plane.request("locum", "list_records", key, After=position, WaitSeconds=20, **params)


def test_a_wait_is_ended_by_a_record(plane: InProcess) -> None:
    request, call = long_poll(plane), plane.request("iam", "list_roles")
    answer = polled(plane, lambda _: exchange(plane.node.gateway, call), request)
    assert [it["Operation"] for it in json.loads(answer.body)["Records"]] == ["ListRoles"]
    assert plane.node.api.waiting == 0


def test_a_wait_goes_on_over_records_that_are_not_wanted(plane: InProcess) -> None:
    request = long_poll(plane, EventName="ListGroups")
    other, wanted = plane.request("iam", "list_roles"), plane.request("iam", "list_groups")

    async def calls(_gone: asyncio.Event) -> None:
        await exchange(plane.node.gateway, other)
        await plane.node.ledger.flush()
        assert plane.node.api.waiting == 1
        await exchange(plane.node.gateway, wanted)

    answer = polled(plane, calls, request)
    assert [it["Operation"] for it in json.loads(answer.body)["Records"]] == ["ListGroups"]


def test_a_wait_ends_when_the_client_goes_away_and_is_recorded(plane: InProcess) -> None:
    request = long_poll(plane, EventName="Nothing")

    async def leave(gone: asyncio.Event) -> None:
        gone.set()

    answer = polled(plane, leave, request)
    assert json.loads(answer.body)["Records"] == []
    assert plane.records(1)[0].request_id == answer.headers["x-amzn-requestid"]


def test_a_wait_ends_with_the_plane(tmp_path: Any) -> None:
    plane = InProcess(tmp_path)

    async def close(_gone: asyncio.Event) -> None:
        plane.node.api.hurry()

    try:
        assert json.loads(polled(plane, close, long_poll(plane)).body)["Records"] == []
        assert json.loads(plane.send(long_poll(plane)).body)["Records"] == []  # nobody waits any more
    finally:
        plane.close()


@pytest.mark.parametrize("after", [2**63 - 1, 10**15])
def test_attack_a_position_behind_the_last_one_begins_anew(plane: InProcess, after: int) -> None:
    client = plane.client("locum")
    found = client.list_records(After=after)
    assert found["Records"] == []
    plane.client("iam").list_users()
    assert [it["Operation"] for it in client.list_records(After=found["Position"])["Records"]] == ["ListUsers"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"After": -1}, "ValidationException"),
        ({"After": 2**63}, "SerializationException"),
        ({"After": 10**40}, "SerializationException"),
        ({"MaxResults": 0}, "ValidationException"),
        ({"MaxResults": 201}, "ValidationException"),
        ({"WaitSeconds": 21}, "ValidationException"),
        ({"WaitSeconds": -1}, "ValidationException"),
        ({"Verdict": "perhaps"}, "ValidationException"),
        ({"PrincipalArn": "a" * 2049}, "ValidationException"),
    ],
)
def test_attack_parameters_out_of_bounds_are_refused(plane: InProcess, params: dict[str, Any], code: str) -> None:
    answer = plane.send(plane.request_of("locum", "ListRecords", params))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, code)

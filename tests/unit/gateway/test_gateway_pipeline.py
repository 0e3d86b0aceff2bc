"""The one way through: what a caller is told, what goes on to a backend, and what is never told."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import Any

import pytest
from botocore import UNSIGNED

from locum.backends import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from support.backends import behind
from support.inprocess import Answer, InProcess, Key, exchange, refusal
from support.wire_requests import form, rest, target

ALLOW_S3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def raw(plane: InProcess, client: Any, operation: str, **parameters: Any) -> Answer:
    """The answer to a boto3 call as it is on the wire."""
    answers: list[Answer] = []

    def keep(response_dict: dict[str, Any], **_: Any) -> None:
        answers.append(Answer(response_dict["status_code"], dict(response_dict["headers"]), response_dict["body"]))

    client.meta.events.register("response-received", keep)
    with suppress(client.exceptions.ClientError):
        getattr(client, operation)(**parameters)
    return answers[-1]


# -- the fault barrier ---------------------------------------------------------------------------------------


def breaks(_call: BackendCall) -> HttpResponse:
    raise RuntimeError("the password is hunter2, at /srv/secret.py")


def test_what_breaks_inside_is_an_internal_failure_and_no_more(
    plane: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with behind(plane, "ecs", breaks):
        answer = raw(plane, plane.client("ecs"), "list_clusters")
    assert answer.status == 500
    assert json.loads(answer.body)["__type"] == "InternalFailure"
    assert not re.search(rb"hunter2|secret|Runtime|Traceback|\.py", answer.body)
    record = plane.record(answer.headers["x-amzn-requestid"])
    assert (record.status, record.error_code, record.operation) == (500, "InternalFailure", "ListClusters")
    assert "hunter2" not in record.error_message
    assert "hunter2" in caplog.text  # for the operator


@pytest.mark.parametrize(
    ("request_", "shows"),
    [
        (rest("GET", "/bucket/key"), b"<Code>NoSuchBucket</Code>"),
        (target("DynamoDB_20120810.ListTables", {}), b"MissingAuthenticationToken"),
        (form("iam", "ListUsers"), b"<Code>MissingAuthenticationToken</Code>"),
        (HttpRequest("POST", "/", "", {"host": "h"}, b"\xff\xfe"), b"<Code>"),
        (HttpRequest("BREW", "/%ff%", "&&=%", {"host": ""}), b""),
    ],
)
def test_whatever_comes_is_answered_and_recorded(plane: InProcess, request_: HttpRequest, shows: bytes) -> None:
    answer = plane.send(request_)
    assert 400 <= answer.status < 500
    assert shows in answer.body
    request_id = answer.headers.get("x-amzn-requestid") or answer.headers["x-amz-request-id"]
    assert plane.record(request_id).status == answer.status


# -- who may come without a signature ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "told"),
    [
        ("iam", "list_users", {}, ("MissingAuthenticationToken", 403)),
        ("sts", "get_caller_identity", {}, ("MissingAuthenticationToken", 403)),
        ("ec2", "describe_instances", {}, ("MissingAuthenticationToken", 403)),
        ("dynamodb", "list_tables", {}, ("MissingAuthenticationTokenException", 400)),
    ],
)
def test_a_call_without_a_signature_is_refused(
    plane: InProcess, service: str, operation: str, parameters: dict[str, Any], told: tuple[str, int]
) -> None:
    client = plane.client(service, signature_version=UNSIGNED)
    assert refusal(getattr(client, operation), **parameters)[:2] == told


def test_a_call_that_proves_itself_otherwise_needs_no_signature(plane: InProcess) -> None:
    client = plane.client("sts", signature_version=UNSIGNED)
    told = refusal(
        client.assume_role_with_web_identity,
        RoleArn="arn:aws:iam::000000000000:role/web",
        RoleSessionName="session",
        WebIdentityToken="token",
    )
    assert told[0] not in ("MissingAuthenticationToken", "InternalFailure")


def test_nobody_may_read_what_a_bucket_policy_opens_to_everybody_and_nothing_else(plane: InProcess) -> None:
    owner, nobody = plane.client("s3"), plane.client("s3", signature_version=UNSIGNED)
    owner.create_bucket(Bucket="open")
    owner.put_object(Bucket="open", Key="public/a", Body=b"a")
    owner.put_object(Bucket="open", Key="b", Body=b"b")
    assert refusal(nobody.get_object, Bucket="open", Key="public/a")[:2] == ("AccessDenied", 403)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::open/public/*",
    }
    owner.put_bucket_policy(Bucket="open", Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    assert nobody.get_object(Bucket="open", Key="public/a")["Body"].read() == b"a"
    for call in (nobody.get_object, nobody.delete_object):
        assert refusal(call, Bucket="open", Key="b")[:2] == ("AccessDenied", 403)
    assert refusal(nobody.put_object, Bucket="open", Key="public/a", Body=b"")[:2] == ("AccessDenied", 403)


# -- who signed ----------------------------------------------------------------------------------------------


def test_a_key_that_is_inactive_or_deleted_or_whose_user_is_gone_is_no_key(plane: InProcess) -> None:
    iam = plane.client("iam")
    key = plane.user("leaver")
    caller = plane.client("sts", key)
    caller.get_caller_identity()
    iam.update_access_key(UserName="leaver", AccessKeyId=key.access_key_id, Status="Inactive")
    assert refusal(caller.get_caller_identity)[:2] == ("InvalidClientTokenId", 403)
    iam.update_access_key(UserName="leaver", AccessKeyId=key.access_key_id, Status="Active")
    caller.get_caller_identity()
    iam.delete_access_key(UserName="leaver", AccessKeyId=key.access_key_id)
    assert refusal(caller.get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


def test_a_long_term_key_with_a_session_token_is_no_key(plane: InProcess) -> None:
    forged = Key(plane.root.access_key_id, plane.root.secret_access_key, "token")
    assert refusal(plane.client("sts", forged).get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


def test_a_temporary_key_without_its_token_is_no_key(plane: InProcess) -> None:
    session = Key(*_session(plane)[:2])
    assert refusal(plane.client("sts", session).get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


def test_a_token_of_another_session_does_not_fit(plane: InProcess) -> None:
    one, other = _session(plane), _session(plane)
    mixed = Key(one.access_key_id, one.secret_access_key, other.session_token)
    assert refusal(plane.client("sts", mixed).get_caller_identity)[1] == 403


def _session(plane: InProcess) -> Key:
    given = plane.client("sts").get_session_token()["Credentials"]
    return Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


# -- modes ---------------------------------------------------------------------------------------------------


def test_a_denied_call_goes_no_further(plane: InProcess) -> None:
    caller = plane.client("ecs", plane.user("denied"))
    with behind(plane, "ecs", breaks) as backend:
        told = refusal(caller.list_clusters)
    assert told[0] == "AccessDeniedException"
    assert "no identity-based policy allows the ecs:ListClusters action" in told[2]
    assert backend.calls == []


def test_in_observe_mode_a_denied_call_goes_on_and_is_recorded_as_denied(observing: InProcess) -> None:
    caller = observing.client("s3", observing.user("watched"))
    answer = caller.create_bucket(Bucket="observed")
    record = observing.record(answer["ResponseMetadata"]["RequestId"])
    assert (record.mode, record.verdict, record.status, record.denied) == ("observe", "implicit-deny", 200, True)
    assert "s3:CreateBucket" in record.denial
    assert record.explanation["checks"]
    assert (record.error_code, record.error_message) == ("", "")


def test_in_observe_mode_a_wrong_signature_is_refused_all_the_same(observing: InProcess) -> None:
    forged = Key(observing.root.access_key_id, "wrong")
    assert refusal(observing.client("s3", forged).list_buckets)[0] == "SignatureDoesNotMatch"
    assert refusal(observing.client("iam", signature_version=UNSIGNED).list_users)[0] == "MissingAuthenticationToken"


def test_in_observe_mode_nobody_makes_no_buckets(observing: InProcess) -> None:
    nobody = observing.client("s3", signature_version=UNSIGNED)
    assert refusal(nobody.create_bucket, Bucket="nobodys")[:2] == ("AccessDenied", 403)


# -- own services --------------------------------------------------------------------------------------------


def test_an_operation_of_an_own_service_that_is_missing_is_not_implemented(plane: InProcess) -> None:
    told = refusal(plane.client("accessanalyzer").delete_service_linked_analyzer, analyzerName="any")
    assert told[:2] == ("NotImplemented", 501)
    assert "accessanalyzer:DeleteServiceLinkedAnalyzer" in told[2]


def test_an_operation_that_is_missing_is_not_told_of_to_who_may_not_call_it(plane: InProcess) -> None:
    caller = plane.client("accessanalyzer", plane.user("curious"))
    code, status, _ = refusal(caller.delete_service_linked_analyzer, analyzerName="any")
    assert (code, status) == ("AccessDeniedException", 403)


def test_a_write_is_decided_on_the_state_that_it_sees(plane: InProcess) -> None:
    """Two calls at once: the first takes the permission away that the second relies on."""
    key = plane.user("hasty", {"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    requests = (
        plane.request("iam", "delete_user_policy", UserName="hasty", PolicyName="own"),
        plane.request("iam", "create_user", key, UserName="made-by-hasty"),
    )

    async def both() -> list[Answer]:
        return list(await asyncio.gather(*(exchange(plane.node.gateway, request) for request in requests)))

    taken, refused = plane.run(both())
    assert (taken.status, refused.status) == (200, 403)
    assert b"iam:CreateUser" in refused.body
    assert plane.record(refused.headers["x-amzn-requestid"]).verdict == "implicit-deny"
    assert refusal(plane.client("iam").get_user, UserName="made-by-hasty")[0] == "NoSuchEntity"


# -- request ids ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "in_body"),
    [
        ("ec2", "describe_regions", {}, True),
        ("sns", "list_topics", {}, True),
        ("sns", "get_topic_attributes", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:none"}, True),
        ("iam", "list_users", {}, True),
        ("s3", "get_bucket_policy", {"Bucket": "no-such-bucket"}, True),
        ("dynamodb", "list_tables", {}, False),
        ("lambda", "list_functions", {}, False),
        ("route53", "get_hosted_zone", {"Id": "Z1"}, False),
    ],
)
def test_the_request_id_is_the_one_under_which_the_call_is_recorded(
    plane: InProcess, service: str, operation: str, parameters: dict[str, Any], in_body: bool
) -> None:
    answer = raw(plane, plane.client(service), operation, **parameters)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    request_id = headers["x-amz-request-id" if service == "s3" else "x-amzn-requestid"]
    assert plane.record(request_id).service == service
    found = re.findall(rb"<[Rr]equestI[dD]>([^<]*)</", answer.body)
    assert found == ([request_id.encode()] if in_body else found)
    assert set(found) <= {request_id.encode()}


def test_a_backends_own_request_ids_are_not_passed_on(plane: InProcess) -> None:
    theirs = [("x-amzn-RequestId", "theirs"), ("X-Amz-Request-Id", "theirs"), ("x-amz-id-2", "theirs")]
    with behind(plane, "ecs", lambda _call: HttpResponse(200, [*theirs, ("x-other", "kept")], b'{"clusterArns":[]}')):
        answer = raw(plane, plane.client("ecs"), "list_clusters")
    assert "theirs" not in str(answer.headers)
    assert answer.headers["x-other"] == "kept"


# -- errors of backends --------------------------------------------------------------------------------------


def test_a_fault_of_a_backend_is_rendered_in_the_callers_protocol(plane: InProcess) -> None:
    def refuse(_call: BackendCall) -> HttpResponse:
        raise Fault("ServiceUnavailable", "The backend of ecs did not answer.", 503)

    with behind(plane, "ecs", refuse):
        assert refusal(plane.client("ecs").list_clusters) == (
            "ServiceUnavailable",
            503,
            "The backend of ecs did not answer.",
        )


def test_an_unmodified_object_is_answered_without_content(plane: InProcess) -> None:
    client = plane.client("s3")
    client.create_bucket(Bucket="cached")
    etag = client.put_object(Bucket="cached", Key="k", Body=b"x")["ETag"]
    answer = raw(plane, client, "get_object", Bucket="cached", Key="k", IfNoneMatch=etag)
    assert (answer.status, answer.body) == (304, b"")
    assert "content-length" not in answer.headers


def test_a_call_reaches_its_backend_as_it_was_decided_on(plane: InProcess) -> None:
    with behind(plane, "ecs", lambda _call: HttpResponse(200, [], b'{"clusters":[]}')) as backend:
        plane.client("ecs", region="eu-west-1").describe_clusters(clusters=["c"])
    (call,) = backend.calls
    assert (call.service, call.operation, call.protocol) == ("ecs", "DescribeClusters", "json")
    assert (call.account, call.region, call.params) == ("000000000000", "eu-west-1", {"clusters": ["c"]})
    assert (call.signing_name, call.endpoint_prefix, call.host_bucket) == ("ecs", "ecs", "")


def test_an_upload_in_chunks_reaches_its_backend_without_framing(plane: InProcess) -> None:
    client = plane.client("s3", endpoint_url="https://localhost:4566")
    client.create_bucket(Bucket="framed")
    with behind(plane, "s3", lambda _call: HttpResponse(200, [])) as backend:
        root_only = plane.client("s3", endpoint_url="https://localhost:4566")
        root_only.put_object(Bucket="framed", Key="k", Body=b"streamed", ChecksumAlgorithm="CRC32")
    (call,) = backend.calls
    assert call.body == b"streamed"
    assert call.request.headers["content-length"] == "8"
    assert "aws-chunked" not in str(call.request.headers)
    assert call.params["ContentLength"] == 8
    assert call.params["ChecksumCRC32"]
    assert "ContentEncoding" not in call.params

"""Who gets an answer from the metadata service, and with which status."""

from __future__ import annotations

import pytest

from locum.core.http import HttpRequest
from locum.imds.service import TOKEN, TOKEN_TTL, Answer
from locum.state import MetadataOptions
from support.inprocess import exchange
from support.metadata import INSTANCE, OTHER_INSTANCE, Metadata, instance
from support.one_account import ACCOUNT, OTHER


@pytest.fixture
def metadata() -> Metadata:
    return Metadata((instance(), instance(OTHER_INSTANCE)))


def minting(metadata: Metadata, ttl: bytes | None, **more: bytes) -> Answer:
    headers = {name.replace("_", "-").encode(): value for name, value in more.items()}
    if ttl is not None:
        headers[TOKEN_TTL] = ttl
    return metadata.ask("PUT", "/latest/api/token", headers)


@pytest.mark.parametrize("ttl", [b"1", b"60", b"21600"])
def test_a_token_is_minted_for_a_proper_time_to_live(metadata: Metadata, ttl: bytes) -> None:
    answer = minting(metadata, ttl)
    assert (answer.status, answer.ttl) == (200, ttl)
    assert metadata.get("meta-data/instance-id", answer.body.decode()).status == 200


@pytest.mark.parametrize(
    "ttl", [None, b"", b"0", b"21601", b"-1", b"+60", b"1.5", b" 60", b"sixty", b"0000021600000", b"9" * 5000, b"\xb2"]
)
def test_an_improper_time_to_live_is_a_bad_request(metadata: Metadata, ttl: bytes | None) -> None:
    assert minting(metadata, ttl).status == 400


def test_a_forwarded_put_gets_no_token(metadata: Metadata) -> None:
    assert minting(metadata, b"60", x_forwarded_for=b"10.0.0.1").status == 403


@pytest.mark.parametrize("hops", [1, 2, 64])
def test_the_answer_to_the_put_carries_the_instances_hop_limit(metadata: Metadata, hops: int) -> None:
    metadata.options(hop_limit=hops)
    assert minting(metadata, b"60").hop_limit == hops
    assert metadata.get("meta-data/", metadata.token()).hop_limit == 0


def test_a_disabled_endpoint_answers_nobody(metadata: Metadata) -> None:
    token = metadata.token()
    metadata.options(endpoint="disabled")
    assert minting(metadata, b"60").status == 403
    assert metadata.get("meta-data/instance-id", token).status == 403


def test_without_a_token_nothing_is_told_where_one_is_required(metadata: Metadata) -> None:
    assert metadata.get("meta-data/instance-id").status == 401
    assert metadata.get("user-data").status == 401
    assert metadata.get("dynamic/instance-identity/document").status == 401


def test_without_a_token_version_one_answers_where_tokens_are_optional(metadata: Metadata) -> None:
    metadata.options(tokens="optional")
    assert metadata.get("meta-data/instance-id").body == INSTANCE.encode()


@pytest.mark.parametrize("tokens", ["optional", "required"])
def test_a_wrong_token_is_refused_even_where_none_is_needed(metadata: Metadata, tokens: str) -> None:
    metadata.options(tokens=tokens)
    assert metadata.get("meta-data/instance-id", "x" * 56).status == 401
    assert metadata.get("meta-data/instance-id", "").status == 401
    assert metadata.ask("GET", "/latest/meta-data/", {TOKEN: b"\xff\xfe"}).status == 401


def test_an_expired_token_is_refused(metadata: Metadata) -> None:
    token = metadata.token(ttl=10)
    metadata.now += 9
    assert metadata.get("meta-data/instance-id", token).status == 200
    metadata.now += 1
    assert metadata.get("meta-data/instance-id", token).status == 401


def test_another_instances_token_is_refused(metadata: Metadata) -> None:
    assert metadata.get("meta-data/instance-id", metadata.token(of=OTHER_INSTANCE)).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "meta-data/nothing",
        "meta-data/instance-id/more",
        "meta-data/iam/",
        "meta-data/iam/info",
        "meta-data/iam/security-credentials/",
        "meta-data/iam/security-credentials/app",
        "meta-data/tags/instance",
        "meta-data/public-keys/",
        "meta-data/spot/instance-action",
        "user-data",
        "user-data/more",
        "dynamic/nothing",
        "dynamic/instance-identity/signature",
        "nothing",
    ],
)
def test_what_is_not_there_is_not_found(metadata: Metadata, path: str) -> None:
    answer = metadata.get(path, metadata.token())
    assert (answer.status, answer.content_type) == (404, b"text/html")
    assert b"404 - Not Found" in answer.body


def test_an_unknown_version_is_not_found(metadata: Metadata) -> None:
    assert metadata.ask("GET", "/2001-01-01/meta-data/", {TOKEN: metadata.token().encode()}).status == 404
    assert metadata.ask("GET", "/2021-03-23/meta-data/", {TOKEN: metadata.token().encode()}).status == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_not_allowed(metadata: Metadata, method: str) -> None:
    token = metadata.token().encode()
    assert metadata.ask(method, "/latest/meta-data/", {TOKEN: token}).status == 405
    assert metadata.ask(method, "/latest/api/token", {TOKEN: token}).status == 405


def test_a_token_is_put_and_only_a_token_is(metadata: Metadata) -> None:
    token = metadata.token().encode()
    assert metadata.ask("GET", "/latest/api/token", {TOKEN: token, TOKEN_TTL: b"60"}).status == 405
    assert metadata.ask("PUT", "/latest/meta-data/", {TOKEN: token, TOKEN_TTL: b"60"}).status == 405


@pytest.mark.parametrize("state", ["stopping", "stopped", "shutting-down", "terminated"])
def test_nothing_answers_for_an_instance_that_does_not_run(metadata: Metadata, state: str) -> None:
    token = metadata.token()
    metadata.altered(state=state)
    assert metadata.get("meta-data/instance-id", token).status == 503
    assert minting(metadata, b"60").status == 503


def test_nothing_answers_for_another_accounts_instance(metadata: Metadata) -> None:
    assert metadata.run(metadata.service.answer(OTHER, INSTANCE, "GET", "/latest/", {})).status == 503


def test_a_change_of_the_options_is_obeyed_by_the_next_request(metadata: Metadata) -> None:
    metadata.options(tokens="optional")
    assert metadata.get("meta-data/instance-id").status == 200
    metadata.options(tokens="required")
    assert metadata.get("meta-data/instance-id").status == 401


def over_http(metadata: Metadata, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    app = metadata.service.app(ACCOUNT, INSTANCE)
    answer = metadata.run(exchange(app, HttpRequest(method, path, "", named)))
    return answer.status, answer.headers, answer.body


def test_over_ipv6_only_an_instance_answers_that_has_it_enabled(metadata: Metadata) -> None:
    metadata.options(tokens="optional")
    request = HttpRequest("GET", "/latest/meta-data/instance-id", "", {})

    def status(*, ipv6: bool) -> int:
        return metadata.run(exchange(metadata.service.app(ACCOUNT, INSTANCE, ipv6), request)).status

    assert (status(ipv6=False), status(ipv6=True)) == (200, 403)
    metadata.options(protocol_ipv6="enabled")
    assert (status(ipv6=False), status(ipv6=True)) == (200, 200)
    metadata.altered(state="terminated")
    assert status(ipv6=True) == 503


def test_a_head_has_the_headers_of_the_get_and_no_body(metadata: Metadata) -> None:
    metadata.options(tokens="optional")
    got = over_http(metadata, "GET", "/latest/meta-data/instance-id")
    headed = over_http(metadata, "HEAD", "/latest/meta-data/instance-id")
    assert got == (200, headed[1], INSTANCE.encode())
    assert headed == (200, got[1], b"")
    assert got[1]["content-length"] == str(len(INSTANCE))
    assert got[1]["content-type"] == "text/plain"
    assert got[1]["server"] == "EC2ws"


def test_the_answer_to_the_put_repeats_the_time_to_live(metadata: Metadata) -> None:
    status, headers, body = over_http(
        metadata, "PUT", "/latest/api/token", x_aws_ec2_metadata_token_ttl_seconds="00060"
    )
    assert (status, headers["x-aws-ec2-metadata-token-ttl-seconds"], len(body)) == (200, "60", 56)


def test_what_fails_inside_is_told_to_nobody(metadata: Metadata, caplog: pytest.LogCaptureFixture) -> None:
    metadata.altered(tags=None, metadata=MetadataOptions(tokens="optional", instance_tags="enabled"))
    status, _, body = over_http(metadata, "GET", "/latest/meta-data/")
    assert status == 500
    assert b"NoneType" not in body
    assert b"500 - Internal Server Error" in body
    assert "AttributeError" in caplog.text


def test_credentials_that_cannot_be_recorded_are_not_handed_out() -> None:
    metadata = Metadata.with_profile()
    metadata.lose_storage()
    status, _, body = over_http(metadata, "GET", "/latest/meta-data/iam/security-credentials/app")
    assert status == 503
    assert b"SecretAccessKey" not in body

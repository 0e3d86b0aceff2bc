"""Calls that were altered, signed with the wrong thing or sent at the wrong time: none gets in.

Each service family answers with AWS's own error: STS (query), S3, DynamoDB (JSON), EC2.
"""

from __future__ import annotations

import datetime
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from botocore import auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials

from locum.core.clock import system_entropy
from locum.core.principal import PrincipalKind, Session
from locum.credentials import KeyRing, issue, read_keyring
from locum.sigv4.chunked import Seed
from locum.sigv4.keys import signing_key
from support import processes
from support.plane import ACCOUNT, COMMAND_LINES, REGION, Key, Refusal, RunningPlane, allow, refused, tampered

pytestmark = pytest.mark.xdist_group("attacks-on-signatures")


class Family(NamedTuple):
    """A service, a call that any of its principals may make, and its answers."""

    service: str
    call: Callable[[Any], Any]
    mismatch: tuple[str, int]
    unknown: tuple[str, int]
    bad_token: tuple[str, int]
    expired: tuple[str, int]
    stale: tuple[str, int]
    unsigned: tuple[str, int]


FAMILIES = {
    "sts": Family(
        "sts",
        lambda client: client.get_caller_identity(),
        mismatch=("SignatureDoesNotMatch", 403),
        unknown=("InvalidClientTokenId", 403),
        bad_token=("InvalidClientTokenId", 403),
        expired=("ExpiredToken", 403),
        stale=("SignatureDoesNotMatch", 403),
        unsigned=("MissingAuthenticationToken", 403),
    ),
    "s3": Family(
        "s3",
        lambda client: client.put_object(Bucket="private-to-its-owner", Key="key", Body=b"what was sent"),
        mismatch=("SignatureDoesNotMatch", 403),
        unknown=("InvalidAccessKeyId", 403),
        bad_token=("InvalidToken", 400),
        expired=("ExpiredToken", 400),
        stale=("RequestTimeTooSkewed", 403),
        unsigned=("AccessDenied", 403),
    ),
    "dynamodb": Family(
        "dynamodb",
        lambda client: client.list_tables(),
        mismatch=("InvalidSignatureException", 400),
        unknown=("UnrecognizedClientException", 400),
        bad_token=("UnrecognizedClientException", 400),
        expired=("ExpiredTokenException", 400),
        stale=("InvalidSignatureException", 400),
        unsigned=("MissingAuthenticationTokenException", 400),
    ),
    "ec2": Family(
        "ec2",
        lambda client: client.describe_instances(),
        mismatch=("AuthFailure", 401),
        unknown=("AuthFailure", 401),
        bad_token=("AuthFailure", 401),
        expired=("RequestExpired", 400),
        stale=("RequestExpired", 400),
        unsigned=("MissingAuthenticationToken", 403),
    ),
}
each = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)

MESSAGES = {
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided. Check",
    "InvalidSignatureException": "The request signature we calculated does not match the signature you provided. Check",
    "AuthFailure": "AWS was not able to validate the provided access credentials",
    "InvalidClientTokenId": "The security token included in the request is invalid.",
    "UnrecognizedClientException": "The security token included in the request is invalid.",
    "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
    "InvalidToken": "The provided token is malformed or otherwise invalid.",
}
EXPIRED = {
    "ExpiredToken": "The security token included in the request is expired",
    "ExpiredTokenException": "The security token included in the request is expired",
    "RequestExpired": "Request has expired.",
}


def refusal(family: Family, client: Any) -> Refusal:
    """What the family's call is met with, which names itself by a request id."""
    met = refused(lambda: family.call(client))
    assert met.request_id
    return met


def is_told(met: Refusal, expected: tuple[str, int]) -> None:
    assert (met.code, met.status) == expected
    assert met.message.startswith(MESSAGES[met.code])


# -- wrong keys ---------------------------------------------------------------------------------------------


@each
def test_a_wrong_secret_is_refused(plane: RunningPlane, family: Family) -> None:
    wrong = Key(plane.root.access_key_id, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    is_told(refusal(family, plane.client(family.service, wrong)), family.mismatch)


@each
def test_a_key_that_nobody_has_is_refused(plane: RunningPlane, family: Family) -> None:
    unknown = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    is_told(refusal(family, plane.client(family.service, unknown)), family.unknown)


@each
def test_a_deleted_key_is_refused_at_once(plane: RunningPlane, family: Family) -> None:
    user, key = plane.user(allow("*"))
    client = plane.client(family.service, key)
    assert plane.client("iam", key).get_user()["User"]["UserName"] == user
    plane.client("iam").delete_access_key(UserName=user, AccessKeyId=key.access_key_id)
    is_told(refusal(family, client), family.unknown)


@each
def test_an_inactive_key_is_refused_until_it_is_active_again(plane: RunningPlane, family: Family) -> None:
    user, key = plane.user(allow("*"))
    iam = plane.client("iam")
    iam.update_access_key(UserName=user, AccessKeyId=key.access_key_id, Status="Inactive")
    is_told(refusal(family, plane.client(family.service, key)), family.unknown)
    iam.update_access_key(UserName=user, AccessKeyId=key.access_key_id, Status="Active")
    assert plane.client("iam", key).get_user()["User"]["UserName"] == user


@each
def test_an_unsigned_call_is_refused(plane: RunningPlane, family: Family) -> None:
    def strip(request: AWSPreparedRequest) -> None:
        del request.headers["Authorization"]

    plane.client("s3").create_bucket(Bucket="private-to-its-owner")  # of one that is not there, everybody is told so
    met = refusal(family, tampered(plane.client(family.service), strip))
    assert (met.code, met.status) == family.unsigned
    assert met.message in {
        "Request is missing Authentication Token",
        "The request must contain valid credentials.",
        "Access Denied",
    }


# -- altered on the way -------------------------------------------------------------------------------------


def in_body(request: AWSPreparedRequest) -> None:
    sent = request.body.read() if hasattr(request.body, "read") else request.body
    octets = sent.encode() if isinstance(sent, str) else bytes(sent)
    form = octets.startswith(b"Action=")
    altered = octets + b"&DryRun=true" if form else octets.swapcase() if octets.strip(b"{}") else b'{"Limit":99}'
    request.body = altered
    del request.headers["Content-Length"]
    request.headers["Content-Length"] = str(len(altered))


@each
def test_an_altered_body_is_refused(plane: RunningPlane, family: Family) -> None:
    met = refusal(family, tampered(plane.client(family.service), in_body))
    if family.service == "s3":
        assert (met.code, met.status) == ("XAmzContentSHA256Mismatch", 400)
        assert met.message == "The provided 'x-amz-content-sha256' header does not match what was computed."
    else:
        is_told(met, family.mismatch)


def test_a_body_altered_together_with_its_hash_is_refused(plane: RunningPlane) -> None:
    def alter(request: AWSPreparedRequest) -> None:
        request.body = b"something else"
        del request.headers["X-Amz-Content-SHA256"]
        request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
        del request.headers["Content-Length"]
        request.headers["Content-Length"] = str(len(request.body))

    family = FAMILIES["s3"]
    is_told(refusal(family, tampered(plane.client("s3"), alter)), family.mismatch)


@each
def test_an_altered_header_is_refused(plane: RunningPlane, family: Family) -> None:
    def alter(request: AWSPreparedRequest) -> None:
        name = {"dynamodb": "X-Amz-Target", "s3": "X-Amz-Date"}.get(family.service, "Content-Type")
        value = request.headers[name]
        text = value.decode() if isinstance(value, bytes) else value
        del request.headers[name]
        if name == "X-Amz-Date":
            request.headers[name] = f"{text[:-2]}{(int(text[-2]) + 1) % 10}Z"
        else:
            form = "application/x-www-form-urlencoded"  # without the character set that was signed
            request.headers[name] = "DynamoDB_20120810.ListBackups" if "Target" in name else form

    is_told(refusal(family, tampered(plane.client(family.service), alter)), family.mismatch)


def test_a_request_sent_to_another_path_than_it_was_signed_for_is_refused(plane: RunningPlane) -> None:
    def alter(request: AWSPreparedRequest) -> None:
        request.url = request.url.replace("/private-to-its-owner/", "/private-to-another/")

    family = FAMILIES["s3"]
    is_told(refusal(family, tampered(plane.client("s3"), alter)), family.mismatch)


# -- the wrong time -----------------------------------------------------------------------------------------


@pytest.fixture
def an_hour_off(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The client's clock, which botocore signs by, is an hour wrong: the past or the future."""
    hours: int = getattr(request, "param", -1)
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(hours=hours)
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_: now)
    return hours


@each
@pytest.mark.parametrize("an_hour_off", [-1, 1], ids=["past", "future"], indirect=True)
def test_a_date_an_hour_off_is_refused(plane: RunningPlane, family: Family, an_hour_off: int) -> None:
    met = refusal(family, plane.client(family.service))
    assert (met.code, met.status) == family.stale
    if family.service == "s3":
        assert met.message == "The difference between the request time and the current time is too large."
    elif family.service == "ec2":
        assert met.message == "Request has expired."
    else:
        opening = "Signature expired: " if an_hour_off < 0 else "Signature not yet current: "
        assert met.message.startswith(opening)


# -- session tokens -----------------------------------------------------------------------------------------


def minted(plane: RunningPlane, keyring: KeyRing, *, lasts: int) -> Key:
    """Root's session credentials, as the holder of `keyring` makes them; they last so many seconds from now."""
    now = int(time.time())
    session = Session(
        kind=PrincipalKind.ROOT,
        account=ACCOUNT,
        name="",
        issuer_arn=f"arn:aws:iam::{ACCOUNT}:root",
        issuer_id=ACCOUNT,
        issued_at=now - 7200,
        expires_at=now + lasts,
    )
    made = issue(keyring, session, system_entropy)
    return Key(made.access_key_id, made.secret_access_key, made.session_token)


def keyring_of(plane: RunningPlane) -> KeyRing:
    keyring = read_keyring(plane.data / "keyring", {})
    assert keyring is not None
    return keyring


def test_a_minted_session_that_has_not_expired_gets_in(plane: RunningPlane) -> None:
    key = minted(plane, keyring_of(plane), lasts=60)
    assert plane.client("sts", key).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


@each
def test_an_expired_session_token_is_refused(plane: RunningPlane, family: Family) -> None:
    key = minted(plane, keyring_of(plane), lasts=-1)
    met = refusal(family, plane.client(family.service, key))
    assert (met.code, met.status) == family.expired
    assert met.message == ("The provided token has expired." if family.service == "s3" else EXPIRED[met.code])


@each
def test_an_altered_session_token_is_refused(plane: RunningPlane, family: Family) -> None:
    key = Key.of(plane.client("sts").get_session_token()["Credentials"])
    token = str(key.session_token)
    middle = len(token) // 2
    forged = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    is_told(refusal(family, plane.client(family.service, key._replace(session_token=forged))), family.bad_token)


@each
def test_a_session_token_of_other_credentials_is_refused(plane: RunningPlane, family: Family) -> None:
    sts = plane.client("sts")
    one, other = (Key.of(sts.get_session_token()["Credentials"]) for _ in range(2))
    mixed = one._replace(session_token=other.session_token)
    is_told(refusal(family, plane.client(family.service, mixed)), family.bad_token)


@each
def test_a_session_without_its_token_is_refused(plane: RunningPlane, family: Family) -> None:
    key = Key.of(plane.client("sts").get_session_token()["Credentials"])
    is_told(refusal(family, plane.client(family.service, key._replace(session_token=None))), family.unknown)


@each
def test_a_token_sealed_by_another_installation_is_refused(plane: RunningPlane, family: Family) -> None:
    key = minted(plane, KeyRing.generate(system_entropy), lasts=3600)
    is_told(refusal(family, plane.client(family.service, key)), family.bad_token)


# -- S3: presigned URLs and signed chunks ---------------------------------------------------------------------


def fetched(url: str) -> tuple[int, bytes]:
    """Status and body, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.fixture(scope="module")
def bucket(plane: RunningPlane) -> str:
    return plane.bucket(report=b"all is well", secret=b"not for you")


def presigned(plane: RunningPlane, bucket: str, seconds: int = 60) -> str:
    parameters = {"Bucket": bucket, "Key": "report"}
    client = plane.client("s3", signature_version="s3v4")
    url: str = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
    return url


def test_a_presigned_url_works_without_credentials(plane: RunningPlane, bucket: str) -> None:
    assert fetched(presigned(plane, bucket)) == (200, b"all is well")


@pytest.mark.usefixtures("an_hour_off")
def test_a_presigned_url_expires(plane: RunningPlane, bucket: str) -> None:
    assert fetched(presigned(plane, bucket, seconds=7200)) == (200, b"all is well")
    status, body = fetched(presigned(plane, bucket, seconds=60))
    assert status == 403
    assert b"<Code>AccessDenied</Code>" in body
    assert b"<Message>Request has expired</Message>" in body


@pytest.mark.parametrize(
    ("old", "new"),
    [("/report", "/secret"), ("X-Amz-Expires=60", "X-Amz-Expires=86400"), ("?", "?versionId=1&")],
    ids=["key", "expiry", "query"],
)
def test_an_altered_presigned_url_is_refused(plane: RunningPlane, bucket: str, old: str, new: str) -> None:
    url = presigned(plane, bucket)
    assert old in url
    status, body = fetched(url.replace(old, new, 1))
    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in body
    assert b"not for you" not in body


class Streaming(auth.S3SigV4Auth):  # type: ignore[misc] # botocore has no types
    """botocore's signer for S3, with the payload signed chunk by chunk."""

    def payload(self, request: AWSRequest) -> str:
        return str(request.headers["X-Amz-Content-SHA256"])

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        super()._modify_request_before_signing(request)
        del request.headers["X-Amz-Content-SHA256"]
        request.headers["X-Amz-Content-SHA256"] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


def upload(plane: RunningPlane, bucket: str, parts: list[bytes], sent: list[bytes]) -> tuple[int, bytes]:
    """PutObject of `parts` as signed chunks, with the data of `sent` in their place."""
    length = sum(len(part) for part in parts)
    headers = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(length)}
    request = AWSRequest("PUT", f"{plane.endpoint}/{bucket}/chunked", headers=headers, data=b"")
    root = plane.root
    Streaming(Credentials(root.access_key_id, root.secret_access_key), "s3", REGION).add_auth(request)
    date = request.headers["X-Amz-Date"]
    scope = f"{date[:8]}/{REGION}/s3/aws4_request"
    seed = Seed(
        signing_key(root.secret_access_key, date[:8], REGION, "s3"),
        date,
        scope,
        request.headers["Authorization"].rpartition("Signature=")[2],
    )
    body = b""
    for part, data in zip((*parts, b""), (*sent, b""), strict=True):
        signature = seed.of_chunk(part)
        seed = seed.after(signature)
        body += b"%x;chunk-signature=%s\r\n%s\r\n" % (len(data), signature.encode(), data)
    put = urllib.request.Request(request.url, body, dict(request.headers.items()), method="PUT")
    try:
        with urllib.request.urlopen(put, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_an_upload_in_signed_chunks_is_stored(plane: RunningPlane, bucket: str) -> None:
    parts = [b"a" * 8192, b"b" * 10]
    assert upload(plane, bucket, parts, parts)[0] == 200
    assert plane.client("s3").get_object(Bucket=bucket, Key="chunked")["Body"].read() == b"".join(parts)


def test_an_upload_with_an_altered_chunk_is_refused_and_changes_nothing(plane: RunningPlane, bucket: str) -> None:
    s3 = plane.client("s3")
    s3.put_object(Bucket=bucket, Key="chunked", Body=b"as it was")
    status, body = upload(plane, bucket, [b"a" * 8192, b"pay 10"], [b"a" * 8192, b"pay 99"])
    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in body
    assert s3.get_object(Bucket=bucket, Key="chunked")["Body"].read() == b"as it was"


def presigned_by_cli(plane: RunningPlane, bucket: str) -> str:
    environment = plane.environment(**plane.root.environment, AWS_DEFAULT_REGION=REGION)
    line = [str(COMMAND_LINES["v1"]), "--endpoint-url", plane.endpoint, "s3", "presign", f"s3://{bucket}/report"]
    done = processes.finished(line, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_url_as_the_cli_makes_it_is_taken_and_cannot_be_altered(plane: RunningPlane, bucket: str) -> None:
    """`aws s3 presign` signs with version 2 where the endpoint is not AWS's."""
    url = presigned_by_cli(plane, bucket)
    assert fetched(url) == (200, b"all is well")
    for old, new in (("/report", "/secret"), ("Expires=", "Expires=9"), ("?", "?versionId=1&")):
        status, body = fetched(url.replace(old, new, 1))
        assert (status, b"not for you" in body) == (403, False)

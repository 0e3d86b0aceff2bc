"""Every call is on record: LookupEvents gives it in CloudTrail's form, `locum explain` as a person reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inside import inside
from support.plane import (
    ACCOUNT,
    REGION,
    TRUSTS_EC2,
    Key,
    RunningPlane,
    allow,
    command_lines,
    fresh,
    refused,
    trusting,
    up,
)

pytestmark = pytest.mark.xdist_group("record")


def events(plane: RunningPlane, attribute: str, value: str) -> list[dict[str, Any]]:
    """The CloudTrail records that LookupEvents finds, newest first."""
    found = plane.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": attribute, "AttributeValue": value}]
    )["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in found]


@command_lines
def test_lookup_events_gives_a_call_in_cloudtrails_form(plane: RunningPlane, version: str) -> None:
    name = fresh("recorded")
    user, key = plane.user(allow("iam:CreateRole"))
    made = plane.client("iam", key).create_role(RoleName=name, AssumeRolePolicyDocument=TRUSTS_EC2)
    looked_up = plane.aws(
        version, "cloudtrail", "lookup-events", "--lookup-attributes",
        f"AttributeKey=ResourceName,AttributeValue={name}",
    )  # fmt: skip
    (event,) = looked_up["Events"]
    told = json.loads(event["CloudTrailEvent"])
    assert (event["EventName"], event["EventSource"]) == ("CreateRole", "iam.amazonaws.com")
    assert (event["Username"], event["AccessKeyId"], event["ReadOnly"]) == (user, key.access_key_id, "false")
    assert {"ResourceType": "AWS::IAM::Role", "ResourceName": name} in event["Resources"]
    assert told["eventVersion"] == "1.11"
    assert told["eventID"] == event["EventId"]
    assert told["requestID"] == made["ResponseMetadata"]["RequestId"]
    assert (told["eventType"], told["eventCategory"]) == ("AwsApiCall", "Management")
    assert (told["recipientAccountId"], told["awsRegion"], told["sourceIPAddress"]) == (ACCOUNT, REGION, "127.0.0.1")
    assert told["userIdentity"]["type"] == "IAMUser"
    assert told["userIdentity"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/{user}"
    assert told["userIdentity"]["accessKeyId"] == key.access_key_id
    assert told["requestParameters"]["roleName"] == name
    assert told["responseElements"]["role"]["arn"] == f"arn:aws:iam::{ACCOUNT}:role/{name}"
    assert "Boto3" in told["userAgent"]


def test_a_denied_call_is_on_record_with_its_error(plane: RunningPlane) -> None:
    user, key = plane.user()
    met = refused(plane.client("iam", key).create_user, UserName="x")
    (event,) = events(plane, "Username", user)
    assert event["errorCode"] == "AccessDenied"
    assert event["errorMessage"] == met.message
    assert event["responseElements"] is None
    assert event["requestID"] == met.request_id


def test_a_wrong_signature_is_on_record_and_blamed_on_nobody(plane: RunningPlane) -> None:
    user, key = plane.user()
    met = refused(plane.client("iam", key._replace(secret_access_key="wrong")).get_user)
    told = plane.locum("explain", met.request_id)
    assert "REFUSED" in told.stdout
    assert "SignatureDoesNotMatch" in told.stdout
    assert events(plane, "Username", user) == []


def test_secrets_are_not_on_record(plane: RunningPlane) -> None:
    user, iam = fresh("user"), plane.client("iam")
    iam.create_user(UserName=user)
    made = iam.create_access_key(UserName=user)
    key = Key.of(made["AccessKey"])
    role = plane.role(trusting(AWS=ACCOUNT))
    session = plane.assume(role)
    stored = plane.client("secretsmanager").create_secret(Name=fresh("secret"), SecretString="open sesame")
    trail = json.dumps([events(plane, "EventName", name) for name in ("CreateAccessKey", "AssumeRole", "CreateSecret")])
    assert key.access_key_id in trail
    for secret in (key.secret_access_key, session.secret_access_key, str(session.session_token), "open sesame"):
        assert secret not in trail
    for answer in (made, stored):
        told = plane.locum("explain", answer["ResponseMetadata"]["RequestId"], "--json").stdout
        assert key.secret_access_key not in told
        assert "open sesame" not in told


def test_the_role_that_ec2_assumes_for_an_instance_is_on_record(plane: RunningPlane) -> None:
    profile = plane.profile()
    with inside(plane, "--profile", profile) as app:
        instance = app.instance
        assert app.call("sts", "get_caller_identity")
    (event,) = [
        event
        for event in events(plane, "EventName", "AssumeRole")
        if event["requestParameters"]["roleSessionName"] == instance
    ]
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    assert event["sourceIPAddress"] == "ec2.amazonaws.com"
    assert event["requestParameters"]["roleArn"] == f"arn:aws:iam::{ACCOUNT}:role/{profile}"


def test_the_calls_of_an_instance_are_on_record_as_its_roles(plane: RunningPlane) -> None:
    profile = plane.profile()
    with inside(plane, "--profile", profile) as app:
        instance = app.instance
        app.call("sts", "get_caller_identity")
    (event,) = [e for e in events(plane, "Username", instance) if e["eventName"] == "GetCallerIdentity"]
    identity = event["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{instance}"
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert (issuer["type"], issuer["userName"]) == ("Role", profile)
    assert issuer["arn"] == f"arn:aws:iam::{ACCOUNT}:role/{profile}"


def test_lookup_events_is_itself_guarded(plane: RunningPlane) -> None:
    _, key = plane.user()
    met = refused(plane.client("cloudtrail", key).lookup_events)
    assert met.code == "AccessDeniedException"
    assert met.message.endswith("because no identity-based policy allows the cloudtrail:LookupEvents action")


# -- locum explain ------------------------------------------------------------------------------------------


def test_explain_names_the_statement_that_allowed_a_call(plane: RunningPlane) -> None:
    bucket = plane.bucket(report=b"")
    may = {**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Sid": "ReadReports"}
    user, key = plane.user(may)
    answer = plane.client("s3", key).get_object(Bucket=bucket, Key="report")
    told = plane.locum("explain", answer["ResponseMetadata"]["RequestId"]).stdout
    assert told.startswith("ALLOWED  s3:GetObject\n")
    assert f"who      arn:aws:iam::{ACCOUNT}:user/{user}" in told
    assert f"on       arn:aws:s3:::{bucket}/report" in told
    assert "decided  " in told
    assert "ReadReports" in told


def test_explain_names_the_condition_that_was_missed(plane: RunningPlane) -> None:
    bucket = plane.bucket()
    may = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", StringEquals={"s3:prefix": "reports/"})
    _, key = plane.user({**may, "Sid": "ListReports"})
    met = refused(plane.client("s3", key).list_objects_v2, Bucket=bucket, Prefix="secrets/")
    told = plane.locum("explain", met.request_id).stdout
    assert "DENIED (implicit deny)  s3:ListObjectsV2" in told
    assert 'near miss: statement 0 "ListReports" of inline policy "may" of user ' in told
    assert "StringEquals s3:prefix has reports/; the request has secrets/" in told


def test_explain_names_the_statement_that_denied_a_call(plane: RunningPlane) -> None:
    never = {"Sid": "NeverDelete", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
    _, key = plane.user(allow("s3:*"), never)
    met = refused(plane.client("s3", key).delete_object, Bucket=plane.bucket(report=b""), Key="report")
    assert met.message.endswith("with an explicit deny in an identity-based policy")
    told = plane.locum("explain", met.request_id).stdout
    assert "DENIED (explicit deny)  s3:DeleteObject" in told
    assert "NeverDelete" in told


def test_explain_without_a_request_tells_of_the_latest_denial(plane: RunningPlane) -> None:
    user, key = plane.user()
    refused(plane.client("iam", key).list_roles)
    plane.client("sts").get_caller_identity()
    told = plane.locum("explain").stdout
    assert "iam:ListRoles" in told
    assert f"user/{user}" in told


def test_explain_gives_the_record_as_json(plane: RunningPlane) -> None:
    user, key = plane.user()
    met = refused(plane.client("iam", key).list_roles)
    record = json.loads(plane.locum("explain", "--json", met.request_id).stdout)
    assert record["request_id"] == met.request_id
    assert record["identity"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/{user}"
    assert (record["verdict"], record["error_message"]) == ("implicit-deny", met.message)
    (check,) = record["explanation"]["checks"]
    assert check["action"] == "iam:ListRoles"


def test_explain_says_that_it_knows_no_such_call(plane: RunningPlane) -> None:
    done = plane.locum("explain", "00000000-0000-0000-0000-000000000000")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no call 00000000-0000-0000-0000-000000000000 is recorded" in done.stderr


def test_what_a_plane_that_only_observes_would_deny_goes_on_and_is_explained(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with up(tmp_path_factory.mktemp("observe"), "--observe") as plane:
        _, key = plane.user()
        answer = plane.client("iam", key).list_roles()
        told = plane.locum("explain").stdout
        assert "WOULD BE DENIED (implicit deny)  iam:ListRoles" in told
        assert answer["ResponseMetadata"]["RequestId"] in told
        wrong = key._replace(secret_access_key="wrong")
        assert refused(plane.client("iam", wrong).list_roles).code == "SignatureDoesNotMatch"

"""Records in CloudTrail's form: each caller's userIdentity, and the fields that come and go with the call."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from locum.audit import Identity, Record, Resource, cloudtrail_event, decode, identify, render
from locum.core.principal import ANONYMOUS, Caller, Principal, PrincipalKind, Session
from locum.wire.models import find_operation
from locum.wire.redact import compile_redactor

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/app"
ALICE = Principal.user(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/Alice", "AIDAEXAMPLE", "Alice")


def record(identity: Identity | None = None, **more: Any) -> Record:
    base: dict[str, Any] = {
        "event_id": "event",
        "request_id": "request",
        "at": 1767225600.75,
        "account": ACCOUNT,
        "region": "us-east-1",
        "event_source": "iam.amazonaws.com",
        "service": "iam",
        "operation": "CreateRole",
        "identity": identity or identify(Caller(ALICE, "AKIAEXAMPLE")),
        "source_ip": "192.0.2.1",
        "user_agent": "aws-cli/2",
    }
    return Record(**(base | more))


def session(kind: PrincipalKind = PrincipalKind.ROLE_SESSION, **more: Any) -> Session:
    base: dict[str, Any] = {
        "kind": kind,
        "account": ACCOUNT,
        "name": "session",
        "issuer_arn": ROLE,
        "issuer_id": "AROAEXAMPLE",
        "issued_at": 1767225000,
        "expires_at": 1767229200,
    }
    return Session(**(base | more))


def test_a_user_call_reads_as_the_record_contents_page_says() -> None:
    event = cloudtrail_event(
        record(parameters={"roleName": "app", "tags": [{"key": "a", "value": "b"}]}, answer={"role": {"arn": ROLE}})
    )
    assert event == {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/Alice",
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAEXAMPLE",
            "userName": "Alice",
        },
        "eventTime": "2026-01-01T00:00:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateRole",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "aws-cli/2",
        "requestParameters": {"roleName": "app", "tags": [{"key": "a", "value": "b"}]},
        "responseElements": {"role": {"arn": ROLE}},
        "requestID": "request",
        "eventID": "event",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }


def test_two_keys_of_a_map_that_differ_only_by_case_are_both_in_the_event() -> None:
    model = find_operation("sqs", "CreateQueue")
    assert model is not None
    asked = {"QueueName": "jobs", "Attributes": {"Policy": "{}"}, "tags": {"Name": "a", "name": "b", "NAME": "c"}}
    made = record(service="sqs", operation="CreateQueue", parameters=compile_redactor(model)(asked))
    assert cloudtrail_event(decode(made.row().data))["requestParameters"] == {
        "queueName": "jobs",
        "attributes": {"Policy": "{}"},
        "tags": {"Name": "a", "name": "b", "NAME": "c"},
    }


def identity_of(caller: Caller, **more: Any) -> dict[str, Any]:
    element = cloudtrail_event(record(identify(caller), **more))["userIdentity"]
    assert isinstance(element, dict)
    return element


def test_root_is_named_by_its_account() -> None:
    assert identity_of(Caller(Principal.root(ACCOUNT), "AKIAROOT")) == {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
        "accessKeyId": "AKIAROOT",
    }


def test_an_instances_role_session_tells_of_role_and_delivery() -> None:
    principal = Principal.role_session(ROLE, "AROAEXAMPLE", "i-0123456789abcdef0")
    attached = session(instance_id="i-0123456789abcdef0", source_identity="alice", context={"ec2:roledelivery": "1.0"})
    assert identity_of(Caller(principal, "ASIAEXAMPLE", attached)) == {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:i-0123456789abcdef0",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/i-0123456789abcdef0",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLE",
                "arn": ROLE,
                "accountId": ACCOUNT,
                "userName": "app",
            },
            "attributes": {"creationDate": "2025-12-31T23:50:00Z", "mfaAuthenticated": "false"},
            "ec2RoleDelivery": "1.0",
            "sourceIdentity": "alice",
        },
    }


def test_a_session_of_a_user_keeps_the_user_and_shows_the_second_factor() -> None:
    of_user = session(PrincipalKind.USER, issuer_arn=ALICE.arn, issuer_id=ALICE.unique_id, mfa_at=1767225000)
    element = identity_of(Caller(ALICE, "ASIAEXAMPLE", of_user))
    assert (element["type"], element["userName"]) == ("IAMUser", "Alice")
    assert element["sessionContext"] == {
        "attributes": {"creationDate": "2025-12-31T23:50:00Z", "mfaAuthenticated": "true"}
    }


@pytest.mark.parametrize(
    ("issuer", "kind", "name"), [(ALICE.arn, "IAMUser", "Alice"), (f"arn:aws:iam::{ACCOUNT}:root", "Root", "root")]
)
def test_a_federated_user_is_traced_to_who_made_it(issuer: str, kind: str, name: str) -> None:
    principal = Principal.federated_user(ACCOUNT, "bob", issuer, "AIDAEXAMPLE")
    made = session(PrincipalKind.FEDERATED_USER, issuer_arn=issuer, issuer_id="AIDAEXAMPLE")
    element = identity_of(Caller(principal, "ASIAEXAMPLE", made))
    assert (element["type"], element["principalId"]) == ("FederatedUser", f"{ACCOUNT}:bob")
    issuer_element = element["sessionContext"]["sessionIssuer"]
    assert (issuer_element["type"], issuer_element["userName"]) == (kind, name)


def test_a_service_call_has_the_service_in_place_of_address_and_agent() -> None:
    event = cloudtrail_event(record(identify(Caller(Principal.service("ec2.amazonaws.com")))))
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    assert (event["sourceIPAddress"], event["userAgent"]) == ("ec2.amazonaws.com", "ec2.amazonaws.com")


def test_nobody_is_the_anonymous_principal_and_a_false_key_is_unknown() -> None:
    assert identity_of(Caller(ANONYMOUS)) == {
        "type": "AWSAccount",
        "principalId": "",
        "accountId": "ANONYMOUS_PRINCIPAL",
    }
    assert identity_of(Caller(ANONYMOUS, "AKIAFORGED")) == {"type": "Unknown", "accessKeyId": "AKIAFORGED"}


def test_a_web_identity_names_its_provider() -> None:
    element = cloudtrail_event(
        record(Identity("web-identity", "*", user_id="idp:app:sub", name="sub", provider="idp.example.com"))
    )["userIdentity"]
    assert element == {
        "type": "WebIdentityUser",
        "principalId": "idp:app:sub",
        "userName": "sub",
        "identityProvider": "idp.example.com",
    }


def test_a_caller_of_another_account_is_shown_by_its_ids_alone() -> None:
    assert identity_of(Caller(ALICE, "AKIAEXAMPLE"), account="444455556666") == {
        "type": "AWSAccount",
        "principalId": "AIDAEXAMPLE",
        "accountId": ACCOUNT,
    }


def test_a_refused_call_has_its_error_and_no_response() -> None:
    event = cloudtrail_event(record(error_code="AccessDenied", error_message="no", answer={"A": 1}, status=403))
    assert (event["errorCode"], event["errorMessage"], event["responseElements"]) == ("AccessDenied", "no", None)


@pytest.mark.parametrize(("status", "code"), [(403, "Client.UnauthorizedOperation"), (500, "Server.InternalError")])
def test_ec2_says_whose_fault_it_is(status: int, code: str) -> None:
    event = cloudtrail_event(
        record(event_source="ec2.amazonaws.com", error_code=code.partition(".")[2], error_message="-", status=status)
    )
    assert event["errorCode"] == code


def test_a_reading_call_has_no_response_elements_but_says_so() -> None:
    event = cloudtrail_event(record(read_only=True, answer={"A": 1}))
    assert event["responseElements"] is None
    assert event["requestParameters"] is None


def test_optional_fields_come_with_what_they_tell() -> None:
    event = cloudtrail_event(
        record(
            management=False,
            secure=True,
            tls=("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
            host="s3.amazonaws.com",
            extra={"bytesTransferredOut": 7},
            shared_event_id="shared",
            invoked_by="ec2.amazonaws.com",
            resources=(Resource("AWS::S3::Bucket", "b", "arn:aws:s3:::b", ACCOUNT), Resource("AWS::IAM::Role", "app")),
        )
    )
    assert event["tlsDetails"] == {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": "s3.amazonaws.com",
    }
    assert event["resources"] == [{"ARN": "arn:aws:s3:::b", "accountId": ACCOUNT, "type": "AWS::S3::Bucket"}]
    assert (event["managementEvent"], event["eventCategory"]) == (False, "Data")
    assert (event["additionalEventData"], event["sharedEventID"]) == ({"bytesTransferredOut": 7}, "shared")
    assert event["userIdentity"]["invokedBy"] == event["sourceIPAddress"] == "ec2.amazonaws.com"


def test_a_root_session_of_the_organization_is_a_root_user_who_was_assumed() -> None:
    """IAM User Guide, "Track privileged tasks in AWS CloudTrail"."""
    task = "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"
    assumed = session(PrincipalKind.ROOT, policy_arns=(task,))
    told = cloudtrail_event(record(identify(Caller(Principal.root(ACCOUNT), "ASIAEXAMPLE", assumed))))["userIdentity"]
    assert (told["type"], told["arn"]) == ("Root", f"arn:aws:iam::{ACCOUNT}:root")
    assert told["sessionContext"]["assumedRoot"] == "true"
    own = session(PrincipalKind.ROOT, issuer_arn=f"arn:aws:iam::{ACCOUNT}:root")
    told = cloudtrail_event(record(identify(Caller(Principal.root(ACCOUNT), "ASIAEXAMPLE", own))))["userIdentity"]
    assert "assumedRoot" not in told["sessionContext"]


@pytest.mark.parametrize("kind", PrincipalKind)
def test_every_kind_of_principal_can_be_rendered(kind: PrincipalKind) -> None:
    assert json.loads(render(record(Identity(kind.value, "arn"))))["userIdentity"]["type"]


def test_a_record_comes_back_from_its_row_as_it_was() -> None:
    first = record(
        parameters={"RoleName": "app"},
        resources=(Resource("AWS::IAM::Role", "app"),),
        verdict="implicit-deny",
        determining=("a", "b"),
        explanation={"why": ["nothing allows it"]},
    )
    row = first.row()
    assert decode(row.data) == first
    assert (row.denied, row.read_only, row.username, row.principal) == (True, False, "Alice", ALICE.arn)
    assert row.resources == (("AWS::IAM::Role", "app"),)


def test_json_that_is_ready_is_taken_as_it_is_and_nothing_stops_a_record() -> None:
    ready = decode(record(parameters=msgspec.Raw(b'{"a":1}'), answer={"when": object}).row().data)
    assert ready.parameters == {"a": 1}
    assert ready.answer == {"when": str(object)}


def test_the_sessions_of_a_role_are_found_by_the_role() -> None:
    principal = Principal.role_session(ROLE, "AROAEXAMPLE", "anna")
    row = record(identify(Caller(principal, "ASIAEXAMPLE", session()))).row()
    assert (row.principal, row.username) == (ROLE, "anna")


def test_records_of_an_older_locum_are_read_by_position() -> None:
    """Fields may only be added at the end: this array is what the first version stored."""
    stored = (
        b'["event","request",1767225600.0,"111122223333","us-east-1","iam.amazonaws.com","iam","CreateRole",'
        b'["user","arn","111122223333","AIDA","Alice","AKIA","","",0,false,"","","",""],false,true,"192.0.2.1","cli",'
        b'false,200,{"RoleName":"app"},null,"","",[["AWS::IAM::Role","app","",""]],"","allow",["p/0"],"",null,'
        b'"enforce","",null,"AwsApiCall","",["",""]]'
    )
    old = decode(stored)
    assert (old.operation, old.identity.name, old.verdict, old.mode) == ("CreateRole", "Alice", "allow", "enforce")
    assert decode(old.row().data) == old

"""A company's identity provider, a role, and people without any credentials of AWS: real clients, real signatures."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from support.plane import ACCOUNT, REGION, Key, RunningPlane, allow, fresh, refused
from support.saml_idp import ATTRIBUTES, Login, metadata, sent, signed_assertion, signed_response, signer


class Company:
    """A provider in the plane, and logins by it."""

    def __init__(self, plane: RunningPlane) -> None:
        self.plane = plane
        self.provider: str = plane.client("iam").create_saml_provider(
            Name=fresh("idp"), SAMLMetadataDocument=metadata()
        )["SAMLProviderArn"]
        self.sts = boto3.client(
            "sts", endpoint_url=plane.endpoint, region_name=REGION, config=Config(signature_version=UNSIGNED)
        )

    def role(self, *actions: str, condition: dict[str, Any] | None = None) -> str:
        """The ARN of a role that trusts the provider."""
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Federated": self.provider},
            "Action": ["sts:AssumeRoleWithSAML", *actions],
            "Condition": condition or {"StringEquals": {"saml:aud": "https://signin.aws.amazon.com/saml"}},
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        home = "arn:aws:s3:::${aws:PrincipalTag/team}/${saml:sub}/*"
        name = self.plane.role(trust, allow("s3:PutObject", home), allow("s3:CreateBucket"))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def login(self, *roles: str, **more: str) -> Login:
        """A login for the roles."""
        given = {"Role": [f"{role},{self.provider}" for role in roles], "RoleSessionName": ["ann"]}
        given |= {name: [value] for name, value in more.items()}
        return Login(now=time.time(), attributes={ATTRIBUTES + name: values for name, values in given.items()})

    def call(self, role: str, document: Any) -> dict[str, Any]:
        """The parameters of the call."""
        return {"RoleArn": role, "PrincipalArn": self.provider, "SAMLAssertion": sent(document)}


@pytest.fixture
def company(plane: RunningPlane) -> Company:
    return Company(plane)


def test_whoever_the_company_signs_in_gets_the_role(company: Company) -> None:
    plane, role = company.plane, company.role("sts:TagSession")
    team = fresh("team")
    login = company.login(role, **{"PrincipalTag:team": team})
    answer = company.sts.assume_role_with_saml(**company.call(role, signed_response(login)))
    assert answer["Subject"] == "ann@example.com"
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/', 1)[1]}/ann"
    key = Key.of(answer["Credentials"])
    assert plane.client("sts", key).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    s3 = plane.client("s3", key)
    s3.create_bucket(Bucket=team)
    s3.put_object(Bucket=team, Key="ann@example.com/x", Body=b"mine")
    assert refused(s3.put_object, Bucket=team, Key="bob@example.com/x", Body=b"his").code == "AccessDenied"


def test_the_trust_policy_is_asked(company: Company) -> None:
    for_bob = company.role(condition={"StringEquals": {"saml:sub": "bob@example.com"}})
    plain = company.role()
    login = company.login(for_bob, plain)
    company.sts.assume_role_with_saml(**company.call(plain, signed_assertion(login)))
    for role, asked, action in (
        (for_bob, login, "AssumeRoleWithSAML"),
        (plain, company.login(plain, **{"PrincipalTag:team": "red"}), "TagSession"),
        (plain, company.login(plain, SourceIdentity="ann"), "SetSourceIdentity"),
    ):
        met = refused(company.sts.assume_role_with_saml, **company.call(role, signed_assertion(asked)))
        assert met[:3] == ("AccessDenied", 403, f"Not authorized to perform sts:{action}")


def test_a_role_that_trusts_everybody_does_not_trust_a_provider(company: Company) -> None:
    """`Principal: *` is for those with credentials."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRoleWithSAML"}
    name = company.plane.role(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    met = refused(company.sts.assume_role_with_saml, **company.call(role, signed_assertion(company.login(role))))
    assert met[:2] == ("AccessDenied", 403)


def test_a_forged_assertion_gets_nothing(company: Company) -> None:
    role = company.role()
    login = company.login(role)
    forged = {
        "Response signature invalid": [login.response(), signed_assertion(login, signer("stranger"))],
        "Response has expired": [signed_assertion(login.with_(not_on_or_after=-1))],
        "Response does not contain the required audience": [signed_assertion(login.with_(audience="urn:else"))],
        "Invalid SAML response": [b"<!DOCTYPE a [<!ENTITY b 'b'>]><a>&b;</a>"],
    }
    for message, documents in forged.items():
        for document in documents:
            met = refused(company.sts.assume_role_with_saml, **company.call(role, document))
            assert (met.status, met.message) == (400, message)
            assert met.code in ("InvalidIdentityToken", "ExpiredTokenException")


def test_a_deleted_provider_vouches_for_nobody(company: Company) -> None:
    role = company.role()
    call = company.call(role, signed_assertion(company.login(role)))
    company.sts.assume_role_with_saml(**call)
    company.plane.client("iam").delete_saml_provider(SAMLProviderArn=company.provider)
    met = refused(company.sts.assume_role_with_saml, **call)
    assert met[:3] == ("InvalidIdentityToken", 400, "Specified provider doesn't exist")


def test_the_record_says_who_and_hides_the_assertion(company: Company) -> None:
    role = company.role()
    document = signed_assertion(company.login(role))
    answer = company.sts.assume_role_with_saml(**company.call(role, document))
    trail = company.plane.client("cloudtrail")
    by_name = {"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithSAML"}
    found = trail.lookup_events(LookupAttributes=[by_name])
    events = [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]
    event = next(e for e in events if e["requestID"] == answer["ResponseMetadata"]["RequestId"])
    assert event["userIdentity"] == {
        "type": "SAMLUser",
        "principalId": f"{answer['NameQualifier']}:ann@example.com",
        "userName": "ann@example.com",
        "identityProvider": company.provider,
    }
    assert sent(document) not in json.dumps(event)
    assert event["requestParameters"]["sAMLAssertion"] == "HIDDEN_DUE_TO_SECURITY_REASONS"

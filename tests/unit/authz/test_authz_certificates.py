"""Which permissions the calls about users' other credentials and server certificates take, and on what."""

from __future__ import annotations

from typing import Any

import pytest

from locum import authz
from locum.core.principal import Caller, Principal
from locum.state import ServerCertificate, ServiceSpecificCredential, State, User, change, put

ACCOUNT = "111122223333"
IAM = f"arn:aws:iam::{ACCOUNT}:"
ANN = f"{IAM}user/staff/Ann"
WEB = f"{IAM}server-certificate/cloudfront/Web"
TAGS = [{"Key": "team", "Value": "red"}]
CERTIFICATE = ServerCertificate(
    account=ACCOUNT,
    name="Web",
    path="/cloudfront/",
    id="ASCA1",
    created=1,
    body="",
    private_key=b"",
    expires=2,
    tags={"team": "blue"},
)
CREDENTIAL = ServiceSpecificCredential(
    account=ACCOUNT, id="ACCA1", user="ann", service="bedrock.amazonaws.com", alias="a", secret=b"", created=1
)
USER = User(account=ACCOUNT, name="Ann", path="/staff/", id="AIDA1", created=1)
BEN = User(account=ACCOUNT, name="Ben", id="AIDA2", created=1)
STATE = change(State(), [put(CERTIFICATE), put(CREDENTIAL), put(USER), put(BEN)])
CALLER = Caller(Principal.user(ACCOUNT, f"{IAM}user/Ben", "AIDA2", "Ben"))


def call(operation: str, params: dict[str, Any]) -> authz.Call:
    return authz.Call("iam", operation, params, CALLER, "us-east-1", 1.0)


@pytest.mark.parametrize(
    ("operation", "params", "resources"),
    [
        ("UploadSSHPublicKey", {"UserName": "ann"}, [ANN]),
        ("GetSSHPublicKey", {"UserName": "ann"}, [ANN]),
        ("ListSSHPublicKeys", {}, [f"{IAM}user/Ben"]),
        ("UpdateSSHPublicKey", {"UserName": "ann"}, [ANN]),
        ("DeleteSSHPublicKey", {"UserName": "ann"}, [ANN]),
        ("UploadSigningCertificate", {}, [f"{IAM}user/Ben"]),
        ("ListSigningCertificates", {"UserName": "ann"}, [ANN]),
        ("UpdateSigningCertificate", {"UserName": "ann"}, [ANN]),
        ("DeleteSigningCertificate", {"UserName": "ann"}, [ANN]),
        ("CreateServiceSpecificCredential", {"UserName": "ann"}, [ANN]),
        ("ListServiceSpecificCredentials", {}, [f"{IAM}user/Ben"]),
        ("ListServiceSpecificCredentials", {"AllUsers": False}, [f"{IAM}user/Ben"]),
        ("ListServiceSpecificCredentials", {"AllUsers": True}, [f"{IAM}user/*"]),
        ("UpdateServiceSpecificCredential", {"UserName": "ann"}, [ANN]),
        ("ResetServiceSpecificCredential", {"UserName": "ann"}, [ANN]),
        ("DeleteServiceSpecificCredential", {}, [f"{IAM}user/Ben"]),
        ("UploadServerCertificate", {"ServerCertificateName": "New"}, [f"{IAM}server-certificate/New"]),
        ("UploadServerCertificate", {"ServerCertificateName": "N", "Path": "/p/"}, [f"{IAM}server-certificate/p/N"]),
        ("GetServerCertificate", {"ServerCertificateName": "web"}, [WEB]),
        ("ListServerCertificates", {"PathPrefix": "/p/"}, ["*"]),
        ("UpdateServerCertificate", {"ServerCertificateName": "web"}, [WEB]),
        (
            "UpdateServerCertificate",
            {"ServerCertificateName": "web", "NewServerCertificateName": "Site"},
            [WEB, f"{IAM}server-certificate/cloudfront/Site"],
        ),
        (
            "UpdateServerCertificate",
            {"ServerCertificateName": "web", "NewPath": "/p/"},
            [WEB, f"{IAM}server-certificate/p/web"],
        ),
        ("DeleteServerCertificate", {"ServerCertificateName": "web"}, [WEB]),
        ("TagServerCertificate", {"ServerCertificateName": "web", "Tags": TAGS}, [WEB]),
        ("UntagServerCertificate", {"ServerCertificateName": "web", "TagKeys": ["team"]}, [WEB]),
        ("ListServerCertificateTags", {"ServerCertificateName": "web"}, [WEB]),
    ],
)
def test_a_call_takes_its_own_permission_on_whom_or_what_it_is_about(
    operation: str, params: dict[str, Any], resources: list[str]
) -> None:
    checks = authz.plan(STATE, call(operation, params)).checks
    assert [(check.action, check.resource) for check in checks] == [(f"iam:{operation}", arn) for arn in resources]


def test_to_upload_with_tags_takes_the_permission_to_tag() -> None:
    params = {"ServerCertificateName": "New", "Tags": TAGS}
    checks = authz.plan(STATE, call("UploadServerCertificate", params)).checks
    assert [check.action for check in checks] == ["iam:UploadServerCertificate", "iam:TagServerCertificate"]


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        (
            "CreateServiceSpecificCredential",
            {"UserName": "ann", "ServiceName": "logs.amazonaws.com", "CredentialAgeDays": 30},
            {"servicename": "logs.amazonaws.com", "agedays": "30"},
        ),
        (
            "CreateServiceSpecificCredential",
            {"UserName": "ann", "ServiceName": "codecommit.amazonaws.com"},
            {"servicename": "codecommit.amazonaws.com"},
        ),
        *(
            (
                operation,
                {"UserName": "ann", "ServiceSpecificCredentialId": "ACCA1"},
                {"servicename": CREDENTIAL.service},
            )
            for operation in (
                "DeleteServiceSpecificCredential",
                "ResetServiceSpecificCredential",
                "UpdateServiceSpecificCredential",
            )
        ),
        ("DeleteServiceSpecificCredential", {"UserName": "ann", "ServiceSpecificCredentialId": "ACCA2"}, {}),
        ("ListServiceSpecificCredentials", {"UserName": "ann", "ServiceName": "logs.amazonaws.com"}, {}),
    ],
)
def test_conditions_see_the_service_and_the_age_of_a_credential(
    operation: str, params: dict[str, Any], expected: dict[str, str]
) -> None:
    asked = call(operation, params)
    (ruling,) = authz.decide(STATE, asked, authz.plan(STATE, asked)).rulings
    prefix = "iam:servicespecificcredential"
    seen = {key: ruling.request.context.get(prefix + key) for key in ("servicename", "agedays")}
    assert {key: value for key, value in seen.items() if value is not None} == expected


def test_a_condition_sees_the_tags_of_the_certificate_and_of_the_call() -> None:
    asked = call("TagServerCertificate", {"ServerCertificateName": "web", "Tags": TAGS})
    (ruling,) = authz.decide(STATE, asked, authz.plan(STATE, asked)).rulings
    keys = ("aws:resourcetag/team", "aws:requesttag/team", "aws:tagkeys")
    assert [ruling.request.context.get(key) for key in keys] == ["blue", "red", ("team",)]

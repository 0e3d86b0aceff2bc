"""Signing certificates: one row an outcome, on real certificates."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from locum.services.iam.limits import SIGNING_CERTIFICATES_PER_USER
from locum.state import decode, encode
from support.certificates import DAY, certified, rsa_key
from support.iam_plane import NOW, Plane

FIRST, SECOND, THIRD = (certified(name, NOW).body for name in ("first", "second", "third"))
MISSING = "NONEXISTENTCERTID12345678901"
NO_USER = ("NoSuchEntity", 404, "The user with name nobody cannot be found.")
NO_CERTIFICATE = ("NoSuchEntity", 404, f"The Certificate with id {MISSING} cannot be found.")
EXPIRED = ("MalformedCertificate", 400, "The certificate has expired.")
INVALID = ("InvalidCertificate", 400, "The certificate is invalid.")


@pytest.fixture
def ann(plane: Plane) -> Plane:
    plane.user("Ann")
    return plane


def upload(plane: Plane, body: str, **params: Any) -> dict[str, Any]:
    made: dict[str, Any] = plane.call("UploadSigningCertificate", CertificateBody=body, **params)["Certificate"]
    return made


def listed(plane: Plane, **params: Any) -> list[dict[str, Any]]:
    answer = plane.call("ListSigningCertificates", **params)
    assert answer["IsTruncated"] is False
    found: list[dict[str, Any]] = answer["Certificates"]
    return found


@pytest.mark.parametrize("body", [FIRST, FIRST.strip(), certified("rsa", NOW, private=rsa_key()).body])
def test_a_certificate_is_answered_as_it_came(ann: Plane, body: str) -> None:
    made = upload(ann, body, UserName="ann")
    assert listed(ann, UserName="ann") == [made]
    assert re.fullmatch("[A-Z2-7]{32}", made.pop("CertificateId"))
    assert made == {"UserName": "Ann", "CertificateBody": body, "Status": "Active", "UploadDate": NOW}


@pytest.mark.parametrize(
    "body",
    [
        "invalid-certificate-body",
        FIRST + SECOND,
        "text\n" + FIRST,
        FIRST[:200],
        FIRST.replace("CERTIFICATE", "PUBLIC KEY"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        certified("edwards", NOW, private=ed25519.Ed25519PrivateKey.generate()).body,
    ],
)
def test_what_is_not_a_certificate_is_malformed(ann: Plane, body: str) -> None:
    fault = ann.fault("UploadSigningCertificate", UserName="ann", CertificateBody=body)
    assert fault == ("MalformedCertificate", 400, f"Certificate {body} is malformed.")


def test_a_private_key_that_came_by_mistake_is_not_repeated(ann: Plane) -> None:
    body = certified("first", NOW).key
    fault = ann.fault("UploadSigningCertificate", UserName="ann", CertificateBody=body)
    assert fault == ("MalformedCertificate", 400, "Certificate is malformed.")


@pytest.mark.parametrize(
    ("begins", "expires", "expected"),
    [
        (-DAY, -1, EXPIRED),
        (-DAY, 0, None),
        (0, DAY, None),
        (1, DAY, INVALID),
    ],
)
def test_a_certificate_out_of_its_time_is_refused(
    ann: Plane, begins: int, expires: int, expected: tuple[str, int, str] | None
) -> None:
    body = certified("timely", NOW, begins=begins, expires=expires).body
    if expected is None:
        assert upload(ann, body, UserName="ann")["Status"] == "Active"
    else:
        assert ann.fault("UploadSigningCertificate", UserName="ann", CertificateBody=body) == expected


def test_no_two_users_of_an_account_have_the_same_certificate(ann: Plane) -> None:
    upload(ann, FIRST, UserName="ann")
    ann.user("Ben")
    for user in ("ann", "ben"):
        assert ann.fault("UploadSigningCertificate", UserName=user, CertificateBody=FIRST.strip()) == (
            "DuplicateCertificate",
            409,
            "The same certificate is associated with an IAM user in the account.",
        )


def test_a_user_has_two_and_lists_them_by_pages(ann: Plane) -> None:
    for body in (FIRST, SECOND):
        ann.now += 1
        upload(ann, body, UserName="ann")
    assert SIGNING_CERTIFICATES_PER_USER == 2
    assert ann.fault("UploadSigningCertificate", UserName="ann", CertificateBody=THIRD) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for CertificatesPerUser: 2",
    )
    pages = ann.pages("ListSigningCertificates", "Certificates", UserName="ann", MaxItems=1)
    assert [[one["CertificateBody"] for one in page] for page in pages] == [[FIRST], [SECOND]]


def test_a_certificate_is_switched_off_and_on_and_deleted(ann: Plane) -> None:
    named = {"UserName": "ann", "CertificateId": upload(ann, FIRST, UserName="ann")["CertificateId"]}
    for status in ("Inactive", "Active"):
        assert ann.call("UpdateSigningCertificate", **named, Status=status) == {}
        assert [one["Status"] for one in listed(ann, UserName="ann")] == [status]
    assert ann.fault("UpdateSigningCertificate", **named, Status="Expired")[0] == "InvalidInput"
    assert ann.call("DeleteSigningCertificate", **named) == {}
    assert listed(ann, UserName="ann") == []
    assert upload(ann, FIRST, UserName="ann")["CertificateId"] != named["CertificateId"]


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("UploadSigningCertificate", {"UserName": "nobody", "CertificateBody": FIRST}, NO_USER),
        ("ListSigningCertificates", {"UserName": "nobody"}, NO_USER),
        ("UpdateSigningCertificate", {"UserName": "nobody", "CertificateId": MISSING, "Status": "Active"}, NO_USER),
        ("DeleteSigningCertificate", {"UserName": "nobody", "CertificateId": MISSING}, NO_USER),
        ("UpdateSigningCertificate", {"UserName": "ann", "CertificateId": MISSING, "Status": "Active"}, NO_CERTIFICATE),
        ("DeleteSigningCertificate", {"UserName": "ann", "CertificateId": MISSING}, NO_CERTIFICATE),
        ("DeleteSigningCertificate", {"CertificateId": MISSING}, NO_CERTIFICATE),
    ],
)
def test_whom_and_what_there_is_not(
    ann: Plane, operation: str, params: dict[str, Any], expected: tuple[str, int, str]
) -> None:
    assert ann.fault(operation, **params) == expected


def test_who_names_nobody_means_themselves(ann: Plane) -> None:
    roots = upload(ann, FIRST)
    assert roots["UserName"] == ""
    ann.become("ann")
    own = upload(ann, SECOND)
    assert listed(ann) == [own]
    assert own["UserName"] == "Ann"
    gone = {"CertificateId": roots["CertificateId"]}
    assert ann.fault("DeleteSigningCertificate", **gone)[0] == "NoSuchEntity"


def test_the_root_user_of_the_account_has_certificates_too(plane: Plane) -> None:
    made = upload(plane, FIRST)
    assert decode(encode(plane.events)) == plane.events
    assert plane.call("GetAccountSummary")["SummaryMap"]["AccountSigningCertificatesPresent"] == 1
    plane.call("UpdateSigningCertificate", CertificateId=made["CertificateId"], Status="Inactive")
    assert [one["Status"] for one in listed(plane)] == ["Inactive"]
    plane.call("DeleteSigningCertificate", CertificateId=made["CertificateId"])
    assert listed(plane) == []


def test_a_user_with_a_certificate_is_not_deleted(ann: Plane) -> None:
    upload(ann, FIRST, UserName="ann")
    assert ann.fault("DeleteUser", UserName="ann")[0] == "DeleteConflict"

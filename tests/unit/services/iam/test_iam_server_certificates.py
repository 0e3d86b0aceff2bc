"""Server certificates: one row an outcome, on real certificates, chains and keys."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from locum.credentials import BrokenSeal
from locum.credentials.certificates import LONGEST_CHAIN, open_private_key
from locum.services.iam.limits import SERVER_CERTIFICATES
from locum.state import ServerCertificate, decode, encode
from support.certificates import DAY, YEAR, certified, ec_key, private_pem, rsa_key
from support.iam_plane import NOW, Plane, arn

ROOT = certified("root", NOW)
MIDDLE = certified("middle", NOW, issuer=ROOT)
LEAF = certified("leaf", NOW, issuer=MIDDLE)
SELF = certified("self", NOW)
RSA = certified("rsa", NOW, private=rsa_key("server"))
PKCS8 = PrivateFormat.PKCS8
NOT_PEM = "Unable to parse certificate. Please ensure the certificate is in PEM format."
NO_TIME = "The certificate is not valid at this time."
NO_KEY = "Invalid Private Key."
CHAIN = (
    "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, "
    "followed by any intermediaries in order. The index within the chain of the invalid certificate is: "
)
MISSING = ("NoSuchEntity", 404, "The Server Certificate with name nothing cannot be found.")
MISMATCH = ("KeyPairMismatch", 400, "The public key certificate and the private key do not match.")


def params(name: str = "web", **more: Any) -> dict[str, Any]:
    return {"ServerCertificateName": name, "CertificateBody": SELF.body, "PrivateKey": SELF.key, **more}


def upload(plane: Plane, name: str = "web", **more: Any) -> dict[str, Any]:
    answer = plane.call("UploadServerCertificate", **params(name, **more))
    metadata: dict[str, Any] = answer["ServerCertificateMetadata"]
    return metadata


def got(plane: Plane, name: str = "web") -> dict[str, Any]:
    certificate: dict[str, Any] = plane.call("GetServerCertificate", ServerCertificateName=name)["ServerCertificate"]
    return certificate


def test_a_certificate_is_answered_without_its_key(plane: Plane) -> None:
    metadata = upload(plane, "Web", Path="/cloudfront/test/")
    assert got(plane) == {"ServerCertificateMetadata": metadata, "CertificateBody": SELF.body, "Tags": []}
    listed = plane.call("ListServerCertificates")
    assert listed == {"ServerCertificateMetadataList": [metadata], "IsTruncated": False}
    assert re.fullmatch("ASCA[A-Z2-7]{17}", metadata.pop("ServerCertificateId"))
    assert metadata == {
        "Path": "/cloudfront/test/",
        "ServerCertificateName": "Web",
        "Arn": arn("server-certificate", "cloudfront/test/Web"),
        "UploadDate": NOW,
        "Expiration": NOW + YEAR,
    }


def test_the_key_is_kept_sealed_for_this_certificate(plane: Plane) -> None:
    upload(plane, CertificateBody=RSA.body, PrivateKey=RSA.key)
    written = encode(plane.events)
    assert decode(written) == plane.events
    assert b"PRIVATE KEY" not in written
    (kept,) = plane.state.every(ServerCertificate)
    assert open_private_key(plane.keyring, kept.id, kept.private_key) == RSA.key
    with pytest.raises(BrokenSeal):
        open_private_key(plane.keyring, "ASCAANOTHER", kept.private_key)


@pytest.mark.parametrize(
    "given",
    [
        {"CertificateBody": RSA.body, "PrivateKey": RSA.key},
        {"CertificateBody": RSA.body, "PrivateKey": private_pem(RSA.private, PKCS8)},
        {"PrivateKey": private_pem(SELF.private, PKCS8)},
        {"CertificateBody": f"\r\n{SELF.body}\n", "PrivateKey": f"\n{SELF.key}\n"},
        {"CertificateBody": LEAF.body, "PrivateKey": LEAF.key},
        {"CertificateBody": LEAF.body, "PrivateKey": LEAF.key, "CertificateChain": MIDDLE.body},
        {"CertificateBody": LEAF.body, "PrivateKey": LEAF.key, "CertificateChain": f"{MIDDLE.body}\n\n{ROOT.body}"},
    ],
)
def test_keys_and_chains_that_belong_to_the_certificate_are_taken(plane: Plane, given: dict[str, str]) -> None:
    upload(plane, **given)
    certificate = got(plane)
    assert certificate["CertificateBody"] == given.get("CertificateBody", SELF.body)
    assert certificate.get("CertificateChain") == given.get("CertificateChain")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"CertificateBody": "certbody"}, NOT_PEM),
        ({"CertificateBody": LEAF.body + MIDDLE.body}, NOT_PEM),
        ({"CertificateBody": f"text\n{SELF.body}"}, NOT_PEM),
        ({"CertificateBody": SELF.key}, NOT_PEM),
        ({"CertificateBody": certified("self", NOW, begins=-2 * DAY, expires=-DAY).body}, NO_TIME),
        ({"CertificateBody": certified("self", NOW, begins=60).body}, NO_TIME),
        ({"PrivateKey": "privatekey"}, NO_KEY),
        ({"PrivateKey": SELF.key[:80]}, NO_KEY),
        ({"PrivateKey": SELF.body}, NO_KEY),
        ({"PrivateKey": private_pem(SELF.private, PKCS8, b"passphrase")}, NO_KEY),
        ({"PrivateKey": private_pem(SELF.private, passphrase=b"passphrase")}, NO_KEY),
        ({"CertificateChain": "chain"}, CHAIN + "-1"),
        ({"CertificateChain": ROOT.body}, CHAIN + "-1"),
        ({"CertificateBody": LEAF.body, "PrivateKey": LEAF.key, "CertificateChain": ROOT.body}, CHAIN + "-1"),
        (
            {"CertificateBody": LEAF.body, "PrivateKey": LEAF.key, "CertificateChain": LEAF.body + MIDDLE.body},
            CHAIN + "-1",
        ),
        (
            {"CertificateBody": LEAF.body, "PrivateKey": LEAF.key, "CertificateChain": f"x\n{MIDDLE.body}"},
            CHAIN + "-1",
        ),
        (
            {"CertificateBody": LEAF.body, "PrivateKey": LEAF.key, "CertificateChain": MIDDLE.body + SELF.body},
            CHAIN + "0",
        ),
        ({"CertificateChain": SELF.body * (LONGEST_CHAIN + 1)}, CHAIN + "-1"),
    ],
)
def test_what_is_malformed_says_what_of_it(plane: Plane, given: dict[str, str], message: str) -> None:
    assert plane.fault("UploadServerCertificate", **params(**given)) == ("MalformedCertificate", 400, message)
    assert plane.call("ListServerCertificates")["ServerCertificateMetadataList"] == []


def test_a_chain_that_names_the_issuer_but_did_not_sign_is_refused(plane: Plane) -> None:
    impostor = certified("middle", NOW, private=ec_key("impostor"))
    given = {"CertificateBody": LEAF.body, "PrivateKey": LEAF.key, "CertificateChain": impostor.body}
    assert plane.fault("UploadServerCertificate", **params(**given))[2] == CHAIN + "-1"


@pytest.mark.parametrize("key", [ROOT.key, RSA.key, private_pem(rsa_key("long", 4097))])
def test_the_key_of_another_certificate_is_refused(plane: Plane, key: str) -> None:
    assert plane.fault("UploadServerCertificate", **params(PrivateKey=key)) == MISMATCH


def test_an_rsa_key_is_refused_that_has_the_right_modulus_and_a_wrong_exponent(plane: Plane) -> None:
    numbers = rsa_key("server").private_numbers()
    forged = type(numbers)(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d ^ 2,
        dmp1=numbers.dmp1,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    given = params(CertificateBody=RSA.body, PrivateKey=private_pem(forged))
    assert plane.fault("UploadServerCertificate", **given) == ("MalformedCertificate", 400, NO_KEY)


@pytest.mark.parametrize(
    ("operation", "given", "expected"),
    [
        ("GetServerCertificate", {}, MISSING),
        ("UpdateServerCertificate", {"NewPath": "/x/"}, MISSING),
        ("DeleteServerCertificate", {}, MISSING),
        ("TagServerCertificate", {"Tags": []}, MISSING),
        ("UntagServerCertificate", {"TagKeys": []}, MISSING),
        ("ListServerCertificateTags", {}, MISSING),
    ],
)
def test_what_there_is_not(plane: Plane, operation: str, given: dict[str, Any], expected: tuple[str, int, str]) -> None:
    assert plane.fault(operation, ServerCertificateName="nothing", **given) == expected


def test_a_name_is_taken_whatever_its_case(plane: Plane) -> None:
    upload(plane, "web")
    assert plane.fault("UploadServerCertificate", **params("WEB")) == (
        "EntityAlreadyExists",
        409,
        "The Server Certificate with name WEB already exists.",
    )


def test_an_account_has_twenty_and_lists_them_by_path_and_pages(plane: Plane) -> None:
    names = [f"c{number:02}" for number in range(SERVER_CERTIFICATES)]
    for number, name in enumerate(names):
        upload(plane, name, Path="/odd/" if number % 2 else "/even/")
    assert plane.fault("UploadServerCertificate", **params("more")) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for ServerCertificatesPerAccount: 20",
    )
    member = "ServerCertificateMetadataList"
    pages = plane.pages("ListServerCertificates", member, MaxItems=7)
    assert [[one["ServerCertificateName"] for one in page] for page in pages] == [names[:7], names[7:14], names[14:]]
    odd = plane.call("ListServerCertificates", PathPrefix="/odd/")[member]
    assert [one["ServerCertificateName"] for one in odd] == names[1::2]
    assert plane.call("GetAccountSummary")["SummaryMap"]["ServerCertificates"] == 20


@pytest.mark.parametrize(
    ("given", "path", "name"),
    [
        ({}, "/", "web"),
        ({"NewPath": "/new/"}, "/new/", "web"),
        ({"NewServerCertificateName": "site"}, "/", "site"),
        ({"NewServerCertificateName": "WEB"}, "/", "WEB"),
        ({"NewServerCertificateName": "site", "NewPath": "/new/"}, "/new/", "site"),
    ],
)
def test_a_new_name_or_path_leaves_the_rest_as_it_was(
    plane: Plane, given: dict[str, str], path: str, name: str
) -> None:
    before = upload(plane, Tags=[{"Key": "team", "Value": "red"}])
    assert plane.call("UpdateServerCertificate", ServerCertificateName="web", **given) == {}
    after = got(plane, name)
    assert after["ServerCertificateMetadata"] == {
        **before,
        "Path": path,
        "ServerCertificateName": name,
        "Arn": arn("server-certificate", f"{path[1:]}{name}"),
    }
    assert after["Tags"] == [{"Key": "team", "Value": "red"}]
    (kept,) = plane.state.every(ServerCertificate)
    assert open_private_key(plane.keyring, kept.id, kept.private_key) == SELF.key
    if name == "site":
        assert plane.fault("GetServerCertificate", ServerCertificateName="web")[0] == "NoSuchEntity"


def test_a_new_name_must_be_free(plane: Plane) -> None:
    upload(plane, "web")
    upload(plane, "site")
    fault = plane.fault("UpdateServerCertificate", ServerCertificateName="web", NewServerCertificateName="SITE")
    assert fault == ("EntityAlreadyExists", 409, "The Server Certificate with name SITE already exists.")


def test_a_certificate_is_deleted_and_its_name_free_again(plane: Plane) -> None:
    first = upload(plane)["ServerCertificateId"]
    assert plane.call("DeleteServerCertificate", ServerCertificateName="WEB") == {}
    assert plane.fault("GetServerCertificate", ServerCertificateName="web")[0] == "NoSuchEntity"
    assert upload(plane)["ServerCertificateId"] != first


def test_tags_come_with_the_certificate_and_later(plane: Plane) -> None:
    tags = [{"Key": "b", "Value": "1"}, {"Key": "B", "Value": "2"}]
    named = {"ServerCertificateName": "web"}
    assert plane.call("UploadServerCertificate", **params(Tags=tags))["Tags"] == tags
    plane.call("TagServerCertificate", **named, Tags=[{"Key": "a", "Value": "3"}])
    plane.call("UntagServerCertificate", **named, TagKeys=["b", "absent"])
    expected = [{"Key": "B", "Value": "2"}, {"Key": "a", "Value": "3"}]
    assert got(plane)["Tags"] == expected
    assert plane.pages("ListServerCertificateTags", "Tags", **named, MaxItems=1) == [[expected[0]], [expected[1]]]
    many = [{"Key": f"k{number}", "Value": ""} for number in range(49)]
    assert plane.fault("TagServerCertificate", **named, Tags=many)[0] == "LimitExceeded"
    assert plane.fault("UploadServerCertificate", **params("more", Tags=tags[:1] * 2)) == (
        "InvalidInput",
        400,
        "Duplicate tag keys found.",
    )

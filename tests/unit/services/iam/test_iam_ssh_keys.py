"""SSH public keys: one row an outcome, on real keys."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from locum.credentials.sshkeys import BadPublicKey, UnknownEncoding, read_public_key
from locum.services.iam.limits import SSH_PUBLIC_KEYS_PER_USER
from locum.state import SshPublicKey, decode, encode
from support.certificates import certified, ec_key, public_pem, rsa_key, ssh
from support.iam_plane import NOW, Plane

KEY = rsa_key("ann")
PKCS1 = PublicFormat.PKCS1
MISSING = "APKAXXXXXXXXXXXXXXXXX"
NO_USER = ("NoSuchEntity", 404, "The user with name nobody cannot be found.")
NO_KEY = ("NoSuchEntity", 404, f"The Public Key with id {MISSING} cannot be found.")
BAD = ("InvalidPublicKey", 400, "The public key is malformed or otherwise invalid.")
UNKNOWN = ("UnrecognizedPublicKeyEncoding", 400, "The public key encoding format is unsupported or unrecognized.")
DUPLICATE = ("DuplicateSSHPublicKey", 400, "The SSH public key is already associated with the specified IAM user.")


@pytest.fixture
def ann(plane: Plane) -> Plane:
    plane.user("Ann")
    return plane


def upload(plane: Plane, body: str, user: str = "ann") -> dict[str, Any]:
    key: dict[str, Any] = plane.call("UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=body)["SSHPublicKey"]
    return key


def got(plane: Plane, key_id: str, encoding: str) -> dict[str, Any]:
    key: dict[str, Any] = plane.call("GetSSHPublicKey", UserName="ann", SSHPublicKeyId=key_id, Encoding=encoding)[
        "SSHPublicKey"
    ]
    return key


def test_a_key_is_answered_as_it_came_with_its_fingerprint(ann: Plane) -> None:
    body = ssh(KEY, "ann@example.com")
    key = upload(ann, body)
    assert re.fullmatch(r"APKA[A-Z2-7]{16}", key.pop("SSHPublicKeyId"))
    digest = hashlib.md5(base64.b64decode(body.split()[1])).hexdigest()
    assert key == {
        "UserName": "Ann",
        "Fingerprint": ":".join(re.findall("..", digest)),
        "SSHPublicKeyBody": body,
        "Status": "Active",
        "UploadDate": NOW,
    }


@pytest.mark.parametrize(
    "body",
    [ssh(KEY), ssh(KEY, "a comment of words"), f"\n{ssh(KEY)}\n", public_pem(KEY), public_pem(KEY, PKCS1)],
    ids=["ssh", "comment", "space", "pem", "pkcs1"],
)
def test_a_key_is_given_back_in_either_encoding_whichever_it_came_in(ann: Plane, body: str) -> None:
    uploaded = upload(ann, body)
    in_ssh, in_pem = (got(ann, uploaded["SSHPublicKeyId"], encoding) for encoding in ("SSH", "PEM"))
    assert in_ssh == {**uploaded, "SSHPublicKeyBody": ssh(KEY)}
    assert in_pem == {**uploaded, "SSHPublicKeyBody": public_pem(KEY)}
    assert ann.fault("UploadSSHPublicKey", UserName="ann", SSHPublicKeyBody=ssh(KEY)) == DUPLICATE


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x", UNKNOWN),
        ("ssh-rsa", UNKNOWN),
        (ssh(ed25519.Ed25519PrivateKey.generate()), UNKNOWN),
        (ssh(ec_key()), UNKNOWN),
        (certified("a", NOW).body, UNKNOWN),
        (certified("a", NOW).key, UNKNOWN),
        (ssh(KEY).replace("ssh-rsa", "ssh-dss"), UNKNOWN),
        ("ssh-rsa !!!", BAD),
        ("ssh-rsa AAAA", BAD),
        (ssh(KEY)[:-30], BAD),
        (f"{ssh(KEY)}\n{ssh(rsa_key('other'))}", BAD),
        (ssh(rsa_key("short", 1024)), BAD),
        (public_pem(rsa_key("short", 1024)), BAD),
        (public_pem(ec_key()), BAD),
        (public_pem(KEY)[:-60], BAD),
        ("-----BEGIN PUBLIC KEY-----", BAD),
    ],
    ids=range(16),
)
def test_what_is_not_a_key_that_codecommit_takes_is_refused(
    ann: Plane, body: str, expected: tuple[str, int, str]
) -> None:
    assert ann.fault("UploadSSHPublicKey", UserName="ann", SSHPublicKeyBody=body) == expected


@given(st.one_of(st.text(), st.text().map("ssh-rsa ".__add__), st.text().map("-----BEGIN PUBLIC KEY-----".__add__)))
def test_no_text_breaks_the_reading(text: str) -> None:
    with pytest.raises((UnknownEncoding, BadPublicKey)):
        read_public_key(text)


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("UploadSSHPublicKey", {"UserName": "nobody", "SSHPublicKeyBody": "x"}, NO_USER),
        ("ListSSHPublicKeys", {"UserName": "nobody"}, NO_USER),
        ("GetSSHPublicKey", {"UserName": "nobody", "SSHPublicKeyId": MISSING, "Encoding": "SSH"}, NO_USER),
        ("UpdateSSHPublicKey", {"UserName": "nobody", "SSHPublicKeyId": MISSING, "Status": "Active"}, NO_USER),
        ("DeleteSSHPublicKey", {"UserName": "nobody", "SSHPublicKeyId": MISSING}, NO_USER),
        ("GetSSHPublicKey", {"UserName": "ann", "SSHPublicKeyId": MISSING, "Encoding": "SSH"}, NO_KEY),
        ("UpdateSSHPublicKey", {"UserName": "ann", "SSHPublicKeyId": MISSING, "Status": "Inactive"}, NO_KEY),
        ("DeleteSSHPublicKey", {"UserName": "ann", "SSHPublicKeyId": MISSING}, NO_KEY),
        (
            "ListSSHPublicKeys",
            {},
            ("ValidationError", 400, "Must specify userName when calling with non-User credentials"),
        ),
    ],
)
def test_whom_and_what_there_is_not(
    ann: Plane, operation: str, params: dict[str, Any], expected: tuple[str, int, str]
) -> None:
    assert ann.fault(operation, **params) == expected


def test_a_key_is_the_business_of_its_user_alone(ann: Plane) -> None:
    key_id = upload(ann, ssh(KEY))["SSHPublicKeyId"]
    ann.user("Ben")
    fault = ("NoSuchEntity", 404, f"The Public Key with id {key_id} cannot be found.")
    named = {"UserName": "ben", "SSHPublicKeyId": key_id}
    assert ann.fault("GetSSHPublicKey", **named, Encoding="SSH") == fault
    assert ann.fault("UpdateSSHPublicKey", **named, Status="Inactive") == fault
    assert ann.fault("DeleteSSHPublicKey", **named) == fault
    assert upload(ann, ssh(KEY), "ben")["UserName"] == "Ben"


def test_a_key_is_switched_off_and_on_and_deleted(ann: Plane) -> None:
    key_id = upload(ann, ssh(KEY))["SSHPublicKeyId"]
    named = {"UserName": "ann", "SSHPublicKeyId": key_id}
    for status in ("Inactive", "Active"):
        assert ann.call("UpdateSSHPublicKey", **named, Status=status) == {}
        assert got(ann, key_id, "SSH")["Status"] == status
    assert ann.fault("UpdateSSHPublicKey", **named, Status="Expired")[0] == "InvalidInput"
    assert ann.fault("GetSSHPublicKey", **named, Encoding="JWK") == UNKNOWN
    assert ann.call("DeleteSSHPublicKey", **named) == {}
    assert ann.call("ListSSHPublicKeys", UserName="ann") == {"SSHPublicKeys": [], "IsTruncated": False}


def test_a_user_has_five_and_lists_them_by_pages(ann: Plane) -> None:
    ids = []
    for number in range(SSH_PUBLIC_KEYS_PER_USER):
        ann.now += 1
        ids.append(upload(ann, ssh(rsa_key(f"key-{number}")))["SSHPublicKeyId"])
    one_more = ssh(rsa_key("one more"))
    assert ann.fault("UploadSSHPublicKey", UserName="ann", SSHPublicKeyBody=one_more) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for SSHPublicKeysPerUser: 5",
    )
    ann.become("ann")
    pages = ann.pages("ListSSHPublicKeys", "SSHPublicKeys", MaxItems=2)
    assert [[key["SSHPublicKeyId"] for key in page] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    assert pages[0][0] == {"UserName": "Ann", "SSHPublicKeyId": ids[0], "Status": "Active", "UploadDate": NOW + 1}


def test_a_key_survives_the_journal_and_its_users_new_name(ann: Plane) -> None:
    key = upload(ann, ssh(KEY, "x"))
    assert decode(encode(ann.events)) == ann.events
    ann.call("UpdateUser", UserName="ann", NewUserName="Anna")
    (listed,) = ann.call("ListSSHPublicKeys", UserName="anna")["SSHPublicKeys"]
    assert (listed["UserName"], listed["SSHPublicKeyId"]) == ("Anna", key["SSHPublicKeyId"])
    (kept,) = ann.state.every(SshPublicKey)
    assert kept.body == ssh(KEY)

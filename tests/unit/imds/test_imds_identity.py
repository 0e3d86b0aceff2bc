"""Who an instance is: signed identity documents, which openssl verifies, and the instance identity role."""

from __future__ import annotations

import base64
import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from locum.cli.storage import DirectoryFiles
from locum.core.clock import iso8601
from locum.core.errors import ConfigurationError
from locum.core.identifiers import OWN_IMAGE
from locum.credentials import KeyRing
from locum.credentials.identitykeys import CERTIFICATE_FILE, KEY_FILE, open_identity_key
from support.inprocess import InProcess, Key
from support.metadata import INSTANCE, Metadata, Read, instance
from support.one_account import ACCOUNT, NOW, Entropy

DYNAMIC = "dynamic/instance-identity"


@pytest.fixture(scope="module")
def read(plane: InProcess) -> Read:
    answer = plane.client("ec2").run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1)
    return Read(plane, answer["Instances"][0]["InstanceId"])


@pytest.fixture
def certificate(plane: InProcess, read: Read) -> Path:
    read(f"{DYNAMIC}/signature")
    return plane.node.options.data / CERTIFICATE_FILE


def openssl(*arguments: str | Path) -> bytes:
    """What openssl prints. It fails where a signature does not fit; a machine without openssl skips the test."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl")
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["pkcs7", "rsa2048"])
def test_openssl_finds_the_document_in_a_signed_message(
    read: Read, certificate: Path, tmp_path: Path, name: str
) -> None:
    message = tmp_path / name
    message.write_text(f"-----BEGIN PKCS7-----\n{read(f'{DYNAMIC}/{name}')}\n-----END PKCS7-----\n")
    given = ("smime", "-verify", "-in", message, "-inform", "PEM", "-certfile", certificate, "-noverify")
    assert openssl(*given).decode() == read(f"{DYNAMIC}/document")


def test_openssl_verifies_the_signature_of_the_document(read: Read, certificate: Path, tmp_path: Path) -> None:
    key, signature, document = (tmp_path / name for name in ("key", "signature", "document"))
    key.write_bytes(openssl("x509", "-in", certificate, "-noout", "-pubkey"))
    signature.write_bytes(base64.b64decode(read(f"{DYNAMIC}/signature")))
    document.write_text(read(f"{DYNAMIC}/document"))
    given = ("dgst", "-sha256", "-verify", key, "-signature", signature)
    assert openssl(*given, document) == b"Verified OK\n"
    document.write_text(read(f"{DYNAMIC}/document").replace(ACCOUNT[:1], "9", 1) + " ")
    with pytest.raises(AssertionError):
        openssl(*given, document)


def test_signatures_are_listed_and_the_same_until_the_instance_changes(read: Read) -> None:
    assert read(f"{DYNAMIC}/").split("\n") == ["document", "pkcs7", "rsa2048", "signature"]
    assert read(f"{DYNAMIC}/pkcs7") == read(f"{DYNAMIC}/pkcs7")
    assert max(map(len, read(f"{DYNAMIC}/rsa2048").split("\n"))) == 64
    assert read.answer(f"{DYNAMIC}/dsa2048").status == 404


def test_the_key_is_sealed_and_its_file_is_nobody_elses(plane: InProcess, certificate: Path) -> None:
    key = plane.node.options.data / KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" not in key.read_bytes()
    assert certificate.read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_the_key_outlives_a_restart_and_opens_with_no_other_ring(tmp_path: Path) -> None:
    ring = KeyRing.generate(Entropy())
    create = DirectoryFiles(tmp_path).create
    first = open_identity_key(create, tmp_path, ring, Entropy(), NOW)
    assert open_identity_key(create, tmp_path, ring, Entropy(), NOW + 1).certificate_pem == first.certificate_pem
    with pytest.raises(ConfigurationError, match="does not open with this key ring"):
        open_identity_key(create, tmp_path, KeyRing.generate(Entropy(7)), Entropy(), NOW)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(ConfigurationError, match="0600"):
        open_identity_key(create, tmp_path, ring, Entropy(), NOW)


@pytest.mark.parametrize(("given", "told"), [({}, "disabled"), ({"Monitoring": {"Enabled": True}}, "enabled")])
def test_detailed_monitoring_is_told(given: dict[str, Any], told: str) -> None:
    metadata = Metadata((instance(attributes=given),))
    assert metadata.text("dynamic/fws/instance-monitoring") == told


# -- the instance identity role ---------------------------------------------------------------------------


def test_the_identity_role_names_the_instance_and_may_do_nothing(plane: InProcess, read: Read) -> None:
    document = json.loads(read("meta-data/identity-credentials/ec2/security-credentials/ec2-instance"))
    key = Key(document["AccessKeyId"], document["SecretAccessKey"], document["Token"])
    identity = plane.client("sts", key).get_caller_identity()
    account, name = plane.node.account, read("meta-data/instance-id")
    assert identity["Arn"] == f"arn:aws:sts::{account}:assumed-role/aws:ec2-instance/{name}"
    assert identity["UserId"] == f"{account}:aws:ec2-instance:{name}"
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::open-to-all*"}
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="open-to-all")
    s3.put_bucket_policy(Bucket="open-to-all", Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))
    with pytest.raises(ClientError, match="AccessDenied"):
        plane.client("s3", key).list_objects_v2(Bucket="open-to-all")
    with pytest.raises(ClientError, match="AccessDenied"):
        plane.client("sts", key).get_session_token()


def test_identity_credentials_need_no_profile_and_are_renewed_half_way() -> None:
    metadata = Metadata()
    path = "meta-data/identity-credentials/ec2/security-credentials/ec2-instance"
    first = json.loads(metadata.text(path))
    assert (first["Code"], first["Expiration"]) == ("Success", iso8601(NOW + 6 * 3600))
    metadata.now = NOW + 3 * 3600 - 1
    assert json.loads(metadata.text(path)) == first
    metadata.now += 1
    assert json.loads(metadata.text(path))["AccessKeyId"] != first["AccessKeyId"]
    assert metadata.delivered == []


def test_the_info_of_the_identity_role_tells_the_account() -> None:
    metadata = Metadata()
    assert metadata.lines("meta-data/identity-credentials/ec2/") == ["info", "security-credentials/"]
    text = metadata.text("meta-data/identity-credentials/ec2/info")
    assert f'  "AccountId" : "{ACCOUNT}"' in text.split("\n")  # scripts count on the spaces
    assert json.loads(text)["Code"] == "Success"
    assert metadata.text("meta-data/instance-id") == INSTANCE

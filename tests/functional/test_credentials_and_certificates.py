"""Users' other credentials and the account's certificates with a real client, and that no secret is written down."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from support.certificates import certified, public_pem, rsa_key, ssh
from support.plane import ACCOUNT, RunningPlane, allow, document, fresh, refused, up

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
GIT, BEDROCK = "codecommit.amazonaws.com", "bedrock.amazonaws.com"


def told(plane: RunningPlane, operation: str) -> list[dict[str, Any]]:
    """The records of an operation, as CloudTrail has them, the oldest first."""
    found = plane.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": operation}]
    )["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in reversed(found)]


def everything_written(plane: RunningPlane) -> bytes:
    """All that the plane has in its directory, and what it said."""
    files = [path for path in plane.data.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in [*files, plane.home / "errors.log"])


def test_a_user_looks_after_their_own_credentials(plane: RunningPlane) -> None:
    name, key = plane.user()
    own = plane.client("iam", key)
    body = ssh(rsa_key("functional"))
    denied = refused(own.upload_ssh_public_key, UserName=name, SSHPublicKeyBody=body)
    assert (denied.code, denied.status) == ("AccessDenied", 403)
    assert f"iam:UploadSSHPublicKey on resource: arn:aws:iam::{ACCOUNT}:user/{name}" in denied.message
    mine = allow(
        ["iam:*SSHPublicKey*", "iam:*SigningCertificate*", "iam:*ServiceSpecificCredential*"],
        "arn:aws:iam::*:user/${aws:username}",
    )
    plane.client("iam").put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(mine))

    uploaded = own.upload_ssh_public_key(UserName=name, SSHPublicKeyBody=f"{body} me@here")["SSHPublicKey"]
    named = {"UserName": name, "SSHPublicKeyId": uploaded["SSHPublicKeyId"]}
    assert own.get_ssh_public_key(**named, Encoding="SSH")["SSHPublicKey"]["SSHPublicKeyBody"] == body
    in_pem = own.get_ssh_public_key(**named, Encoding="PEM")["SSHPublicKey"]["SSHPublicKeyBody"]
    assert in_pem == public_pem(rsa_key("functional"))
    own.update_ssh_public_key(**named, Status="Inactive")
    assert [one["Status"] for one in own.list_ssh_public_keys()["SSHPublicKeys"]] == ["Inactive"]

    certificate = own.upload_signing_certificate(CertificateBody=certified(name, time.time()).body)["Certificate"]
    assert [one["UserName"] for one in own.list_signing_certificates()["Certificates"]] == [name]

    made = own.create_service_specific_credential(UserName=name, ServiceName=BEDROCK, CredentialAgeDays=30)
    listed = own.list_service_specific_credentials()["ServiceSpecificCredentials"]
    assert [one["ServiceCredentialAlias"] for one in listed] == [f"{name}-at-{ACCOUNT}"]
    assert made["ServiceSpecificCredential"]["ServiceCredentialSecret"].startswith("ABSK")
    everybody = refused(own.list_service_specific_credentials, AllUsers=True)
    assert everybody.code == "AccessDenied"

    assert refused(plane.client("iam").delete_user, UserName=name).code == "DeleteConflict"
    own.delete_ssh_public_key(**named)
    own.delete_signing_certificate(CertificateId=certificate["CertificateId"])
    own.delete_service_specific_credential(
        ServiceSpecificCredentialId=made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
    )


def test_a_server_certificate_has_a_life_of_its_own(plane: RunningPlane) -> None:
    iam, name = plane.client("iam"), fresh("certificate")
    issuer = certified("issuer", time.time())
    leaf = certified(name, time.time(), issuer=issuer)
    metadata = iam.upload_server_certificate(
        ServerCertificateName=name,
        Path="/cloudfront/",
        CertificateBody=leaf.body,
        PrivateKey=leaf.key,
        CertificateChain=issuer.body,
        Tags=[{"Key": "team", "Value": "red"}],
    )["ServerCertificateMetadata"]
    assert metadata["Arn"] == f"arn:aws:iam::{ACCOUNT}:server-certificate/cloudfront/{name}"
    got = iam.get_server_certificate(ServerCertificateName=name)["ServerCertificate"]
    assert (got["CertificateBody"], got["CertificateChain"]) == (leaf.body, issuer.body)
    assert got["ServerCertificateMetadata"] == metadata
    assert metadata["Expiration"] == leaf.certificate.not_valid_after_utc
    other = refused(
        iam.upload_server_certificate,
        ServerCertificateName=fresh("certificate"),
        CertificateBody=leaf.body,
        PrivateKey=issuer.key,
    )
    assert (other.code, other.status) == ("KeyPairMismatch", 400)
    found = iam.get_paginator("list_server_certificates").paginate(
        PathPrefix="/cloudfront/", PaginationConfig={"PageSize": 1}
    )
    assert name in [one["ServerCertificateName"] for page in found for one in page["ServerCertificateMetadataList"]]

    _, key = plane.user(allow("iam:UpdateServerCertificate", metadata["Arn"]))
    new = fresh("renamed")
    moved = refused(
        plane.client("iam", key).update_server_certificate, ServerCertificateName=name, NewServerCertificateName=new
    )
    assert moved.code == "AccessDenied"
    assert moved.message.startswith(f"User: arn:aws:iam::{ACCOUNT}:user/")
    assert f"server-certificate/cloudfront/{new}" in moved.message
    iam.update_server_certificate(ServerCertificateName=name, NewServerCertificateName=new, NewPath="/new/")
    iam.delete_server_certificate(ServerCertificateName=new)
    gone = refused(iam.get_server_certificate, ServerCertificateName=new)
    assert gone.message == f"The Server Certificate with name {new} cannot be found."


def test_values_that_no_call_takes_are_refused_ahead_of_it(plane: RunningPlane) -> None:
    name, _ = plane.user()
    iam = plane.client("iam", parameter_validation=False)
    key = {"UserName": name, "SSHPublicKeyId": "APKAXXXXXXXXXXXXXXXXX"}
    hyphens = "totally-wrong-credential-id-with-hyphens"
    for call, parameters, member in (
        (iam.get_ssh_public_key, {**key, "Encoding": "JWK"}, "encoding"),
        (iam.update_ssh_public_key, {**key, "Status": "Invalid"}, "status"),
        (
            iam.delete_service_specific_credential,
            {"ServiceSpecificCredentialId": hyphens},
            "serviceSpecificCredentialId",
        ),
        (
            iam.create_service_specific_credential,
            {"UserName": name, "ServiceName": BEDROCK, "CredentialAgeDays": 36_601},
            "credentialAgeDays",
        ),
    ):
        told_back = refused(call, **parameters)
        assert (told_back.code, told_back.status) == ("ValidationError", 400)
        assert f"'{member}' failed to satisfy constraint" in told_back.message


def test_no_private_key_or_password_is_in_records_logs_or_the_journal(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with up(tmp_path_factory.mktemp("secrets")) as plane:
        iam, (name, _) = plane.client("iam"), plane.user()
        web = certified("web", time.time(), private=rsa_key("web"))
        wrong = certified("wrong", time.time())
        upload = {"ServerCertificateName": "web", "CertificateBody": web.body}
        iam.upload_server_certificate(**upload, PrivateKey=web.key)
        refused(iam.upload_server_certificate, **upload, PrivateKey=wrong.key)
        secrets = []
        for service, member in ((GIT, "ServicePassword"), (BEDROCK, "ServiceCredentialSecret")):
            made = iam.create_service_specific_credential(UserName=name, ServiceName=service)
            credential = made["ServiceSpecificCredential"]
            again = iam.reset_service_specific_credential(
                UserName=name, ServiceSpecificCredentialId=credential["ServiceSpecificCredentialId"]
            )["ServiceSpecificCredential"]
            assert credential[member] != again[member]
            secrets += [credential[member], again[member]]
        refused(iam.upload_signing_certificate, UserName=name, CertificateBody=wrong.key)
        refused(iam.upload_ssh_public_key, UserName=name, SSHPublicKeyBody=wrong.key)
        refused(iam.upload_server_certificate, **upload | {"CertificateBody": wrong.key}, PrivateKey=wrong.key)
        uploads = told(plane, "UploadServerCertificate")
        assert [record["requestParameters"]["privateKey"] for record in uploads] == [HIDDEN] * 3
        for operation in ("CreateServiceSpecificCredential", "ResetServiceSpecificCredential"):
            password, api_key = [
                record["responseElements"]["serviceSpecificCredential"] for record in told(plane, operation)
            ]
            assert (password["servicePassword"], api_key["serviceCredentialSecret"]) == (HIDDEN, HIDDEN)
        plane.stop()
        written = everything_written(plane)
        lines = [line for key in (web.key, wrong.key) for line in key.splitlines() if "-----" not in line and line]
        assert web.body.splitlines()[1].encode() in written
        for secret in [*secrets, *lines]:
            assert secret.encode() not in written
        plane.start()
        kept = plane.client("iam").list_service_specific_credentials(UserName=name)["ServiceSpecificCredentials"]
        assert {one["ServiceName"] for one in kept} == {GIT, BEDROCK}
        shown = json.dumps(plane.client("iam").get_server_certificate(ServerCertificateName="web"), default=str)
        assert "PRIVATE KEY" not in shown

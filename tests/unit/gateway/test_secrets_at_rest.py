"""No secret of federation and second factors is written down: not in the journal, not in records, not when refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.authenticator import Authenticator
from support.inprocess import InProcess, Key
from support.saml_idp import Login, metadata, sent, signed_response, signer

ACCOUNT = "000000000000"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
    }
)


def everything_written(data: Path) -> bytes:
    return b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())


def refused(call: Any, **params: Any) -> None:
    with pytest.raises(ClientError):
        call(**params)


def forms(secret: str) -> list[bytes]:
    """A secret as it may have been written."""
    return [secret.encode(), base64.b64encode(secret.encode()), json.dumps(secret)[1:-1].encode()]


def body_of(pem: str) -> str:
    """A line out of the middle of a key."""
    return pem.splitlines()[5]


def test_no_secret_of_federation_or_second_factors_is_written_down(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)
    secrets = dict(_made(plane))
    plane.close()
    written = everything_written(tmp_path)
    assert b"CreateVirtualMFADevice" in written
    assert b"AssumeRoleWithSAML" in written
    found = [name for name, secret in secrets.items() if any(form in written for form in forms(secret))]
    assert found == []


def _made(plane: InProcess) -> list[tuple[str, str]]:
    iam, sts = plane.client("iam"), plane.client("sts")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")
    phone, now = Authenticator.of(device), plane.node.runtime.clock()
    pair = phone.pair(now)
    iam.enable_mfa_device(UserName=ACCOUNT, SerialNumber=phone.serial, **pair)
    code = phone.code(now, 1)
    session = sts.get_session_token(SerialNumber=phone.serial, TokenCode=code)["Credentials"]
    key = signer("at-rest")
    provider = {"SAMLMetadataDocument": metadata(), "AddPrivateKey": key.pem}
    iam.create_saml_provider(Name="idp", **provider)
    refused(iam.create_saml_provider, Name="idp", **provider)
    broken = key.pem.replace("BEGIN PRIVATE", "BEGIN SOME")
    refused(iam.create_saml_provider, Name="other", **{**provider, "AddPrivateKey": broken})
    assertion = sent(signed_response(Login(now=now)))
    named = {
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/app",
        "PrincipalArn": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp",
    }
    refused(sts.assume_role_with_saml, **named, SAMLAssertion=assertion)
    iam.enable_outbound_web_identity_federation()
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUST)
    ann = plane.user("ann", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    role = plane.client("sts", ann).assume_role(RoleArn=named["RoleArn"], RoleSessionName="job")["Credentials"]
    own = plane.client("sts", Key(ann.access_key_id, ann.secret_access_key))
    token = own.get_web_identity_token(Audience=["x"], SigningAlgorithm="ES384")["WebIdentityToken"]
    refused(sts.assume_role_with_web_identity, RoleArn=named["RoleArn"], RoleSessionName="job", WebIdentityToken=token)
    refused(own.assume_role, RoleArn=named["RoleArn"], RoleSessionName="job", ProvidedContexts=_contexts())
    seed = phone.seed
    return [
        ("seed", seed),
        ("seed in octets", base64.b32decode(seed).hex()),
        ("code", f'"{code}"'),
        ("codes", f'"{pair["AuthenticationCode1"]}"'),
        ("session secret", session["SecretAccessKey"]),
        ("session token", session["SessionToken"]),
        ("role secret", role["SecretAccessKey"]),
        ("user secret", ann.secret_access_key),
        ("private key", body_of(key.pem)),
        ("assertion", assertion[100:200]),
        ("web identity token", token.rpartition(".")[2]),
        ("context assertion", "context-assertion-secret"),
    ]


def _contexts() -> list[dict[str, str]]:
    provider = "arn:aws:iam::aws:contextProvider/IdentityCenter"
    return [{"ProviderArn": provider, "ContextAssertion": "context-assertion-secret"}]

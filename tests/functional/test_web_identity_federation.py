"""A workload with a token of its own issuer, and one of ours elsewhere: AWS's clients over a running plane."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from locum.credentials import webtokens
from support.issuer import Issuer, signed
from support.plane import ACCOUNT, REGION, RunningPlane, allow, command_lines, document, fresh, refused

AUDIENCE = "sts.amazonaws.com"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer().serving() as serving:
        yield serving


def role_for(plane: RunningPlane, issuer: Issuer) -> str:
    """The ARN of a role that lets in who is called `build` by the issuer, and may list users."""
    made = plane.client("iam").create_open_id_connect_provider(Url=issuer.url, ClientIDList=[AUDIENCE])
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": made["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer.host}:aud": AUDIENCE, f"{issuer.host}:sub": "build"}},
    }
    return f"arn:aws:iam::{ACCOUNT}:role/{plane.role(document(trust), allow('iam:ListUsers'))}"


def token(issuer: Issuer, **claims: Any) -> str:
    now = int(time.time())
    return signed({"iss": issuer.url, "aud": AUDIENCE, "sub": "build", "iat": now, "exp": now + 600, **claims})


def test_boto3_finds_its_role_by_a_token_file(
    plane: RunningPlane, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a pod of Kubernetes: AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE and nothing else."""
    path = tmp_path / "token"
    path.write_text(token(issuer))
    for name, value in {
        "AWS_ROLE_ARN": role_for(plane, issuer),
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(path),
        "AWS_ROLE_SESSION_NAME": "pod",
        "AWS_ENDPOINT_URL": plane.endpoint,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    session = boto3.session.Session(region_name=REGION)
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/")
    assert arn.endswith("/pod")
    assert session.client("iam").list_users()["IsTruncated"] is False
    assert refused(session.client("iam").list_roles).code == "AccessDenied"


@command_lines
def test_the_command_line_assumes_a_role_with_a_token(plane: RunningPlane, issuer: Issuer, version: str) -> None:
    answer = plane.aws(
        version,
        "sts",
        "assume-role-with-web-identity",
        *("--role-arn", role_for(plane, issuer)),
        *("--role-session-name", "ci"),
        *("--web-identity-token", token(issuer)),
    )
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == ("build", AUDIENCE)


def test_a_stranger_and_one_whose_issuer_is_silent_get_nothing(plane: RunningPlane, issuer: Issuer) -> None:
    role = role_for(plane, issuer)
    call = plane.client("sts").assume_role_with_web_identity
    met = refused(call, RoleArn=role, RoleSessionName="ci", WebIdentityToken=token(issuer, sub="mallory"))
    assert met[:3] == ("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    issuer.documents.clear()
    with Issuer().serving() as silent:
        plane.client("iam").create_open_id_connect_provider(Url=silent.url, ClientIDList=[AUDIENCE])
        silent.documents.clear()
        met = refused(call, RoleArn=role, RoleSessionName="ci", WebIdentityToken=token(silent))
    assert met.code == "InvalidIdentityToken"


def test_somebody_else_proves_our_token_over_the_network(plane: RunningPlane) -> None:
    issuer = plane.client("iam").enable_outbound_web_identity_federation()["IssuerIdentifier"]
    assert issuer.startswith(f"{plane.endpoint}/_locum/oidc/")
    name, key = plane.user(allow("sts:GetWebIdentityToken"))
    shown = plane.client("sts", key).get_web_identity_token(Audience=[fresh("aud")], SigningAlgorithm="RS256")
    configuration = _get(f"{issuer}/.well-known/openid-configuration")
    proven = webtokens.read(shown["WebIdentityToken"])
    webtokens.key_set(json.dumps(_get(configuration["jwks_uri"]))).verify(proven)
    assert (proven.claims["iss"], configuration["issuer"]) == (issuer, issuer)
    assert proven.claims["sub"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"


def _get(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)

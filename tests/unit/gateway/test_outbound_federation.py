"""GetWebIdentityToken, and the issuer that everybody can ask for the keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from locum.core.http import HttpRequest
from locum.credentials import webtokens
from locum.services.sts import outbound
from support.inprocess import InProcess, Key, refusal

ACCOUNT = "000000000000"
OWN = "https://sts.amazonaws.com/"


@pytest.fixture(scope="module")
def issuer(plane: InProcess) -> str:
    enabled = plane.client("iam").enable_outbound_web_identity_federation()
    return str(enabled["IssuerIdentifier"])


def published(plane: InProcess, url: str) -> Any:
    answer = plane.send(HttpRequest("GET", urlsplit(url).path, "", _headers(url)))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return json.loads(answer.body)


def _headers(url: str) -> dict[str, str]:
    return {"host": urlsplit(url).netloc}


def verified(plane: InProcess, issuer: str, token: str) -> Mapping[str, Any]:
    """The claims of `token`, proven as a stranger would prove them: from the issuer's URL alone."""
    configuration = published(plane, f"{issuer}/.well-known/openid-configuration")
    assert configuration["issuer"] == issuer
    keys = webtokens.key_set(json.dumps(published(plane, configuration["jwks_uri"])))
    read = webtokens.read(token)
    assert read.algorithm in configuration["id_token_signing_alg_values_supported"]
    keys.verify(read)
    return read.claims


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_a_token_is_proven_by_what_its_issuer_publishes(plane: InProcess, issuer: str, algorithm: str) -> None:
    answer = plane.client("sts").get_web_identity_token(
        Audience=["https://api.example"],
        SigningAlgorithm=algorithm,
        DurationSeconds=60,
        Tags=[{"Key": "job", "Value": "7"}],
    )
    claims = verified(plane, issuer, answer["WebIdentityToken"])
    assert claims["iss"] == issuer
    assert claims["aud"] == "https://api.example"
    assert claims["sub"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert claims["exp"] - claims["iat"] == 60
    assert claims["exp"] == int(answer["Expiration"].timestamp())
    assert claims[OWN] == {
        "aws_account": ACCOUNT,
        "source_region": "us-east-1",
        "principal_id": f"arn:aws:iam::{ACCOUNT}:root",
        "request_tags": {"job": "7"},
    }


def test_a_session_is_its_role_with_its_tags(plane: InProcess, issuer: str) -> None:
    iam, admin = plane.client("iam"), plane.user("admin", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNT},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    iam.create_role(
        RoleName="job", Path="/ci/", AssumeRolePolicyDocument=document, Tags=[{"Key": "team", "Value": "red"}]
    )
    may = {"Effect": "Allow", "Action": ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"], "Resource": "*"}
    iam.put_role_policy(
        RoleName="job", PolicyName="may", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": may})
    )
    arn = f"arn:aws:iam::{ACCOUNT}:role/ci/job"
    given = plane.client("sts", admin).assume_role(
        RoleArn=arn,
        RoleSessionName="session",
        Tags=[{"Key": "Team", "Value": "blue"}],
        SourceIdentity="ann",
        DurationSeconds=900,
    )["Credentials"]
    sts = plane.client("sts", Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]))
    token = sts.get_web_identity_token(Audience=["a", "b"], SigningAlgorithm="ES384")["WebIdentityToken"]
    claims = verified(plane, issuer, token)
    assert (claims["sub"], claims["aud"]) == (arn, ["a", "b"])
    assert claims["exp"] - claims["iat"] == outbound.DEFAULT_DURATION
    own = claims[OWN]
    assert own["original_session_exp"] == given["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (own["principal_tags"], own["source_identity"]) == ({"Team": "blue"}, "ann")
    assert refusal(sts.get_web_identity_token, Audience=["a"], SigningAlgorithm="ES384", DurationSeconds=3600) == (
        "SessionDurationEscalationException",
        403,
        "The requested token duration would extend the session beyond its original expiration time.",
    )


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"SigningAlgorithm": "HS256"}, "ValidationError"),
        ({"Audience": []}, "ValidationError"),
        ({"Audience": [str(number) for number in range(11)]}, "ValidationError"),
        ({"DurationSeconds": 59}, "ValidationError"),
        ({"DurationSeconds": 3601}, "ValidationError"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "InvalidParameterValue"),
        (
            {"Tags": [{"Key": f"{number:03}" + "k" * 120, "Value": "ä" * 250} for number in range(50)]},
            "JWTPayloadSizeExceededException",
        ),
    ],
)
def test_what_no_token_is_made_of(plane: InProcess, issuer: str, params: dict[str, Any], code: str) -> None:
    sts = plane.client("sts", parameter_validation=False)
    given = {"Audience": ["a"], "SigningAlgorithm": "RS256", **params}
    assert refusal(sts.get_web_identity_token, **given)[:2] == (code, 400)


def test_conditions_say_for_whom_and_how_a_token_may_be_made(plane: InProcess, issuer: str) -> None:
    condition = {
        "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "https://api.example"},
        "StringEquals": {"sts:SigningAlgorithm": "ES384"},
        "NumericLessThanEquals": {"sts:DurationSeconds": 300},
    }
    allow = {"Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*", "Condition": condition}
    sts = plane.client("sts", plane.user("conditioned", allow))
    good = {"Audience": ["https://api.example"], "SigningAlgorithm": "ES384", "DurationSeconds": 300}
    assert sts.get_web_identity_token(**good)["WebIdentityToken"]
    for change in (
        {"Audience": ["https://api.example", "https://elsewhere.example"]},
        {"SigningAlgorithm": "RS256"},
        {"DurationSeconds": 301},
        {"Tags": [{"Key": "a", "Value": "b"}]},
    ):
        assert refusal(sts.get_web_identity_token, **{**good, **change})[:2] == ("AccessDenied", 403)


def test_an_account_that_has_not_enabled_it_makes_no_tokens_and_a_disabled_one_shows_its_keys(plane: InProcess) -> None:
    other = plane.account("444455556666")
    iam, sts = plane.client("iam", other), plane.client("sts", other)
    disabled = (
        "OutboundWebIdentityFederationDisabledException",
        403,
        "The outbound web identity federation feature is not enabled for this account.",
    )
    assert refusal(sts.get_web_identity_token, Audience=["a"], SigningAlgorithm="RS256") == disabled
    issuer = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    token = sts.get_web_identity_token(Audience=["a"], SigningAlgorithm="RS256")["WebIdentityToken"]
    iam.disable_outbound_web_identity_federation()
    assert refusal(sts.get_web_identity_token, Audience=["a"], SigningAlgorithm="RS256") == disabled
    assert verified(plane, issuer, token)["sub"] == "arn:aws:iam::444455556666:root"


def test_a_token_of_ours_is_none_for_us(plane: InProcess, issuer: str) -> None:
    """STS does not take what it made itself, whoever registers it."""
    plane.client("iam").create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
    sts = plane.client("sts")
    token = sts.get_web_identity_token(Audience=["sts.amazonaws.com"], SigningAlgorithm="RS256")["WebIdentityToken"]
    code, _, message = refusal(
        sts.assume_role_with_web_identity,
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/x",
        RoleSessionName="me",
        WebIdentityToken=token,
    )
    assert (code, message) == ("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")


@pytest.mark.parametrize("path", ["", "/", "/.well-known", "/.well-known/jwks", "/../../health"])
def test_nothing_else_is_published(plane: InProcess, issuer: str, path: str) -> None:
    url = urlsplit(issuer)
    for place in (f"{url.path}{path}", f"/_locum/oidc/unknown{path}"):
        assert plane.send(HttpRequest("GET", place, "", _headers(issuer))).status >= 400

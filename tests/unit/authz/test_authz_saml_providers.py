"""Which permissions the calls about SAML providers take, and on what."""

from __future__ import annotations

from typing import Any

import pytest

from locum import authz
from locum.core.principal import Caller, Principal
from locum.state import SamlProvider, State, change, put

ACCOUNT = "111122223333"
ARN = f"arn:aws:iam::{ACCOUNT}:saml-provider/Okta"
NEW = f"arn:aws:iam::{ACCOUNT}:saml-provider/New"
TAGS = [{"Key": "team", "Value": "red"}]
PROVIDER = SamlProvider(
    account=ACCOUNT, name="Okta", id="SAMLSP1", created=1, expires=2, metadata="", tags={"team": "blue"}
)
STATE = change(State(), [put(PROVIDER)])
ROOT = Caller(Principal.root(ACCOUNT))


def call(operation: str, params: dict[str, Any]) -> authz.Call:
    return authz.Call("iam", operation, params, ROOT, "us-east-1", 1.0)


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("CreateSAMLProvider", {"Name": "New"}, [("iam:CreateSAMLProvider", NEW)]),
        (
            "CreateSAMLProvider",
            {"Name": "New", "Tags": TAGS},
            [("iam:CreateSAMLProvider", NEW), ("iam:TagSAMLProvider", NEW)],
        ),
        ("GetSAMLProvider", {"SAMLProviderArn": ARN}, [("iam:GetSAMLProvider", ARN)]),
        ("ListSAMLProviders", {}, [("iam:ListSAMLProviders", "*")]),
        ("UpdateSAMLProvider", {"SAMLProviderArn": ARN}, [("iam:UpdateSAMLProvider", ARN)]),
        ("DeleteSAMLProvider", {"SAMLProviderArn": ARN}, [("iam:DeleteSAMLProvider", ARN)]),
        ("TagSAMLProvider", {"SAMLProviderArn": ARN, "Tags": TAGS}, [("iam:TagSAMLProvider", ARN)]),
        ("UntagSAMLProvider", {"SAMLProviderArn": ARN, "TagKeys": ["team"]}, [("iam:UntagSAMLProvider", ARN)]),
        ("ListSAMLProviderTags", {"SAMLProviderArn": ARN}, [("iam:ListSAMLProviderTags", ARN)]),
    ],
)
def test_a_call_takes_permission_on_the_provider_it_names(
    operation: str, params: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    plan = authz.plan(STATE, call(operation, params))
    assert [(check.action, check.resource) for check in plan.checks] == expected


def test_a_condition_sees_the_tags_of_the_provider_and_of_the_call() -> None:
    asked = call("TagSAMLProvider", {"SAMLProviderArn": ARN, "Tags": TAGS})
    (ruling,) = authz.decide(STATE, asked, authz.plan(STATE, asked)).rulings
    keys = ("aws:resourcetag/team", "aws:requesttag/team", "aws:tagkeys")
    assert [ruling.request.context.get(key) for key in keys] == ["blue", "red", ("team",)]

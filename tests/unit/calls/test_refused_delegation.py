"""What an organization does not give its member: refused by Organizations, recorded and explained like any denial."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import InProcess, Key, refusal

HOME = "arn:aws:iam::{0}:root"


@pytest.fixture(scope="module")
def plane(plane: InProcess) -> InProcess:
    """A plane whose account manages an organization of two."""
    plane.client("organizations").create_organization(FeatureSet="ALL")
    return plane


@pytest.fixture(scope="module")
def member(plane: InProcess) -> tuple[str, Key]:
    """A member account, and a key of its root user."""
    organizations = plane.client("organizations")
    asked = organizations.create_account(AccountName="dev", Email="dev@example.com")["CreateAccountStatus"]["Id"]
    made = organizations.describe_create_account_status(CreateAccountRequestId=asked)["CreateAccountStatus"]
    return made["AccountId"], plane.account(made["AccountId"])


def gives(plane: InProcess, account: str, *actions: str, **condition: Any) -> None:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": HOME.format(account)},
        "Action": [f"organizations:{action}" for action in actions],
        "Resource": "*",
    }
    content = {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}
    plane.client("organizations").put_resource_policy(Content=json.dumps(content))


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("list_roots", {}),
        ("create_policy", {"Name": "n", "Description": "", "Type": "TAG_POLICY", "Content": '{"tags":{}}'}),
    ],
    ids=["a reading call", "a writing call"],
)
def test_it_is_recorded_with_its_explanation(
    plane: InProcess, member: tuple[str, Key], operation: str, params: dict[str, Any]
) -> None:
    account, key = member
    gives(plane, account, "ListAccounts")
    organizations = plane.client("organizations", key)
    with pytest.raises(ClientError) as refused:
        getattr(organizations, operation)(**params)
    error = refused.value.response
    record = plane.record(error["ResponseMetadata"]["RequestId"])
    assert (error["Error"]["Code"], record.verdict, record.denied) == ("AccessDeniedException", "implicit-deny", True)
    assert record.error_message == "You don't have permissions to access this resource."
    assert "because no resource-based policy allows the organizations:" in record.denial
    assert record.explanation["checks"][0]["resourceAccount"] == "000000000000"


def test_what_is_given_under_a_condition_depends_on_the_call(plane: InProcess, member: tuple[str, Key]) -> None:
    account, key = member
    organizations = plane.client("organizations", key)
    gives(plane, account, "ListRoots", IpAddress={"aws:SourceIp": "127.0.0.1"})
    assert organizations.list_roots()["Roots"]
    gives(plane, account, "ListRoots", IpAddress={"aws:SourceIp": "192.0.2.1"})
    assert refusal(organizations.list_roots)[0] == "AccessDeniedException"

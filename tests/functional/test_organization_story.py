"""An organization, as boto3 sees it: made, filled, guarded, delegated and taken down again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.plane import ACCOUNT, Key, RunningPlane, allow, document, refused, up

SCP = "SERVICE_CONTROL_POLICY"
NO_BUCKETS = document({"Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"})


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane of its own: there is one organization an account."""
    with up(tmp_path_factory.mktemp("organization")) as running:
        yield running


def member_key(plane: RunningPlane, account: str) -> Key:
    """Credentials of the role that the management account has in `account`."""
    _, admin = plane.user(allow("*"))
    arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    answer = plane.client("sts", admin).assume_role(RoleArn=arn, RoleSessionName="admin")
    return Key.of(answer["Credentials"])


def new_account(client: Any, name: str) -> str:
    made = client.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
    assert made["State"] == "IN_PROGRESS"
    ended = client.describe_create_account_status(CreateAccountRequestId=made["Id"])["CreateAccountStatus"]
    assert ended["State"] == "SUCCEEDED"
    return str(ended["AccountId"])


def test_an_organization_from_its_making_to_its_end(plane: RunningPlane) -> None:
    client = plane.client("organizations")
    assert refused(client.describe_organization)[:2] == ("AWSOrganizationsNotInUseException", 400)
    made = client.create_organization(FeatureSet="ALL")["Organization"]
    assert made["MasterAccountId"] == ACCOUNT
    root = client.list_roots()["Roots"][0]["Id"]
    client.enable_policy_type(RootId=root, PolicyType=SCP)

    account = new_account(client, "dev")
    key = member_key(plane, account)
    assert plane.client("sts", key).get_caller_identity()["Account"] == account
    member = plane.client("organizations", key)
    assert member.describe_organization()["Organization"]["Id"] == made["Id"]
    assert refused(member.list_accounts)[:2] == ("AccessDeniedException", 400)

    unit = client.create_organizational_unit(ParentId=root, Name="apps")["OrganizationalUnit"]["Id"]
    client.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
    policy = client.create_policy(Name="no-buckets", Description="", Type=SCP, Content=NO_BUCKETS)
    identifier = policy["Policy"]["PolicySummary"]["Id"]
    client.attach_policy(PolicyId=identifier, TargetId=unit)
    denied = refused(plane.client("s3", key).create_bucket, Bucket="a-bucket-of-dev")
    assert denied[:2] == ("AccessDenied", 403)
    client.detach_policy(PolicyId=identifier, TargetId=unit)
    plane.client("s3", key).create_bucket(Bucket="a-bucket-of-dev")

    client.enable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    client.register_delegated_administrator(AccountId=account, ServicePrincipal="config.amazonaws.com")
    pages = member.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 1})
    assert {one["Id"] for page in pages for one in page["Accounts"]} == {ACCOUNT, account}
    assert refused(client.remove_account_from_organization, AccountId=account).code == "ConstraintViolationException"
    client.deregister_delegated_administrator(AccountId=account, ServicePrincipal="config.amazonaws.com")

    assert refused(client.delete_organization).code == "OrganizationNotEmptyException"
    client.remove_account_from_organization(AccountId=account)
    handshake = client.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"})["Handshake"]
    assert [one["Id"] for one in member.list_handshakes_for_account()["Handshakes"]] == [handshake["Id"]]
    assert member.accept_handshake(HandshakeId=handshake["Id"])["Handshake"]["State"] == "ACCEPTED"
    member.leave_organization()
    client.delete_organization()
    assert refused(client.describe_organization).code == "AWSOrganizationsNotInUseException"


def test_refusals_have_their_reasons_on_the_wire(plane: RunningPlane) -> None:
    client = plane.client("organizations")
    client.create_organization()
    root = client.list_roots()["Roots"][0]["Id"]
    client.enable_policy_type(RootId=root, PolicyType=SCP)
    with pytest.raises(client.exceptions.ConstraintViolationException) as caught:
        client.detach_policy(PolicyId="p-FullAWSAccess", TargetId=root)
    assert caught.value.response["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    with pytest.raises(client.exceptions.InvalidInputException) as invalid:
        client.attach_policy(PolicyId="p-FullAWSAccess", TargetId="nothing")
    assert invalid.value.response["Reason"] == "INVALID_PATTERN"
    client.delete_organization()

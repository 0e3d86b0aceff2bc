"""Every operation of IAM and STS, over the wire: what it takes, what it says of what is not there, and its pages.

A row for each operation is in `support.operation_rows`; every error that is met is held against the errors that AWS
documents for the operation (`support.operation_world.World.call`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.operation_rows import ACCOUNT, CALLER, ROWS, Row, arn
from support.operation_world import World, documented, model

NO_SUCH_ENTITY = "NoSuchEntity"
UUID = "00000000-0000-4000-8000-000000000000"
NOT_THERE = {
    "AccessKeyId": "AKIAQAAAAAAAAAAAAAAA",
    "AccountAlias": "missing-alias",
    "Arn": arn("user/missing"),
    "CertificateId": "M" * 24,
    "DelegationRequestId": UUID,
    "DeletionTaskId": f"task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/{UUID}",
    "EntityArn": arn(f"delegation-request/{UUID}"),
    "GroupName": "missing",
    "InstanceProfileName": "missing",
    "JobId": UUID,
    "OpenIDConnectProviderArn": arn("oidc-provider/missing.example.com"),
    "PermissionsBoundary": arn("policy/missing"),
    "PolicyArn": arn("policy/missing"),
    "PolicyName": "missing",
    "PolicySourceArn": arn("user/missing"),
    "RoleName": "missing",
    "SAMLProviderArn": arn("saml-provider/missing"),
    "SerialNumber": arn("mfa/missing"),
    "ServerCertificateName": "missing",
    "ServiceSpecificCredentialId": "ACCAMISSINGMISSING000",
    "SSHPublicKeyId": "APKAMISSINGMISSING000",
    "TemplateArn": "arn:aws:iam::aws:role-template/lambda.amazonaws.com/Missing:1",
    "UserName": "missing",
    "VersionId": "v99",
}
"""Members that name an entity, and one that is not there."""

NAMES_NOTHING = {
    "ChangePassword": "the caller's own password",
    "CreateGroup": "documented, and nothing that a request could lack",
    "CreateServiceLinkedRole": "the service; that there is none of that name is InvalidInput",
    "DeleteAccountPasswordPolicy": "there is one in an account",
    "GetAccountPasswordPolicy": "there is one in an account",
    "ListDelegationRequests": "OwnerId: tests/unit/services/iam/test_iam_delegation.py",
    "UpdateAccountPasswordPolicy": "there is one in an account",
}
"""Operations whose model has NoSuchEntity, and whose rows name nothing that could be missing."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("plane") / "plane")
    yield made
    made.plane.close()


def inputs(row: Row) -> dict[str, Any]:
    """The members of the input."""
    shapes = model(row.service)
    shape = shapes["operations"][row.operation].get("input")
    return {} if shape is None else dict(shapes["shapes"][shape["shape"]].get("members", {}))


def lists(row: Row) -> list[str]:
    """The members of the output that are lists."""
    shapes = model(row.service)
    name = shapes["operations"][row.operation]["output"]["shape"]
    members = shapes["shapes"][name]["members"]
    return [member for member, ref in members.items() if shapes["shapes"][ref["shape"]]["type"] == "list"]


def settled(item: Any) -> Any:
    """`item` without what the calls of this very test are seen in."""
    if not isinstance(item, dict):
        return item
    return {name: value for name, value in item.items() if not name.startswith("Last") and name != "RoleLastUsed"}


PAGED = [row for row in ROWS if "Marker" in inputs(row)]
REFERENCES = [
    (row, member)
    for row in ROWS
    if row.service == "iam"
    for member in row.params
    if member in NOT_THERE and member not in row.makes
]


# --- the table itself --------------------------------------------------------------------------------------------


def test_every_operation_of_the_models_has_its_one_row() -> None:
    wanted = {f"{service}:{name}" for service in ("iam", "sts") for name in model(service)["operations"]}
    assert sorted(map(str, ROWS)) == sorted(wanted)


def test_what_documents_a_missing_entity_is_asked_about_one() -> None:
    asked = {row.operation for row, _ in REFERENCES}
    documenting = {row.operation for row in ROWS if NO_SUCH_ENTITY in documented(row.service, row.operation)}
    assert documenting - asked == set(NAMES_NOTHING)


# --- (d) authorization -------------------------------------------------------------------------------------------


def denial(world: World, row: Row) -> str:
    """AWS's words for a user without policies."""
    action, resource = row.checks[0]
    where = "" if resource == "*" else f" on resource: {world.known(resource)}"
    return (
        f"User: arn:aws:iam::{ACCOUNT}:user/{CALLER} is not authorized to perform: {action}{where} because no "
        f"identity-based policy allows the {action} action"
    )


@pytest.mark.parametrize("row", [row for row in ROWS if row.checks], ids=str)
def test_who_has_no_policy_is_told_the_action_and_the_resource(world: World, row: Row) -> None:
    with world.unchanged():
        told = world.refused(row.service, row.operation, world.params(row), world.caller)
    assert told == ("AccessDenied", denial(world, row))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_exactly_these_permissions_are_what_it_takes(world: World, row: Row) -> None:
    with world.unchanged():
        statements = [
            {"Effect": "Allow", "Action": action, "Resource": world.known(resource)} for action, resource in row.checks
        ]
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            world.iam.put_user_policy(UserName=CALLER, PolicyName="exact", PolicyDocument=document)
        code, message = world.refused(row.service, row.operation, world.params(row), world.caller)
    assert code == row.answers, message


@pytest.mark.parametrize("row", [row for row in ROWS if len(row.checks) > 1], ids=str)
def test_each_of_several_permissions_is_needed(world: World, row: Row) -> None:
    for left_out in range(len(row.checks)):
        with world.unchanged():
            statements = [
                {"Effect": "Allow", "Action": action, "Resource": world.known(resource)}
                for number, (action, resource) in enumerate(row.checks)
                if number != left_out
            ]
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            world.iam.put_user_policy(UserName=CALLER, PolicyName="exact", PolicyDocument=document)
            code, message = world.refused(row.service, row.operation, world.params(row), world.caller)
        action, resource = row.checks[left_out]
        assert code == "AccessDenied"
        assert f"perform: {action} on resource: {world.known(resource)} because" in message


# --- (b) what is not there ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "member"), REFERENCES, ids=str)
def test_what_is_not_there_is_said_not_to_be_there(world: World, row: Row, member: str) -> None:
    wanted = row.missing.get(member, NO_SUCH_ENTITY)
    with world.unchanged():
        code, message = world.refused(row.service, row.operation, {**world.params(row), member: NOT_THERE[member]})
    assert code == wanted, message


# --- (a) pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", PAGED, ids=str)
def test_pages_of_one_have_everything_once_in_the_order_of_the_whole(world: World, row: Row) -> None:
    params = world.params(row)
    sized, all_of_them = ({"MaxItems": 1}, {"MaxItems": 1000}) if "MaxItems" in inputs(row) else ({}, {})
    whole = world.call(row.service, row.operation, {**params, **all_of_them})
    assert "Marker" not in whole
    walked: dict[str, list[Any]] = {member: [] for member in lists(row)}
    pages = 0
    while True:
        page = world.call(row.service, row.operation, {**params, **sized})
        pages += 1
        truncated = page.get("IsTruncated", page.get("isTruncated"))
        assert truncated == ("Marker" in page)
        for member, found in walked.items():
            found += page.get(member, [])
        assert not sized or sum(len(page.get(member, [])) for member in walked) <= 1
        if not truncated:
            break
        params = {**params, "Marker": page["Marker"]}
    for member, found in walked.items():
        assert [settled(item) for item in found] == [settled(item) for item in whole.get(member, [])]
    items = sum(map(len, walked.values()))
    assert items > 1 or not row.several
    assert not sized or pages == max(items, 1)


@pytest.mark.parametrize("row", PAGED, ids=str)
def test_a_marker_that_was_not_given_out_is_refused(world: World, row: Row) -> None:
    for marker in ("made-up", "AAAA", "bm90aGluZw=="):
        code, _ = world.refused(row.service, row.operation, {**world.params(row), "Marker": marker})
        assert code in ("ValidationError", "InvalidInput")

"""SimulatePrincipalPolicy and the condition keys of policies: of documents, and of users, groups and roles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from locum.state import Policy, change, put
from support.iam_plane import ACCOUNT, OTHER, Plane, arn
from support.simulator import (
    ALL,
    ALLOW,
    ANN,
    BOUNDARY,
    BUCKET,
    IAM,
    A,
    B,
    allow,
    bucket_policy,
    deny,
    document,
    simulated,
    sources,
    when,
)

# --- of an entity ------------------------------------------------------------------------------------------------


@pytest.fixture
def ann(plane: Plane) -> Plane:
    """A user with a policy of her own, one of her group, a managed one, and a boundary."""
    plane.user("ann", Path="/people/")
    plane.call("CreateGroup", GroupName="team")
    plane.call("AddUserToGroup", GroupName="team", UserName="ann")
    read = document(allow(resource=A, **when("aws:RequestTag/x", "1", "StringEqualsIfExists")))
    plane.call("PutUserPolicy", UserName="ann", PolicyName="Own", PolicyDocument=read)
    write = document(allow("s3:PutObject", B))
    plane.call("PutGroupPolicy", GroupName="team", PolicyName="Shared", PolicyDocument=write)
    remove = plane.policy("Remove", PolicyDocument=document(allow("s3:DeleteObject")), Path="/deep/")
    plane.call("AttachUserPolicy", UserName="ann", PolicyArn=remove)
    plane.call("AttachGroupPolicy", GroupName="team", PolicyArn=remove)
    return plane


SHE = arn("user", "people/ann")
THREE = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]


def of_ann(plane: Plane, **params: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    given: dict[str, Any] = {"PolicySourceArn": SHE, "ActionNames": THREE, "ResourceArns": [A, B], **params}
    results = simulated(plane, "SimulatePrincipalPolicy", **given)
    return [(result["EvalDecision"], sources(result)) for result in results]


def test_a_user_has_its_own_policies_those_of_its_groups_and_the_attached_ones(ann: Plane) -> None:
    assert of_ann(ann, ResourceArns=[A]) == [
        ("allowed", [("user_ann_Own", IAM)]),
        ("implicitDeny", []),
        ("allowed", [("Remove", IAM)]),
    ]
    assert of_ann(ann, ResourceArns=[B])[1] == ("allowed", [("group_team_Shared", IAM)])


def test_a_group_and_a_role_have_theirs(ann: Plane) -> None:
    ann.role("app")
    ann.call("PutRolePolicy", RoleName="app", PolicyName="Do", PolicyDocument=ALLOW)
    team, app = arn("group", "team"), arn("role", "app")
    assert of_ann(ann, PolicySourceArn=team, ResourceArns=[B])[1] == ("allowed", [("group_team_Shared", IAM)])
    assert of_ann(ann, PolicySourceArn=app)[0] == ("allowed", [("role_app_Do", IAM)])


def test_policies_of_the_request_are_added(ann: Plane) -> None:
    (_, first), (_, second), _ = of_ann(ann, PolicyInputList=[ALL], ResourceArns=[A])
    assert first == [("user_ann_Own", IAM), ("PolicyInputList.1", IAM)]
    assert second == [("PolicyInputList.1", IAM)]


def test_the_boundary_of_the_entity_counts_unless_another_is_given_or_it_is_excluded(ann: Plane) -> None:
    limit = ann.policy("Limit", PolicyDocument=document(deny("s3:DeleteObject"), allow("*")))
    ann.call("PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=limit)
    assert of_ann(ann)[2] == ("explicitDeny", [("Limit", BOUNDARY)])
    assert of_ann(ann, PermissionsBoundaryPolicyInputList=[ALL])[2][0] == "allowed"
    assert of_ann(ann, PolicyExclusionList=[{"PolicyType": "permission-boundary"}])[2][0] == "allowed"
    assert of_ann(ann, PolicyExclusionList=[{"PolicyArn": limit}])[2][0] == "explicitDeny"


@pytest.mark.parametrize(
    ("identifier", "decisions"),
    [
        ({"PolicyType": "inline"}, ["implicitDeny", "implicitDeny", "allowed"]),
        ({"PolicyType": "user-managed"}, ["allowed", "implicitDeny", "implicitDeny"]),
        ({"PolicyType": "aws-managed"}, ["allowed", "implicitDeny", "allowed"]),
        ({"PolicyType": "rcp"}, ["allowed", "implicitDeny", "allowed"]),
        ({"PolicyArn": arn("policy", "deep/Remove")}, ["allowed", "implicitDeny", "implicitDeny"]),
        ({"PolicyArn": arn("policy", "Remo*")}, ["allowed", "implicitDeny", "implicitDeny"]),
        ({"PolicyArn": arn("policy", "else/Remove")}, ["allowed", "implicitDeny", "allowed"]),
        (
            {"InlinePolicyIdentifier": {"PolicyName": "Own", "AttachmentType": "user", "AttachmentName": "a*"}},
            ["implicitDeny", "implicitDeny", "allowed"],
        ),
        (
            {"InlinePolicyIdentifier": {"PolicyName": "Own", "AttachmentType": "role", "AttachmentName": "ann"}},
            ["allowed", "implicitDeny", "allowed"],
        ),
    ],
)
def test_what_is_excluded_does_not_count(ann: Plane, identifier: dict[str, Any], decisions: list[str]) -> None:
    found = of_ann(ann, ResourceArns=[A], PolicyExclusionList=[identifier])
    assert [decision for decision, _ in found] == decisions


@pytest.mark.parametrize(
    "identifier",
    [
        {},
        {"PolicyType": "inline", "PolicyArn": arn("policy", "Remove")},
        {"PolicyArn": "arn:aws:iam::*:policy/Remove-it"},
        {"PolicyArn": arn("policy", "R*m*e")},
        {"InlinePolicyIdentifier": {"PolicyName": "Own", "AttachmentType": "user", "AttachmentName": "a*n*"}},
    ],
)
def test_an_identifier_that_means_nothing_is_refused(ann: Plane, identifier: dict[str, Any]) -> None:
    params = {"PolicySourceArn": SHE, "ActionNames": THREE, "PolicyExclusionList": [identifier]}
    code, status, _ = ann.fault("SimulatePrincipalPolicy", **params)
    assert (code, status) == ("InvalidInput", 400)


FOREIGN = f"Invalid Policy Source Arn: caller's account {ACCOUNT} does not have access to policies in account {OTHER}."


@pytest.mark.parametrize("operation", ["SimulatePrincipalPolicy", "GetContextKeysForPrincipalPolicy"])
@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        (arn("user", "bob"), "NoSuchEntity", "Unable to retrieve specified IAM entity."),
        (arn("user", "ann"), "NoSuchEntity", "Unable to retrieve specified IAM entity."),
        (
            arn("user", "people/ann", OTHER),
            "InvalidInput",
            FOREIGN,
        ),
        (
            f"arn:aws:iam::{ACCOUNT}:root",
            "InvalidInput",
            f"Invalid ARN provided in the request: arn:aws:iam::{ACCOUNT}:root",
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/app/s",
            "InvalidInput",
            "Invalid ARN provided in the request: arn:aws:sts::111122223333:assumed-role/app/s",
        ),
    ],
)
def test_a_source_that_is_not_there_is_refused(
    ann: Plane, operation: str, source: str, code: str, message: str
) -> None:
    params: dict[str, Any] = {"ActionNames": THREE} if operation.startswith("Simulate") else {}
    found = ann.fault(operation, PolicySourceArn=source, **params)
    assert (found[0], found[2]) == (code, message)


def test_as_another_with_the_same_policies(ann: Plane) -> None:
    """ "you simulate calling the API operations as Bob, as if Bob had David's policies"."""
    grants = {"ResourcePolicy": bucket_policy(ANN), "ResourceArns": [B]}
    assert of_ann(ann, CallerArn=ANN, **grants)[0][0] == "allowed"
    assert of_ann(ann, **grants)[0][0] == "implicitDeny"


def test_what_the_password_policy_lets_users_do_is_simulated_as_it_is_enforced(ann: Plane) -> None:
    """It is no policy of hers, so that nothing excludes it."""
    asked: dict[str, Any] = {"ActionNames": ["iam:ChangePassword"], "ResourceArns": [SHE]}
    assert of_ann(ann, **asked) == [("implicitDeny", [])]
    ann.call("UpdateAccountPasswordPolicy", AllowUsersToChangePassword=True)
    excluded = {"PolicyExclusionList": [{"PolicyType": "inline"}]}
    assert of_ann(ann, **asked, **excluded) == [("allowed", [("account password policy", IAM)])]


@pytest.mark.parametrize("kept", ["Remove", "Limit"])
def test_a_stored_policy_that_is_not_to_be_read_is_no_result(ann: Plane, kept: str) -> None:
    limit = ann.policy("Limit", PolicyDocument=ALL)
    ann.call("PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=limit)
    stored = ann.state.get(Policy, ACCOUNT, kept.lower())
    assert stored is not None
    (version,) = stored.versions
    ann.state = change(ann.state, [put(replace(stored, versions=(replace(version, document="{"),)))])
    assert ann.fault("SimulatePrincipalPolicy", PolicySourceArn=SHE, ActionNames=THREE) == (
        "PolicyEvaluation",
        500,
        f"The policy {kept} could not be evaluated.",
    )


# --- context keys ------------------------------------------------------------------------------------------------


def test_the_keys_of_documents_are_listed_once_as_they_are_spelled(plane: Plane) -> None:
    text = document(
        allow(
            resource=f"{BUCKET}/${{aws:username}}/${{s3:x, 'y'}}/${{*}}", **when("aws:PrincipalTag/A", "${aws:userid}")
        ),
        deny(**when("aws:PrincipalTag/A", "1", "StringNotEquals")),
    )
    keys = plane.call("GetContextKeysForCustomPolicy", PolicyInputList=[text])["ContextKeyNames"]
    assert keys == ["aws:PrincipalTag/A", "aws:username", "s3:x", "aws:userid"]


def test_what_looks_like_a_variable_in_the_first_version_is_none(plane: Plane) -> None:
    text = json.dumps({"Statement": [allow(resource=f"{BUCKET}/${{aws:username}}")]})
    assert plane.call("GetContextKeysForCustomPolicy", PolicyInputList=[text])["ContextKeyNames"] == []


def test_the_keys_of_an_entity_are_those_of_all_its_policies(ann: Plane) -> None:
    more = document(allow(**when("a:more", "1")))
    keys = ann.call("GetContextKeysForPrincipalPolicy", PolicySourceArn=SHE, PolicyInputList=[more])
    assert keys["ContextKeyNames"] == ["aws:RequestTag/x", "a:more"]


def test_keys_of_a_malformed_document_are_not_looked_for(plane: Plane) -> None:
    assert plane.fault("GetContextKeysForCustomPolicy", PolicyInputList=["{"]) == (
        "InvalidInput",
        400,
        "Policy input list item 1 has invalid content",
    )

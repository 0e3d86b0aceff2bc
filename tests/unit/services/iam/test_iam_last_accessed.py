"""Last accessed reports, and which policies grant access to a service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.principal import Caller, Principal
from locum.state import AccessReport
from support.iam_plane import ACCOUNT, ADMIN, NOW, OTHER, READ, ROOT, WRITE, Plane, arn

WEEK = 7 * 86_400


def granting(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def generate(plane: Plane, subject: str, **params: Any) -> str:
    return str(plane.call("GenerateServiceLastAccessedDetails", Arn=subject, **params)["JobId"])


def report(plane: Plane, subject: str, **params: Any) -> list[dict[str, Any]]:
    """The services of the report on `subject`."""
    answer = plane.call("GetServiceLastAccessedDetails", JobId=generate(plane, subject, **params))
    listed: list[dict[str, Any]] = answer["ServicesLastAccessed"]
    return listed


def entities(plane: Plane, subject: str, namespace: str) -> list[tuple[str, str, int | None]]:
    job = generate(plane, subject)
    answer = plane.call("GetServiceLastAccessedDetailsWithEntities", JobId=job, ServiceNamespace=namespace)
    return [
        (detail["EntityInfo"]["Type"], detail["EntityInfo"]["Name"], detail.get("LastAuthenticated"))
        for detail in answer["EntityDetailsList"]
    ]


@pytest.fixture
def people(plane: Plane) -> dict[str, str]:
    """Users ann and bob, both of the group devs, and the role app: their unique ids."""
    ids = {name: str(plane.user(name)["UserId"]) for name in ("ann", "bob")}
    plane.call("CreateGroup", GroupName="devs")
    for name in ids:
        plane.call("AddUserToGroup", GroupName="devs", UserName=name)
    ids["app"] = str(plane.role("app")["RoleId"])
    return ids


def test_a_report_lists_the_services_granted_and_when_each_was_used(plane: Plane, people: dict[str, str]) -> None:
    plane.call("PutRolePolicy", RoleName="app", PolicyName="p", PolicyDocument=granting("s3:Get*", "sqs:*"))
    plane.used(people["app"], "s3:GetObject", 5.0, "eu-west-1")
    plane.used(people["app"], "s3:ListBucket", 3.0)
    plane.used(people["app"], "ec2:DescribeInstances", 9.0)
    assert report(plane, arn("role", "app")) == [
        {
            "ServiceName": "Amazon S3",
            "ServiceNamespace": "s3",
            "LastAuthenticated": NOW + 5,
            "LastAuthenticatedEntity": arn("role", "app"),
            "LastAuthenticatedRegion": "eu-west-1",
            "TotalAuthenticatedEntities": 1,
        },
        {"ServiceName": "Amazon SQS", "ServiceNamespace": "sqs", "TotalAuthenticatedEntities": 0},
    ]


def test_the_job_is_over_when_it_was_asked_for(plane: Plane, people: dict[str, str]) -> None:
    job = generate(plane, arn("user", "ann"))
    assert len(job) == 36
    plane.now += 60
    assert plane.call("GetServiceLastAccessedDetails", JobId=job) == {
        "JobStatus": "COMPLETED",
        "JobType": "SERVICE_LEVEL",
        "JobCreationDate": NOW,
        "JobCompletionDate": NOW,
        "ServicesLastAccessed": [],
        "IsTruncated": False,
    }


def test_a_report_down_to_the_action_tells_of_each_that_is_granted(plane: Plane, people: dict[str, str]) -> None:
    document = granting("sts:AssumeRole", "sts:TagSession", "s3:GetObject")
    plane.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=document)
    plane.used(people["ann"], "sts:AssumeRole", 4.0, "eu-west-1")
    plane.used(people["ann"], "sts:GetCallerIdentity", 8.0)
    job = generate(plane, arn("user", "ann"), Granularity="ACTION_LEVEL")
    answer = plane.call("GetServiceLastAccessedDetails", JobId=job)
    assert answer["JobType"] == "ACTION_LEVEL"
    s3, sts = answer["ServicesLastAccessed"]
    assert s3["TrackedActionsLastAccessed"] == [{"ActionName": "GetObject"}]
    assert sts["LastAuthenticated"] == NOW + 8
    assert sts["TrackedActionsLastAccessed"] == [
        {
            "ActionName": "AssumeRole",
            "LastAccessedEntity": arn("user", "ann"),
            "LastAccessedTime": NOW + 4,
            "LastAccessedRegion": "eu-west-1",
        },
        {"ActionName": "TagSession"},
    ]


def test_a_group_was_used_by_its_members(plane: Plane, people: dict[str, str]) -> None:
    plane.call("PutGroupPolicy", GroupName="devs", PolicyName="p", PolicyDocument=READ)
    plane.used(people["ann"], "s3:GetObject", 2.0)
    plane.used(people["bob"], "s3:PutObject", 6.0)
    plane.used(people["app"], "s3:PutObject", 7.0)
    (s3,) = report(plane, arn("group", "devs"))
    assert s3["LastAuthenticatedEntity"] == arn("user", "bob")
    assert s3["TotalAuthenticatedEntities"] == 2
    assert entities(plane, arn("group", "devs"), "s3") == [("USER", "bob", NOW + 6), ("USER", "ann", NOW + 2)]


def test_a_policy_was_used_by_who_has_it(plane: Plane, people: dict[str, str]) -> None:
    policy = plane.policy("reads")
    plane.call("AttachRolePolicy", RoleName="app", PolicyArn=policy)
    plane.call("AttachGroupPolicy", GroupName="devs", PolicyArn=policy)
    plane.user("eve")
    plane.used(people["app"], "s3:GetObject", 3.0)
    plane.used(people["bob"], "s3:GetObject", 1.0)
    (s3,) = report(plane, policy)
    assert (s3["LastAuthenticatedEntity"], s3["TotalAuthenticatedEntities"]) == (arn("role", "app"), 2)
    assert entities(plane, policy, "S3") == [
        ("ROLE", "app", NOW + 3),
        ("USER", "bob", NOW + 1),
        ("USER", "ann", None),
    ]
    assert entities(plane, policy, "sqs") == []


def test_an_aws_policy_is_reported_on_like_any_other(plane: Plane, people: dict[str, str]) -> None:
    plane.call("AttachUserPolicy", UserName="ann", PolicyArn=ADMIN)
    job = generate(plane, ADMIN)
    pages = []
    answer = plane.call("GetServiceLastAccessedDetails", JobId=job)
    while answer["IsTruncated"]:
        pages.append(len(answer["ServicesLastAccessed"]))
        answer = plane.call("GetServiceLastAccessedDetails", JobId=job, Marker=answer["Marker"])
    assert pages == [100] * len(pages)
    assert len(pages) >= 4


def test_users_are_reported_on_with_the_policies_of_their_groups(plane: Plane, people: dict[str, str]) -> None:
    plane.call("PutGroupPolicy", GroupName="devs", PolicyName="p", PolicyDocument=READ)
    assert [service["ServiceNamespace"] for service in report(plane, arn("user", "ann"))] == ["s3"]
    assert entities(plane, arn("user", "ann"), "s3") == [("USER", "ann", None)]


SUBJECTS = [
    (arn("user", "nobody"), ("NoSuchEntity", 404, "The user with name nobody cannot be found.")),
    (arn("role", "nobody"), ("NoSuchEntity", 404, "The role with name nobody cannot be found.")),
    (arn("group", "nobody"), ("NoSuchEntity", 404, "The group with name nobody cannot be found.")),
    (arn("user/elsewhere", "ann"), ("NoSuchEntity", 404, "The user with name ann cannot be found.")),
    (arn("instance-profile", "x"), ("InvalidInput", 400, f"ARN {arn('instance-profile', 'x')} is not valid.")),
    (arn("user", "ann", OTHER), ("InvalidInput", 400, f"ARN {arn('user', 'ann', OTHER)} is not valid.")),
    ("arn:aws:s3:::a-bucket", ("InvalidInput", 400, "ARN arn:aws:s3:::a-bucket is not valid.")),
    ("no arn but twenty long", ("InvalidInput", 400, "ARN no arn but twenty long is not valid.")),
]


@pytest.mark.parametrize(("subject", "refusal"), SUBJECTS)
def test_what_is_not_there_is_not_reported_on(
    plane: Plane, people: dict[str, str], subject: str, refusal: tuple[str, int, str]
) -> None:
    assert plane.fault("GenerateServiceLastAccessedDetails", Arn=subject) == refusal
    assert plane.fault("ListPoliciesGrantingServiceAccess", Arn=subject, ServiceNamespaces=["s3"]) == refusal


@pytest.mark.parametrize("account", [ACCOUNT, OTHER])
def test_a_policy_that_is_not_there_is_not_reported_on(plane: Plane, account: str) -> None:
    policy = arn("policy", "none", account)
    refusal = ("NoSuchEntity", 404, f"Policy {policy} was not found.")
    assert plane.fault("GenerateServiceLastAccessedDetails", Arn=policy) == refusal


READS: list[tuple[str, dict[str, str]]] = [
    ("GetServiceLastAccessedDetails", {}),
    ("GetServiceLastAccessedDetailsWithEntities", {"ServiceNamespace": "s3"}),
]


@pytest.mark.parametrize(("operation", "params"), READS)
def test_a_job_is_known_to_who_asked_for_it_and_for_a_week(
    plane: Plane, people: dict[str, str], operation: str, params: dict[str, str]
) -> None:
    job = generate(plane, arn("user", "ann"))
    never = "00000000-0000-4000-8000-000000000000"
    assert plane.fault(operation, JobId=never, **params) == (
        "NoSuchEntity",
        404,
        f"The job with id {never} cannot be found.",
    )
    for other in (Caller(Principal.root(OTHER)), None):
        if other is None:
            plane.become("ann")
        else:
            plane.caller = other
        assert plane.fault(operation, JobId=job, **params)[0] == "NoSuchEntity"
    plane.caller = ROOT
    plane.now = NOW + WEEK - 1
    assert plane.call(operation, JobId=job, **params)["JobStatus"] == "COMPLETED"
    plane.now = NOW + WEEK
    assert plane.fault(operation, JobId=job, **params)[0] == "NoSuchEntity"
    latest = generate(plane, arn("user", "ann"))
    assert [kept.id for kept in plane.state.every(AccessReport)] == [latest]


@pytest.mark.parametrize(("operation", "params"), READS)
def test_the_job_of_what_is_gone_has_failed(plane: Plane, operation: str, params: dict[str, str]) -> None:
    plane.user("ann")
    job = generate(plane, arn("user", "ann"))
    plane.call("DeleteUser", UserName="ann")
    answer = plane.call(operation, JobId=job, **params)
    assert answer["JobStatus"] == "FAILED"
    assert answer["Error"] == {"Code": "NoSuchEntity", "Message": "The user with name ann cannot be found."}


def test_reports_come_page_by_page(plane: Plane, people: dict[str, str]) -> None:
    document = granting("s3:*", "sqs:*", "sns:*")
    plane.call("PutGroupPolicy", GroupName="devs", PolicyName="p", PolicyDocument=document)
    plane.used(people["bob"], "s3:GetObject", 1.0)
    job = generate(plane, arn("group", "devs"))
    services = plane.pages("GetServiceLastAccessedDetails", "ServicesLastAccessed", JobId=job, MaxItems=2)
    assert [[each["ServiceNamespace"] for each in page] for page in services] == [["s3", "sns"], ["sqs"]]
    members = plane.pages(
        "GetServiceLastAccessedDetailsWithEntities",
        "EntityDetailsList",
        JobId=job,
        ServiceNamespace="s3",
        MaxItems=1,
    )
    assert [page[0]["EntityInfo"]["Name"] for page in members] == ["bob", "ann"]


# -- ListPoliciesGrantingServiceAccess --------------------------------------------------------------------------------


def test_policies_are_listed_for_each_service_that_they_grant(plane: Plane, people: dict[str, str]) -> None:
    policy = plane.policy("reads")
    plane.call("AttachUserPolicy", UserName="ann", PolicyArn=policy)
    plane.call("AttachGroupPolicy", GroupName="devs", PolicyArn=policy)
    plane.call("PutUserPolicy", UserName="ann", PolicyName="own", PolicyDocument=granting("sqs:*"))
    plane.call("PutGroupPolicy", GroupName="devs", PolicyName="common", PolicyDocument=WRITE)
    asked = {"ServiceNamespaces": ["sqs", "s3", "iam"]}
    managed = {"PolicyName": "reads", "PolicyType": "MANAGED", "PolicyArn": policy}
    common = {"PolicyName": "common", "PolicyType": "INLINE", "EntityType": "GROUP", "EntityName": "devs"}
    own = {"PolicyName": "own", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "ann"}
    answer = plane.call("ListPoliciesGrantingServiceAccess", Arn=arn("user", "ann"), **asked)
    assert answer == {
        "PoliciesGrantingServiceAccess": [
            {"ServiceNamespace": "sqs", "Policies": [own]},
            {"ServiceNamespace": "s3", "Policies": [managed, common]},
            {"ServiceNamespace": "iam", "Policies": []},
        ],
        "IsTruncated": False,
    }
    answer = plane.call("ListPoliciesGrantingServiceAccess", Arn=arn("group", "devs"), **asked)
    listed = [len(each["Policies"]) for each in answer["PoliciesGrantingServiceAccess"]]
    assert listed == [0, 2, 0]


def test_the_policies_of_a_role_are_of_the_role(plane: Plane, people: dict[str, str]) -> None:
    plane.call("PutRolePolicy", RoleName="app", PolicyName="p", PolicyDocument=READ)
    answer = plane.call("ListPoliciesGrantingServiceAccess", Arn=arn("role", "app"), ServiceNamespaces=["s3"])
    (listed,) = answer["PoliciesGrantingServiceAccess"]
    expected = {"PolicyName": "p", "PolicyType": "INLINE", "EntityType": "ROLE", "EntityName": "app"}
    assert listed["Policies"] == [expected]


def test_many_services_come_page_by_page(plane: Plane, people: dict[str, str]) -> None:
    asked = [f"service{number}" for number in range(150)]
    pages = plane.pages(
        "ListPoliciesGrantingServiceAccess",
        "PoliciesGrantingServiceAccess",
        Arn=arn("role", "app"),
        ServiceNamespaces=asked,
    )
    assert [[each["ServiceNamespace"] for each in page] for page in pages] == [asked[:100], asked[100:]]

"""Organizations access reports."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from locum.authz import service_reference
from locum.core.principal import Caller, Principal
from locum.state import AnyEntity, Member, Organization, OrganizationAccessReport, OrganizationPolicy, Unit, change, put
from locum.state.organization import FULL_ACCESS
from support.iam_plane import ACCOUNT, NOW, OTHER, Plane

DEV, PROD = "222222222222", "333333333333"
ORG, TOP = "o-exampleorg1", "r-ab12"
UNIT, INNER = "ou-ab12-11111111", "ou-ab12-22222222"
ROOT_PATH = f"{ORG}/{TOP}"
DEV_PATH = f"{ROOT_PATH}/{UNIT}/{INNER}/{DEV}"
SCP = "SERVICE_CONTROL_POLICY"
EVERYTHING = len(service_reference.services())
WEEK = 7 * 86_400


def scp(policy: str, *actions: str, effect: str = "Allow") -> OrganizationPolicy:
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*"}
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return OrganizationPolicy(account=ACCOUNT, id=policy, type=SCP, name=policy, content=content)


def member(account: str, parent: str, *policies: str) -> Member:
    policies = policies or (FULL_ACCESS,)
    return Member(
        account=ACCOUNT, id=account, parent=parent, name=account, email=f"{account}@x", joined=NOW, policies=policies
    )


@pytest.fixture
def organization(plane: Plane) -> Plane:
    """ACCOUNT manages; DEV is in an inner unit, where S3, SQS and STS are allowed, PROD in the root."""
    entities: list[AnyEntity] = [
        Organization(account=ACCOUNT, id=ORG, root=TOP, created=NOW, policy_types=(SCP,)),
        Unit(account=ACCOUNT, id=UNIT, name="u", parent=TOP),
        Unit(account=ACCOUNT, id=INNER, name="i", parent=UNIT, policies=("p-storage1",)),
        member(ACCOUNT, TOP),
        member(DEV, INNER, FULL_ACCESS, "p-nosts001"),
        member(PROD, TOP),
        scp("p-storage1", "s3:*", "sqs:*", "sts:*"),
        scp("p-nosts001", "sts:*", effect="Deny"),
        scp("p-nowhere1", "sns:*"),
    ]
    plane.state = change(plane.state, map(put, entities))
    plane.used("AROADEV", "s3:GetObject", 5.0, "eu-west-1", account=DEV)
    plane.used("AIDADEV", "s3:GetObject", 2.0, account=DEV)
    plane.used(PROD, "s3:GetObject", 4.0, account=PROD)
    plane.used("AROAPROD", "sns:Publish", 9.0, account=PROD)
    plane.used("AIDABOSS", "iam:ListUsers", 7.0)
    return plane


def report(plane: Plane, path: str, policy: str = "", **params: Any) -> dict[str, Any]:
    asked = {"OrganizationsPolicyId": policy} if policy else {}
    job = plane.call("GenerateOrganizationsAccessReport", EntityPath=path, **asked)["JobId"]
    return plane.call("GetOrganizationsAccessReport", JobId=job, **{"MaxItems": 1000, **params})


def used(answer: dict[str, Any]) -> dict[str, tuple[int, str, int]]:
    """The services that were used: when, in which account last, by how many accounts."""
    return {
        detail["ServiceNamespace"]: (
            detail["LastAuthenticatedTime"] - NOW,
            detail["EntityPath"],
            detail["TotalAuthenticatedEntities"],
        )
        for detail in answer["AccessDetails"]
        if "LastAuthenticatedTime" in detail
    }


def test_an_account_is_allowed_what_every_level_above_it_allows(organization: Plane) -> None:
    answer = report(organization, DEV_PATH)
    assert answer == {
        "JobStatus": "COMPLETED",
        "JobCreationDate": NOW,
        "JobCompletionDate": NOW,
        "NumberOfServicesAccessible": 2,
        "NumberOfServicesNotAccessed": 1,
        "AccessDetails": [
            {
                "ServiceName": "Amazon S3",
                "ServiceNamespace": "s3",
                "Region": "eu-west-1",
                "EntityPath": DEV_PATH,
                "LastAuthenticatedTime": NOW + 5,
                "TotalAuthenticatedEntities": 1,
            },
            {"ServiceName": "Amazon SQS", "ServiceNamespace": "sqs", "TotalAuthenticatedEntities": 0},
        ],
        "IsTruncated": False,
    }


SCOPES: dict[str, tuple[str, str, int, dict[str, tuple[int, str, int]]]] = {
    "the root, with all accounts but the managing one": (
        ROOT_PATH,
        "",
        EVERYTHING,
        {"s3": (5, DEV_PATH, 2), "sns": (9, f"{ROOT_PATH}/{PROD}", 1)},
    ),
    "a unit, with the accounts below it": (f"{ROOT_PATH}/{UNIT}", "", EVERYTHING, {"s3": (5, DEV_PATH, 1)}),
    "an inner unit, with what it allows": (f"{ROOT_PATH}/{UNIT}/{INNER}", "", 3, {"s3": (5, DEV_PATH, 1)}),
    "the managing account, which nothing limits": (
        f"{ROOT_PATH}/{ACCOUNT}",
        "p-storage1",
        EVERYTHING,
        {"iam": (7, f"{ROOT_PATH}/{ACCOUNT}", 1)},
    ),
    "a policy, with the accounts it applies to": (ROOT_PATH, "p-storage1", 3, {"s3": (5, DEV_PATH, 1)}),
    "a policy that an account is not under": (f"{ROOT_PATH}/{PROD}", "p-storage1", 3, {}),
    "a policy that is attached nowhere": (ROOT_PATH, "p-nowhere1", 1, {}),
}


@pytest.mark.parametrize("case", SCOPES)
def test_a_report_is_about(organization: Plane, case: str) -> None:
    path, policy, accessible, expected = SCOPES[case]
    answer = report(organization, path, policy)
    assert answer["NumberOfServicesAccessible"] == len(answer["AccessDetails"]) == accessible
    assert answer["NumberOfServicesNotAccessed"] == accessible - len(expected)
    assert used(answer) == expected


ORDERS = {
    "SERVICE_NAMESPACE_ASCENDING": ["s3", "sqs"],
    "SERVICE_NAMESPACE_DESCENDING": ["sqs", "s3"],
    "LAST_AUTHENTICATED_TIME_ASCENDING": ["sqs", "s3"],
    "LAST_AUTHENTICATED_TIME_DESCENDING": ["s3", "sqs"],
}


@pytest.mark.parametrize("order", ORDERS)
def test_services_come_in_the_order_asked_for_page_by_page(organization: Plane, order: str) -> None:
    job = organization.call("GenerateOrganizationsAccessReport", EntityPath=DEV_PATH)["JobId"]
    pages = organization.pages("GetOrganizationsAccessReport", "AccessDetails", JobId=job, SortKey=order, MaxItems=1)
    assert [detail["ServiceNamespace"] for page in pages for detail in page] == ORDERS[order]


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        (f"{ROOT_PATH}/{DEV}", ""),
        (f"{ROOT_PATH}/{INNER}", ""),
        (f"{ROOT_PATH}/ou-ab12-99999999", ""),
        (f"o-another0001/{TOP}", ""),
        (ROOT_PATH, "p-none00001"),
    ],
)
def test_a_report_on_what_is_not_there_fails(organization: Plane, path: str, policy: str) -> None:
    answer = report(organization, path, policy)
    assert answer["JobStatus"] == "FAILED"
    assert answer["ErrorDetails"]["Code"] == "InvalidInput"
    assert (policy or path) in answer["ErrorDetails"]["Message"]


OPERATIONS: list[tuple[str, dict[str, str]]] = [
    ("GenerateOrganizationsAccessReport", {"EntityPath": ROOT_PATH}),
    ("GetOrganizationsAccessReport", {"JobId": "00000000-0000-4000-8000-000000000000"}),
]


@pytest.mark.parametrize(("operation", "params"), OPERATIONS)
def test_only_the_account_that_manages_an_organization_with_scps_asks(
    organization: Plane, operation: str, params: dict[str, str]
) -> None:
    managing = organization.caller
    for account in (DEV, OTHER):
        organization.caller = Caller(Principal.root(account))
        assert organization.fault(operation, **params)[:2] == ("AccessDenied", 403)
    organization.caller = managing
    found = organization.state.get(Organization, ACCOUNT, ACCOUNT)
    assert found is not None
    organization.state = change(organization.state, [put(replace(found, policy_types=()))])
    assert organization.fault(operation, **params)[:2] == ("InvalidInput", 400)


def test_a_job_is_known_for_a_week(organization: Plane) -> None:
    never = "00000000-0000-4000-8000-000000000000"
    assert organization.fault("GetOrganizationsAccessReport", JobId=never) == (
        "NoSuchEntity",
        404,
        f"The job with id {never} cannot be found.",
    )
    job = organization.call("GenerateOrganizationsAccessReport", EntityPath=ROOT_PATH)["JobId"]
    organization.now = NOW + WEEK - 1
    assert organization.call("GetOrganizationsAccessReport", JobId=job)["JobStatus"] == "COMPLETED"
    organization.now = NOW + WEEK
    assert organization.fault("GetOrganizationsAccessReport", JobId=job)[0] == "NoSuchEntity"
    latest = organization.call("GenerateOrganizationsAccessReport", EntityPath=ROOT_PATH)["JobId"]
    assert [kept.id for kept in organization.state.every(OrganizationAccessReport)] == [latest]

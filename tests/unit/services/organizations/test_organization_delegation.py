from __future__ import annotations

import json
from typing import Any

import pytest

from locum import authz
from support.organizations_plane import (
    DENIES,
    MANAGEMENT,
    NOW,
    RCP,
    RCP_DENIES,
    SCP,
    STRANGER,
    Organizations,
)

CONFIG, SSM = "config.amazonaws.com", "ssm.amazonaws.com"


def test_trusted_access_is_given_and_taken_back(org: Organizations) -> None:
    for _ in range(2):
        org.call("EnableAWSServiceAccess", ServicePrincipal=CONFIG)
    shown = org.call("ListAWSServiceAccessForOrganization")["EnabledServicePrincipals"]
    assert shown == [{"ServicePrincipal": CONFIG, "DateEnabled": NOW}]
    for _ in range(2):
        org.call("DisableAWSServiceAccess", ServicePrincipal=CONFIG)
    assert org.call("ListAWSServiceAccessForOrganization")["EnabledServicePrincipals"] == []


def test_an_account_is_a_delegated_administrator_for_some_services(org: Organizations) -> None:
    account = org.member()
    org.delegate(account, CONFIG)
    org.now += 10
    org.delegate(account, SSM)
    (shown,) = org.call("ListDelegatedAdministrators")["DelegatedAdministrators"]
    described = org.call("DescribeAccount", AccountId=account)["Account"]
    described.pop("Paths")
    assert shown == {**described, "DelegationEnabledDate": NOW}
    assert (
        org.call("ListDelegatedAdministrators", ServicePrincipal="ram.amazonaws.com")["DelegatedAdministrators"] == []
    )
    assert org.call("ListDelegatedServicesForAccount", AccountId=account)["DelegatedServices"] == [
        {"ServicePrincipal": CONFIG, "DelegationEnabledDate": NOW},
        {"ServicePrincipal": SSM, "DelegationEnabledDate": NOW + 10},
    ]
    org.call("DeregisterDelegatedAdministrator", AccountId=account, ServicePrincipal=CONFIG)
    org.call("DisableAWSServiceAccess", ServicePrincipal=SSM)
    assert org.call("ListDelegatedAdministrators")["DelegatedAdministrators"] == []
    assert org.refused("ListDelegatedServicesForAccount", AccountId=account).code == "AccountNotRegistered"


REFUSED: list[tuple[str, str, str, tuple[str, str]]] = [
    (
        "RegisterDelegatedAdministrator",
        "member",
        "moto.amazonaws.com",
        ("InvalidInput", "UNRECOGNIZED_SERVICE_PRINCIPAL"),
    ),
    (
        "RegisterDelegatedAdministrator",
        MANAGEMENT,
        CONFIG,
        ("ConstraintViolation", "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR"),
    ),
    ("RegisterDelegatedAdministrator", STRANGER, CONFIG, ("AccountNotFound", "")),
    ("RegisterDelegatedAdministrator", "member", SSM, ("ConstraintViolation", "SERVICE_ACCESS_NOT_ENABLED")),
    ("RegisterDelegatedAdministrator", "member", CONFIG, ("AccountAlreadyRegistered", "")),
    (
        "RegisterDelegatedAdministrator",
        "closed",
        CONFIG,
        ("ConstraintViolation", "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR"),
    ),
    ("DeregisterDelegatedAdministrator", "member", SSM, ("AccountNotRegistered", "")),
    ("DeregisterDelegatedAdministrator", STRANGER, CONFIG, ("AccountNotFound", "")),
    ("ListDelegatedServicesForAccount", STRANGER, "", ("AccountNotFound", "")),
    ("ListDelegatedAdministrators", "", "x.amazonaws.com", ("InvalidInput", "UNRECOGNIZED_SERVICE_PRINCIPAL")),
    ("EnableAWSServiceAccess", "", "x.amazonaws.com", ("InvalidInput", "UNRECOGNIZED_SERVICE_PRINCIPAL")),
    ("DisableAWSServiceAccess", "", "x.amazonaws.com", ("InvalidInput", "UNRECOGNIZED_SERVICE_PRINCIPAL")),
]


@pytest.mark.parametrize(("operation", "account", "service", "expected"), REFUSED)
def test_delegations_that_cannot_be_are_refused(
    org: Organizations, operation: str, account: str, service: str, expected: tuple[str, str]
) -> None:
    accounts = {"member": org.member("one"), "closed": org.member("two")}
    org.delegate(accounts["member"])
    org.call("CloseAccount", AccountId=accounts["closed"])
    params = {"AccountId": accounts.get(account, account), "ServicePrincipal": service}
    assert org.refused(operation, **{name: value for name, value in params.items() if value})[:2] == expected


def test_trusted_access_takes_all_features() -> None:
    plane = Organizations(features="CONSOLIDATED_BILLING")
    refused = plane.refused("EnableAWSServiceAccess", ServicePrincipal=CONFIG)
    assert refused[:2] == ("ConstraintViolation", "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE")


# --- the resource policy ---


def delegating(account: str, *actions: str, **condition: Any) -> str:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": [f"organizations:{action}" for action in actions],
        "Resource": "*",
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_resource_policy_is_put_seen_and_deleted(org: Organizations) -> None:
    assert org.refused("DescribeResourcePolicy").code == "ResourcePolicyNotFound"
    content = delegating(MANAGEMENT, "ListRoots")
    made = org.call("PutResourcePolicy", Content=content, Tags=[{"Key": "k", "Value": "v"}])["ResourcePolicy"]
    identifier = made["ResourcePolicySummary"]["Id"]
    assert made == {
        "ResourcePolicySummary": {
            "Id": identifier,
            "Arn": f"arn:aws:organizations::{MANAGEMENT}:resourcepolicy/{org.organization}/{identifier}",
        },
        "Content": content,
    }
    other = delegating(MANAGEMENT, "ListAccounts")
    assert org.call("PutResourcePolicy", Content=other)["ResourcePolicy"] == {**made, "Content": other}
    assert org.call("DescribeResourcePolicy")["ResourcePolicy"]["Content"] == other
    assert org.call("ListTagsForResource", ResourceId=identifier)["Tags"] == [{"Key": "k", "Value": "v"}]
    org.call("DeleteResourcePolicy")
    assert org.refused("DeleteResourcePolicy").code == "ResourcePolicyNotFound"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "INVALID_RESOURCE_POLICY_JSON"),
        (DENIES, "INVALID_PRINCIPAL"),
        (delegating("12"), "INVALID_RESOURCE_POLICY_JSON"),
        (delegating("12", "ListRoots"), "INVALID_PRINCIPAL"),
        (delegating(MANAGEMENT, "CreateAccount"), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        (delegating(MANAGEMENT, "List*"), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
    ],
)
def test_a_resource_policy_is_read_strictly(org: Organizations, content: str, reason: str) -> None:
    assert org.refused("PutResourcePolicy", Content=content)[:2] == ("InvalidInput", reason)


def test_a_resource_policy_lets_one_account_manage_one_type_of_policy(org: Organizations) -> None:
    one, other = org.member("one"), org.member("other")
    of_scps = {"StringEquals": {"organizations:PolicyType": SCP}}
    actions = ("CreatePolicy", "UpdatePolicy", "AttachPolicy", "ListPolicies")
    org.enable(SCP, RCP)
    org.call("PutResourcePolicy", Content=delegating(one, *actions, **of_scps))
    scp = {"Name": "n", "Description": "", "Type": SCP, "Content": DENIES}
    rcp = {"Name": "n", "Description": "", "Type": RCP, "Content": RCP_DENIES}
    org.as_account(one)
    policy = org.call("CreatePolicy", **scp)["Policy"]["PolicySummary"]["Id"]
    org.call("AttachPolicy", PolicyId=policy, TargetId=other)
    assert len(org.call("ListPolicies", Filter=SCP)["Policies"]) == 2
    assert org.refused("CreatePolicy", **rcp).code == "AccessDenied"
    assert org.refused("DeletePolicy", PolicyId=policy).code == "AccessDenied"
    assert org.refused("ListRoots").code == "AccessDenied"
    assert org.as_account(other).refused("ListPolicies", Filter=SCP).code == "AccessDenied"


def refusal(org: Organizations, operation: str, **params: Any) -> authz.Refusal:
    with pytest.raises(authz.Refusal) as caught:
        org.call(operation, **params)
    return caught.value


def test_a_refusal_explains_what_the_resource_policy_does_not_give(org: Organizations) -> None:
    one = org.member("one")
    org.call("PutResourcePolicy", Content=delegating(one, "ListPolicies"))
    told = refusal(org.as_account(one), "ListRoots").authorization.explanation()
    (check,) = told["checks"]
    assert (check["action"], check["resource"], check["resourceAccount"]) == (
        "organizations:ListRoots",
        "*",
        MANAGEMENT,
    )
    assert check["reason"] == "because no resource-based policy allows the organizations:ListRoots action"


def test_without_a_resource_policy_the_refusal_is_explained_as_well(org: Organizations) -> None:
    one = org.member("one")
    (check,) = refusal(org.as_account(one), "ListRoots").authorization.explanation()["checks"]
    assert check["explanation"]["outcomes"]["resource-based policy"] == "ABSENT"


def test_a_resource_policy_may_give_what_is_of_one_kind(org: Organizations) -> None:
    """The ARN of a policy that is to be made says of which type it will be."""
    one = org.member("one")
    org.enable(SCP, RCP)
    scps = f"arn:aws:organizations::{MANAGEMENT}:policy/{org.organization}/service_control_policy/*"
    content = json.loads(delegating(one, "CreatePolicy"))
    content["Statement"][0]["Resource"] = scps
    org.call("PutResourcePolicy", Content=json.dumps(content))
    org.as_account(one)
    org.call("CreatePolicy", Name="n", Description="", Type=SCP, Content=DENIES)
    assert org.refused("CreatePolicy", Name="n", Description="", Type=RCP, Content=RCP_DENIES).code == "AccessDenied"


def test_tags_of_a_new_policy_have_to_be_given_too(org: Organizations) -> None:
    """ "If the request includes tags, then the requester must have the organizations:TagResource permission." """
    one = org.member("one")
    org.enable(SCP)
    made = {"Description": "", "Type": SCP, "Content": DENIES, "Tags": [{"Key": "k", "Value": "v"}]}
    org.call("PutResourcePolicy", Content=delegating(one, "CreatePolicy"))
    assert org.as_account(one).refused("CreatePolicy", Name="one", **made).code == "AccessDenied"
    org.as_account(MANAGEMENT).call("PutResourcePolicy", Content=delegating(one, "CreatePolicy", "TagResource"))
    org.as_account(one).call("CreatePolicy", Name="one", **made)


def test_a_resource_policy_may_ask_where_a_call_comes_from(org: Organizations) -> None:
    one = org.member("one")
    org.call("PutResourcePolicy", Content=delegating(one, "ListRoots", IpAddress={"aws:SourceIp": "192.0.2.0/24"}))
    org.as_account(one)
    org.source_ip = "192.0.2.7"
    assert org.call("ListRoots")["Roots"]
    for elsewhere in ("198.51.100.1", ""):
        org.source_ip = elsewhere
        assert org.refused("ListRoots").code == "AccessDenied"


def test_an_explicit_deny_in_the_resource_policy_counts(org: Organizations) -> None:
    one = org.member("one")
    content = json.loads(delegating(one, "ListRoots", "ListAccounts"))
    denying = {**content["Statement"][0], "Effect": "Deny", "Action": "organizations:ListRoots"}
    content["Statement"].append(denying)
    org.call("PutResourcePolicy", Content=json.dumps(content))
    assert org.as_account(one).call("ListAccounts")["Accounts"]
    (check,) = refusal(org, "ListRoots").authorization.explanation()["checks"]
    assert check["verdict"] == "EXPLICIT_DENY"

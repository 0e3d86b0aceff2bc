"""Which permissions the calls of AWS Organizations take: the ARNs of what they name, the keys, whose policies count."""

from __future__ import annotations

from typing import Any

import pytest

from locum import authz
from locum.core.principal import Caller, Principal
from locum.state import State, change, put
from support.authority import AWAY, HOME, allow, as_user, user
from support.organizations_plane import MANAGEMENT, NOW, SCP, STRANGER, Organizations

BASE = f"arn:aws:organizations::{MANAGEMENT}"
TAGS = [{"Key": "k", "Value": "v"}]


def world() -> tuple[State, dict[str, str]]:
    """An organization with one of everything, and the ids in it."""
    plane = Organizations()
    ids = {"root": plane.root, "unit": plane.unit(), "member": plane.member(), "policy": plane.policy()}
    plane.call("TagResource", ResourceId=ids["unit"], Tags=[{"Key": "team", "Value": "blue"}])
    ids |= {"org": plane.organization, "handshake": plane.invite(), "management": MANAGEMENT}
    return plane.state, ids


STATE, IDS = world()


def a(kind: str) -> str:
    """The ARN that ends so; ids in braces."""
    return f"{BASE}:{kind}".format(**IDS)


PLANS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("ListAccounts", {}, [("ListAccounts", "*")]),
    ("CreateAccount", {}, [("CreateAccount", "*")]),
    ("CreateAccount", {"Tags": TAGS}, [("CreateAccount", "*"), ("TagResource", a("account/{org}/*"))]),
    ("DescribeAccount", {"AccountId": "{member}"}, [("DescribeAccount", a("account/{org}/{member}"))]),
    ("DescribeAccount", {"AccountId": STRANGER}, [("DescribeAccount", a("account/{org}/" + STRANGER))]),
    (
        "MoveAccount",
        {"AccountId": "{member}", "SourceParentId": "{root}", "DestinationParentId": "{unit}"},
        [
            ("MoveAccount", a("account/{org}/{member}")),
            ("MoveAccount", a("root/{org}/{root}")),
            ("MoveAccount", a("ou/{org}/{unit}")),
        ],
    ),
    ("CreateOrganizationalUnit", {"ParentId": "{unit}"}, [("CreateOrganizationalUnit", a("ou/{org}/{unit}"))]),
    (
        "CreateOrganizationalUnit",
        {"ParentId": "{root}", "Name": "n", "Tags": TAGS},
        [("CreateOrganizationalUnit", a("root/{org}/{root}")), ("TagResource", a("ou/{org}/ou-*"))],
    ),
    ("ListParents", {"ChildId": "{unit}"}, [("ListParents", a("ou/{org}/{unit}"))]),
    ("EnablePolicyType", {"RootId": "{root}"}, [("EnablePolicyType", a("root/{org}/{root}"))]),
    (
        "CreatePolicy",
        {"Type": SCP, "Tags": TAGS},
        [
            ("CreatePolicy", a("policy/{org}/service_control_policy/p-*")),
            ("TagResource", a("policy/{org}/service_control_policy/p-*")),
        ],
    ),
    (
        "AttachPolicy",
        {"PolicyId": "{policy}", "TargetId": "{member}"},
        [
            ("AttachPolicy", a("policy/{org}/service_control_policy/{policy}")),
            ("AttachPolicy", a("account/{org}/{member}")),
        ],
    ),
    (
        "DescribePolicy",
        {"PolicyId": "p-FullAWSAccess"},
        [("DescribePolicy", "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess")],
    ),
    ("DescribePolicy", {"PolicyId": "p-unknown000"}, [("DescribePolicy", a("policy/{org}/*/p-unknown000"))]),
    ("DescribeEffectivePolicy", {}, [("DescribeEffectivePolicy", a("account/{org}/{management}"))]),
    (
        "InviteAccountToOrganization",
        {"Target": {"Id": STRANGER, "Type": "ACCOUNT"}},
        [("InviteAccountToOrganization", a("account/{org}/" + STRANGER))],
    ),
    (
        "InviteAccountToOrganization",
        {"Target": {"Id": "a@example.com", "Type": "EMAIL"}},
        [("InviteAccountToOrganization", a("account/{org}/*"))],
    ),
    ("AcceptHandshake", {"HandshakeId": "{handshake}"}, [("AcceptHandshake", a("handshake/{org}/invite/{handshake}"))]),
    ("PutResourcePolicy", {"Content": "{}"}, [("PutResourcePolicy", a("resourcepolicy/{org}/rp-*"))]),
    ("TagResource", {"ResourceId": "{unit}"}, [("TagResource", a("ou/{org}/{unit}"))]),
]


def call(operation: str, caller: Caller, **params: Any) -> authz.Call:
    return authz.Call("organizations", operation, params, caller, "us-east-1", float(NOW))


def filled(value: Any) -> Any:
    return value.format(**IDS) if isinstance(value, str) and value != "{}" else value


@pytest.mark.parametrize(("operation", "params", "expected"), PLANS)
def test_a_call_takes_permission_on_what_it_names(
    operation: str, params: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    given = {name: filled(value) for name, value in params.items()}
    plan = authz.plan(STATE, call(operation, Caller(Principal.root(MANAGEMENT)), **given))
    assert plan.known
    checks = [(check.action, str(check.resource)) for check in plan.checks]
    assert checks == [(f"organizations:{action}", arn) for action, arn in expected]


def decided(operation: str, statement: dict[str, Any], account: str = MANAGEMENT, **params: Any) -> bool:
    ann = user("ann", statement, account=account)
    state = change(STATE, [put(ann)])
    asked = call(operation, as_user(ann), **params)
    return authz.decide(state, asked, authz.plan(state, asked)).allowed


KEYS: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("CreatePolicy", {"Type": SCP}, {"organizations:PolicyType": SCP}, True),
    ("CreatePolicy", {"Type": "TAG_POLICY"}, {"organizations:PolicyType": SCP}, False),
    ("ListPolicies", {"Filter": SCP}, {"organizations:PolicyType": SCP}, True),
    ("DeletePolicy", {"PolicyId": IDS["policy"]}, {"organizations:PolicyType": SCP}, True),
    ("DeletePolicy", {"PolicyId": IDS["policy"]}, {"organizations:PolicyType": "TAG_POLICY"}, False),
    (
        "EnableAWSServiceAccess",
        {"ServicePrincipal": "ram.amazonaws.com"},
        {"organizations:ServicePrincipal": "ram.amazonaws.com"},
        True,
    ),
    (
        "EnableAWSServiceAccess",
        {"ServicePrincipal": "ram.amazonaws.com"},
        {"organizations:ServicePrincipal": "sso.amazonaws.com"},
        False,
    ),
    ("DeleteOrganizationalUnit", {"OrganizationalUnitId": IDS["unit"]}, {"aws:ResourceTag/team": "blue"}, True),
    ("DeleteOrganizationalUnit", {"OrganizationalUnitId": IDS["unit"]}, {"aws:ResourceTag/team": "red"}, False),
    ("TagResource", {"ResourceId": IDS["unit"], "Tags": TAGS}, {"aws:RequestTag/k": "v"}, True),
]


@pytest.mark.parametrize(("operation", "params", "condition", "expected"), KEYS)
def test_condition_keys(operation: str, params: dict[str, Any], condition: dict[str, Any], expected: bool) -> None:
    statement = allow("organizations:*", Condition={"StringEquals": condition})
    assert decided(operation, statement, **params) is expected


@pytest.mark.parametrize("account", [IDS["member"], AWAY])
def test_a_member_or_invited_account_is_asked_for_its_own_policies_alone(account: str) -> None:
    arn = a("handshake/{org}/invite/{handshake}")
    assert decided(
        "AcceptHandshake", allow("organizations:AcceptHandshake", arn), account, HandshakeId=IDS["handshake"]
    )
    assert not decided("AcceptHandshake", allow("organizations:ListRoots"), account, HandshakeId=IDS["handshake"])
    assert decided("DescribeAccount", allow("organizations:DescribeAccount"), account, AccountId=MANAGEMENT)


def test_whoever_is_in_no_organization_is_asked_about_any() -> None:
    lone = State()
    caller = Caller(Principal.root(HOME))
    (check,) = authz.plan(lone, call("DescribeAccount", caller, AccountId=STRANGER)).checks
    assert str(check.resource) == f"arn:aws:organizations::{HOME}:account/o-*/{STRANGER}"
    (check,) = authz.plan(lone, call("DescribeHandshake", caller, HandshakeId="h-12345678")).checks
    assert str(check.resource) == f"arn:aws:organizations::{HOME}:handshake/o-*/*/h-12345678"

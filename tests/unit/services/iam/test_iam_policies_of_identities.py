"""Inline and attached policies: the same promises for users, groups and roles."""

from __future__ import annotations

from typing import Any

import pytest

from support.iam_plane import ADMIN, EC2_TRUST, READ, WRITE, Plane, arn, document, long_policy

SIZES = {"User": 2048, "Group": 5120, "Role": 10240}


class One:
    """One identity of a kind, and operations on it."""

    def __init__(self, plane: Plane, noun: str) -> None:
        self.plane = plane
        self.noun = noun
        self.name = {f"{noun}Name": "App"}
        more = {"AssumeRolePolicyDocument": EC2_TRUST} if noun == "Role" else {}
        plane.call(f"Create{noun}", **self.name, **more)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.plane.call(operation.replace("_", self.noun), **{f"{self.noun}Name": "app"}, **params)

    def fault(self, operation: str, **params: Any) -> tuple[str, int, str]:
        return self.plane.fault(operation.replace("_", self.noun), **{f"{self.noun}Name": "app", **params})


@pytest.fixture(params=SIZES)
def one(plane: Plane, request: pytest.FixtureRequest) -> One:
    return One(plane, request.param)


def test_an_inline_policy_lives_and_dies(one: One) -> None:
    assert one.call("List_Policies") == {"PolicyNames": [], "IsTruncated": False}
    one.call("Put_Policy", PolicyName="read", PolicyDocument=READ)
    one.call("Put_Policy", PolicyName="a", PolicyDocument=READ)
    one.call("Put_Policy", PolicyName="read", PolicyDocument=WRITE)
    assert one.call("List_Policies")["PolicyNames"] == ["a", "read"]
    got = one.call("Get_Policy", PolicyName="read")
    assert document(got.pop("PolicyDocument"))["Statement"][0]["Action"] == "s3:PutObject"
    assert got == {**one.name, "PolicyName": "read"}
    one.call("Delete_Policy", PolicyName="read")
    gone = ("NoSuchEntity", 404, f"The {one.noun.lower()} policy with name read cannot be found.")
    assert one.fault("Get_Policy", PolicyName="read") == gone
    assert one.fault("Delete_Policy", PolicyName="read") == gone


def test_an_inline_policy_that_is_none_is_not_stored(one: One) -> None:
    for text in ("{", EC2_TRUST, READ.replace("Allow", "allow"), READ.replace('"Action"', '"Actoin"')):
        code, status, message = one.fault("Put_Policy", PolicyName="p", PolicyDocument=text)
        assert (code, status) == ("MalformedPolicyDocument", 400)
        assert message
    assert one.call("List_Policies")["PolicyNames"] == []


def test_all_inline_policies_together_stay_within_the_quota(one: One) -> None:
    size = SIZES[one.noun]
    refused = f"Maximum policy size of {size} bytes exceeded for {one.noun.lower()} App"
    assert one.fault("Put_Policy", PolicyName="a", PolicyDocument=long_policy(size + 1)) == (
        "LimitExceeded",
        409,
        refused,
    )
    one.call("Put_Policy", PolicyName="a", PolicyDocument=long_policy(size))
    assert one.fault("Put_Policy", PolicyName="b", PolicyDocument=READ)[2] == refused
    one.call("Put_Policy", PolicyName="a", PolicyDocument=READ)


def test_a_managed_policy_is_attached_and_detached(one: One) -> None:
    mine = one.plane.policy("Mine", Path="/x/")
    one.call("Attach_Policy", PolicyArn=mine)
    one.call("Attach_Policy", PolicyArn=ADMIN)
    one.call("Attach_Policy", PolicyArn=mine)
    assert one.plane.events == []
    attached = one.call("ListAttached_Policies")["AttachedPolicies"]
    assert attached == [
        {"PolicyName": "AdministratorAccess", "PolicyArn": ADMIN},
        {"PolicyName": "Mine", "PolicyArn": mine},
    ]
    assert one.call("ListAttached_Policies", PathPrefix="/x/")["AttachedPolicies"] == attached[1:]
    assert one.plane.call("GetPolicy", PolicyArn=mine)["Policy"]["AttachmentCount"] == 1
    one.call("Detach_Policy", PolicyArn=mine)
    assert one.call("ListAttached_Policies")["AttachedPolicies"] == attached[:1]
    assert one.fault("Detach_Policy", PolicyArn=mine) == ("NoSuchEntity", 404, f"Policy {mine} was not found.")


@pytest.mark.parametrize(
    ("policy", "code", "status", "message"),
    [
        ("longpolicynamebutnoarn", "ValidationError", 400, "ARN {} is not valid."),
        (arn("role", "app"), "InvalidInput", 400, "ARN {} is not valid."),
        (arn("policy", "ghost"), "NoSuchEntity", 404, "Policy {} does not exist or is not attachable."),
        (arn("policy", "mine"), "NoSuchEntity", 404, "Policy {} does not exist or is not attachable."),
        (arn("policy/x", "Mine"), "NoSuchEntity", 404, "Policy {} does not exist or is not attachable."),
        (arn("policy", "Mine", "444455556666"), "NoSuchEntity", 404, "Policy {} does not exist or is not attachable."),
        (arn("policy", "Nope", "aws"), "NoSuchEntity", 404, "Policy {} does not exist or is not attachable."),
    ],
)
def test_what_cannot_be_attached(one: One, policy: str, code: str, status: int, message: str) -> None:
    one.plane.policy("Mine")
    assert one.fault("Attach_Policy", PolicyArn=policy) == (code, status, message.format(policy))


def test_a_policy_of_service_linked_roles_is_for_them_only(one: One) -> None:
    policy = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"
    refused = f"Cannot attach a Service Role Policy to a Customer {one.noun}."
    assert one.fault("Attach_Policy", PolicyArn=policy) == ("PolicyNotAttachable", 400, refused)


def test_ten_attached_policies_at_most(one: One) -> None:
    arns = [one.plane.policy(f"p{number}") for number in range(11)]
    for policy in arns[:10]:
        one.call("Attach_Policy", PolicyArn=policy)
    refused = ("LimitExceeded", 409, f"Cannot exceed quota for PoliciesPer{one.noun}: 10")
    assert one.fault("Attach_Policy", PolicyArn=arns[10]) == refused
    one.call("Attach_Policy", PolicyArn=arns[0])


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("Put_Policy", {"PolicyName": "p", "PolicyDocument": READ}),
        ("Get_Policy", {"PolicyName": "p"}),
        ("List_Policies", {}),
        ("Delete_Policy", {"PolicyName": "p"}),
        ("Attach_Policy", {"PolicyArn": ADMIN}),
        ("Detach_Policy", {"PolicyArn": ADMIN}),
        ("ListAttached_Policies", {}),
    ],
)
def test_nobody_has_policies_who_is_not_there(one: One, operation: str, params: dict[str, Any]) -> None:
    refused = one.fault(operation, **{f"{one.noun}Name": "ghost"}, **params)
    assert refused == ("NoSuchEntity", 404, f"The {one.noun.lower()} with name ghost cannot be found.")

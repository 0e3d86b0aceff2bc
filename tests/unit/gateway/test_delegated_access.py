"""Delegation between two accounts, through the whole gateway: who may do what by default, and how far it reaches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.credentials.delegation import seal_exchange_token
from support.inprocess import InProcess, Key, refusal

PROVIDER = "444455556666"
CUSTOMER = "000000000000"
TEMPLATE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "iam:GetUser"], "Resource": "*"}],
}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


class Two:
    """A plane with a provider and a customer."""

    def __init__(self, plane: InProcess) -> None:
        self.plane = plane
        self.provider = plane.account(PROVIDER)
        iam = plane.client("iam", self.provider)
        self.template = iam.create_policy(PolicyName="setup", PolicyDocument=json.dumps(TEMPLATE))["Policy"]["Arn"]
        self._asked = 0

    def asks(self, **more: Any) -> str:
        self._asked += 1
        answer = self.plane.client("iam", self.provider).create_delegation_request(
            Description="d",
            Permissions={"PolicyTemplateArn": self.template},
            RequestorWorkflowId=f"workflow-{self._asked}",
            NotificationChannel=f"arn:aws:sns:us-east-1:{PROVIDER}:nowhere",
            SessionDuration=3600,
            **more,
        )
        return str(answer["DelegationRequestId"])

    def iam(self, key: Key | None = None) -> Any:
        return self.plane.client("iam", key)

    def finalized(self, approver: Key | None, **more: Any) -> Key:
        """Delegated credentials of `approver`."""
        request, iam = self.asks(**more), self.iam(approver)
        iam.associate_delegation_request(DelegationRequestId=request)
        iam.accept_delegation_request(DelegationRequestId=request)
        iam.send_delegation_token(DelegationRequestId=request)
        inner = self.plane.node.runtime
        token = seal_exchange_token(inner.keyring, PROVIDER, request, inner.entropy)
        given = self.plane.client("sts", self.provider).get_delegated_access_token(TradeInToken=token)["Credentials"]
        return Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    plane = InProcess(Path(tmp_path_factory.mktemp("plane")) / "plane")
    yield Two(plane)
    plane.close()


def test_whoever_was_asked_may_take_it_on_and_manage_it_without_any_policy(two: Two) -> None:
    ann = two.iam(two.plane.user("ann"))
    request = two.asks(OwnerAccountId=CUSTOMER)
    ann.get_delegation_request(DelegationRequestId=request)
    ann.associate_delegation_request(DelegationRequestId=request)
    owner = ann.get_delegation_request(DelegationRequestId=request)["DelegationRequest"]["OwnerId"]
    ann.get_human_readable_summary(EntityArn=f"arn:aws:iam::{CUSTOMER}:delegation-request/{request}")
    assert len(ann.list_delegation_requests(OwnerId=owner)["DelegationRequests"]) == 1
    assert refusal(ann.list_delegation_requests)[0] == "AccessDenied"
    assert refusal(ann.accept_delegation_request, DelegationRequestId=request)[0] == "AccessDenied"
    ann.reject_delegation_request(DelegationRequestId=request)


def test_what_somebody_else_owns_takes_a_permission(two: Two) -> None:
    request = two.asks()
    two.iam().associate_delegation_request(DelegationRequestId=request)
    bob = two.iam(two.plane.user("bob"))
    code, status, message = refusal(bob.get_delegation_request, DelegationRequestId=request)
    assert (code, status) == ("AccessDenied", 403)
    assert message == (
        f"User: arn:aws:iam::{CUSTOMER}:user/bob is not authorized to perform: iam:GetDelegationRequest on resource: "
        f"arn:aws:iam::{CUSTOMER}:delegation-request/{request} because no identity-based policy allows the "
        "iam:GetDelegationRequest action"
    )


def test_who_is_called_like_the_owner_later_is_not_the_owner(two: Two) -> None:
    first = two.plane.user("carl")
    request = two.asks()
    two.iam(first).associate_delegation_request(DelegationRequestId=request)
    iam = two.iam()
    iam.delete_access_key(UserName="carl", AccessKeyId=first.access_key_id)
    iam.delete_user(UserName="carl")
    second = two.iam(two.plane.user("carl"))
    assert refusal(second.reject_delegation_request, DelegationRequestId=request)[0] == "AccessDenied"


def test_an_explicit_deny_holds_against_the_defaults(two: Two) -> None:
    denied = {"Effect": "Deny", "Action": "iam:*DelegationRequest*", "Resource": "*"}
    dora = two.iam(two.plane.user("dora", denied))
    request = two.asks()
    assert refusal(dora.get_delegation_request, DelegationRequestId=request)[0] == "AccessDenied"
    owner = f"arn:aws:iam::{CUSTOMER}:user/dora"
    assert refusal(dora.list_delegation_requests, OwnerId=owner)[0] == "AccessDenied"


def test_a_request_for_one_account_is_no_other_accounts(two: Two) -> None:
    request = two.asks(OwnerAccountId=CUSTOMER)
    theirs = two.plane.client("iam", two.provider)
    assert refusal(theirs.associate_delegation_request, DelegationRequestId=request)[0] == "NoSuchEntity"


def test_the_owner_is_a_condition_key(two: Two) -> None:
    request = two.asks()
    two.iam().associate_delegation_request(DelegationRequestId=request)
    root = f"arn:aws:iam::{CUSTOMER}:root"
    allowed = {
        "Effect": "Allow",
        "Action": "iam:GetDelegationRequest",
        "Resource": "*",
        "Condition": {"ArnEquals": {"iam:DelegationRequestOwner": root}},
    }
    erin = two.iam(two.plane.user("erin", allowed))
    erin.get_delegation_request(DelegationRequestId=request)
    other = two.asks()
    two.iam(two.plane.user("fay")).associate_delegation_request(DelegationRequestId=other)
    assert refusal(erin.get_delegation_request, DelegationRequestId=other)[0] == "AccessDenied"


@pytest.mark.parametrize("root", [False, True])
def test_delegated_credentials_do_what_the_request_asked_for_and_nothing_else(two: Two, root: bool) -> None:
    approver = None if root else two.plane.user("gil", EVERYTHING)
    given = two.finalized(approver)
    iam = two.plane.client("iam", given)
    if not root:
        assert iam.get_user()["User"]["UserName"] == "gil"
    code, _, message = refusal(iam.list_users)
    assert (code, message.rsplit("because ", 1)[1]) == (
        "AccessDenied",
        "no session policy allows the iam:ListUsers action",
    )
    assert refusal(iam.create_access_key, **({"UserName": "gil"} if not root else {}))[0] == "AccessDenied"


def test_they_end_where_the_approvers_own_permissions_end(two: Two) -> None:
    approving = [
        f"iam:{name}" for name in ("AcceptDelegationRequest", "AssociateDelegationRequest", "SendDelegationToken")
    ]
    given = two.finalized(two.plane.user("hal", {"Effect": "Allow", "Action": approving, "Resource": "*"}))
    code, _, message = refusal(two.plane.client("iam", given).get_user, UserName="hal")
    assert code == "AccessDenied"
    assert message.endswith("because no identity-based policy allows the iam:GetUser action")


def test_a_resource_policy_that_names_the_approver_does_not_widen_them(two: Two) -> None:
    approver = two.plane.user("ida", EVERYTHING)
    given = two.finalized(approver)
    s3 = two.plane.client("s3")
    s3.create_bucket(Bucket="delegated-bucket")
    s3.put_object(Bucket="delegated-bucket", Key="k", Body=b"v")
    named = {"AWS": f"arn:aws:iam::{CUSTOMER}:user/ida"}
    statement = {"Effect": "Allow", "Principal": named, "Action": "s3:*", "Resource": "arn:aws:s3:::delegated-bucket/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket="delegated-bucket", Policy=policy)
    delegated = two.plane.client("s3", given)
    assert delegated.get_object(Bucket="delegated-bucket", Key="k")["Body"].read() == b"v"
    assert refusal(delegated.delete_object, Bucket="delegated-bucket", Key="k")[0] == "AccessDenied"


def test_they_take_no_part_in_other_requests_of_the_approver(two: Two) -> None:
    approver = two.plane.user("jo", EVERYTHING)
    given = two.finalized(approver)
    other = two.asks()
    two.iam(approver).associate_delegation_request(DelegationRequestId=other)
    delegated = two.plane.client("iam", given)
    assert refusal(delegated.reject_delegation_request, DelegationRequestId=other)[0] == "AccessDenied"
    assert refusal(delegated.accept_delegation_request, DelegationRequestId=other)[0] == "AccessDenied"


def test_the_call_stands_though_the_topic_takes_no_message(two: Two) -> None:
    request = two.asks()
    two.iam().associate_delegation_request(DelegationRequestId=request)
    assert two.iam().get_delegation_request(DelegationRequestId=request)["DelegationRequest"]["State"] == "ASSIGNED"

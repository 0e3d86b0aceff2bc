"""The credentials of an instance: EC2 assumes its role by a call that is decided, recorded and explained."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from locum.audit import Record, cloudtrail_event
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.clock import iso8601
from locum.core.errors import Fault
from locum.core.principal import Caller, PrincipalKind, principal_of
from locum.credentials import open_session
from locum.services.sts import EC2, attached_profile, renew_at
from locum.services.verbs import Settings
from locum.state import MetadataOptions, Role, remove
from support.authority import World, allow, deny, trusting
from support.metadata import Metadata, association, closed_afterwards, instance
from support.one_account import ACCOUNT, NOW, profile, role
from support.organization import member, organization, rcp, tree

__all__ = ["closed_afterwards"]

INSTANCE = instance(metadata=MetadataOptions(tokens="optional"))
BOND = association(profile("web", "app"))


@pytest.fixture
def plane() -> Metadata:
    return Metadata.with_profile()


def fetched(plane: Metadata) -> dict[str, Any] | None:
    """What the metadata service tells of the role `app`; None where there is nothing to tell."""
    answer = plane.get("meta-data/iam/security-credentials/app", of=INSTANCE.id)
    return json.loads(answer.body) if answer.status == 200 else None


def last_record(plane: Metadata) -> Record:
    """The latest call."""
    (record,) = plane.run(plane.ledger.read(lambda: plane.runtime.history.latest(1)))
    return record


def test_the_session_is_named_after_the_instance(plane: Metadata) -> None:
    document = plane.credentials()
    session, secret = open_session(plane.keyring, document["AccessKeyId"], document["Token"])
    assert secret == document["SecretAccessKey"]
    assert session.kind is PrincipalKind.ROLE_SESSION
    assert (session.name, session.instance_id, session.issuer_id) == (INSTANCE.id, INSTANCE.id, "AROAAPP")
    assert (session.issued_at, session.expires_at) == (NOW, NOW + 6 * 3600)


def test_the_lifetime_can_be_set_to_seconds() -> None:
    plane = Metadata.with_profile(settings=Settings(credential_seconds=8))
    assert plane.credentials()["Expiration"] == iso8601(NOW + 8)


def test_ec2s_call_is_recorded_as_cloudtrail_shows_it(plane: Metadata) -> None:
    plane.credentials()
    event = cloudtrail_event(last_record(plane))
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    assert (event["eventName"], event["eventSource"]) == ("AssumeRole", "sts.amazonaws.com")
    assert (event["sourceIPAddress"], event["userAgent"]) == ("ec2.amazonaws.com", "ec2.amazonaws.com")
    assert event["requestParameters"] == {"roleArn": role("app").arn, "roleSessionName": INSTANCE.id}


def test_a_refusal_is_recorded_with_its_explanation(plane: Metadata) -> None:
    plane.having(role("app", trust=trusting({"Service": "lambda.amazonaws.com"})))
    plane.credentials()
    record = last_record(plane)
    assert (record.error_code, record.verdict, record.invoked_by) == ("AccessDenied", "implicit-deny", EC2)
    assert record.explanation["checks"][0]["context"]["aws:sourcearn"] == INSTANCE.arn
    assert "role trust policy" in record.denial


def test_ec2_assumes_no_role_of_another_account(plane: Metadata) -> None:
    away = role("app", account="999988887777", trust=trusting({"Service": "ec2.amazonaws.com"}))
    plane.having(away)
    ec2 = service_principal(EC2, ACCOUNT, INSTANCE.arn)
    call = ServiceCall(ec2, "sts", "AssumeRole", {"RoleArn": away.arn, "RoleSessionName": INSTANCE.id}, "us-east-1")
    with pytest.raises(Fault, match="AccessDenied"):
        plane.run(plane.calls.make(call))


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:TagSession"},
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "x"}},
        },
    ],
)
def test_a_role_that_does_not_trust_ec2_gives_no_credentials(plane: Metadata, statement: dict[str, Any]) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    plane.having(role("app", trust=trust))
    document = plane.credentials()
    assert document["Code"] == "AssumeRoleUnauthorizedAccess"
    assert document["Message"].startswith("EC2 cannot assume the role app.")
    assert not {"AccessKeyId", "SecretAccessKey", "Token"} & document.keys()


def test_an_explicit_deny_in_the_trust_policy_counts(plane: Metadata) -> None:
    deny = {"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "*"}
    allow = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    plane.having(role("app", trust=json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})))
    assert plane.credentials()["Code"] == "AssumeRoleUnauthorizedAccess"


def test_a_trust_policy_that_cannot_be_read_trusts_nobody(plane: Metadata) -> None:
    plane.having(role("app", trust="{"))
    assert plane.credentials()["Code"] == "AssumeRoleUnauthorizedAccess"


def test_a_profile_made_again_under_the_same_name_is_another_one(plane: Metadata) -> None:
    plane.having(profile("web", "app", id="AIPAOTHER"))
    document = plane.credentials()
    assert document["Code"] == "InstanceProfileNotFound"
    assert "AIPAWEB" in document["Message"]


def test_a_deleted_profile_gives_no_credentials(plane: Metadata) -> None:
    plane.becoming(remove(profile("web")))
    assert plane.credentials()["Code"] == "InstanceProfileNotFound"


@pytest.mark.parametrize("state", ["stopped", "terminated", "stopping", "shutting-down"])
def test_an_instance_that_does_not_run_gets_nothing(plane: Metadata, state: Any) -> None:
    plane.having(replace(INSTANCE, state=state))
    assert fetched(plane) is None


def test_an_instance_that_wears_nothing_gets_nothing(plane: Metadata) -> None:
    plane.becoming(remove(BOND))
    assert attached_profile(plane.state, INSTANCE) is None
    assert fetched(plane) is None


def test_a_profile_whose_role_was_taken_out_gives_nothing(plane: Metadata) -> None:
    plane.having(profile("web"))
    assert fetched(plane) is None


def test_sessions_from_before_a_revocation_are_denied_and_the_next_set_is_not(plane: Metadata) -> None:
    """IAM User Guide, "Revoke IAM role temporary security credentials": the policy AWSRevokeOlderSessions."""

    def caller() -> Caller:
        document = plane.credentials()
        session, _ = open_session(plane.keyring, document["AccessKeyId"], document["Token"])
        return Caller(principal_of(session), document["AccessKeyId"], session)

    older = caller()
    revoked = {"DateLessThan": {"aws:TokenIssueTime": iso8601(NOW + 60)}}
    plane.having(trusted_role(allow("*"), deny("*", Condition=revoked)))
    assert not World(plane.state).allows(older, "sqs:ListQueues")
    plane.now = NOW + 60
    newer = caller()
    assert World(plane.state).allows(newer, "sqs:ListQueues")
    assert not World(plane.state).allows(older, "sqs:ListQueues")


def test_the_keys_of_the_delivery_can_be_asked_for_in_policies(plane: Metadata) -> None:
    plane.having(replace(INSTANCE, attributes={"ImageId": "ami-1", "VpcId": "vpc-1"}))
    document = plane.credentials()
    session, _ = open_session(plane.keyring, document["AccessKeyId"], document["Token"])
    caller = Caller(principal_of(session), document["AccessKeyId"], session)

    def allowed(**condition: Any) -> bool:
        plane.having(trusted_role(allow("*", Condition=condition)))
        return World(plane.state).allows(caller, "sqs:ListQueues")

    assert allowed(StringEquals={"aws:Ec2InstanceSourceVpc": "vpc-1"})
    assert not allowed(StringEquals={"aws:Ec2InstanceSourceVpc": "vpc-2"})
    assert allowed(IpAddress={"aws:Ec2InstanceSourcePrivateIPv4": "172.31.0.0/16"})
    assert not allowed(IpAddress={"aws:Ec2InstanceSourcePrivateIPv4": "10.0.0.0/8"})
    assert allowed(StringEquals={"ec2:RoleDelivery": "1.0"})
    assert allowed(ArnEquals={"ec2:SourceInstanceARN": INSTANCE.arn})


def trusted_role(*statements: dict[str, Any]) -> Role:
    """The role `app` with an inline policy."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return role("app", inline={"may": text})


def test_what_is_worn_is_the_same_value_until_it_changes(plane: Metadata) -> None:
    before, again = attached_profile(plane.state, INSTANCE), attached_profile(plane.state, INSTANCE)
    assert before is not None
    assert again is not None
    assert all(a is b for a, b in zip(before, again, strict=True))


@given(st.integers(600, 129_600))
def test_the_next_set_is_there_five_minutes_before_the_old_one_expires(lifetime: int) -> None:
    assert renew_at(NOW, NOW + lifetime) <= NOW + lifetime - 300


@given(st.integers(1, 600))
def test_a_lifetime_of_seconds_is_renewed_half_way(lifetime: int) -> None:
    assert renew_at(NOW, NOW + lifetime) == NOW + lifetime / 2


@pytest.mark.parametrize(
    ("condition", "delivered"),
    [
        ({"StringNotEquals": {"aws:SourceOrgID": "o-abcdef1234"}}, True),
        ({"ForAllValues:StringNotLike": {"aws:SourceOrgPaths": "o-abcdef1234/r-ab12/ou-ab12-11111111/*"}}, True),
        ({"StringNotEquals": {"aws:SourceOrgID": "o-other12345"}}, False),
        ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, True),
        ({}, False),
    ],
    ids=["own organization", "own unit", "another organization", "services are let through", "nobody"],
)
def test_an_rcp_stands_above_the_trust_policy(plane: Metadata, condition: dict[str, Any], delivered: bool) -> None:
    denying = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}
    plane.having(*tree(), rcp("p-x", {**denying, **({"Condition": condition} if condition else {})}))
    plane.having(member(policies=("p-FullAWSAccess", "p-x")))
    assert (plane.credentials()["Code"] == "Success") is delivered
    plane.having(organization(policy_types=()))
    plane.now += 2  # a refusal is kept for a second
    assert plane.credentials()["Code"] == "Success"


def test_an_rcp_that_cannot_be_read_denies(plane: Metadata) -> None:
    plane.having(*tree(), replace(rcp("p-x"), content="{"), member(policies=("p-x",)))
    assert plane.credentials()["Code"] == "AssumeRoleUnauthorizedAccess"


def test_rcps_pass_over_the_roles_of_the_management_account(plane: Metadata) -> None:
    ours = organization(), rcp("p-x", {"Effect": "Deny", "Action": "*", "Resource": "*"}), member(policies=("p-x",))
    plane.having(*(replace(entity, account=ACCOUNT) for entity in ours))
    assert plane.credentials()["Code"] == "Success"

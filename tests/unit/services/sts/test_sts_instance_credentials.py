"""The credentials that an instance is given: association -> profile -> role, trust policy evaluated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from locum.core.principal import PrincipalKind
from locum.credentials import open_session
from locum.services.sts import InstanceCredentials, attached_profile, instance_credentials, renew_at
from locum.services.verbs import Settings
from locum.state import Instance, ProfileAssociation, remove
from locum.state.state import change
from support.one_account import ACCOUNT, NOW, Entropy, Plane, profile, role
from support.organization import member, organization, rcp, tree

INSTANCE = Instance(
    account=ACCOUNT,
    id="i-0123456789abcdef0",
    region="us-east-1",
    reservation="r-1",
    state_changed=1,
    launched=1,
    zone="us-east-1a",
    private_ip="172.31.0.4",
)
BOND = ProfileAssociation(
    account=ACCOUNT,
    id="iip-assoc-1",
    region="us-east-1",
    instance=INSTANCE.id,
    profile="web",
    profile_id="AIPAWEB",
    profile_arn=profile().arn,
    since=1,
)


@pytest.fixture
def plane() -> Plane:
    made = Plane("sts", {})
    made.having(role("app"), profile("web", "app"), INSTANCE, BOND)
    return made


def fetched(
    plane: Plane, instance: Instance = INSTANCE, settings: Settings | None = None
) -> InstanceCredentials | None:
    return instance_credentials(plane.state, plane.keyring, instance, NOW, Entropy(), settings or Settings())


def found(plane: Plane, settings: Settings | None = None) -> InstanceCredentials:
    credentials = fetched(plane, settings=settings)
    assert credentials is not None
    return credentials


def test_the_session_is_named_after_the_instance(plane: Plane) -> None:
    credentials = found(plane)
    assert (credentials.code, credentials.type, credentials.role_name) == ("Success", "AWS-HMAC", "app")
    assert (credentials.last_updated, credentials.expiration) == (NOW, NOW + 6 * 3600)
    assert (credentials.profile_arn, credentials.profile_id) == (BOND.profile_arn, "AIPAWEB")
    session, secret = open_session(plane.keyring, credentials.access_key_id, credentials.token)
    assert secret == credentials.secret_access_key
    assert session.kind is PrincipalKind.ROLE_SESSION
    assert (session.name, session.instance_id, session.issuer_id) == (INSTANCE.id, INSTANCE.id, "AROAAPP")
    assert secret not in repr(credentials)


def test_the_lifetime_can_be_set_to_seconds(plane: Plane) -> None:
    assert found(plane, Settings(credential_seconds=8)).expiration == NOW + 8


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
def test_a_role_that_does_not_trust_ec2_gives_no_credentials(plane: Plane, statement: dict[str, Any]) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    plane.having(role("app", trust=trust))
    credentials = found(plane)
    assert not credentials.succeeded
    assert credentials.code == "AssumeRoleUnauthorizedAccess"
    assert credentials.message.startswith("EC2 cannot assume the role app.")
    assert (credentials.access_key_id, credentials.token, credentials.secret_access_key) == ("", "", "")


def test_an_explicit_deny_in_the_trust_policy_counts(plane: Plane) -> None:
    deny = {"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "*"}
    allow = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    plane.having(role("app", trust=json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})))
    assert found(plane).code == "AssumeRoleUnauthorizedAccess"


def test_a_trust_policy_that_cannot_be_read_trusts_nobody(plane: Plane) -> None:
    plane.having(role("app", trust="{"))
    assert found(plane).code == "AssumeRoleUnauthorizedAccess"


def test_a_profile_made_again_under_the_same_name_is_another_one(plane: Plane) -> None:
    plane.having(profile("web", "app", id="AIPAOTHER"))
    credentials = found(plane)
    assert credentials.code == "InstanceProfileNotFound"
    assert "AIPAWEB" in credentials.message


def test_a_deleted_profile_gives_no_credentials(plane: Plane) -> None:
    plane.state = change(plane.state, [remove(profile("web"))])
    assert found(plane).code == "InstanceProfileNotFound"


@pytest.mark.parametrize("state", ["stopped", "terminated", "stopping", "shutting-down"])
def test_an_instance_that_does_not_run_gets_nothing(plane: Plane, state: Any) -> None:
    assert fetched(plane, replace(INSTANCE, state=state)) is None


def test_an_instance_that_wears_nothing_gets_nothing(plane: Plane) -> None:
    plane.state = change(plane.state, [remove(BOND)])
    assert attached_profile(plane.state, INSTANCE) is None
    assert fetched(plane) is None


def test_a_profile_whose_role_was_taken_out_gives_nothing(plane: Plane) -> None:
    plane.having(profile("web"))
    assert fetched(plane) is None


def test_what_is_worn_is_the_same_value_until_it_changes(plane: Plane) -> None:
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
def test_an_rcp_stands_above_the_trust_policy(plane: Plane, condition: dict[str, Any], delivered: bool) -> None:
    denying = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}
    plane.having(*tree(), rcp("p-x", {**denying, **({"Condition": condition} if condition else {})}))
    plane.having(member(policies=("p-FullAWSAccess", "p-x")))
    assert found(plane).succeeded is delivered
    plane.having(organization(policy_types=()))
    assert found(plane).succeeded


def test_an_rcp_that_cannot_be_read_denies(plane: Plane) -> None:
    plane.having(*tree(), replace(rcp("p-x"), content="{"), member(policies=("p-x",)))
    assert not found(plane).succeeded


def test_rcps_pass_over_the_roles_of_the_management_account(plane: Plane) -> None:
    ours = organization(), rcp("p-x", {"Effect": "Deny", "Action": "*", "Resource": "*"}), member(policies=("p-x",))
    plane.having(*(replace(entity, account=ACCOUNT) for entity in ours))
    assert found(plane).succeeded

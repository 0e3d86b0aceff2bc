"""Callers who want a role that is not theirs, or the metadata of an instance that is not theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from locum.core.identifiers import OWN_IMAGE
from support.inside import Inside, inside
from support.plane import (
    ACCOUNT,
    TRUSTS_EC2,
    RunningPlane,
    allow,
    document,
    needs_namespaces,
    refused,
    trusting,
)

pytestmark = pytest.mark.xdist_group("attacks-on-roles")


def arn_of(role: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


def test_a_role_whose_trust_policy_does_not_name_the_caller_is_not_assumed(plane: RunningPlane) -> None:
    name, key = plane.user(allow("sts:AssumeRole"))
    friend, friends_key = plane.user()
    role = plane.role(trusting(AWS=f"arn:aws:iam::{ACCOUNT}:user/{friend}"))
    met = refused(plane.client("sts", key).assume_role, RoleArn=arn_of(role), RoleSessionName="night")
    assert met[:2] == ("AccessDenied", 403)
    assert met.message.startswith(
        f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: sts:AssumeRole "
        f"on resource: {arn_of(role)}"
    )
    assumed = plane.client("sts", friends_key).assume_role(RoleArn=arn_of(role), RoleSessionName="night")
    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/night"


def test_a_role_of_ec2_is_not_assumed_by_an_administrator_by_hand(plane: RunningPlane) -> None:
    _, key = plane.user(allow("*"))
    role = plane.role(TRUSTS_EC2)
    met = refused(plane.client("sts", key).assume_role, RoleArn=arn_of(role), RoleSessionName="night")
    assert (met.code, met.status) == ("AccessDenied", 403)


def test_a_role_that_does_not_exist_reads_like_one_that_may_not_be_assumed(plane: RunningPlane) -> None:
    name, key = plane.user(allow("sts:AssumeRole"))
    met = refused(plane.client("sts", key).assume_role, RoleArn=arn_of("not-there"), RoleSessionName="night")
    assert (met.code, met.status) == ("AccessDenied", 403)
    assert met.message.startswith(f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: ")


def test_a_missing_or_wrong_external_id_is_refused(plane: RunningPlane) -> None:
    user, key = plane.user(allow("sts:AssumeRole"))
    condition = {"StringEquals": {"sts:ExternalId": "4711"}}
    role = plane.role(trusting(condition, AWS=f"arn:aws:iam::{ACCOUNT}:user/{user}"))
    sts = plane.client("sts", key)
    given = {"RoleArn": arn_of(role), "RoleSessionName": "night"}
    for more in ({}, {"ExternalId": "4712"}):
        met = refused(sts.assume_role, **given, **more)
        assert (met.code, met.status) == ("AccessDenied", 403)
        assert met.message.startswith(
            f"User: arn:aws:iam::{ACCOUNT}:user/{user} is not authorized to perform: sts:AssumeRole"
        )
    assert sts.assume_role(**given, ExternalId="4711")["AssumedRoleUser"]["Arn"].endswith(f"/{role}/night")


def test_run_instances_without_pass_role_is_refused_and_launches_nothing(plane: RunningPlane) -> None:
    user, key = plane.user(allow("ec2:*"))
    profile = plane.profile()
    launch = {"ImageId": OWN_IMAGE, "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": {"Name": profile}}
    ec2 = plane.client("ec2", key)
    met = refused(ec2.run_instances, **launch)
    assert met[:2] == ("UnauthorizedOperation", 403)
    assert met.message.startswith(
        f"You are not authorized to perform this operation. User: arn:aws:iam::{ACCOUNT}:user/{user} is not "
        f"authorized to perform: iam:PassRole on resource: {arn_of(profile)} "
        "because no identity-based policy allows the iam:PassRole action"
    )
    wearing = [{"Name": "iam-instance-profile.arn", "Values": [f"arn:aws:iam::{ACCOUNT}:instance-profile/{profile}"]}]
    assert ec2.describe_instances(Filters=wearing)["Reservations"] == []
    may_pass = allow("iam:PassRole", arn_of(profile), StringEquals={"iam:PassedToService": "ec2.amazonaws.com"})
    plane.client("iam").put_user_policy(UserName=user, PolicyName="pass", PolicyDocument=document(may_pass))
    (launched,) = ec2.run_instances(**launch)["Instances"]
    assert launched["IamInstanceProfile"]["Arn"].endswith(f":instance-profile/{profile}")


def test_a_role_that_does_not_trust_ec2_is_worn_without_credentials(plane: RunningPlane) -> None:
    profile = plane.profile()
    plane.client("iam").update_assume_role_policy(
        RoleName=profile, PolicyDocument=trusting(Service="lambda.amazonaws.com")
    )
    with inside(plane, "--profile", profile) as app:
        told = json.loads(app.metadata(f"meta-data/iam/security-credentials/{profile}"))
        assert told["Code"] == "AssumeRoleUnauthorizedAccess"
        assert "AccessKeyId" not in told


def test_a_session_policy_takes_away_and_never_adds(plane: RunningPlane) -> None:
    user, key = plane.user(allow("sts:AssumeRole"))
    role = plane.role(trusting(AWS=f"arn:aws:iam::{ACCOUNT}:user/{user}"), allow("iam:GetUser"), allow("iam:GetRole"))
    policy = document(allow(["iam:GetRole", "iam:ListRoles"]))
    answer = plane.client("sts", key).assume_role(RoleArn=arn_of(role), RoleSessionName="night", Policy=policy)
    iam = plane.client("iam", type(key).of(answer["Credentials"]))
    assert iam.get_role(RoleName=role)["Role"]["Arn"] == arn_of(role)
    met = refused(iam.get_user, UserName=user)
    assert met.message.endswith("because no session policy allows the iam:GetUser action")
    assert refused(iam.list_roles).code == "AccessDenied"


# -- the metadata service -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def victim(plane: RunningPlane) -> Iterator[Inside]:
    with inside(plane, "--profile", plane.profile()) as app:
        yield app


@pytest.fixture(scope="module")
def attacker(plane: RunningPlane) -> Iterator[Inside]:
    with inside(plane) as app:
        yield app


def test_the_token_of_another_instance_is_refused(victim: Inside, attacker: Inside) -> None:
    stolen = victim.token()
    assert victim.imds("/latest/meta-data/", X_aws_ec2_metadata_token=stolen).status == 200
    for path in ("/latest/meta-data/", "/latest/meta-data/iam/security-credentials/", "/latest/user-data"):
        page = attacker.imds(path, X_aws_ec2_metadata_token=stolen)
        assert (page.status, "401 - Unauthorized" in page.body) == (401, True)


def test_a_forwarded_put_gets_no_token(victim: Inside) -> None:
    ttl = {"X_aws_ec2_metadata_token_ttl_seconds": "60"}
    assert victim.imds("/latest/api/token", "PUT", **ttl).status == 200
    page = victim.imds("/latest/api/token", "PUT", **ttl, X_Forwarded_For="203.0.113.7")
    assert (page.status, "403 - Forbidden" in page.body) == (403, True)


@pytest.mark.parametrize("ttl", ["", "0", "21601", "-1", "abc", "1.5", "9" * 40])
def test_a_put_without_a_proper_time_to_live_gets_no_token(victim: Inside, ttl: str) -> None:
    page = victim.imds("/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds=ttl)
    assert (page.status, "400 - Bad Request" in page.body) == (400, True)


@pytest.mark.parametrize("token", ["", "AAAA", "not base64!", "A" * 56])
def test_an_invented_token_is_refused(victim: Inside, token: str) -> None:
    assert victim.imds("/latest/meta-data/", X_aws_ec2_metadata_token=token).status == 401


def test_no_header_makes_an_instance_another_one(victim: Inside, attacker: Inside) -> None:
    own, other = attacker.instance, victim.instance
    claims = {"Host": other, "X_Forwarded_For": "169.254.169.254", "X_Instance_Id": other}
    page = attacker.imds("/latest/meta-data/instance-id", X_aws_ec2_metadata_token=attacker.token(), **claims)
    assert page.body == own != other


@needs_namespaces
def test_nothing_of_the_host_can_be_reached_from_inside(plane: RunningPlane, victim: Inside) -> None:
    port = int(plane.endpoint.rpartition(":")[2])
    assert victim.ask(reach=["127.0.0.1", port])
    assert victim.ask(reach=["169.254.169.254", 80])
    for host, other in (("127.0.0.1", 22), ("127.0.0.1", port - 1), ("192.0.2.1", 80)):
        assert not victim.ask(reach=[host, other])

"""The ten mistakes that everybody makes once: `locum explain` says in one screen what to change.

The service control policy is asked about through `locum check`: its explanation is the same.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from support.decision_cases import policy, raw_case, statement
from support.plane import ACCOUNT, LOCUM, SECONDS, RunningPlane, allow, document, fresh, refused, trusting

pytestmark = pytest.mark.xdist_group("record")

LINES: Final = 24
COLUMNS: Final = 100


def explained(plane: RunningPlane, call: Any, **parameters: Any) -> str:
    """What `locum explain` says of `call`, which is denied: on one screen. Its folded lines are joined."""
    done = plane.locum("explain", refused(call, **parameters).request_id)
    assert done.returncode == 0, done.stderr
    return on_one_screen(done.stdout)


def on_one_screen(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) <= LINES, text
    assert max(map(len, lines)) <= COLUMNS, text
    return " ".join(text.split())


def test_an_object_where_the_policy_has_the_bucket(plane: RunningPlane) -> None:
    bucket = plane.bucket(report=b"")
    user, key = plane.user({**allow("s3:GetObject", f"arn:aws:s3:::{bucket}"), "Sid": "Read"})
    told = explained(plane, plane.client("s3", key).get_object, Bucket=bucket, Key="report")
    where = f'statement 0 "Read" of inline policy "may" of user {user}'
    assert f"to change it: add arn:aws:s3:::{bucket}/* to Resource of {where}" in told
    assert f"arn:aws:s3:::{bucket} is the bucket itself: what is in it is arn:aws:s3:::{bucket}/*" in told


def test_a_bucket_where_the_policy_has_its_objects(plane: RunningPlane) -> None:
    bucket = plane.bucket()
    user, key = plane.user({**allow(["s3:ListBucket", "s3:GetObject"], f"arn:aws:s3:::{bucket}/*"), "Sid": "Read"})
    told = explained(plane, plane.client("s3", key).list_objects_v2, Bucket=bucket)
    where = f'statement 0 "Read" of inline policy "may" of user {user}'
    assert f"to change it: add arn:aws:s3:::{bucket} to Resource of {where}" in told


def test_a_call_where_the_policy_wants_an_action(plane: RunningPlane) -> None:
    bucket = plane.bucket()
    _, key = plane.user(allow("s3:ListObjectsV2"))
    told = explained(plane, plane.client("s3", key).list_objects_v2, Bucket=bucket)
    assert "to change it: write s3:ListBucket in place of s3:ListObjectsV2 in Action of statement 0" in told


def test_a_trust_policy_that_names_another_account(plane: RunningPlane) -> None:
    role = plane.role(trusting(AWS="arn:aws:iam::111111111111:root"))
    user, key = plane.user(allow("sts:AssumeRole"))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    told = explained(plane, plane.client("sts", key).assume_role, RoleArn=arn, RoleSessionName="session")
    assert f"it names account 111111111111; the call comes from account {ACCOUNT}" in told
    added = f"add arn:aws:iam::{ACCOUNT}:user/{user} to Principal of statement 0 of trust policy of {arn}"
    assert f"to change it: {added}" in told


def test_an_external_id_that_was_not_passed(plane: RunningPlane) -> None:
    role = plane.role(trusting({"StringEquals": {"sts:ExternalId": "blue"}}, AWS=ACCOUNT))
    _, key = plane.user(allow("sts:AssumeRole"))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    told = explained(plane, plane.client("sts", key).assume_role, RoleArn=arn, RoleSessionName="session")
    assert "the request has no sts:ExternalId" in told
    assert "to change it: pass ExternalId (blue), as statement 0 of" in told


def test_a_permissions_boundary(plane: RunningPlane) -> None:
    user, key = plane.user(allow("*"))
    iam = plane.client("iam")
    arn = iam.create_policy(PolicyName=fresh("limit"), PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=user, PermissionsBoundary=arn)
    url = plane.client("sqs").create_queue(QueueName=fresh("queue"))["QueueUrl"]
    told = explained(plane, plane.client("sqs", key).send_message, QueueUrl=url, MessageBody="hello")
    assert f"the boundary {arn} does not allow sqs:SendMessage: add sqs:SendMessage on arn:aws:sqs:" in told
    assert "permissions boundary: silent identity-based policy: allowed" in told


def test_a_service_control_policy(tmp_path: Path) -> None:
    levels = [[policy(statement())], [policy(statement(action="ec2:*"), statement(action="sqs:*"))]]
    file = tmp_path / "guardrail.cases.jsonl"
    file.write_text(json.dumps(raw_case(scps=levels)))
    done = subprocess.run([LOCUM, "check", file], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1, done.stderr
    told = " ".join(done.stdout.split())
    assert len(done.stdout.splitlines()) <= LINES
    assert "no SCP at level 2 of 2, root to account, allows s3:GetObject: scps[1][0] must allow s3:GetObject" in told


def test_a_session_policy(plane: RunningPlane) -> None:
    bucket = plane.bucket(report=b"")
    role = plane.role(trusting(AWS=ACCOUNT), allow("s3:*"))
    session = plane.assume(role, Policy=document(allow("s3:ListBucket")))
    told = explained(plane, plane.client("s3", session).get_object, Bucket=bucket, Key="report")
    assert "the session policy does not allow s3:GetObject: where the session is made, pass a policy that" in told
    assert f"allows s3:GetObject on arn:aws:s3:::{bucket}/report, or none" in told


def test_an_explicit_deny_by_a_condition(plane: RunningPlane) -> None:
    condition = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}}
    deny = {"Sid": "OnlyHome", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    user, key = plane.user(allow("*"), deny)
    told = explained(plane, plane.client("sqs", key).list_queues)
    assert f'denied by: statement 1 "OnlyHome" of inline policy "may" of user {user}' in told
    assert "StringNotEquals aws:RequestedRegion eu-west-1 holds: the request has us-east-1" in told
    assert "no Allow outweighs it: make the call with aws:RequestedRegion eu-west-1, or narrow it" in told


def test_a_condition_key_that_the_request_has_not(plane: RunningPlane) -> None:
    _, key = plane.user({**allow("sqs:ListQueues", Bool={"aws:MultiFactorAuthPresent": "true"}), "Sid": "WithMfa"})
    told = explained(plane, plane.client("sqs", key).list_queues)
    assert "the request has no aws:MultiFactorAuthPresent" in told
    assert "to change it: sign in with MFA: call with credentials of sts:GetSessionToken with a TokenCode, as" in told
    assert "add to a policy of" not in told  # what would let the call through without it


def test_a_tag_value_in_another_case(plane: RunningPlane) -> None:
    user, key = plane.user({**allow("sqs:ListQueues", StringEquals={"aws:PrincipalTag/env": "prod"}), "Sid": "Prod"})
    plane.client("iam").tag_user(UserName=user, Tags=[{"Key": "env", "Value": "Prod"}])
    told = explained(plane, plane.client("sqs", key).list_queues)
    assert "the tag value is Prod, the policy wants prod: values are case-sensitive" in told
    assert "to change it: write Prod in place of prod under StringEquals aws:PrincipalTag/env of statement 0" in told
    assert "to change it: tag the caller: env = prod, as statement 0" in told


def test_a_role_that_may_not_be_passed(plane: RunningPlane) -> None:
    profile = plane.profile()
    user, key = plane.user(allow("ec2:*"))
    told = explained(
        plane, plane.client("ec2", key).run_instances, ImageId="ami-12345678", MinCount=1, MaxCount=1,
        IamInstanceProfile={"Name": profile},
    )  # fmt: skip
    wanted = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/{profile}"}
    assert f"to change it: add to a policy of user {user}: {json.dumps(wanted)}" in told
    assert f"the call passes role {profile} to ec2.amazonaws.com" in told

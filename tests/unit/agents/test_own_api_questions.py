"""Locum's own API: explanations, questions about principals, policies and audits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.inprocess import InProcess, Key, refusal
from support.plane import ACCOUNT, TRUSTS_EC2, allow, document

READS = allow("s3:GetObject", "arn:aws:s3:::api-bucket/*")
ANN = f"arn:aws:iam::{ACCOUNT}:user/reads"
OBJECT = "arn:aws:s3:::api-bucket/k"


class Story(NamedTuple):
    """A user who has read an object, and was not let write it."""

    plane: InProcess
    key: Key
    read: str
    denied: str

    @property
    def api(self) -> Any:
        return self.plane.client("locum")


@pytest.fixture(scope="module")
def story(plane: InProcess) -> Story:
    plane.client("s3").create_bucket(Bucket="api-bucket")
    plane.client("s3").put_object(Bucket="api-bucket", Key="k", Body=b"x")
    key = plane.user("reads", READS)
    client = plane.client("s3", key)
    read = client.get_object(Bucket="api-bucket", Key="k")["ResponseMetadata"]["RequestId"]
    assert refusal(client.put_object, Bucket="api-bucket", Key="k", Body=b"y")[0] == "AccessDenied"
    return Story(plane, key, read, plane.records(1)[0].request_id)


def test_a_denial_is_explained_line_by_line(story: Story) -> None:
    (found,) = story.api.get_record(RequestId=story.denied)["Records"]
    assert found["Explanation"][0] == "DENIED (implicit deny)  s3:PutObject"
    assert f"  implicit deny: s3:PutObject on {OBJECT}" in found["Explanation"]
    assert found["Determining"] == []


def test_a_deciding_statement_comes_with_its_policy_as_it_was(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)
    try:
        key = plane.user("changes", allow("iam:ListUsers"))
        iam = plane.client("iam")
        managed = document({**allow("iam:ListRoles"), "Sid": "Roles"})
        arn = iam.create_policy(PolicyName="lists", PolicyDocument=managed)["Policy"]["Arn"]
        iam.attach_user_policy(UserName="changes", PolicyArn=arn)
        client = plane.client("iam", key)
        users = client.list_users()["ResponseMetadata"]["RequestId"]
        roles = client.list_roles()["ResponseMetadata"]["RequestId"]
        iam.put_user_policy(UserName="changes", PolicyName="own", PolicyDocument=document(allow("iam:*")))
        iam.detach_user_policy(UserName="changes", PolicyArn=arn)
        api = plane.client("locum")
        (by_inline,) = api.get_record(RequestId=users)["Records"][0]["Determining"]
        (by_managed,) = api.get_record(RequestId=roles)["Records"][0]["Determining"]
    finally:
        plane.close()
    assert json.loads(by_inline["Document"]) == json.loads(document(allow("iam:ListUsers")))
    assert (by_inline["Owner"], by_inline["Index"], by_inline["Effect"]) == (
        f"arn:aws:iam::{ACCOUNT}:user/changes", 0, "Allow",
    )  # fmt: skip
    assert json.loads(by_managed["Document"]) == json.loads(managed)
    assert (by_managed["PolicyArn"], by_managed["Sid"], by_managed["Owner"]) == (arn, "Roles", ACCOUNT)


def test_a_call_that_nobody_made_is_explained(story: Story) -> None:
    allowed = story.api.explain_access(PrincipalArn=ANN, Action="s3:GetObject", Resource=OBJECT)
    assert allowed["Verdict"] == "allow"
    assert json.loads(allowed["Determining"][0]["Document"]) == json.loads(document(READS))
    denied = story.api.explain_access(PrincipalArn=ANN, Action="s3:DeleteObject", Resource=OBJECT)
    assert denied["Verdict"] == "implicit-deny"
    assert "no identity-based policy allows the s3:DeleteObject action" in denied["Message"]
    assert json.loads(denied["Answer"])["verdict"] == "implicit-deny"


def test_condition_keys_are_given_to_a_question(story: Story) -> None:
    condition = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    story.plane.user("from-there", {**allow("iam:ListUsers"), "Condition": condition})
    arn = f"arn:aws:iam::{ACCOUNT}:user/from-there"

    def verdict(address: str) -> str:
        given = [{"Key": "aws:SourceIp", "Values": [address]}]
        found = story.api.explain_access(PrincipalArn=arn, Action="iam:ListUsers", ContextEntries=given)
        return str(found["Verdict"])

    assert (verdict("192.0.2.7"), verdict("198.51.100.7")) == ("allow", "implicit-deny")
    rows = story.api.what_can(PrincipalArn=arn, Services=["iam"])["Rows"]
    assert [(it["Actions"], it["Verdict"], it["Keys"]) for it in rows] == [
        (["ListUsers"], "conditional", ["aws:SourceIp"])
    ]


def test_a_recorded_call_is_decided_again_by_the_policies_of_now(story: Story) -> None:
    assert story.api.decide_again(RequestId=story.denied)["Verdict"] == "implicit-deny"
    policy = {"UserName": "reads", "PolicyName": "more"}
    story.plane.client("iam").put_user_policy(**policy, PolicyDocument=document(allow("s3:PutObject")))
    again = story.api.decide_again(RequestId=story.denied)
    assert (again["Was"], again["Verdict"]) == ("implicit-deny", "allow")
    assert again["Determining"] == ['inline policy "more" of user reads#0']
    story.plane.client("iam").delete_user_policy(**policy)


def test_who_can_and_what_can_are_the_same_from_both_sides(story: Story) -> None:
    groups = story.api.who_can(Action="s3:GetObject", Resource=OBJECT)["Groups"]
    principals = {it["Arn"] for group in groups for it in group["Principals"]}
    assert {ANN, f"arn:aws:iam::{ACCOUNT}:root"} <= principals
    rows = story.api.what_can(PrincipalArn=ANN, Services=["s3"])["Rows"]
    assert [(it["Service"], it["Actions"], it["Resources"]) for it in rows] == [
        ("s3", ["GetObject"], ["arn:aws:s3:::api-bucket/*"])
    ]


def test_a_written_policy_allows_what_was_done_and_a_replay_tells_what_it_changes(story: Story) -> None:
    written = story.api.write_policy(PrincipalArn=ANN)
    assert written["Complete"]
    (text,) = written["Documents"]
    assert json.loads(text)["Statement"][0]["Action"] == "s3:GetObject"
    assert [it["RequestId"] for it in written["LeftOut"]] == [story.denied]
    assert written["Notes"][0].startswith("written from 1 different calls")
    other = story.api.replay_policies(PrincipalArn=ANN, Policies={"p": document(allow("s3:Put*"))})
    assert {it["RequestId"]: (it["Was"], it["Becomes"]) for it in other["Changed"]} == {
        story.read: ("allow", "implicit-deny"),
        story.denied: ("implicit-deny", "allow"),
    }
    added = story.api.replay_policies(PrincipalArn=ANN, Policies={"p": document(allow("s3:Put*"))}, Add=True)
    assert [it["RequestId"] for it in added["Changed"]] == [story.denied]


def test_escalations_are_typed_findings_of_the_audit(story: Story) -> None:
    story.plane.client("iam").create_role(RoleName="api-raises", AssumeRolePolicyDocument=TRUSTS_EC2)
    story.plane.client("iam").put_role_policy(
        RoleName="api-raises", PolicyName="p", PolicyDocument=document(allow("iam:PutRolePolicy"))
    )
    found = story.api.find_escalation_paths()
    (path,) = (it for it in found["Findings"] if it["PrincipalArn"].endswith("role/api-raises"))
    assert (path["Rule"], path["Severity"], path["Title"]) == (
        "escalation-path", "high", "A principal can become an administrator",
    )  # fmt: skip
    assert "iam:PutRolePolicy" in path["Steps"][0]
    assert json.loads(path["Fixes"][0]["Parameters"])["RoleName"] == "api-raises"
    audit = story.api.get_audit()
    assert path["Id"] in {it["Id"] for it in audit["Findings"]}

"""What is recommended about unused permissions lets what was used, and denies what was not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from locum.agents.analyzers import jobs, recommending
from locum.calls import recorded
from support.inprocess import InProcess, Key
from support.plane import allow, document, refused, trusting
from support.trails import ACCOUNT
from support.unused_access import Unused, steps

BEDROCK = "arn:aws:iam::aws:policy/AmazonBedrockReadOnly"
READS = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


@pytest.fixture
def unused(plane: InProcess) -> Unused:
    return Unused(plane)


@pytest.fixture
def user(plane: InProcess) -> Key:
    """The key of a user who assumes roles."""
    return plane.user("assumes", allow("sts:AssumeRole"))


def lists_buckets(unused: Unused, user: Key) -> str:
    """The ARN of a role that may do everything in S3 and has listed buckets, which is 100 days old."""
    role = unused.role("works", "s3:*")
    unused.make().after(80)
    unused.plane.client("s3", unused.session(role, user)).list_buckets()
    unused.after(20)
    return role


def put_in_place(unused: Unused, role: str, recommendation: dict[str, Any]) -> None:
    """Do what is recommended about a role."""
    iam, kept = unused.iam, 0
    for action, policy, statements in steps(recommendation):
        if action == "CREATE_POLICY":
            made = json.dumps({"Version": "2012-10-17", "Statement": statements})
            arn = iam.create_policy(PolicyName=f"kept-{kept}", PolicyDocument=made)["Policy"]["Arn"]
            iam.attach_role_policy(RoleName=role, PolicyArn=arn)
            kept += 1
        elif policy.startswith("arn:"):
            iam.detach_role_policy(RoleName=role, PolicyArn=policy)
        else:
            iam.delete_role_policy(RoleName=role, PolicyName=policy)


def test_each_policy_that_grants_more_is_detached_after_one_with_what_is_used_was_created(
    unused: Unused, user: Key, plane: InProcess
) -> None:
    condition: dict[str, Any] = {"NotIpAddress": {"aws:SourceIp": "203.0.113.1/32"}}
    role = unused.role("works")
    own = allow(["lambda:ListFunctions", "lambda:ListLayers", "lambda:ListAliases"], **condition)
    unused.iam.put_role_policy(RoleName="works", PolicyName="own", PolicyDocument=document(own))
    for arn in (BEDROCK, READS):
        unused.iam.attach_role_policy(RoleName="works", PolicyArn=arn)
    unused.make().after(80)
    session = unused.session(role, user)
    plane.client("s3", session).list_buckets()
    plane.client("lambda", session).list_functions()
    unused.after(20)
    made = unused.recommended(role)
    assert (made["status"], made["recommendationType"]) == ("SUCCEEDED", "UnusedPermissionRecommendation")
    assert made["resourceArn"] == role
    assert made["completedAt"] >= made["startedAt"]
    listing = [{"Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": "*"}]
    assert steps(made) == [
        ("CREATE_POLICY", "own", [{**own, "Action": ["lambda:ListFunctions"]}]),
        ("DETACH_POLICY", "own", None),
        ("DETACH_POLICY", BEDROCK, None),
        ("CREATE_POLICY", READS, listing),
        ("DETACH_POLICY", READS, None),
    ]
    updated = [it["unusedPermissionsRecommendedStep"].get("policyUpdatedAt") for it in made["recommendedSteps"]]
    assert [it is not None for it in updated] == [False, False, True, True, True]


def test_what_was_used_is_allowed_by_what_is_recommended_and_what_was_not_is_denied(
    unused: Unused, user: Key, plane: InProcess
) -> None:
    plane.client("s3").create_bucket(Bucket="data")
    plane.client("s3").put_object(Bucket="data", Key="a", Body=b"x")
    role = unused.role("works", "s3:*", "sqs:*")
    unused.make().after(80)
    s3 = plane.client("s3", unused.session(role, user))
    s3.copy_object(Bucket="data", Key="b", CopySource="data/a")  # which takes s3:GetObject beside s3:PutObject
    unused.after(20)
    put_in_place(unused, "works", unused.recommended(role))
    session = unused.session(role, user)
    s3 = plane.client("s3", session)
    s3.copy_object(Bucket="data", Key="c", CopySource="data/a")
    assert refused(s3.delete_object, Bucket="data", Key="a").code == "AccessDenied"
    assert refused(s3.list_objects_v2, Bucket="data").code == "AccessDenied"
    assert refused(plane.client("sqs", session).create_queue, QueueName="q").code.endswith("AccessDenied")
    unused.after(1)
    assert unused.unused(role) == {"s3": ["GetObject"]}  # last uses know of the first permission of a call alone


def test_a_role_that_passes_another_one_may_still_pass_it(unused: Unused, user: Key, plane: InProcess) -> None:
    """Nobody is told that iam:PassRole was used: it is no call."""
    passed = unused.role("passed", trust=trusting(Service="lambda.amazonaws.com"))
    role = unused.role("deploys", "lambda:*", "iam:*")
    unused.make().after(80)
    made = {"Runtime": "python3.12", "Role": passed, "Handler": "a.b", "Code": {"ZipFile": b"PK\x05\x06" + b"\0" * 18}}
    plane.client("lambda", unused.session(role, user)).create_function(FunctionName="one", **made)
    unused.after(20)
    put_in_place(unused, "deploys", unused.recommended(role))
    session = unused.session(role, user)
    plane.client("lambda", session).create_function(FunctionName="two", **made)
    assert refused(plane.client("iam", session).list_roles).code == "AccessDenied"


def test_a_recommendation_is_under_way_until_it_is_worked_out_and_told_page_by_page(
    unused: Unused, user: Key, plane: InProcess
) -> None:
    role = unused.role("works", "s3:*", "sqs:*")
    unused.iam.attach_role_policy(RoleName="works", PolicyArn=BEDROCK)
    unused.make().after(80)
    plane.client("s3", unused.session(role, user)).list_buckets()
    unused.after(20)
    (finding,) = unused.findings(role)
    of, client = {"analyzerArn": unused.arn, "id": finding["id"]}, unused.client
    assert refused(client.get_finding_recommendation, **of).code == "ResourceNotFoundException"
    client.generate_finding_recommendation(**of)
    plane.generate_policies()
    told: list[str] = []
    page = client.get_finding_recommendation(**of, maxResults=2)
    told += [action for action, *_ in steps(page)]
    page = client.get_finding_recommendation(**of, maxResults=2, nextToken=page["nextToken"])
    told += [action for action, *_ in steps(page)]
    assert told == ["CREATE_POLICY", "DETACH_POLICY", "DETACH_POLICY"]


def test_a_recommendation_that_was_interrupted_is_worked_out_after_the_restart(
    unused: Unused, user: Key, plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = lists_buckets(unused, user)
    (finding,) = unused.findings(role)
    of = {"analyzerArn": unused.arn, "id": finding["id"]}
    with monkeypatch.context() as held:
        held.setattr(recommending.Recommending, "run", _never)
        unused.client.generate_finding_recommendation(**of)
        assert unused.client.get_finding_recommendation(**of)["status"] == "IN_PROGRESS"
        plane.close()
    plane.start()
    plane.generate_policies()
    client = plane.client("accessanalyzer")
    assert client.get_finding_recommendation(**of)["status"] == "SUCCEEDED"


async def _never(_: Any) -> None:
    """A work that ends without having done anything."""


def test_there_are_recommendations_about_unused_permissions_alone(unused: Unused, user: Key) -> None:
    idle, works = unused.role("idle"), unused.role("works", "s3:*")
    unused.make().after(91)
    unused.plane.client("s3", unused.session(works, user)).list_buckets()
    unused.after(1)
    ask, of = unused.client.generate_finding_recommendation, {"analyzerArn": unused.arn}
    (found,) = unused.findings(idle)
    assert refused(ask, **of, id=found["id"]).code == "ValidationException"
    assert refused(ask, **of, id="none").code == "ValidationException"
    assert refused(ask, analyzerArn=f"{unused.arn}-none", id=found["id"]).code == "ValidationException"
    assert unused.recommended(works)["status"] == "SUCCEEDED"
    (found,) = unused.findings(works)
    unused.client.delete_analyzer(analyzerName="unused")
    unused.make()
    assert refused(unused.client.get_finding_recommendation, analyzerArn=unused.arn, id=found["id"]).code == (
        "ResourceNotFoundException"
    )


def test_the_policies_of_groups_are_left_to_the_others_in_them(unused: Unused, plane: InProcess) -> None:
    key = plane.user("ann", allow(["s3:ListAllMyBuckets", "s3:GetObject"]))
    unused.iam.create_group(GroupName="all")
    unused.iam.attach_group_policy(GroupName="all", PolicyArn=BEDROCK)
    unused.iam.add_user_to_group(GroupName="all", UserName="ann")
    unused.make().after(80)
    plane.client("s3", key).list_buckets()
    unused.after(20)
    ann = f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert "bedrock" in unused.unused(ann)
    assert [policy for _, policy, _ in steps(unused.recommended(ann))] == ["own", "own"]


@pytest.mark.parametrize("new", [{"NewUserName": "anna"}, {"NewPath": "/staff/"}, {"NewUserName": "ANN"}])
def test_attack_what_a_user_took_under_a_former_name_is_not_taken_away(
    unused: Unused, plane: InProcess, new: dict[str, str]
) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="a", Body=b"1")
    key = plane.user("ann", allow("s3:*"))
    unused.make().after(80)
    plane.client("s3", key).copy_object(Bucket="data", Key="b", CopySource="data/a")
    unused.iam.update_user(UserName="ann", NewUserName="between")
    unused.iam.update_user(UserName="Between", NewUserName="ann")
    unused.iam.update_user(UserName="ann", **new)
    stranger = plane.user("between", allow("s3:*"))
    plane.client("s3", stranger).list_buckets()
    unused.after(20)
    (user,) = [it for it in unused.iam.list_users()["Users"] if it["UserName"] != "between"]
    (created, (detached, *_)) = steps(unused.recommended(user["Arn"]))
    assert (created[0], detached) == ("CREATE_POLICY", "DETACH_POLICY")
    (statement,) = created[2]
    assert {"s3:GetObject", "s3:PutObject"} <= set(statement["Action"])
    assert "s3:ListAllMyBuckets" not in statement["Action"]


def test_attack_a_recommendation_that_breaks_fails_and_stays_not_under_way(
    unused: Unused, user: Key, plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = lists_buckets(unused, user)

    def breaks(*_: Any) -> Any:
        raise KeyError("secret")

    with monkeypatch.context() as broken:
        broken.setattr(recommending, "refined", breaks)
        made = unused.recommended(role)
    assert (made["status"], made["error"]["code"]) == ("FAILED", "SERVICE_ERROR")
    assert "secret" not in made["error"]["message"]
    assert unused.recommended(role)["status"] == "SUCCEEDED"


def test_attack_nothing_is_recommended_where_not_all_calls_are_looked_at(
    unused: Unused, user: Key, plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many other calls hide the one that took s3:GetObject beside its own action."""
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="a", Body=b"1")
    role = unused.role("works", "s3:*")
    unused.make().after(80)
    session = plane.client("s3", unused.session(role, user))
    session.copy_object(Bucket="data", Key="b", CopySource="data/a")
    for number in range(3):
        session.put_object(Bucket="data", Key=f"c{number}", Body=b"1")
    unused.after(20)
    monkeypatch.setattr(recorded, "MOST", 2)
    monkeypatch.setattr(recorded, "_PAGE", 2)
    made = unused.recommended(role)
    assert (made["status"], made["recommendedSteps"]) == ("FAILED", [])
    monkeypatch.undo()
    assert unused.recommended(role)["status"] == "SUCCEEDED"


def test_attack_recommendations_about_many_findings_are_not_worked_out_all_at_once(
    unused: Unused, user: Key, plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_AT_ONCE", 2)
    roles = [unused.role(f"works-{number}", "s3:*") for number in range(5)]
    unused.make().after(80)
    for role in roles:
        plane.client("s3", unused.session(role, user)).list_buckets()
    unused.after(20)
    work, at_work, most = recommending.Recommending.made, 0, 0

    async def counted(self: recommending.Recommending) -> Any:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        try:
            return await work(self)
        finally:
            at_work -= 1

    monkeypatch.setattr(recommending.Recommending, "made", counted)
    found = [unused.findings(role)[0]["id"] for role in roles]
    for finding in found:
        unused.client.generate_finding_recommendation(analyzerArn=unused.arn, id=finding)
    plane.generate_policies()
    told = [unused.client.get_finding_recommendation(analyzerArn=unused.arn, id=finding) for finding in found]
    assert ({it["status"] for it in told}, most) == ({"SUCCEEDED"}, 2)

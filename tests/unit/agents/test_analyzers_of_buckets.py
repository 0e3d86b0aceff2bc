"""Analyzers tell by what others get into a bucket, and see what blocks of public access take away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.inprocess import InProcess
from support.trails import ACCOUNT
from unit.agents.test_analyzers import AWAY, Analyzed, bucket, statement
from unit.agents.test_analyzers_of_organizations import Trusted
from unit.agents.test_analyzers_of_organizations import bucket as bucket_of

OFF = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


def listed(plane: InProcess, arn: str) -> Any:
    """Let everybody list a bucket by its ACL."""
    s3, name = plane.client("s3"), arn.rpartition(":")[2]
    s3.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    return s3, name


def test_a_finding_tells_whether_policy_or_acl_lets_others_in(plane: InProcess) -> None:
    by_policy = bucket(plane, statement({"AWS": f"arn:aws:iam::{AWAY}:root"}, "s3:GetObject", "{}"))
    by_acl = bucket(plane)
    by_both = bucket(plane, statement("*", "s3:GetObject", "{}"))
    for arn in (by_acl, by_both):
        listed(plane, arn)
    analyzer = Analyzed(plane)
    policy, acl = {"type": "POLICY"}, {"type": "BUCKET_ACL"}
    for arn, sources in ((by_policy, [policy]), (by_acl, [acl]), (by_both, [policy, acl])):
        (found,) = analyzer.findings(arn)
        assert found["sources"] == sources
        assert found["isPublic"] is (arn != by_policy)
    (found,) = analyzer.findings(by_acl)
    assert found["action"] == ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]


def test_an_acl_that_is_not_public_any_more_is_no_source(plane: InProcess) -> None:
    arn = bucket(plane, statement("*", "s3:GetObject", "{}"))
    s3, name = listed(plane, arn)
    analyzer = Analyzed(plane)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={**OFF, "IgnorePublicAcls": True})
    analyzer.look()
    (found,) = analyzer.findings(arn)
    assert (found["sources"], found["action"]) == ([{"type": "POLICY"}], ["s3:GetObject"])


def shown(analyzer: Analyzed, arn: str) -> tuple[bool, list[str]]:
    """Whether a bucket is shown as public, and the statuses of the findings about it."""
    told = analyzer.client.get_analyzed_resource(analyzerArn=analyzer.arn, resourceArn=arn)["resource"]
    return told["isPublic"], analyzer.status(arn)


def test_what_a_block_of_the_bucket_restricts_is_not_public(plane: InProcess) -> None:
    arn = bucket(plane, statement("*", "s3:GetObject", "{}"))
    s3, name = plane.client("s3"), arn.rpartition(":")[2]
    analyzer = Analyzed(plane)
    assert shown(analyzer, arn) == (True, ["ACTIVE"])
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={**OFF, "RestrictPublicBuckets": True})
    analyzer.look()
    assert shown(analyzer, arn) == (False, ["RESOLVED"])


def test_a_block_of_the_account_has_all_of_its_buckets_looked_at(plane: InProcess) -> None:
    arns = [bucket(plane, statement("*", "s3:GetObject", "{}")) for _ in range(2)]
    control, analyzer = plane.client("s3control"), Analyzed(plane)
    block = {**OFF, "RestrictPublicBuckets": True}
    control.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=block)
    analyzer.look()
    assert [shown(analyzer, arn) for arn in arns] == [(False, ["RESOLVED"])] * 2
    control.delete_public_access_block(AccountId=ACCOUNT)
    analyzer.look()
    assert [shown(analyzer, arn) for arn in arns] == [(True, ["ACTIVE"])] * 2


def test_a_block_of_a_member_account_is_seen_by_the_analyzer_of_the_organization(plane: InProcess) -> None:
    it = Trusted(plane)
    _, arn = bucket_of(plane, it.key, "*")
    _, own = bucket_of(plane, None, "*")
    analyzer = it.analyzer()
    assert [found["isPublic"] for found in analyzer.findings(arn)] == [True]
    plane.client("s3control", it.key).put_public_access_block(
        AccountId=it.member, PublicAccessBlockConfiguration={**OFF, "RestrictPublicBuckets": True}
    )
    assert [found["status"] for found in analyzer.findings(arn)] == ["RESOLVED"]
    assert [found["status"] for found in analyzer.findings(own)] == ["ACTIVE"]

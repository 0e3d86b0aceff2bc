"""Cloud Custodian on an account of its own: it finds what has no owner, and tags it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.plane import ACCOUNT, REGION, RunningPlane, allow, up
from support.tools import Worker, needs

CUSTODIAN = "c7n/bin/custodian"
NO_OWNER = {
    "filters": [{"tag:owner": "absent"}],
    "actions": [{"type": "tag", "key": "owner", "value": "nobody"}],
}
TAGGED = {"owner": "nobody"}

pytestmark = needs(CUSTODIAN)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane that has nothing of other tests: Custodian looks at all that is in the account."""
    with up(tmp_path_factory.mktemp("custodian")) as running:
        yield running


def custodian(folder: Path, resource: str) -> list[str]:
    """The command line that applies NO_OWNER to the resources of a type."""
    policy = {"policies": [{"name": "no-owner", "resource": resource, **NO_OWNER}]}
    file = folder / "policy.json"
    file.write_text(json.dumps(policy))
    return [CUSTODIAN, "run", "-s", str(folder / "output"), "--cache-period", "0", "--region", REGION, str(file)]


def tags(listed: list[dict[str, Any]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in listed}


def test_topics_are_found_and_tagged_by_who_may_get_resources_by_their_tags(own: RunningPlane, tmp_path: Path) -> None:
    sns = own.client("sns")
    owned = sns.create_topic(Name="owned", Tags=[{"Key": "owner", "Value": "me"}])["TopicArn"]
    stray = sns.create_topic(Name="stray")["TopicArn"]
    topics = f"arn:aws:sns:{REGION}:{ACCOUNT}:*"
    worker = Worker(
        own,
        allow(["sns:ListTopics", "sns:GetTopicAttributes", "sns:TagResource"], topics),
        allow("tag:GetResources"),
    )
    line = custodian(tmp_path, "aws.sns")

    said = worker.fails_without("tag:GetResources", *line)
    assert "An error occurred (AccessDeniedException) when calling the GetResources operation" in said
    said = worker.fails_without("sns:TagResource", *line)
    assert "An error occurred (AuthorizationError) when calling the TagResource operation" in said
    worker.works(*line)
    assert tags(sns.list_tags_for_resource(ResourceArn=stray)["Tags"]) == TAGGED
    assert tags(sns.list_tags_for_resource(ResourceArn=owned)["Tags"]) == {"owner": "me"}
    worker.assert_all_of_it_is_used()


def test_buckets_are_tagged_by_who_may_read_their_configuration(own: RunningPlane, tmp_path: Path) -> None:
    s3, bucket = own.client("s3"), own.bucket()
    read = (
        "GetBucketAcl GetBucketLocation GetBucketLogging GetBucketNotification GetBucketPolicy GetBucketTagging "
        "GetBucketVersioning GetBucketWebsite GetLifecycleConfiguration GetReplicationConfiguration"
    )
    worker = Worker(
        own,
        allow("s3:ListAllMyBuckets"),
        allow([f"s3:{action}" for action in [*read.split(), "PutBucketTagging"]], "arn:aws:s3:::*"),
    )
    line = custodian(tmp_path, "aws.s3")
    said = worker.fails_without("s3:ListAllMyBuckets", *line)
    assert "An error occurred (AccessDenied) when calling the ListBuckets operation" in said
    done = worker.denied("s3:PutBucketTagging", *line)  # which it logs, and goes on
    assert "An error occurred (AccessDenied) when calling the PutBucketTagging operation" in done.stderr
    worker.works(*line)
    assert tags(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]) == TAGGED
    worker.assert_all_of_it_is_used()

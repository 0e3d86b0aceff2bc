"""What was last used, by a real client on a real plane: told at once, to the action, and after a restart as well."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from support.plane import ACCOUNT, Key, RunningPlane, allow, fresh, refused, trusting, up

ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/"


@pytest.fixture
def own_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane that a test may stop."""
    with up(tmp_path_factory.mktemp("used")) as running:
        yield running


def regional(plane: RunningPlane, service: str, key: Key, region: str) -> Any:
    """A client that signs for `region`."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=plane.endpoint,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        aws_session_token=key.session_token,
    )


def recent(instant: Any) -> bool:
    return isinstance(instant, datetime) and timedelta(minutes=-1) < datetime.now(UTC) - instant < timedelta(minutes=5)


def services(plane: RunningPlane, arn: str) -> dict[str, dict[str, Any]]:
    """The report on `arn`, to the action, by service."""
    iam = plane.client("iam")
    job = iam.generate_service_last_accessed_details(Arn=arn, Granularity="ACTION_LEVEL")["JobId"]
    answer = iam.get_service_last_accessed_details(JobId=job)
    assert answer["JobStatus"] == "COMPLETED"
    return {service["ServiceNamespace"]: service for service in answer["ServicesLastAccessed"]}


def test_a_key_that_was_used_says_so_at_once_also_where_the_call_was_denied(plane: RunningPlane) -> None:
    iam = plane.client("iam")
    name, key = plane.user()
    never = iam.get_access_key_last_used(AccessKeyId=key.access_key_id)
    assert never["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    assert refused(regional(plane, "ec2", key, "us-east-2").describe_instances).code == "UnauthorizedOperation"
    last = iam.get_access_key_last_used(AccessKeyId=key.access_key_id)
    assert last["UserName"] == name
    assert recent(last["AccessKeyLastUsed"]["LastUsedDate"])
    assert (last["AccessKeyLastUsed"]["ServiceName"], last["AccessKeyLastUsed"]["Region"]) == ("ec2", "us-east-2")
    wrong = Key(key.access_key_id, key.secret_access_key[::-1])
    refused(regional(plane, "s3", wrong, "us-east-2").list_buckets)
    again = iam.get_access_key_last_used(AccessKeyId=key.access_key_id)
    assert again["AccessKeyLastUsed"] == last["AccessKeyLastUsed"], (
        "whoever only claims to have the key does not use it"
    )


def test_a_role_s_sessions_use_it_and_a_report_tells_what_for(own_plane: RunningPlane) -> None:
    plane = own_plane
    bucket = plane.bucket(a=b"1")
    role = plane.role(trusting(AWS=ACCOUNT), allow(["s3:GetObject", "s3:PutObject", "sqs:*"]))
    iam = plane.client("iam")
    assert iam.get_role(RoleName=role)["Role"]["RoleLastUsed"] == {}
    s3 = plane.client("s3", plane.assume(role))
    s3.get_object(Bucket=bucket, Key="a")
    assert refused(s3.delete_object, Bucket=bucket, Key="a").code == "AccessDenied"

    def check() -> None:
        last = plane.client("iam").get_role(RoleName=role)["Role"]["RoleLastUsed"]
        assert recent(last["LastUsedDate"])
        assert last["Region"] == "us-east-1"
        told = services(plane, ROLE_ARN + role)
        assert list(told) == ["s3", "sqs"]
        assert told["s3"]["LastAuthenticatedEntity"] == ROLE_ARN + role
        assert told["s3"]["TotalAuthenticatedEntities"] == 1
        tracked = {
            each["ActionName"]: each.get("LastAccessedEntity") for each in told["s3"]["TrackedActionsLastAccessed"]
        }
        assert tracked == {"GetObject": ROLE_ARN + role, "PutObject": None}
        assert told["sqs"]["TotalAuthenticatedEntities"] == 0
        assert "LastAuthenticated" not in told["sqs"]

    check()
    plane.stop()
    plane.start()
    check()


def test_a_service_linked_role_comes_and_goes(plane: RunningPlane) -> None:
    iam = plane.client("iam")
    suffix = fresh("s")
    made = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix=suffix)["Role"]
    name = f"AWSServiceRoleForAutoScaling_{suffix}"
    assert made["RoleName"] == name
    (statement,) = made["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": ["autoscaling.amazonaws.com"]}
    refusal = refused(iam.delete_role, RoleName=name)
    assert (refusal.code, refusal.status) == ("UnmodifiableEntity", 400)
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/autoscaling.amazonaws.com/{name}/")
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert refused(iam.get_role, RoleName=name).code == "NoSuchEntity"

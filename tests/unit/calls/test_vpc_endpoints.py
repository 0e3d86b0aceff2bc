"""A call through a VPC endpoint is under the endpoint's policy, and policies know which endpoint it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum import wire
from locum.audit import cloudtrail_event
from support.inprocess import InProcess, refusal

OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def endpoint(plane: InProcess, service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """A new endpoint for `service` in a new VPC."""
    ec2 = plane.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements or (OPEN,))})
    name = f"com.amazonaws.us-east-1.{service}"
    made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=name, VpcEndpointType="Interface", PolicyDocument=policy)
    found: dict[str, Any] = made["VpcEndpoint"]
    return found


def url(found: dict[str, Any], service: str) -> str:
    return f"http://{found['VpcEndpointId']}-abc.{service}.us-east-1.vpce.amazonaws.com"


def through(plane: InProcess, found: dict[str, Any], service: str, **more: Any) -> Any:
    return plane.client(service, endpoint_url=url(found, service), **more)


def test_the_policy_of_the_endpoint_limits_what_passes_through_it(plane: InProcess) -> None:
    only_listing = {**OPEN, "Action": "sqs:ListQueues"}
    found = endpoint(plane, "sqs", only_listing)
    queues = through(plane, found, "sqs")
    queues.list_queues()
    code, status, message = refusal(queues.create_queue, QueueName="through")
    assert (code, status) == ("AccessDenied", 403)
    assert "because no VPC endpoint policy allows the sqs:" in message
    plane.client("sqs").create_queue(QueueName="around")


def test_an_explicit_deny_of_the_endpoint_is_told(plane: InProcess) -> None:
    found = endpoint(plane, "iam", OPEN, {**OPEN, "Effect": "Deny", "Action": "iam:ListUsers"})
    message = refusal(through(plane, found, "iam").list_users)[2]
    assert message.endswith("with an explicit deny in a VPC endpoint policy")


def test_policies_know_the_endpoint_its_vpc_and_its_account(plane: InProcess) -> None:
    found = endpoint(plane, "secretsmanager")
    keys = {
        "aws:SourceVpce": found["VpcEndpointId"],
        "aws:SourceVpc": found["VpcId"],
        "aws:VpceAccount": "000000000000",
        "aws:VpcSourceIp": "127.0.0.1",
    }
    statement = {"Effect": "Allow", "Action": "secretsmanager:ListSecrets", "Resource": "*"}
    key = plane.user("inside", {**statement, "Condition": {"StringEquals": keys, "Null": {"aws:SourceIp": "true"}}})
    assert refusal(plane.client("secretsmanager", key).list_secrets)[0] == "AccessDeniedException"
    plane.client("secretsmanager", key, endpoint_url=url(found, "secretsmanager")).list_secrets()
    record = next(record for record in plane.records() if record.operation == "ListSecrets")
    assert cloudtrail_event(record)["vpcEndpointId"] == found["VpcEndpointId"]
    other = endpoint(plane, "secretsmanager")
    denied = plane.client("secretsmanager", key, endpoint_url=url(other, "secretsmanager"))
    assert refusal(denied.list_secrets)[0] == "AccessDeniedException"


@pytest.mark.parametrize("host", ["vpce-0123456789abcdef0-abc.sqs", "vpce-0123456789abcdef0.sqs"])
def test_an_endpoint_that_is_not_there_lets_nothing_through(plane: InProcess, host: str) -> None:
    client = plane.client("sqs", endpoint_url=f"http://{host}.us-east-1.vpce.amazonaws.com")
    assert refusal(client.list_queues)[0] == "AccessDenied"


def test_an_endpoint_is_for_one_service_only(plane: InProcess) -> None:
    found = endpoint(plane, "sqs")
    for host in ("sqs", "iam"):
        assert refusal(plane.client("iam", endpoint_url=url(found, host)).list_users)[0] == "AccessDenied"


def test_a_bucket_may_be_for_one_endpoint_only(plane: InProcess) -> None:
    found = endpoint(plane, "s3")
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="for-one-endpoint")
    s3.put_object(Bucket="for-one-endpoint", Key="k", Body=b"inside")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::for-one-endpoint/*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": found["VpcEndpointId"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    s3.put_bucket_policy(Bucket="for-one-endpoint", Policy=policy)
    assert refusal(s3.get_object, Bucket="for-one-endpoint", Key="k")[0] == "AccessDenied"
    host = url(found, "s3").replace("http://", "http://bucket.")
    inside = plane.client("s3", endpoint_url=host)
    assert inside.get_object(Bucket="for-one-endpoint", Key="k")["Body"].read() == b"inside"


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", ""),
        ("vpce-1a2b3c4d.s3.us-east-1.vpce.localhost:4566", ""),
        ("my.bucket.bucket.vpce-1a2b3c4d-5e6f-us-east-1a.s3.us-east-1.vpce.amazonaws.com", "my.bucket"),
    ],
)
def test_the_bucket_is_read_from_the_host_of_an_endpoint(host: str, bucket: str) -> None:
    found = wire.endpoint_of_host(host)
    assert found is not None
    assert (found.id, found.service, found.bucket) == ("vpce-1a2b3c4d", "s3", bucket)
    assert wire.bucket_of_host(host) == bucket

"""Which of moto's handlers a call reaches; and that nothing else of moto can be reached."""

from __future__ import annotations

import pytest

from locum.backends.moto import handlers, s3
from locum.wire.models import index, service_model

REGION, ACCOUNT = "eu-west-1", "111122223333"


def found(service: str, region: str = REGION) -> handlers.Service | None:
    entry = index().services[service]
    return handlers.find(service, entry.endpoint_prefix, entry.signing_name, region, ACCOUNT)


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("s3", "/bucket/key"),
        ("s3control", "/v20180820/configuration/publicAccessBlock"),
        ("dynamodb", "/"),
        ("sqs", "/"),
        ("sns", "/"),
        ("kms", "/"),
        ("secretsmanager", "/"),
        ("lambda", "/2015-03-31/functions"),
        ("ec2", "/"),
        ("cloudwatch", "/"),
        ("events", "/"),
        ("ecs", "/"),
        ("ecr", "/"),
        ("logs", "/"),
        ("ssm", "/"),
        ("route53", "/2013-04-01/hostedzone"),
        ("apigateway", "/restapis"),
        ("stepfunctions", "/"),
        ("elbv2", "/"),
        ("elb", "/"),
        ("rds", "/"),
        ("ses", "/"),
        ("kinesis", "/"),
        ("cognito-idp", "/"),
        ("batch", "/v1/describejobs"),
        ("budgets", "/"),
    ],
)
def test_a_service_has_a_handler_for_its_requests(service: str, path: str) -> None:
    entry = found(service)
    assert entry is not None
    assert entry.handler(f"https://{entry.host}{path}") is not None


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_identity_is_never_motos(service: str) -> None:
    assert handlers.module_of(service) is None
    assert found(service) is None


@pytest.mark.parametrize("name", ["moto_api", "moto-api", "moto_api._internal", "instance_metadata", "../iam", ""])
def test_what_is_no_service_of_aws_has_no_handler(name: str) -> None:
    assert handlers.find(name, name, name, REGION, ACCOUNT) is None


def test_a_service_that_moto_lacks_has_no_handler() -> None:
    assert found("accessanalyzer") is None


def test_the_host_is_aws_own_in_the_region_of_the_call() -> None:
    entry = found("sqs", "ap-south-1")
    assert entry is not None
    assert entry.host == "sqs.ap-south-1.amazonaws.com"


def test_a_path_that_the_service_does_not_have_has_no_handler() -> None:
    entry = found("sqs")
    assert entry is not None
    assert entry.handler(f"https://{entry.host}/moto-api/reset") is None


def test_regions_are_those_that_aws_has() -> None:
    assert handlers.has_region("sqs", ACCOUNT, "eu-west-1")
    assert not handlers.has_region("sqs", ACCOUNT, "mars-1")
    assert handlers.has_region("route53", ACCOUNT, "eu-west-1")
    assert handlers.has_region("s3", ACCOUNT, "eu-west-1")
    assert handlers.has_region("accessanalyzer", ACCOUNT, "mars-1")


def test_what_is_known_of_s3_are_operations_of_s3() -> None:
    gone = {"GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification", "PutBucketNotification"}
    assert s3.KNOWN - set(service_model("s3").operation_names) <= gone

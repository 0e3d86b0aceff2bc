"""Properties of templates fit the shapes of the API: letter case and types, and nothing is dropped."""

from __future__ import annotations

from typing import Any

import pytest

from locum import wire
from locum.core.errors import Fault
from locum.wire.fitting import fitted


def as_input(service: str, operation: str, **params: Any) -> dict[str, Any]:
    codec = wire.codec_of(service, operation)
    assert codec is not None
    return fitted(codec.model, params)


@pytest.mark.parametrize(
    ("service", "operation", "given", "expected"),
    [
        ("ecs", "CreateCluster", {"ClusterName": "c"}, {"clusterName": "c"}),
        (
            "cloudfront",
            "CreateDistribution",
            {"DistributionConfig": {"Aliases": ["a.example.com", "b.example.com"], "CacheBehaviors": []}},
            {
                "DistributionConfig": {
                    "Aliases": {"Quantity": 2, "Items": ["a.example.com", "b.example.com"]},
                    "CacheBehaviors": {"Quantity": 0, "Items": []},
                }
            },
        ),
        (
            "ecs",
            "RegisterTaskDefinition",
            {"Family": "f", "ContainerDefinitions": [{"Name": "c", "Essential": "true", "Cpu": "10"}]},
            {"family": "f", "containerDefinitions": [{"name": "c", "essential": True, "cpu": 10}]},
        ),
        ("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"DelaySeconds": 5}}, {"DelaySeconds": "5"}),
        ("iam", "CreateRole", {"RoleName": "r", "MaxSessionDuration": "3600"}, {"MaxSessionDuration": 3600}),
        ("iam", "CreateRole", {"AssumeRolePolicyDocument": {"Statement": []}}, '{"Statement": []}'),
        ("lambda", "PublishLayerVersion", {"LayerName": "l", "Content": {"ZipFile": "x"}}, b"x"),
        ("scheduler", "CreateSchedule", {"StartDate": "2026-01-01T00:00:00Z"}, {"StartDate": 1767225600.0}),
        ("ec2", "RunInstances", {"SecurityGroupIds": "sg-1"}, {"SecurityGroupIds": ["sg-1"]}),
    ],
)
def test_members_and_scalars_are_those_of_the_api(
    service: str, operation: str, given: dict[str, Any], expected: Any
) -> None:
    found = as_input(service, operation, **given)
    if not isinstance(expected, dict):
        assert expected in (*found.values(), *found.get("Content", {}).values())
    else:
        assert expected.items() <= {**found, **found.get("Attributes", {})}.items()


@pytest.mark.parametrize(
    ("service", "operation", "given", "text"),
    [
        ("iam", "CreateRole", {"Colour": "red"}, "Encountered unsupported property Colour"),
        ("iam", "CreateRole", {"MaxSessionDuration": "long"}, "#/MaxSessionDuration: expected a value of type integer"),
        ("iam", "CreateRole", {"MaxSessionDuration": True}, "of type integer"),
        ("iam", "CreateRole", {"RoleName": None}, "of type string"),
        ("sqs", "CreateQueue", {"Attributes": ["a"]}, "#/Attributes: expected an object"),
        ("ecs", "RegisterTaskDefinition", {"ContainerDefinitions": ["a"]}, "an object"),
        ("scheduler", "CreateSchedule", {"StartDate": "tomorrow"}, "of type timestamp"),
        ("scheduler", "CreateSchedule", {"StartDate": "9" * 400}, "of type timestamp"),
        ("iam", "CreateRole", {"MaxSessionDuration": 10**400}, "of type integer"),
        ("glue", "CreateJob", {"MaxCapacity": "NaN"}, "#/MaxCapacity: expected a value of type double"),
        ("glue", "CreateJob", {"MaxCapacity": "-Infinity"}, "of type double"),
        ("glue", "CreateJob", {"MaxCapacity": "1e999"}, "of type double"),
    ],
)
def test_what_the_api_does_not_have_is_refused(service: str, operation: str, given: dict[str, Any], text: str) -> None:
    with pytest.raises(Fault, match="InvalidRequest") as refused:
        as_input(service, operation, **given)
    assert text in refused.value.message

"""The registry of resource types: those of AWS, by their published schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import InProcess
from support.stacks import template


@pytest.fixture
def cloudformation(plane: InProcess) -> Any:
    return plane.client("cloudformation")


def names(cloudformation: Any, **filters: Any) -> list[str]:
    pages = cloudformation.get_paginator("list_types").paginate(**filters)
    return [it["TypeName"] for page in pages for it in page["TypeSummaries"]]


def test_nothing_is_private(cloudformation: Any) -> None:
    assert names(cloudformation) == []
    assert names(cloudformation, Visibility="PUBLIC", Type="HOOK") == []


def test_public_types_are_those_of_aws(cloudformation: Any) -> None:
    found = names(
        cloudformation, Visibility="PUBLIC", Filters={"Category": "AWS_TYPES", "TypeNamePrefix": "AWS::IAM::"}
    )
    assert {"AWS::IAM::Role", "AWS::IAM::InstanceProfile", "AWS::IAM::ManagedPolicy"} <= set(found)
    assert found == sorted(set(found))
    assert names(cloudformation, Visibility="PUBLIC", Filters={"Category": "THIRD_PARTY"}) == []


def test_a_type_is_described_by_its_schema_and_named_by_its_arn(cloudformation: Any) -> None:
    told = cloudformation.describe_type(Type="RESOURCE", TypeName="AWS::IAM::Role")
    assert told["Arn"] == "arn:aws:cloudformation:us-east-1::type/resource/AWS-IAM-Role"
    assert (told["ProvisioningType"], told["Visibility"]) == ("FULLY_MUTABLE", "PUBLIC")
    schema = json.loads(told["Schema"])
    assert schema["primaryIdentifier"] == ["/properties/RoleName"]
    again = cloudformation.describe_type(Arn=told["Arn"])
    assert again["TypeName"] == "AWS::IAM::Role"
    (version,) = cloudformation.list_type_versions(Type="RESOURCE", TypeName="AWS::IAM::Role")["TypeVersionSummaries"]
    assert version["IsDefaultVersion"]


def test_a_type_without_handlers_is_not_provisionable(cloudformation: Any) -> None:
    told = cloudformation.describe_type(Type="RESOURCE", TypeName="AWS::CDK::Metadata")
    assert told["ProvisioningType"] == "NON_PROVISIONABLE"


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"Type": "RESOURCE", "TypeName": "AWS::Nothing::Here"}, "TypeNotFoundException"),
        ({"Type": "MODULE", "TypeName": "AWS::IAM::Role"}, "TypeNotFoundException"),
        ({"Type": "RESOURCE", "TypeName": "AWS::IAM::Role", "VersionId": "9"}, "TypeNotFoundException"),
        ({"TypeName": "AWS::IAM::Role"}, "CFNRegistryException"),
        ({"Arn": "arn:aws:cloudformation:us-east-1::type/hook/AWS-IAM-Role"}, "CFNRegistryException"),
    ],
)
def test_what_is_no_type_is_told_so(cloudformation: Any, named: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as refusal:
        cloudformation.describe_type(**named)
    assert refusal.value.response["Error"]["Code"] == code


def test_the_cost_of_a_template_is_a_link(cloudformation: Any) -> None:
    url = cloudformation.estimate_template_cost(TemplateBody=template({"Queue": {"Type": "AWS::SQS::Queue"}}))["Url"]
    assert url.startswith("https://calculator.aws/")
    with pytest.raises(ClientError, match="At least one Resources member must be defined"):
        cloudformation.estimate_template_cost(TemplateBody='{"Resources": {}}')

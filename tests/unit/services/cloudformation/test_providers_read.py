"""What is read of resources: by how little they are known, how many there are, and what is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Found, Request, Resource, is_gone
from locum.services.cloudformation.providers.reading import listing_of, reading_of
from locum.services.cloudformation.providers.rows import Call, Listing, Part, Row, Shown
from support.inprocess import REGION, InProcess
from support.plane import ACCOUNT, trusting
from support.remaking import Remaking

DENYING = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
TRUST = json.loads(trusting(Service="ec2.amazonaws.com"))


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    plane = InProcess(tmp_path_factory.mktemp("plane"))
    yield plane
    plane.close()


@pytest.fixture
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


def by_id(making: Remaking, made: Resource) -> Found:
    """What is read of a resource of which nothing but the physical id is known."""
    return making.read(replace(made, properties={}, attributes={}))


def gone(making: Remaking, made: Resource) -> bool:
    try:
        making.read(made)
    except Fault as fault:
        return is_gone(fault)
    return False


# -- by the physical id alone --------------------------------------------------------------------------------


def test_a_role_is_read_by_its_name(making: Remaking) -> None:
    made = making.create("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, Description="d", Path="/p/")
    found = by_id(making, made)
    assert found.properties["AssumeRolePolicyDocument"] == TRUST
    assert (found.properties["RoleName"], found.properties["Path"]) == (made.physical, "/p/")
    assert found.attributes["Arn"] == made.attributes["Arn"]
    assert "PermissionsBoundary" in found.unset
    assert "Arn" not in found.properties


def test_what_a_physical_id_is_made_of_is_known_by_it(making: Remaking) -> None:
    role = making.create("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST).physical
    made = making.create("AWS::IAM::RolePolicy", RoleName=role, PolicyName="no", PolicyDocument=DENYING)
    assert by_id(making, made).properties == {"RoleName": role, "PolicyName": "no", "PolicyDocument": DENYING}


def test_a_secret_is_read_without_its_value(plane: InProcess, making: Remaking) -> None:
    made = making.create("AWS::SecretsManager::Secret", SecretString="hunter2-hunter2", Description="d")
    assert "hunter2" not in str(by_id(making, made))
    names = {record.operation for record in plane.records()}
    assert "DescribeSecret" in names
    assert "GetSecretValue" not in names


# -- what is gone, and what is not ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        (
            "AWS::DynamoDB::Table",
            {
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        ),
        ("AWS::ECR::Repository", {}),
        ("AWS::ECS::Cluster", {}),
        ("AWS::Events::EventBus", {"Name": "gone-bus"}),
        ("AWS::IAM::Group", {}),
        ("AWS::IAM::ManagedPolicy", {"PolicyDocument": DENYING}),
        ("AWS::KMS::Key", {}),
        ("AWS::Kinesis::Stream", {"ShardCount": 1}),
        ("AWS::Logs::LogGroup", {}),
        ("AWS::S3::Bucket", {}),
        ("AWS::SNS::Topic", {}),
        ("AWS::SQS::Queue", {}),
        ("AWS::SSM::Parameter", {"Type": "String", "Value": "v"}),
        ("AWS::SecretsManager::Secret", {}),
        ("AWS::EC2::VPC", {"CidrBlock": "10.9.0.0/16"}),
        ("AWS::EC2::InternetGateway", {}),
        (
            "AWS::CloudWatch::Alarm",
            {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "MetricName": "m",
                "Namespace": "n",
                "Period": 60,
                "Statistic": "Sum",
                "Threshold": 1,
            },
        ),
    ],
)
def test_what_is_deleted_is_gone(making: Remaking, kind: str, properties: dict[str, Any]) -> None:
    made = making.create(kind, **properties)
    assert not gone(making, made)
    making.delete(made)
    assert gone(making, made)


def test_a_log_group_is_not_another_one_whose_name_begins_like_it(making: Remaking) -> None:
    short = making.create("AWS::Logs::LogGroup", LogGroupName="/app")
    making.create("AWS::Logs::LogGroup", LogGroupName="/app/more", RetentionInDays=7)
    making.delete(short)
    assert gone(making, short)


def test_an_alias_is_found_among_many(plane: InProcess, making: Remaking) -> None:
    key = making.create("AWS::KMS::Key").physical
    for number in range(60):
        plane.client("kms").create_alias(AliasName=f"alias/a{number:03}", TargetKeyId=key)
    made = making.create("AWS::KMS::Alias", AliasName="alias/z", TargetKeyId=key)
    assert by_id(making, made).properties["TargetKeyId"] == key


def test_a_route_is_there_whatever_its_destination(plane: InProcess, making: Remaking) -> None:
    vpc = making.create("AWS::EC2::VPC", CidrBlock="10.8.0.0/16").physical
    gateway = making.create("AWS::EC2::InternetGateway").physical
    making.create("AWS::EC2::VPCGatewayAttachment", VpcId=vpc, InternetGatewayId=gateway)
    table = making.create("AWS::EC2::RouteTable", VpcId=vpc).physical
    for name, destination in (("DestinationCidrBlock", "0.0.0.0/0"), ("DestinationIpv6CidrBlock", "::/0")):
        made = making.create("AWS::EC2::Route", RouteTableId=table, GatewayId=gateway, **{name: destination})
        assert by_id(making, made).properties[name] == destination


def test_a_range_of_version_6_is_there(making: Remaking) -> None:
    vpc = making.create("AWS::EC2::VPC", CidrBlock="10.7.0.0/16").physical
    made = making.create("AWS::EC2::VPCCidrBlock", VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    assert by_id(making, made).properties["VpcId"] == vpc


# -- pages, and rows -----------------------------------------------------------------------------------------


def driven(work: Any, *answers: dict[str, Any] | Fault) -> tuple[Any, list[Request]]:
    """The result of `work`, which gets these answers, and its requests."""
    requests, left = [next(work)], list(answers)
    try:
        while True:
            answer = left.pop(0)
            requests.append(work.throw(answer) if isinstance(answer, Fault) else work.send(answer))
    except StopIteration as done:
        return done.value, requests


def resource(physical: str) -> Resource:
    return Resource("AWS::IAM::Role", "Role", {}, ACCOUNT, REGION, "shop", "arn:s", "T", physical=physical)


ROW = Row(
    "iam",
    Call("CreateRole", takes="Description"),
    "{c.Role.RoleName}",
    (),
    shown=Shown(
        Call("GetRole", {"RoleName": "{id}"}),
        "Role",
        parts=(Part("ManagedPolicyArns", Call("ListAttachedRolePolicies"), "AttachedPolicies", "{item.PolicyArn}"),),
        lists=Listing(Call("ListRoles"), "Roles", "{item.RoleName}"),
    ),
)


def test_a_list_is_read_to_its_last_page() -> None:
    read = reading_of(ROW)
    assert read is not None
    found, requests = driven(
        read(resource("r")),
        {"Role": {"RoleName": "r"}},
        {"AttachedPolicies": [{"PolicyArn": "a"}], "Marker": "m"},
        {"AttachedPolicies": [{"PolicyArn": "b"}]},
    )
    assert found.properties == {"RoleName": "r", "ManagedPolicyArns": ["a", "b"]}
    assert requests[-1].params == {"Marker": "m"}


def test_attack_pages_without_end_come_to_an_end() -> None:
    listed = listing_of(ROW)
    assert listed is not None
    page = {"Roles": [{"RoleName": "r"}], "Marker": "again"}
    found, requests = driven(listed(resource("")), page, page)
    assert (found, len(requests)) == (["r", "r"], 2)


def test_a_refusal_of_a_part_is_one_of_the_whole() -> None:
    read = reading_of(ROW)
    assert read is not None
    with pytest.raises(Fault, match="no"):
        driven(read(resource("r")), {"Role": {"RoleName": "r"}}, Fault("AccessDenied", "no", 403))


def test_a_part_that_is_not_there_is_not_set() -> None:
    read = reading_of(ROW)
    assert read is not None
    found, _ = driven(read(resource("r")), {"Role": {"RoleName": "r"}}, Fault("NoSuchEntity", "none", 404))
    assert found.unset == {"ManagedPolicyArns"}


def test_at_least_a_hundred_and_forty_types_are_read() -> None:
    assert sum(1 for provider in PROVIDERS.values() if provider.read) >= 140

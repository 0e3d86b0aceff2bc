"""DynamoDB's resource types."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from support.inprocess import InProcess
from support.plane import ACCOUNT
from support.providers import Making
from support.remade import code, remade


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Making:
    return Making(plane)


@pytest.fixture(scope="module")
def dynamodb(plane: InProcess) -> Any:
    return plane.client("dynamodb")


def index(name: str, **more: Any) -> dict[str, Any]:
    key = [{"AttributeName": "other", "KeyType": "HASH"}]
    return {"IndexName": name, "KeySchema": key, "Projection": {"ProjectionType": "ALL"}, **more}


FIXED: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "other")],
}


def test_a_table_has_its_settings(making: Making, dynamodb: Any) -> None:
    made = making.create(
        "AWS::DynamoDB::Table",
        "Orders",
        **FIXED,
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[index("one")],
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        SSESpecification={"SSEEnabled": "true"},
        TimeToLiveSpecification={"AttributeName": "expires", "Enabled": True},
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        Tags=[{"Key": "cost", "Value": "7"}],
    )
    name = {"TableName": made.physical}
    table = dynamodb.describe_table(**name)["Table"]
    assert made.physical.startswith("shop-Orders-")
    assert made.attributes == {"Arn": table["TableArn"], "StreamArn": table["LatestStreamArn"]}
    assert (table["StreamSpecification"]["StreamViewType"], table["SSEDescription"]["Status"]) == (
        "NEW_IMAGE",
        "ENABLED",
    )
    assert dynamodb.describe_time_to_live(**name)["TimeToLiveDescription"]["AttributeName"] == "expires"
    backups = dynamodb.describe_continuous_backups(**name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    tags = {tag["Key"] for tag in dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]}
    assert {"team", "cost"} <= tags
    assert remade(making, made).attributes == made.attributes
    after = making.update(
        made,
        **FIXED,
        ProvisionedThroughput={"ReadCapacityUnits": "5", "WriteCapacityUnits": 5},
        GlobalSecondaryIndexes=[
            index("two", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}),
        ],
        DeletionProtectionEnabled=True,
    )
    table = dynamodb.describe_table(**name)["Table"]
    assert [found["IndexName"] for found in table["GlobalSecondaryIndexes"]] == ["two"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert (table["DeletionProtectionEnabled"], "StreamSpecification" in table) == (True, False)
    assert dynamodb.describe_time_to_live(**name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    making.delete(
        making.update(after, **FIXED, ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    )
    assert code(dynamodb.describe_table, **name) == "ResourceNotFoundException"
    making.delete(made)


def test_an_index_has_another_throughput(making: Making, dynamodb: Any) -> None:
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    fixed: dict[str, Any] = {**FIXED, "ProvisionedThroughput": units}
    made = making.create(
        "AWS::DynamoDB::Table", **fixed, GlobalSecondaryIndexes=[index("i", ProvisionedThroughput=units)]
    )
    more = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 1}
    making.update(made, **fixed, GlobalSecondaryIndexes=[index("i", ProvisionedThroughput=more)])
    (found,) = dynamodb.describe_table(TableName=made.physical)["Table"]["GlobalSecondaryIndexes"]
    assert found["ProvisionedThroughput"]["ReadCapacityUnits"] == 3


def test_a_table_has_a_policy(making: Making, dynamodb: Any) -> None:
    principal = {"AWS": ACCOUNT}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "dynamodb:GetItem", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    fixed: dict[str, Any] = {
        "KeySchema": FIXED["KeySchema"],
        "AttributeDefinitions": FIXED["AttributeDefinitions"][:1],
        "BillingMode": "PAY_PER_REQUEST",
    }
    made = making.create("AWS::DynamoDB::Table", **fixed, ResourcePolicy={"PolicyDocument": document})
    arn = {"ResourceArn": made.attributes["Arn"]}
    assert "dynamodb:GetItem" in dynamodb.get_resource_policy(**arn)["Policy"]
    making.update(made, **fixed)
    assert code(dynamodb.get_resource_policy, **arn) == "PolicyNotFoundException"


def test_a_global_table_of_one_replica_is_a_table(making: Making, dynamodb: Any) -> None:
    scaled = {"MinCapacity": 2, "MaxCapacity": 9, "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70}}
    replica: dict[str, Any] = {
        "Region": "us-east-1",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "ReadProvisionedThroughputSettings": {"ReadCapacityUnits": 3},
        "Tags": [{"Key": "cost", "Value": "7"}],
    }
    fixed: dict[str, Any] = {
        "KeySchema": FIXED["KeySchema"],
        "AttributeDefinitions": FIXED["AttributeDefinitions"][:1],
        "WriteProvisionedThroughputSettings": {"WriteCapacityAutoScalingSettings": scaled},
    }
    made = making.create("AWS::DynamoDB::GlobalTable", **fixed, Replicas=[replica])
    table = dynamodb.describe_table(TableName=made.physical)["Table"]
    assert made.attributes.get("TableId") == table.get("TableId")
    units = table["ProvisionedThroughput"]
    assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (3, 2)
    tags = {tag["Key"] for tag in dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]}
    assert {"cost", "team"} <= tags
    after = making.update(made, **fixed, Replicas=[{**replica, "DeletionProtectionEnabled": True, "Tags": []}])
    assert dynamodb.describe_table(TableName=made.physical)["Table"]["DeletionProtectionEnabled"]
    making.delete(making.update(after, **fixed, Replicas=[replica]))
    assert code(dynamodb.describe_table, TableName=made.physical) == "ResourceNotFoundException"


def test_replicas_elsewhere_are_refused(making: Making) -> None:
    with pytest.raises(Fault, match="Replicas in other Regions"):
        making.create("AWS::DynamoDB::GlobalTable", **FIXED, Replicas=[{"Region": "eu-west-1"}])

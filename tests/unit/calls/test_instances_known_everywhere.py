"""One instance, known to every operation of EC2 and to the services around it, under one id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel, Shape
from botocore.session import get_session

from locum.core.identifiers import OWN_IMAGE
from support.inprocess import InProcess

IMAGE = "ami-12c6146b"
"""An image that the embedded backend begins with."""
NAMES = frozenset({"InstanceId", "InstanceIds", "SourceInstanceId"})
ENDING = frozenset({"TerminateInstances", "StopInstances"})
MODEL = get_session().get_service_model("ec2")


def names_of(shape: Shape, depth: int = 2) -> bool:
    """Whether an input has the id of an instance, as far down as requests have it."""
    if shape.type_name == "list":
        return names_of(shape.member, depth)
    if shape.type_name != "structure" or depth < 0:
        return False
    return any(name in NAMES or names_of(member, depth - 1) for name, member in shape.members.items())


def operations() -> Iterator[str]:
    for name in MODEL.operation_names:
        model = MODEL.operation_model(name)
        if model.input_shape is not None and name not in ENDING and names_of(model.input_shape):
            yield name


def filled(shape: Shape, instance: str, name: str = "", depth: int = 2) -> Any:
    """A value of `shape` with the instance wherever one is named, and with what is required besides."""
    if name in ("InstanceId", "SourceInstanceId"):
        return instance
    if shape.type_name == "structure":
        wanted = {
            each: member
            for each, member in shape.members.items()
            if each in NAMES or each in shape.required_members or (depth and names_of(member, depth - 1))
        }
        return {each: filled(member, instance, each, depth - 1) for each, member in wanted.items()}
    if shape.type_name == "list":
        return [instance if name == "InstanceIds" else filled(shape.member, instance, "", depth)]
    values = {"boolean": False, "integer": 1, "long": 1, "timestamp": 1_800_000_000, "blob": b"x"}
    return values.get(shape.type_name, shape.enum[0] if getattr(shape, "enum", None) else "x")


def params_of(model: OperationModel, instance: str) -> dict[str, Any]:
    found: dict[str, Any] = filled(model.input_shape, instance)
    return found


@pytest.fixture(scope="module")
def instances(plane: InProcess) -> dict[str, str]:
    ec2 = plane.client("ec2")
    launched = {
        "of the default network": ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1),
        "of locum run": ec2.run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1),
    }
    return {name: answer["Instances"][0]["InstanceId"] for name, answer in launched.items()}


@pytest.mark.parametrize("operation", sorted(operations()))
@pytest.mark.parametrize("kind", ["of the default network", "of locum run"])
def test_every_operation_that_takes_an_instance_finds_it(
    plane: InProcess, instances: dict[str, str], kind: str, operation: str
) -> None:
    client = plane.client("ec2", parameter_validation=False)
    try:
        getattr(client, xform_name(operation))(**params_of(MODEL.operation_model(operation), instances[kind]))
    except ClientError as error:
        told = error.response["Error"]
        assert not told["Code"].startswith("InvalidInstanceID"), told
        assert told["Code"] != "InternalFailure", told

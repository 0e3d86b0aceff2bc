"""Broken policies, put in every service that keeps policies of resources, through the gateway: its own error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from botocore.model import OperationModel, Shape

from locum.authz import catalogue
from locum.authz.resource_policies.places import Member, NamedAttribute, Patch
from locum.authz.resource_policies.table import PUTS, Put
from locum.core.arn import Arn
from locum.wire.models import service_model
from support.inprocess import REGION, InProcess

ACCOUNT: Final = "000000000000"
SERVICES: Final = sorted({service for service, _ in PUTS})
OFTEN: Final = SERVICES[::4]
"""The services that `make test` tries; `make nightly` tries all."""
REST: Final = sorted(set(SERVICES) - set(OFTEN))
BROKEN: Final = (
    "[]",
    '{"Statement": [{}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}, {"Effect": "Allow"}]}',
    '{"Statement": "x"',
)


@pytest.fixture(scope="module")
def key(plane: InProcess) -> str:
    """The ARN of a KMS key: only of one that is there a policy can be put."""
    return str(plane.client("kms").create_key()["KeyMetadata"]["Arn"])


def puts_of(service: str) -> Iterator[tuple[str, Put]]:
    """The operations of a service with the documents that they put: not single permissions."""
    for (name, operation), puts in sorted(PUTS.items()):
        yield from ((operation, put) for put in puts if name == service and not hasattr(put.place, "made"))


def params_of(service: str, model: OperationModel, put: Put, text: str, key: str) -> dict[str, Any]:
    """The least parameters of an operation that puts the policy `text`."""
    assert model.input_shape is not None
    params = least(service, model.input_shape, key)
    if isinstance(put.place, Member):
        return put.place.replaced({put.place.path[0]: {}} | params, text)
    if isinstance(put.place, NamedAttribute):
        return {**params, put.place.name: put.place.attribute, put.place.value: text}
    assert isinstance(put.place, Patch)
    return {**params, put.place.operations: [{"op": "replace", "path": put.place.path, "value": text}]}


def least(service: str, shape: Shape, key: str) -> dict[str, Any]:
    """The required members of a structure, and those that name a resource."""
    named = [name for name in shape.members if name.lower().endswith(("arn", "accountid"))]
    return {name: value(service, shape.members[name], name, key) for name in [*shape.required_members, *named]}


def value(service: str, shape: Shape, name: str, key: str) -> Any:
    if shape.type_name == "structure":
        return least(service, shape, key)
    if shape.type_name in ("list", "map"):
        return [] if shape.type_name == "list" else {}
    if shape.type_name != "string":
        return {"boolean": True, "blob": b"b", "timestamp": 1_790_000_000}.get(shape.type_name, 1)
    if service == "kms":
        return key
    if name.lower().endswith("arn"):
        return arn_in(service)
    return ACCOUNT if name.lower().endswith("accountid") else next(iter(getattr(shape, "enum", ())), "thing")


def arn_in(service: str) -> str:
    """The ARN of something that a service has."""
    rules = catalogue.service(service).rules
    found = (Arn.find(kind.text) for kind in rules.types.values())
    own = next((arn for arn in found if arn is not None and arn.service == rules.prefix and arn.account), None)
    resource = "thing" if own is None else own.resource.replace("%s", "thing")
    return f"arn:aws:{rules.prefix}:{REGION if own is None or own.region else ''}:{ACCOUNT}:{resource}"


def refused_with(plane: InProcess, service: str, operation: str, params: dict[str, Any]) -> tuple[str, int]:
    client = plane.client(service, parameter_validation=False, inject_host_prefix=False)
    try:
        client._make_api_call(operation, params)
    except ClientError as error:
        return str(error.response["Error"]["Code"]), error.response["ResponseMetadata"]["HTTPStatusCode"]
    return "", 200


def codes(model: OperationModel, put: Put) -> set[str]:
    """The error of the service for a broken policy, by each name that its model has for it."""
    told = [shape.error_code for shape in model.service_model.error_shapes if shape.name == put.rules.words.code]
    return {put.rules.words.code, *told}


@pytest.mark.parametrize("service", [*OFTEN, *(pytest.param(name, marks=pytest.mark.nightly) for name in REST)])
def test_a_broken_policy_is_refused_with_the_error_of_the_service(plane: InProcess, key: str, service: str) -> None:
    for operation, put in puts_of(service):
        model = service_model(service).operation_model(operation)
        for text in BROKEN:
            code, status = refused_with(plane, service, operation, params_of(service, model, put, text, key))
            assert code in codes(model, put), (operation, text)
            assert status == 400, (operation, text)


def test_the_services_that_keep_policies_are_many() -> None:
    assert len(SERVICES) >= 70
    assert len(OFTEN) >= 20

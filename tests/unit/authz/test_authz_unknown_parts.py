"""A call that does not tell its resource may be on any: a Deny on one holds, and an Allow on one is not enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest

from locum import authz
from locum.core.errors import Fault
from locum.core.partial_arn import NEW, UNKNOWN, PartialArn
from support.authority import World, allow, as_user, deny, user
from support.generated_calls import GUARDED, model_of

ANN: Final = user("ann", allow("*"))
OTHERS: Final = (
    "backup", "batch", "codebuild", "cognito-idp", "efs", "elasticache", "opensearch", "redshift", "sagemaker",
)  # fmt: skip


class Vague(NamedTuple):
    """A call without members, and one of the resources that it may be on."""

    operation: str
    resource: str


def vague_calls(service: str) -> Iterator[Vague]:
    world = World().having(ANN)
    for name in model_of(service).operation_names:
        operation = f"{service}:{name}"
        try:
            plan = authz.plan(world.state, world.call(as_user(ANN), operation, {}))
        except Fault:
            continue
        for check in plan.checks:
            parts_of = check.resource.parts if isinstance(check.resource, PartialArn) else ()
            if UNKNOWN in parts_of and NEW not in parts_of:
                parts = (part if isinstance(part, str) else "some" for part in parts_of)
                yield Vague(operation, "".join(parts))


def allowed(vague: Vague, *statements: Any) -> bool:
    ann = user("ann", *statements)
    return World().having(ann).allows(as_user(ann), vague.operation)


@pytest.mark.parametrize("service", [*GUARDED, *OTHERS])
def test_a_deny_on_one_value_of_what_a_call_leaves_out_holds(service: str) -> None:
    passed = [vague for vague in vague_calls(service) if allowed(vague, allow("*"), deny("*", vague.resource))]
    assert passed == []


@pytest.mark.parametrize("service", [*GUARDED, *OTHERS])
def test_an_allow_on_one_value_of_what_a_call_leaves_out_is_not_enough(service: str) -> None:
    passed = [vague for vague in vague_calls(service) if allowed(vague, allow("*", vague.resource))]
    assert passed == []


def test_calls_that_leave_the_resource_out_are_of_at_least_twenty_services() -> None:
    assert sum(any(True for _ in vague_calls(service)) for service in (*GUARDED, *OTHERS)) >= 20

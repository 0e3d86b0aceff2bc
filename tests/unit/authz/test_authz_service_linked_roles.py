"""Which role a call about a service-linked role is authorized for, and with which condition keys."""

from __future__ import annotations

from typing import Any

import pytest

from support.authority import HOME, World, allow, as_user, user

ANN = user("ann")
ROLE = f"arn:aws:iam::{HOME}:role/aws-service-role/"
TASK = "task/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch/00000000-0000-4000-8000-000000000000"

PLANS: list[tuple[str, dict[str, Any], str]] = [
    (
        "CreateServiceLinkedRole",
        {"AWSServiceName": "autoscaling.amazonaws.com"},
        f"{ROLE}autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
    ),
    (
        "CreateServiceLinkedRole",
        {"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "x"},
        f"{ROLE}autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling_x",
    ),
    ("CreateServiceLinkedRole", {"AWSServiceName": "ecs"}, f"{ROLE}ecs/*"),
    (
        "GetServiceLinkedRoleDeletionStatus",
        {"DeletionTaskId": TASK},
        f"{ROLE}batch.amazonaws.com/AWSServiceRoleForBatch",
    ),
    ("GetServiceLinkedRoleDeletionStatus", {"DeletionTaskId": "x"}, f"arn:aws:iam::{HOME}:role/*"),
    ("DeleteServiceLinkedRole", {"RoleName": "none"}, f"arn:aws:iam::{HOME}:role/none"),
]


@pytest.mark.parametrize(("operation", "params", "resource"), PLANS)
def test_the_role_is_known_before_it_is_made_and_after_it_is_gone(
    operation: str, params: dict[str, Any], resource: str
) -> None:
    planned = World().having(ANN).plan(as_user(ANN), f"iam:{operation}", **params)
    assert planned == [(f"iam:{operation}", resource)]


def test_a_policy_may_name_the_role_or_the_service() -> None:
    named = allow("iam:CreateServiceLinkedRole", f"{ROLE}ecs.amazonaws.com/AWSServiceRoleForECS")
    served = allow("iam:CreateServiceLinkedRole", Condition={"StringLike": {"iam:AWSServiceName": "ecs.*"}})
    for statement in (named, served):
        ann = user("ann", statement)
        world = World().having(ann)
        assert world.allows(as_user(ann), "iam:CreateServiceLinkedRole", AWSServiceName="ecs.amazonaws.com")
        assert not world.allows(as_user(ann), "iam:CreateServiceLinkedRole", AWSServiceName="eks.amazonaws.com")

"""Change sets that are not there."""

from __future__ import annotations

from typing import Any

import pytest

from support.inprocess import refusal
from support.plane import fresh
from support.stacks import Stacks, template

QUEUE = template({"Queue": {"Type": "AWS::SQS::Queue"}})


def test_the_deletion_of_a_change_set_that_a_stack_has_not_succeeds(stacks: Stacks) -> None:
    """The AWS CDK relies on it before each deployment."""
    name = fresh("stack")
    stacks.create(name, QUEUE)
    stacks.client.delete_change_set(StackName=name, ChangeSetName="missing")
    stacks.delete(name)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"StackName": "missing"}, "Stack [missing] does not exist"),
        ({}, "StackName must be specified if ChangeSetName is not specified as an ARN."),
    ],
)
def test_a_change_set_of_no_stack_is_refused(stacks: Stacks, given: dict[str, Any], told: str) -> None:
    for call in (stacks.client.delete_change_set, stacks.client.describe_change_set):
        assert refusal(call, ChangeSetName="changes", **given) == ("ValidationError", 400, told)

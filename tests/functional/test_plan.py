"""`locum plan` tells the truth: with the policy that it prints alone, a role makes, changes and deletes a stack.

Each template of `tests/templates` that works is tried; a few of them in `make test`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import pytest

from functional.test_templates import BODIES, FOLDER, Bench, given, told
from locum import analysis
from locum.agents.plans.question import answer
from locum.analysis import Permission
from locum.calls.activity import decoded
from support.inprocess import REGION, InProcess
from support.plane import ACCOUNT
from support.stacks import template

TRUSTS_CLOUDFORMATION: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "cloudformation.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)

QUICK: Final = (
    *("cross-account-roles", "encrypted-queue", "nested-stacks", "people-and-groups", "queues-by-loop", "settings"),
    *("sns-fan-out", "static-site"),
)

NOT_TOLD: Final = {
    "private-zone": "the embedded backend gives a network load balancer the ARN of an application load balancer",
}
"""Templates for which the policy is not enough, and why."""

_numbers = count(1)


@dataclass
class House:
    """A plane, and the deployments on it."""

    plane: InProcess
    bench: Bench

    def role(self) -> str:
        """A new role that CloudFormation can assume, with no policies."""
        name = f"deployer-{next(_numbers)}"
        made = self.plane.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUSTS_CLOUDFORMATION)
        return str(made["Role"]["Arn"])

    def plan(self, name: str, body: str, role: str, parameters: dict[str, str], **more: Any) -> dict[str, Any]:
        """The answer to the question of what a stack takes of `role`."""
        question = {"text": body, "acting": role, "account": ACCOUNT, "region": REGION, "stack_name": name}
        return self.plane.run(answer(self.plane.node.runtime, {**question, "parameters": parameters, **more}))

    def grant(self, role: str, permissions: list[Permission]) -> None:
        """Give `role` the policy that the plan prints for these permissions."""
        self.attach(role, analysis.documents(analysis.write(permissions)))

    def attach(self, role: str, documents: list[dict[str, Any]]) -> None:
        iam, name = self.plane.client("iam"), role.rpartition("/")[2]
        for document in documents:
            policy = f"plan-{next(_numbers)}"
            arn = iam.create_policy(PolicyName=policy, PolicyDocument=json.dumps(document))["Policy"]["Arn"]
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    plane = InProcess(tmp_path_factory.mktemp("plane"))
    yield House(plane, Bench(plane))
    plane.close()


@pytest.fixture
def parameters(house: House, name: str) -> Iterator[dict[str, str]]:
    """The parameters of a template, with what it needs to be there."""
    how, bench = told(name), house.bench
    for other in how.get("before", ()):
        assert bench.create(other) == "CREATE_COMPLETE", bench.failures(other)
    found = {"RootId": bench.organization()} if how.get("organization") else {}
    yield {**how.get("parameters", {}), **found}
    if found:
        bench.no_organization()
    for other in reversed(how.get("before", ())):
        bench.stacks.delete(other)


def check_policy_is_enough(house: House, name: str, parameters: dict[str, str]) -> None:
    """With the policy of the plans of a template and its update, and nothing else, a role deploys and deletes it."""
    bench, role, other = house.bench, house.role(), FOLDER / f"{name}.update.yaml"
    body, later = BODIES[name].read_text(), {**parameters, **told(name).get("update", {})}
    updated = other.read_text() if other.exists() else body
    plans = [house.plan(name, body, role, parameters), house.plan(name, updated, role, later)]
    house.grant(role, [decoded(row) for plan in plans for row in plan["permissions"]])
    created = bench.stacks.create(name, body, Parameters=given(parameters), RoleARN=role)
    try:
        assert created == "CREATE_COMPLETE", bench.failures(name)
        assert bench.stacks.update(name, updated, Parameters=given(later)) == "UPDATE_COMPLETE", bench.failures(name)
    finally:
        arn = bench.stacks.told(name)["StackId"]
        deleted = bench.stacks.delete(name)
        if deleted != "DELETE_COMPLETE":
            house.attach(role, [_EVERYTHING])
            bench.stacks.delete(arn)
    assert deleted == "DELETE_COMPLETE", bench.failures(arn)


_EVERYTHING: Final = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
}


@pytest.mark.parametrize("name", QUICK)
def test_with_the_policy_of_the_plan_alone_a_stack_is_made_changed_and_deleted(
    house: House, name: str, parameters: dict[str, str]
) -> None:
    check_policy_is_enough(house, name, parameters)


@pytest.mark.nightly
@pytest.mark.parametrize("name", [it for it in BODIES if it not in {*NOT_TOLD, *QUICK}])
def test_with_the_policy_of_the_plan_alone_every_template_that_works_is_deployed(
    house: House, name: str, parameters: dict[str, str]
) -> None:
    check_policy_is_enough(house, name, parameters)


QUEUES: Final = template(
    {
        "Dead": {"Type": "AWS::SQS::Queue"},
        "Jobs": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": "Dead.Arn"}, "maxReceiveCount": 3}},
        },
        "Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Jobs"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": {"Effect": "Deny", "Principal": "*", "Action": "sqs:AddPermission", "Resource": "*"},
                },
            },
        },
    }
)
"""A template of one service."""


def test_without_any_one_of_the_permissions_of_the_plan_the_stack_fails(house: House) -> None:
    role = house.role()
    plan = house.plan("spare", QUEUES, role, {}, phases=["create", "delete"])
    permissions = [decoded(row) for row in plan["permissions"]]
    assert {permission.action for permission in permissions} == {
        *("sqs:CreateQueue", "sqs:TagQueue", "sqs:SetQueueAttributes", "sqs:DeleteQueue"),
    }
    for number, left_out in enumerate(random.Random(7).sample(permissions, 4)):
        lacking, name, stacks = house.role(), f"spare-{number}", house.bench.stacks
        renamed = house.plan(name, QUEUES, lacking, {}, phases=["create", "delete"])
        wanted = [decoded(row) for row in renamed["permissions"]]
        spare = str(left_out.resource).replace("spare", name)
        house.grant(lacking, [it for it in wanted if (it.action, str(it.resource)) != (left_out.action, spare)])
        created = stacks.create(name, QUEUES, RoleARN=lacking)
        arn = stacks.told(name)["StackId"]
        assert (created, stacks.delete(name)) != ("CREATE_COMPLETE", "DELETE_COMPLETE"), left_out
        house.attach(lacking, [_EVERYTHING])
        assert stacks.delete(arn) == "DELETE_COMPLETE"


def test_with_the_policy_of_the_plan_alone_a_user_deploys_without_a_role(house: House) -> None:
    bench, name, user = house.bench, "encrypted-queue", "deploying-user"
    key, body = house.plane.user(user), BODIES[name].read_text()
    plan = house.plan(name, body, user, {}, phases=["create", "delete"])
    (document,) = analysis.documents(analysis.write([decoded(row) for row in plan["permissions"]]))
    client = house.plane.client("cloudformation", key)
    house.plane.client("iam").put_user_policy(UserName=user, PolicyName="plan", PolicyDocument=json.dumps(document))
    arn = client.create_stack(StackName=name, TemplateBody=body, Capabilities=plan["capabilities"])["StackId"]
    assert bench.stacks.settled(name) == "CREATE_COMPLETE", bench.failures(name)
    client.delete_stack(StackName=name)
    assert bench.stacks.settled(arn) == "DELETE_COMPLETE", bench.failures(arn)


@pytest.mark.nightly
@pytest.mark.parametrize("name", BODIES)
def test_the_rehearsal_of_every_template_comes_to_its_end(house: House, name: str) -> None:
    how = told(name)
    parameters = {**how.get("parameters", {}), **({"RootId": "r-abcd"} if how.get("organization") else {})}
    plan = house.plan(name, BODIES[name].read_text(), house.role(), parameters)
    unmet = [note for note in plan["notes"] if not (how.get("before") or "nested" in note["note"])]
    assert unmet == []


def test_a_plan_is_of_all_templates_but_a_few() -> None:
    tried = {*BODIES} - {*NOT_TOLD}
    assert set(QUICK) <= tried
    assert len(tried) >= 50

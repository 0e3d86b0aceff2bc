"""A role is handed to a service only by who may pass it: by each member of each operation that takes one.

The members are those of `tools/passrole.json`, in botocore's models, that are the ARN or name of a role or instance
profile.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from locum.state import InstanceProfile
from support.authority import AWAY, HOME, REGION, World, allow, as_user, deny, role, user

MEMBERS: Final[dict[str, list[str]]] = json.loads(
    (Path(__file__).parents[2] / "tools" / "passrole.json").read_text("utf-8")
)
ROLE: Final = f"arn:aws:iam::{HOME}:role/handed"

NOT_HANDED: Final = {
    # roles of other accounts, which the service assumes with a role that was passed
    "crossAccountRole", "crossAccountRoleArn", "crossAccountRoleArns[]", "crossAccountConfigurations[].sourceRoleArn",
    "CrossAccountModelRegisterRoleArn", "ConsumerAccountRoleArn",
    # roles that the users of a service assume
    "AssumableRoleArns[]", "assumableRoleArn",
    # names that are looked up in the accounts where a stack set or an automation runs
    "ExecutionRoleName", "LocalDeploymentExecutionRoleName",
    # not roles
    "roleAliasArn", "rolePrincipalArn",
}  # fmt: skip
OTHERS: Final = {
    # AWS Lambda's and IAM's own operations are decided elsewhere; STS has a trust policy in place of iam:PassRole
    "lakeformation.AssumeDecoratedRoleWithSAML",
}
# Members that the list does not have.
MORE: Final = {
    "guardduty.CreateMalwareProtectionPlan": "Role",
    "guardduty.UpdateMalwareProtectionPlan": "Role",
    "rolesanywhere.CreateProfile": "roleArns[]",
    "ssm.StartAutomationExecution": "Parameters.AutomationAssumeRole[]",
    "ssm.RegisterTaskWithMaintenanceWindow": "TaskInvocationParameters.Automation.Parameters.AutomationAssumeRole[]",
    "transfer.CreateServer": "LoggingRole",
    "transfer.UpdateServer": "IdentityProviderDetails.InvocationRole",
}


def handed(path: str) -> bool:
    """Whether a member is a role that is passed."""
    return not any(path == name or path.endswith(f".{name}") for name in NOT_HANDED)


CASES: Final = [
    (operation, path)
    for operation, paths in MEMBERS.items()
    if operation not in OTHERS
    for path in paths
    if handed(path)
] + list(MORE.items())


def params(path: str, value: str) -> dict[str, Any]:
    """The parameters of a call that have `value` at `path`."""
    made: Any = value
    for step in reversed(path.split(".")):
        name = re.sub(r"[\[\]{}]", "", step)
        for mark in reversed(re.findall(r"\[\]|\{\}", step)):
            made = [made] if mark == "[]" else {"key": made}
        made = {name: made}
    return dict(made)


@cache
def world() -> World:
    profile = InstanceProfile(account=HOME, name="handed", id="AIPAHANDED", created=1, roles=("handed",))
    return World().having(ANY, PASSING_OTHERS, PASSING_ONE, role("handed"), profile)


ANY: Final = user("any", allow("*"))
PASSING_OTHERS: Final = user("others", allow("*"), deny("iam:PassRole", ROLE))
PASSING_ONE: Final = user(
    "one", {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}, allow("iam:PassRole", ROLE)
)


def value_of(path: str) -> str:
    """A role, or an instance profile with the role, as the member takes it."""
    leaf = path.rpartition(".")[2]
    if not re.search(r"instance.?profile|JobFlowRole", path, re.IGNORECASE):
        return ROLE
    return f"arn:aws:iam::{HOME}:instance-profile/handed" if leaf.lower().endswith("arn") else "handed"


@pytest.mark.parametrize("service", sorted({operation.partition(".")[0] for operation, _ in CASES}))
def test_a_role_that_the_caller_may_not_pass_is_not_handed_over(service: str) -> None:
    let_through = []
    for operation, path in CASES:
        if operation.partition(".")[0] == service:
            call, given = operation.replace(".", ":", 1), params(path, value_of(path))
            assert world().allows(as_user(ANY), call, **given), f"{operation} {path}"
            if world().allows(as_user(PASSING_OTHERS), call, **given):
                let_through.append(f"{operation} {path}")
    assert let_through == []


def test_every_member_takes_the_one_role_that_may_be_passed_and_none_of_another_account() -> None:
    refused, let_through = [], []
    for operation, path in CASES:
        call, value = operation.replace(".", ":", 1), value_of(path)
        if not world().allows(as_user(PASSING_ONE), call, **params(path, value)):
            refused.append(f"{operation} {path}")
        if value == ROLE and world().allows(as_user(ANY), call, **params(path, ROLE.replace(HOME, AWAY))):
            let_through.append(f"{operation} {path}")
    assert refused == []
    assert let_through == []  # a rule of EventBridge, say, would act in another account as a role that trusts it


def test_most_members_are_held_to_it() -> None:
    assert len(CASES) > 1450


def test_a_role_may_be_passed_for_one_resource_alone() -> None:
    function = f"arn:aws:lambda:{REGION}:{HOME}:function:mine"
    condition = {"ArnLike": {"iam:AssociatedResourceArn": function}}
    ann = user("ann", allow("lambda:*"), allow("iam:PassRole", ROLE, Condition=condition))
    there = World().having(ann, role("handed"))
    assert there.allows(as_user(ann), "lambda:CreateFunction", FunctionName="mine", Role=ROLE)
    assert not there.allows(as_user(ann), "lambda:CreateFunction", FunctionName="other", Role=ROLE)


@pytest.mark.parametrize(
    ("operation", "path", "to"),
    [
        ("batch:RegisterJobDefinition", "containerProperties.jobRoleArn", "ecs-tasks"),
        ("cloudwatch:PutMetricStream", "RoleArn", "streams.metrics.cloudwatch"),
        ("ecs:RegisterTaskDefinition", "executionRoleArn", "ecs-tasks"),
        ("eks:CreateFargateProfile", "podExecutionRoleArn", "eks-fargate-pods"),
        ("guardduty:CreateMalwareProtectionPlan", "Role", "malware-protection-plan.guardduty"),
        ("rds:CreateDBInstance", "MonitoringRoleArn", "monitoring.rds"),
        ("scheduler:CreateSchedule", "Target.RoleArn", "scheduler"),
        (
            "sesv2:CreateConfigurationSetEventDestination",
            "EventDestination.KinesisFirehoseDestination.IamRoleArn",
            "ses",
        ),
        ("shield:AssociateDRTRole", "RoleArn", "drt.shield"),
        ("stepfunctions:CreateStateMachine", "roleArn", "states"),
        ("transfer:CreateUser", "Role", "transfer"),
    ],
)
def test_a_role_is_passed_to_the_service_that_takes_it(operation: str, path: str, to: str) -> None:
    condition = {"StringEquals": {"iam:PassedToService": f"{to}.amazonaws.com"}}
    rest = allow("*", NotAction="iam:PassRole")
    rest.pop("Action")
    ann = user("ann", rest, allow("iam:PassRole", ROLE, Condition=condition))
    there = World().having(ann, role("handed"))
    assert there.allows(as_user(ann), operation, **params(path, ROLE))

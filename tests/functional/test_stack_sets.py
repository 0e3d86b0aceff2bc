"""Stack sets by real clients, and through `kill -9`: each stack is made once, and gone in the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.plane import (
    ACCOUNT,
    COMMAND_LINES,
    REGION,
    RunningPlane,
    allow,
    command_lines,
    document,
    fresh,
    trusting,
    up,
)
from support.processes import finished
from support.stack_sets import ADMINISTRATION, EXECUTION
from support.stacks import CAPABILITIES, template

REGIONS = [f"{area}-{side}-{number}" for area in ("us", "eu", "ap") for side in ("east", "west") for number in (1, 2)]
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": json.loads(trusting(Service="ec2.amazonaws.com")), "Path": "/of-a-set/"},
}
BODY = template({"First": ROLE, "Second": {**ROLE, "DependsOn": "First"}, "Third": {**ROLE, "DependsOn": "Second"}})


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane of its own, which is killed, with the roles of stack sets in its one account."""
    with up(tmp_path_factory.mktemp("sets")) as running:
        iam = running.client("iam")
        trust = trusting(Service="cloudformation.amazonaws.com")
        by = iam.create_role(RoleName=ADMINISTRATION, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.create_role(RoleName=EXECUTION, AssumeRolePolicyDocument=trusting(AWS=by))
        for role, may in ((ADMINISTRATION, "sts:AssumeRole"), (EXECUTION, "*")):
            iam.put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=document(allow(may)))
        yield running


def results(plane: RunningPlane, name: str, operation: str) -> Counter[str]:
    client = plane.client("cloudformation")
    found = client.list_stack_set_operation_results(StackSetName=name, OperationId=operation)["Summaries"]
    return Counter(it["Status"] for it in found)


def ended(plane: RunningPlane, name: str, operation: str) -> str:
    """The status of an operation once it has ended."""
    while True:
        asked = {"StackSetName": name, "OperationId": operation}
        told = plane.client("cloudformation").describe_stack_set_operation(**asked)["StackSetOperation"]
        if "EndTimestamp" in told:
            return str(told["Status"])


def roles(plane: RunningPlane) -> int:
    pages = plane.client("iam").get_paginator("list_roles").paginate(PathPrefix="/of-a-set/")
    return sum(len(page["Roles"]) for page in pages)


def kill_after(plane: RunningPlane, name: str, operation: str, count: int) -> None:
    """`kill -9` once so many instances are done; then it starts again."""
    while results(plane, name, operation)["SUCCEEDED"] < count:
        pass
    plane.kill()
    plane.start()


@pytest.mark.timeout(120)
def test_an_operation_that_kills_interrupt_makes_and_deletes_each_stack_once(plane: RunningPlane) -> None:
    name, client = fresh("set"), plane.client("cloudformation")
    client.create_stack_set(StackSetName=name, TemplateBody=BODY, Capabilities=CAPABILITIES)
    wanted: dict[str, Any] = {
        "StackSetName": name,
        "Accounts": [ACCOUNT],
        "Regions": REGIONS,
        "OperationPreferences": {"RegionConcurrencyType": "PARALLEL"},
    }
    made = client.create_stack_instances(**wanted)["OperationId"]
    kill_after(plane, name, made, 1)
    kill_after(plane, name, made, len(REGIONS) // 2)
    assert ended(plane, name, made) == "SUCCEEDED"
    assert results(plane, name, made) == {"SUCCEEDED": len(REGIONS)}
    assert roles(plane) == 3 * len(REGIONS)
    gone = plane.client("cloudformation").delete_stack_instances(RetainStacks=False, **wanted)["OperationId"]
    kill_after(plane, name, gone, 1)
    assert ended(plane, name, gone) == "SUCCEEDED"
    assert roles(plane) == 0
    plane.client("cloudformation").delete_stack_set(StackSetName=name)


@command_lines
def test_the_story_by_the_command_line(plane: RunningPlane, tmp_path: Path, version: str) -> None:
    name, body = fresh("told"), tmp_path / "template.json"
    body.write_text(template({"Role": ROLE}))

    def aws(*words: str) -> dict[str, Any]:
        where = "--endpoint-url", plane.endpoint, "--region", REGION, "--output", "json"
        command = [str(COMMAND_LINES[version]), "cloudformation", *words, *where]
        done = finished(command, env=plane.environment(**plane.root.environment))
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout or "{}"))

    of = ("--stack-set-name", name)
    aws("create-stack-set", *of, "--template-body", f"file://{body}", "--capabilities", "CAPABILITY_IAM")
    at = ("--accounts", ACCOUNT, "--regions", REGION)
    made = aws("create-stack-instances", *of, *at)["OperationId"]
    assert ended(plane, name, made) == "SUCCEEDED"
    (instance,) = aws("list-stack-instances", *of)["Summaries"]
    assert (instance["Status"], instance["StackInstanceStatus"]["DetailedStatus"]) == ("CURRENT", "SUCCEEDED")
    gone = aws("delete-stack-instances", *of, *at, "--no-retain-stacks")["OperationId"]
    assert ended(plane, name, gone) == "SUCCEEDED"
    aws("delete-stack-set", *of)
    assert name not in {it["StackSetName"] for it in aws("list-stack-sets", "--status", "ACTIVE")["Summaries"]}

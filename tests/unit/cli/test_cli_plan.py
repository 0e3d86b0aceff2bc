"""`locum plan`: what it says of a deployment, and exit codes for CI. Without a plane; see `unit.agents.test_plans`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from locum.cli.commands.plan import command
from locum.cli.plans import essential, is_terraform
from locum.core.errors import ConfigurationError
from support.plane import ACCOUNT, allow, document
from support.stacks import template

QUEUE: Final = template({"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}}})
JOBS: Final = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"


def plan(*arguments: str, stdin: str = "", **environment: str) -> Result:
    return CliRunner().invoke(command, ["--offline", *arguments], input=stdin, env=environment)


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    path = tmp_path / "my.queue.json"
    path.write_text(QUEUE)
    return path


def test_what_lacks_is_named_with_its_reason_and_fails_a_build(queue: Path) -> None:
    result = plan(str(queue))
    said = " ".join(result.stdout.split())
    assert result.exit_code == 1
    assert f"create: sqs:CreateQueue on {JOBS}: denied, because no identity-based policy allows" in said
    assert said.endswith("0 that depend on a name")


def test_the_policy_that_is_printed_is_all_that_is_needed(queue: Path, tmp_path: Path) -> None:
    printed = plan(str(queue), "--policy")
    assert printed.exit_code == 0
    policy = tmp_path / "policy.json"
    policy.write_text(printed.stdout)
    allowed = plan(str(queue), "--identity-policy", str(policy))
    assert (allowed.exit_code, "lacks" in allowed.stdout) == (0, False)


def test_json_has_all_of_it_and_the_same_exit_code(queue: Path) -> None:
    result = plan(str(queue), "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {"logical": "Jobs", "phase": "delete", "action": "sqs:DeleteQueue", "resource": JOBS} in [
        {name: row[name] for name in ("logical", "phase", "action", "resource")} for row in found["findings"]
    ]
    assert found["documents"][0]["Version"] == "2012-10-17"


def test_only_the_phase_that_is_asked_for_counts(queue: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(document(allow(["sqs:DeleteQueue", "cloudformation:DeleteStack"])))
    assert plan(str(queue), "--for", "delete", "--identity-policy", str(policy)).exit_code == 0
    assert plan(str(queue), "--for", "create", "--identity-policy", str(policy)).exit_code == 1


def test_a_type_that_is_not_known_fails_a_build(tmp_path: Path) -> None:
    everything = tmp_path / "policy.json"
    everything.write_text(document(allow("*")))
    body = template({"What": {"Type": "AWS::No::Such", "Properties": {}}})
    result = plan("-", "--identity-policy", str(everything), stdin=body)
    assert (result.exit_code, "AWS::No::Such" in result.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (["-"], "Resources: [", "Template format error"),
        (["-", "--parameter", "Name"], QUEUE, "is no KEY=VALUE"),
        (["-", "--parameter", "No=such"], QUEUE, "do not exist in the template"),
        (["-", "--as", "deployer"], QUEUE, "--identity-policy"),
        (["-"], json.dumps({"format_version": "1.2", "resource_changes": 1}), "this is no plan"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line_with_exit_code_2(arguments: list[str], stdin: str, told: str) -> None:
    result = plan(*arguments, stdin=stdin)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_a_plane_and_without_offline_it_is_said_how_to_have_one(tmp_path: Path, queue: Path) -> None:
    result = CliRunner().invoke(command, [str(queue), "--data", str(tmp_path)])
    assert (result.exit_code, "locum up" in result.stderr) == (2, True)


def test_of_a_plan_of_terraform_the_plane_is_asked_with_what_is_done_alone() -> None:
    data = {"address": "data.aws_vpc.it", "mode": "data", "type": "aws_vpc", "values": {}}
    managed = {"address": "aws_vpc.it", "mode": "managed", "type": "aws_vpc", "values": {}}
    region = {"expressions": {"region": {"constant_value": "eu-west-1"}}}
    plan = {
        "format_version": "1.2",
        "resource_changes": [{"address": "aws_vpc.it"}],
        "planned_values": {"secret": "hunter2"},
        "configuration": {"provider_config": {"aws": region, "other": {"password": "hunter2"}}, "root_module": {}},
        "prior_state": {"values": {"root_module": {"resources": [managed], "child_modules": [{"resources": [data]}]}}},
    }
    kept = json.loads(essential(json.dumps(plan)))
    assert kept["resource_changes"] == plan["resource_changes"]
    assert kept["configuration"] == {"provider_config": {"aws": region}}
    assert kept["prior_state"] == {"values": {"root_module": {"resources": [data]}}}
    assert "hunter2" not in json.dumps(kept)


def test_what_only_begins_like_a_plan_of_terraform_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="this is no plan"):
        essential(json.dumps({"format_version": "1.2", "resource_changes": [], "prior_state": [1]}))


def test_a_file_is_a_plan_of_terraform_by_what_is_in_it() -> None:
    assert is_terraform(json.dumps({"format_version": "1.2", "resource_changes": []}))
    assert not is_terraform(QUEUE)
    assert not is_terraform("Resources: {}")

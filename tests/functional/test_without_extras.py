"""Locum without its extras: it starts, has its own services, and says of the rest what adds it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from locum.core import extras
from support import processes
from support.plane import ACCOUNT, RunningPlane, refused, trusting, up

WORDS = (sys.executable, str(Path(__file__).parent / "core_program.py"))
ADDS_MOTO = "pip install 'locum[moto]' adds it."


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("core"), words=WORDS) as running:
        yield running


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("s3", "list_buckets", {}),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"k": {"S": "v"}}}),
        ("lambda", "invoke", {"FunctionName": "f"}),
        ("lambda", "list_event_source_mappings", {}),
        ("secretsmanager", "rotate_secret", {"SecretId": "s"}),
        ("events", "put_rule", {"Name": "r", "ScheduleExpression": "rate(1 day)"}),
        ("ssm", "get_parameter", {"Name": "/p"}),
        ("ec2", "describe_vpcs", {}),
    ],
)
def test_what_only_moto_carries_out_is_answered_with_what_adds_it(
    core: RunningPlane, service: str, operation: str, parameters: dict[str, object]
) -> None:
    told = refused(getattr(core.client(service), operation), **parameters)
    assert (told.code, told.status) == ("NotImplemented", 501)
    assert told.message.endswith(f"is carried out by moto, which is not installed here: {ADDS_MOTO}")


def test_what_policies_deny_is_denied_whether_or_not_it_could_be_carried_out(core: RunningPlane) -> None:
    _, key = core.user()
    told = refused(core.client("sqs", key).list_queues)
    assert (told.code, told.status) == ("AccessDenied", 403)


def test_a_template_is_answered_with_what_adds_its_reader(core: RunningPlane) -> None:
    cloudformation = core.client("cloudformation")
    told = refused(cloudformation.create_stack, StackName="s", TemplateBody='{"Resources": {}}')
    assert (told.code, told.status) == ("NotImplemented", 501)
    assert "pip install 'locum[cloudformation]' adds it." in told.message
    assert cloudformation.describe_stacks()["Stacks"] == []


def test_roles_profiles_and_instances_need_no_extra(core: RunningPlane) -> None:
    profile = core.profile()
    role = core.client("sts", core.assume(core.role(trusting(AWS=ACCOUNT)))).get_caller_identity()["Arn"]
    assert ":assumed-role/" in role
    program = "import os; print(os.environ['AWS_ENDPOINT_URL'])"
    done = core.locum("run", "--network", "loopback", "--profile", profile, "--", sys.executable, "-c", program)
    assert (done.returncode, done.stderr) == (0, "")
    assert core.client("ec2").describe_instances()["Reservations"][0]["Instances"][0]["State"]["Name"] == "terminated"


def test_policies_are_linted_and_decided_on_without_a_plane(core: RunningPlane, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Nothing"}]}))
    done = processes.finished([*WORDS, "lint", str(policy)], env=core.environment())
    assert (done.returncode, "MISSING_RESOURCE" in done.stdout) == (1, True), done.stderr


def test_what_it_says_at_its_start_names_what_is_missing(core: RunningPlane, tmp_path: Path) -> None:
    line = [*WORDS, "up", "--port", "0", "--data", str(tmp_path / "plane")]
    with processes.group(line, stdout=subprocess.PIPE, env=core.environment()) as process:
        assert processes.line_of(process).startswith("Locum is up")
        process.terminate()
        assert process.stdout is not None
        said = process.stdout.read()
    assert f"without moto, calls that are not Locum's own are not carried out: {ADDS_MOTO}" in said
    assert "locum tour" not in said


def test_every_extra_is_known_by_its_packages() -> None:
    assert all(extras.installed(name) for name in ("analyze", "cloudformation", "moto"))

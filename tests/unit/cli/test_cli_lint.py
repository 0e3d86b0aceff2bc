"""`locum lint`: findings as lines that an editor can follow, and exit codes for CI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from locum.cli.commands.lint import RESOURCE_TYPES, TYPES, command
from locum.core.errors import ConfigurationError
from locum.lint import PolicyType
from support.aws_shapes import enumeration
from support.lint_cases import TRUST, text


def lint(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(command, arguments, input=stdin)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return tmp_path / "policy.json"


def test_a_faultless_policy_says_nothing(policy: Path) -> None:
    policy.write_text(text({}))
    result = lint(str(policy))
    assert (result.exit_code, result.output) == (0, "")


def test_an_error_is_a_line_with_its_place_and_exit_code_1(policy: Path) -> None:
    policy.write_text(text({"Effect": "allow"}))
    result = lint(str(policy))
    assert result.exit_code == 1
    assert result.output == f"{policy}:5:17: ERROR INVALID_EFFECT: The effect allow is not valid. Use Allow or Deny.\n"


def test_what_is_no_error_leaves_the_exit_code_at_0(policy: Path) -> None:
    policy.write_text(text({"Action": "iam:PassRole", "Resource": "*"}))
    result = lint(str(policy))
    assert result.exit_code == 0
    first, second = result.output.splitlines()
    assert first.startswith(f"{policy}:6:17: SECURITY_WARNING PASS_ROLE_WITH_STAR_IN_RESOURCE: ")
    assert second == f"{policy}:7:19: ... and here"


def test_json_is_the_apis_form_with_the_file(policy: Path) -> None:
    policy.write_text(text({"Effect": "allow", "Sid": ""}))
    rows = [json.loads(line) for line in lint("--json", str(policy)).output.splitlines()]
    assert [(row["file"], row["issueCode"]) for row in rows] == [
        (str(policy), "INVALID_EFFECT"),
        (str(policy), "EMPTY_SID_VALUE"),
    ]


def test_the_standard_input_is_a_file_too() -> None:
    assert lint("-", stdin="{").output.startswith("-:1:2: ERROR JSON_SYNTAX_ERROR: ")


def test_a_resource_type_implies_a_resource_policy() -> None:
    trust = text({}, TRUST)
    assert lint("--resource-type", "AWS::IAM::AssumeRolePolicyDocument", "-", stdin=trust).output == ""
    assert "UNSUPPORTED_PRINCIPAL" in lint("-", stdin=trust).output
    result = lint("--type", "scp", "--resource-type", "AWS::S3::Bucket", "-", stdin=trust)
    assert isinstance(result.exception, ConfigurationError)


def test_what_is_not_text_is_refused(policy: Path) -> None:
    policy.write_bytes(b"\xff\xfe")
    assert isinstance(lint(str(policy)).exception, ConfigurationError)


def test_the_options_are_those_of_the_api() -> None:
    assert set(TYPES.values()) == set(PolicyType) == enumeration("accessanalyzer", "PolicyType")
    assert set(RESOURCE_TYPES) == enumeration("accessanalyzer", "ValidatePolicyResourceType")

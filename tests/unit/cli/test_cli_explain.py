"""A record, told to a person: what was called, what came of it, why, and what would change it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from locum.audit import VERDICTS, readable
from locum.cli.commands import explain
from locum.cli.commands.explain import lines
from support.inprocess import InProcess, Key, refusal

TEXTS = st.text(max_size=40)


def told(plane: InProcess) -> str:
    """The latest record."""
    return click.unstyle("\n".join(lines(readable(plane.records(1)[0]))))


def test_a_denial_names_who_what_where_and_what_is_missing(plane: InProcess) -> None:
    caller = plane.client("s3", plane.user("ann"))
    refusal(caller.create_bucket, Bucket="annes")
    text = told(plane)
    assert text.startswith("DENIED (implicit deny)  s3:CreateBucket\n")
    assert "  who      arn:aws:iam::000000000000:user/ann  key AKIA" in text
    assert "  on       arn:aws:s3:::annes" in text
    assert "  answer   403 AccessDenied: User: arn:aws:iam::000000000000:user/ann is not authorized" in text
    assert "implicit deny: s3:CreateBucket on arn:aws:s3:::annes" in text
    assert "to change it: " in text


def test_an_explicit_denial_names_the_statement(plane: InProcess) -> None:
    deny = {"Sid": "NotHere", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    refusal(plane.client("s3", plane.user("ben", deny)).list_buckets)
    text = told(plane)
    assert text.startswith("DENIED (explicit deny)  s3:ListBuckets\n")
    assert "#NotHere" in text


def test_a_near_miss_is_told_of_with_what_kept_it_from_matching(plane: InProcess) -> None:
    near = {"Sid": "Near", "Effect": "Allow", "Action": "s3:CreateBucket", "Resource": "arn:aws:s3:::other"}
    refusal(plane.client("s3", plane.user("cleo", near)).create_bucket, Bucket="cleos")
    text = told(plane)
    assert "near miss: statement " in text
    assert "arn:aws:s3:::other" in text


def test_an_allowed_call_a_failed_one_and_a_refused_one_are_told_apart(plane: InProcess) -> None:
    plane.client("iam").list_users()
    assert told(plane).startswith("ALLOWED  iam:ListUsers\n")
    refusal(plane.client("iam").get_user, UserName="nobody")
    assert told(plane).startswith("FAILED  iam:GetUser\n")
    refusal(plane.client("iam", Key(plane.root.access_key_id, "wrong")).list_users)
    assert told(plane).startswith("REFUSED  iam:ListUsers\n")


def test_in_observe_mode_a_denial_is_told_as_what_would_have_been(tmp_path: Path) -> None:
    plane = InProcess(tmp_path, mode="observe")
    plane.client("s3", plane.user("dora")).create_bucket(Bucket="doras")
    assert told(plane).startswith("WOULD BE DENIED (implicit deny)  s3:CreateBucket\n")
    plane.close()


RECORD: dict[str, Any] = {
    "service": "s3", "operation": "GetObject", "verdict": "", "mode": "enforce", "status": 403, "at": 1_790_000_000.0,
    "via": [], "invoked_by": "", "source_arn": "", "cause": "",
    "source_ip": "127.0.0.1", "region": "us-east-1", "request_id": "r", "parameters": None, "error_code": "",
    "injected": "", "error_message": "", "resources": [], "determining": [], "explanation": None,
    "identity": {"arn": "*", "access_key_id": "", "instance_id": ""},
}  # fmt: skip


@given(TEXTS, TEXTS, TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS))
def test_nothing_that_a_caller_wrote_writes_on_the_readers_terminal(
    operation: str, region: str, message: str, arn: str, parameters: dict[str, str]
) -> None:
    record = {**RECORD, "operation": operation, "region": region, "error_code": message, "error_message": message,
              "resources": [{"arn": arn}], "determining": [arn], "parameters": parameters}  # fmt: skip
    first, *rest = lines(record)
    assert all(character.isprintable() or character == "\n" for line in rest for character in line)
    assert "\x1b" not in click.unstyle(first)


def test_verdicts_that_are_selected_are_those_of_records() -> None:
    assert explain.VERDICTS == VERDICTS


def test_what_is_selected_is_no_request_and_no_supposed_call(tmp_path: Path) -> None:
    for arguments in (["--as", "app", "--role", "app", "s3:GetObject", "x"], ["--as", "app", "--follow", "a", "b"]):
        result = CliRunner().invoke(explain.command, ["--data", str(tmp_path), *arguments])
        assert "no recorded calls are selected" in str(result.exception)

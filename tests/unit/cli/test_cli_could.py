"""`locum who-can` and `locum what-can` told to a person. With a plane: see `functional.test_questions_of_people`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from locum.analysis import what_can, who_can
from locum.analysis.candidates import by_name
from locum.cli import could
from locum.cli.commands import explain
from locum.cli.commands import who_can as command
from locum.cli.screen import folded
from support.small_worlds import BUCKET, NOT_HERE, ONE, allow, bucket, deny, found, role, world

OFFICE = {"IpAddress": {"aws:SourceIp": [f"10.{number}.0.0/16" for number in range(20)]}}


def told(*statements: dict[str, Any], roles: int = 1, policy: tuple[dict[str, Any], ...] = ()) -> str:
    state = world(*(role(f"app{number}", *statements) for number in range(roles)))
    answer = who_can.as_json(found(state, "s3:GetObject", f"{BUCKET}/k", bucket(*policy)))
    return "\n".join(folded(could.who(answer)))


def test_those_who_always_can_come_first_and_conditions_are_words_of_policy() -> None:
    text = told(
        allow("s3:*", Sid="Office", Condition=OFFICE), deny("s3:*", Condition={"Null": {"aws:Referer": "false"}})
    )
    always, conditional = text.split("can under conditions:")
    assert f"arn:aws:iam::{ONE}:root" in always
    words = " ".join(conditional.split())
    assert words.startswith(f"arn:aws:iam::{ONE}:role/app0 when IpAddress aws:SourceIp 10.0.0.0/16, 10.1.0.0/16,")
    assert 'and 14 more (inline policy "own", statement 0 "Office")' in words
    assert words.endswith('unless Null aws:Referer false (inline policy "own", statement 1)')


def test_many_principals_with_one_answer_are_one_group() -> None:
    text = told(allow("s3:*", Condition=OFFICE), roles=40)
    assert "and 15 more" in text
    assert text.count("can under conditions:") == 1


def test_ways_and_statements_of_which_one_is_needed_are_told_apart() -> None:
    here = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ONE}:role/app0"}, "Action": "s3:*",
            "Resource": f"{BUCKET}/*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}  # fmt: skip
    referer = {"StringLike": {"aws:Referer": "x"}}
    text = told(allow("s3:*", Condition=OFFICE), allow("s3:GetObject", Condition=referer), policy=(here,))
    assert "one of these applies:" in text
    assert "or when" in text


def test_accounts_elsewhere_depend_on_their_own_policies() -> None:
    shared = {"Effect": "Allow", "Principal": {"AWS": NOT_HERE}, "Action": "s3:*", "Resource": f"{BUCKET}/*"}
    text = told(policy=(shared,))
    assert f"arn:aws:iam::{NOT_HERE}:root\n    when policies of its own account allow it" in text


def test_what_can_be_done_is_told_by_service_and_access_level() -> None:
    state = world(role("app", allow(["s3:Get*", "sqs:*"]), deny("sqs:*", f"arn:aws:sqs:*:{ONE}:secret")))
    doer = what_can.doer(state, by_name(state, ONE, "app", 0), [], [], 0)
    rows = what_can.as_json(what_can.what_can(state, doer, ["s3", "sqs"], "us-east-1", 0))
    text = "\n".join(folded(could.what({"principal": "app", "rows": rows})))
    assert "\n  s3\n    Read: " in text
    assert "more, of" in text
    assert "unless Resource arn:aws:sqs:*:111111111111:secret" in text


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--as", "app"], "an action and a resource"),
        (["--as", "app", "s3:GetObject"], "an action and a resource"),
        (["s3:GetObject", "arn:aws:s3:::b"], "with --as"),
        (["--with", "aws:SourceIp=1.2.3.4"], "with --as"),
    ],
)
def test_explain_is_of_a_request_or_of_a_supposed_call(tmp_path: Path, arguments: list[str], why: str) -> None:
    result = CliRunner().invoke(explain.command, ["--data", str(tmp_path), *arguments])
    assert result.exit_code == 1
    assert why in str(result.exception)


def test_without_a_plane_nothing_is_answered(tmp_path: Path) -> None:
    result = CliRunner().invoke(command.command, ["--data", str(tmp_path), "s3:GetObject", "arn:aws:s3:::b/k"])
    assert (result.exit_code, "no Locum is running" in result.stderr) == (2, True)

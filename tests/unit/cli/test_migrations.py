"""The script of a migration: calls for a shell, and nothing else that a shell would run."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from locum.cli.migrations import TARGETS, lines, migration
from locum.core.errors import ConfigurationError

ACCOUNT = "000000000000"
NAMED = "a\nrm -rf $HOME\r'\"`id`;"
"""What is in the name of an object, say, that the program wrote."""
KEY: dict[str, Any] = {"id": "AKIAQAAAAAAAEXAMPLE0", "owner": f"arn:aws:iam::{ACCOUNT}:user/ci"}
KEY |= {"created": "2026-11-30", "used": None}


@pytest.mark.parametrize("target", TARGETS)
def test_attack_the_name_of_an_object_is_no_line_of_the_script(target: str) -> None:
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::b/{NAMED}"}
    made = migration(ACCOUNT, target, "worker", [{"Version": "2012-10-17", "Statement": [statement]}], "me/app")
    script = "\n".join(lines(KEY, made, [f"left out: s3:PutObject on {NAMED}"]))
    assert {line.split(" ")[0] for line in script.splitlines()} == {"#", "aws"}
    (call,) = (line for line in script.splitlines() if line.startswith("aws iam put-role-policy"))
    assert json.loads(shlex.split(call)[-1])["Statement"] == [statement]


@pytest.mark.parametrize("role", ["", "a b", "a\n", "x" * 65, "../x", "$(id)"])
def test_what_is_no_name_of_a_role_is_refused(role: str) -> None:
    with pytest.raises(ConfigurationError, match="is no name of a role"):
        migration(ACCOUNT, "ec2", role, [], "")

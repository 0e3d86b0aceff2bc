"""`locum who-can`, `what-can` and `explain --as`, on a running plane."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from support.plane import ACCOUNT, LOCUM, RunningPlane, allow, fresh, trusting
from support.processes import finished, group


def ask(plane: RunningPlane, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return finished([LOCUM, command, "--data", str(plane.data), *arguments], env=plane.environment())


def test_who_can_what_one_can_and_why_are_answered_alike(plane: RunningPlane) -> None:
    bucket = plane.bucket(k=b"x")
    role = plane.role(trusting(AWS=ACCOUNT), allow("s3:GetObject"))
    arn, resource = f"arn:aws:iam::{ACCOUNT}:role/{role}", f"arn:aws:s3:::{bucket}/k"
    who = ask(plane, "who-can", "s3:GetObject", resource)
    assert who.returncode == 0, who.stderr
    assert arn in who.stdout
    groups = json.loads(ask(plane, "who-can", "s3:GetObject", resource, "--json").stdout)["groups"]
    assert arn in [one["arn"] for group in groups for one in group["principals"] if group["verdict"] == "allowed"]
    rows = json.loads(ask(plane, "what-can", role, "--service", "s3", "--json").stdout)["rows"]
    assert [row["actions"] for row in rows] == [["GetObject"]]
    allowed = ask(plane, "explain", "--as", role, "s3:GetObject", resource)
    assert allowed.stdout.startswith("WOULD BE ALLOWED  s3:GetObject\n")
    denied = ask(plane, "explain", "--as", arn, "s3:PutObject", resource)
    assert denied.stdout.startswith("WOULD BE DENIED (implicit deny)  s3:PutObject\n")
    assert "because no identity-based policy allows the s3:PutObject action" in " ".join(denied.stdout.split())


def test_exit_codes_tell_nobody_from_no_such_thing(plane: RunningPlane) -> None:
    role = plane.role(trusting(Service="ec2.amazonaws.com"))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    assert ask(plane, "who-can", "sts:AssumeRoleWithSAML", arn).returncode == 1
    for arguments in (["s3:GetObject", f"arn:aws:s3:::{fresh('none')}/k"], ["s3:Nothing", arn], ["s3:GetObject", "x"]):
        refused = ask(plane, "who-can", *arguments)
        assert (refused.returncode, refused.stderr.startswith("locum: ")) == (2, True)


def test_attack_keys_without_end_are_refused_and_many_are_taken(plane: RunningPlane) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{plane.role(trusting(AWS=ACCOUNT))}"
    keys = [word for number in range(2_000) for word in ("--with", f"aws:RequestTag/k{number}={'x' * 40}")]
    assert ask(plane, "who-can", "sts:AssumeRole", arn, *keys).returncode in (0, 1)
    endless = [word for number in range(20) for word in ("--with", f"aws:RequestTag/k{number}={'x' * 100_000}")]
    assert ask(plane, "who-can", "sts:AssumeRole", arn, *endless).returncode == 2


INTERRUPTIBLE = (
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
)
"""Runs a command that SIGINT ends as at a terminal, also where the tests run in the background, which ignores it."""


def test_calls_are_followed_while_they_are_made(plane: RunningPlane) -> None:
    name, key = plane.user(allow("sts:GetCallerIdentity"))
    line = [*INTERRUPTIBLE, LOCUM, "explain", "--data", str(plane.data), "--all", "--follow", "--principal", name]
    with group(line, env=plane.environment(), stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        for called in ("list_users", "list_roles"):
            with pytest.raises(ClientError):
                getattr(plane.client("iam", key), called)()
            told = next(line for line in following.stdout if line.startswith("DENIED"))
            assert told == f"DENIED (implicit deny)  iam:{called.title().replace('_', '')}\n"
        following.send_signal(signal.SIGINT)
        assert following.wait(20) == 1

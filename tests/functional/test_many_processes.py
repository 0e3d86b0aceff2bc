"""Two hundred instances as processes at once, each with credentials of its own that are good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.driven import holder, launched, output, processes_of, said, until
from support.plane import ACCOUNT, Key, needs_namespaces, up

COUNT = 200
MOST_PRIVATE = 20.0
"""MiB of memory of its own that an instance may have: its launcher and its first process."""

CREDENTIALS = """
base=http://169.254.169.254/latest
token=$(curl -sX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 600' $base/api/token)
get() { curl -s -H "X-aws-ec2-metadata-token: $token" $base/meta-data/$1; }
get iam/security-credentials/$(get iam/security-credentials/) | tr -d '\\n'
echo
echo end"""

pytestmark = [
    needs_namespaces,
    pytest.mark.nightly,
    pytest.mark.timeout(1200),
    pytest.mark.xdist_group("many-processes"),
]


def private(pid: int) -> float:
    """The memory that a process shares with no other, in MiB."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private_")) / 1024


def test_two_hundred_at_once_have_credentials_that_are_good_and_leave_nothing(tmp_path: Path) -> None:
    with up(tmp_path, "--driver", "process") as plane:
        profile = plane.profile()
        ids = launched(plane, CREDENTIALS, count=COUNT, IamInstanceProfile={"Name": profile})
        for instance in ids:
            said(plane, instance, "end\n")
        callers = set()
        for instance in ids:
            given = json.loads(output(plane, instance).splitlines()[0])
            key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["Token"])
            callers.add(plane.client("sts", key).get_caller_identity()["Arn"])
        assert callers == {f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{instance}" for instance in ids}
        for instance in ids[:: COUNT // 10]:
            launcher = holder(plane, instance)
            assert launcher is not None
            assert private(launcher) + sum(map(private, processes_of(plane, instance))) < MOST_PRIVATE
        plane.client("ec2").terminate_instances(InstanceIds=ids)
        until(lambda: not (plane.data / "instances").exists())

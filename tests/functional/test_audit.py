"""`locum audit` on a running plane: the report, the script that the AWS CLI runs, and the calls it makes itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.plane import ACCOUNT, BIN, REGION, RunningPlane, allow, document, trusting, up
from support.processes import finished

PAIR = "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab"
OPENED = trusting(AWS="*")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane whose identities nobody else changes."""
    with up(tmp_path_factory.mktemp("audited")) as running:
        yield running


def audit(
    house: RunningPlane, *arguments: str, said: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return house.locum("audit", *arguments, env=house.environment(**environment), said=said)


def report(house: RunningPlane, *arguments: str, **environment: str) -> dict[str, Any]:
    done = audit(house, "--format", "json", *arguments, **environment)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ids(found: dict[str, Any], rule: str) -> list[str]:
    return [row["id"] for row in found["findings"] if row["rule"] == rule]


def test_a_report_fails_until_its_script_was_run_by_the_aws_cli(house: RunningPlane, tmp_path: Path) -> None:
    iam = house.client("iam")
    sid = "'; touch pwned; '$(touch pwned)"
    opened = json.loads(OPENED)
    statements = opened["Statement"] if isinstance(opened["Statement"], list) else [opened["Statement"]]
    kept = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": sid}}}  # fmt: skip
    trust = json.dumps({"Version": "2012-10-17", "Statement": [*statements, kept]})
    iam.create_role(RoleName="--opened", AssumeRolePolicyDocument=trust)
    iam.create_user(UserName="mallory")
    iam.put_user_policy(UserName="mallory", PolicyName="own", PolicyDocument=document(allow("iam:PutUserPolicy")))
    done = audit(house)
    assert done.returncode == 1, done.stderr
    assert "can become an administrator by iam:PutUserPolicy" in done.stdout
    script = audit(house, "--fix").stdout
    bash = shutil.which("bash")
    assert bash is not None
    where = {"AWS_ENDPOINT_URL": house.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_PAGER": ""}
    environment = house.environment(**house.root.environment, **where) | {"PATH": f"{BIN}:/usr/bin:/bin"}
    ran = finished([bash, "-e", "-c", script], env=environment, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert not list(tmp_path.iterdir())
    assert audit(house).returncode == 0
    (left,) = iam.get_role(RoleName="--opened")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert left["Condition"]["StringEquals"]["sts:ExternalId"] == sid


def test_calls_are_made_one_by_one_once_they_are_agreed_to(house: RunningPlane) -> None:
    iam = house.client("iam")
    iam.create_role(RoleName="applied", AssumeRolePolicyDocument=OPENED)
    refused = audit(house, "--apply", said="n\n")
    assert refused.returncode == 1
    assert ids(report(house), "trust-of-anyone")
    done = audit(house, "--apply", said="y\n" * 20)
    assert "aws iam update-assume-role-policy --role-name applied" in done.stderr
    assert not ids(report(house), "trust-of-anyone")


def test_a_baseline_and_a_suppression_accept_what_they_name(house: RunningPlane, tmp_path: Path) -> None:
    house.client("iam").create_role(RoleName="accepted", AssumeRolePolicyDocument=OPENED)
    found = report(house)
    (name,) = ids(found, "trust-of-anyone")
    baseline, suppressed = tmp_path / "baseline", tmp_path / "suppressed"
    baseline.write_text(json.dumps(found))
    assert audit(house, "--baseline", str(baseline), "--fail-on", "low").returncode == 0
    for until, code in (("2199-01-01", 0), ("2020-01-01", 1)):
        suppressed.write_text(json.dumps([{"id": name, "reason": "a honeypot", "until": until}]))
        assert audit(house, "--suppress", str(suppressed)).returncode == code
    suppressed.write_text(json.dumps([{"id": name, "until": "2199-01-01"}]))
    assert audit(house, "--suppress", str(suppressed)).returncode == 2
    house.client("iam").delete_role(RoleName="accepted")


def test_files_and_objects_are_looked_at_on_request_and_no_secret_is_told(house: RunningPlane, tmp_path: Path) -> None:
    (tmp_path / "creds").write_text(PAIR)
    bucket = house.bucket(creds=PAIR.encode())
    for form in ("text", "json", "sarif"):
        done = audit(house, "--format", form, "--scan", str(tmp_path), "--objects", bucket)
        assert done.returncode == 1
        assert f"arn:aws:s3:::{bucket}/creds" in done.stdout
        assert str(tmp_path / "creds") in done.stdout
        assert PAIR.split()[1] not in done.stdout + done.stderr
    assert audit(house).returncode == 0


def test_who_asks_is_the_owner_of_the_key_in_the_environment(house: RunningPlane) -> None:
    name, key = house.user(allow("lambda:ListFunctions"))
    found = report(house, **key.environment)
    assert found["caller"].endswith(f"/{name}")
    assert found["complete"] is False
    assert "s3:ListAllMyBuckets" not in found["unread"]
    assert "ssm:DescribeParameters" in found["unread"]
    assert audit(house, **key.environment).returncode == 1
    unknown = {"AWS_ACCESS_KEY_ID": "AKIAUNKNOWNUNKNOWN22", "AWS_SECRET_ACCESS_KEY": "x"}
    assert audit(house, **unknown).returncode == 2


def test_a_schedule_is_begun_shown_and_ended(house: RunningPlane) -> None:
    assert audit(house, "--last").returncode == 2
    assert audit(house, "--every", "1h").returncode == 0
    shown = audit(house, "--last")
    assert (shown.returncode, "The next audit is at" in shown.stdout) == (0, True)
    assert report(house, "--last")["schedule"]["every"] == 3600
    assert audit(house, "--last", "--apply").returncode == 2
    assert audit(house, "--every", "0s").returncode == 0
    assert audit(house, "--last").returncode == 2

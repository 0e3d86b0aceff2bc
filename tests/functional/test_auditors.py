"""Other people's auditors of accounts, unmodified: they read what there is, and read it right."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.plane import ACCOUNT, REGION, RunningPlane, allow, fresh, up
from support.processes import finished
from support.tools import found, needs
from support.trails import writable

CLOUDSPLAINING = "cloudsplaining/bin/cloudsplaining"
CUSTODIAN = "c7n/bin/custodian"
PMAPPER = "pmapper/bin/python"
PROWLER = "prowler/bin/prowler"
HERE = Path(__file__).parent


class Account:
    """An account with an administrator, a user who can become one, one who cannot, and a trail."""

    def __init__(self, plane: RunningPlane, home: Path) -> None:
        self.plane, self.home = plane, home
        iam = plane.client("iam")
        self.trail = fresh("audited")
        for name, statement in {
            "admin": allow("*"),
            "sly": allow(["iam:PutUserPolicy", "s3:GetObject"]),
            "plain": allow("sqs:ListQueues"),
        }.items():
            iam.create_user(UserName=name)
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        plane.client("s3").create_bucket(Bucket=self.trail)
        plane.client("s3").put_bucket_policy(Bucket=self.trail, Policy=writable(self.trail))
        cloudtrail, settings = plane.client("cloudtrail"), {"IsMultiRegionTrail": True, "EnableLogFileValidation": True}
        cloudtrail.create_trail(Name=self.trail, S3BucketName=self.trail, **settings)
        cloudtrail.start_logging(Name=self.trail)

    def run(self, program: str, *arguments: str) -> str:
        """What a tool says, as the root user; it succeeds."""
        path = found(program)
        assert path is not None
        settings = {"AWS_ENDPOINT_URL": self.plane.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION}
        environment = self.plane.environment(**self.plane.root.environment, **settings)
        environment.pop("PYTHONPATH", None)
        done = finished([path, *arguments], env=environment | {"HOME": str(self.home)}, cwd=self.home)
        assert done.returncode in (0, 3), done.stdout + done.stderr  # Prowler's 3: a check has failed
        return str(done.stdout)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with up(tmp_path_factory.mktemp("audited")) as plane:
        yield Account(plane, tmp_path_factory.mktemp("auditor"))


@needs(CLOUDSPLAINING)
def test_cloudsplaining_finds_who_can_become_more(account: Account) -> None:
    account.run(CLOUDSPLAINING, "download", "-o", ".")
    account.run(CLOUDSPLAINING, "scan", "--input-file", "default.json", "-o", ".", "--skip-open-report")
    results: dict[str, Any] = json.loads((account.home / "iam-results-default.json").read_text())
    escalating = {
        user: [it["type"] for it in policy["PrivilegeEscalation"]["findings"]]
        for policy in results["inline_policies"].values()
        for user in policy["AttachedTo"]["users"]
    }
    assert escalating["sly"] == ["PutUserPolicy"]
    assert escalating["plain"] == []


@needs(PMAPPER)
def test_principal_mapper_draws_who_can_do_what(account: Account) -> None:
    program = str(HERE / "pmapper_program.py")
    account.run(PMAPPER, program, "graph", "create", "--include-regions", REGION)
    said = account.run(PMAPPER, program, "query", "who can do s3:GetObject")
    assert "user/sly IS authorized to call action s3:GetObject" in said
    assert "user/plain" not in said
    assert "user/sly is an administrative principal" in account.run(PMAPPER, program, "query", "preset privesc *")


@needs(CUSTODIAN)
def test_cloud_custodian_finds_accounts_without_a_trail_and_users_with_too_much(account: Account) -> None:
    trail = {"type": "check-cloudtrail", "multi-region": True, "global-events": True, "running": True}
    may = {"type": "check-permissions", "match": "allowed", "actions": ["iam:CreateUser"]}
    policies: dict[str, dict[str, Any]] = {
        "trails": {"resource": "aws.account", "filters": [trail]},
        "logs": {"resource": "aws.account", "filters": [{**trail, "notifies": True}]},
        "admins": {"resource": "aws.iam-user", "filters": [may]},
    }
    written = {"policies": [{"name": name, **policy} for name, policy in policies.items()]}
    (account.home / "policies.json").write_text(json.dumps(written))
    account.run(CUSTODIAN, "run", "-s", "custodian", "--cache-period", "0", "--region", REGION, "policies.json")

    def chosen(name: str) -> list[dict[str, Any]]:
        resources: list[dict[str, Any]] = json.loads((account.home / "custodian" / name / "resources.json").read_text())
        return resources

    assert chosen("trails") == []
    assert [it["account_id"] for it in chosen("logs")] == [ACCOUNT]
    assert [it["UserName"] for it in chosen("admins")] == ["admin"]


@pytest.mark.nightly
@pytest.mark.timeout(300)
@needs(PROWLER)
def test_prowler_checks_identities_and_trails(account: Account) -> None:
    said = account.run(PROWLER, "aws", "-s", "iam", "cloudtrail", "-f", REGION, "-M", "csv", "-o", "out", "--no-banner")
    assert "Something went wrong" not in said
    (file,) = (account.home / "out").glob("*.csv")
    with file.open() as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    found = {(row["CHECK_ID"], row["RESOURCE_UID"].rpartition("/")[2]): row["STATUS"] for row in rows}
    for check in ("multi_region_enabled", "log_file_validation_enabled", "logs_s3_bucket_is_not_publicly_accessible"):
        assert found[f"cloudtrail_{check}", account.trail] == "PASS"
    assert found["cloudtrail_kms_encryption_enabled", account.trail] == "FAIL"
    administrative = "iam_inline_policy_no_administrative_privileges"
    assert (found[administrative, "admin"], found[administrative, "plain"]) == ("FAIL", "PASS")

"""The AWS CDK, unchanged: its five roles are really assumed, and its stack does what its execution role may.

`make nightly` installs it (`tests/tools/cdk`); without npm there is none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import node
from support.application import Application
from support.plane import ACCOUNT, COMMAND_LINES, REGION, RunningPlane, allow, needs_namespaces, up
from support.processes import finished

INSTALLED = Path(__file__).parents[2] / ".tools/cdk/node_modules"
APPS = Path(__file__).parent / "cdk"
OF_THE_CDK = {"aws-cdk", "aws-cdk-lib", "constructs"}
"""The packages that are not the AWS SDK's and those that it needs."""
BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not INSTALLED.is_dir(), reason="make nightly installs the AWS CDK, where npm is"),
]


class Cdk:
    """The CDK's command line, with the keys of a user, on a plane over TLS: who may do what `statements` say."""

    def __init__(self, plane: RunningPlane, folder: Path, *statements: dict[str, Any]) -> None:
        self.plane, self._folder = plane, folder
        own = {"AWS_REGION": REGION, "NODE_PATH": str(INSTALLED), "CI": "1", "NODE_NO_WARNINGS": "1"}
        _, key = plane.user(*statements)
        self._environment = plane.environment(**key.environment, **plane.over_tls(), **own)

    def run(self, *arguments: str, app: str = "app.js") -> str:
        """What `cdk ARGUMENTS` says, without an error."""
        code, said = self.said(*arguments, app=app)
        assert code == 0, said
        return said

    def said(self, *arguments: str, app: str = "app.js") -> tuple[int, str]:
        """The exit code, and what is said."""
        line = [str(INSTALLED / ".bin/cdk"), "--app", f"node {APPS / app}", "--no-notices", *arguments]
        done = finished(line, seconds=300, env=self._environment, cwd=self._folder)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def cdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdk]:
    packages = [it for it in INSTALLED.iterdir() if it.is_dir() and it.name not in OF_THE_CDK]
    with pytest.MonkeyPatch.context() as patch:
        programs = node.installation(tmp_path_factory.mktemp("node"), packages)
        patch.setenv("PATH", str(programs), prepend=os.pathsep)
        with up(tmp_path_factory.mktemp("plane"), "--tls", "--tls-port", "0") as plane:
            yield Cdk(plane, tmp_path_factory.mktemp("app"), allow("*"))


def test_the_cdk_bootstraps_deploys_compares_and_destroys(cdk: Cdk) -> None:
    plane = cdk.plane
    cdk.run("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    roles = {it["RoleName"].removeprefix("cdk-hnb659fds-") for it in plane.client("iam").list_roles()["Roles"]}
    assert roles >= {
        f"{name}-role-{ACCOUNT}-{REGION}"
        for name in ("deploy", "file-publishing", "image-publishing", "lookup", "cfn-exec")
    }
    said = cdk.run("deploy", "--require-approval", "never")
    assert "could not be used to assume" not in said
    (stack,) = plane.client("cloudformation").describe_stacks(StackName="Demo")["Stacks"]
    assert stack["RoleARN"].endswith(f"role/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}")
    outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
    answer = plane.client("lambda").invoke(FunctionName=outputs["FunctionName"])
    assert json.loads(answer["Payload"].read()) == {"table": outputs["TableName"]}
    (event,) = plane.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTable"}]
    )["Events"]
    made_by = json.loads(event["CloudTrailEvent"])["userIdentity"]["arn"]
    assert made_by == f"arn:aws:sts::{ACCOUNT}:assumed-role/{stack['RoleARN'].rpartition('/')[2]}/AWSCloudFormation"
    assert "There were no differences" in cdk.run("diff")
    assert "no changes" in cdk.run("deploy", "--require-approval", "never")
    cdk.run("destroy", "--force")
    assert plane.client("dynamodb").list_tables()["TableNames"] == []


def test_the_bootstrap_buckets_policy_denies_plain_http(cdk: Cdk) -> None:
    cdk.run("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    with pytest.raises(cdk.plane.client("s3").exceptions.ClientError, match="AccessDenied"):
        cdk.plane.client("s3").list_objects_v2(Bucket=BUCKET)


def put_object(plane: RunningPlane, bucket: str) -> None:
    """Put an object into a bucket that denies plain HTTP."""
    environment = plane.environment(**plane.root.environment, **plane.over_tls(), AWS_DEFAULT_REGION=REGION)
    line = [str(COMMAND_LINES["v1"]), "s3api", "put-object", "--bucket", bucket, "--key", "kept"]
    done = finished(line, env=environment)
    assert done.returncode == 0, done.stderr


@needs_namespaces
def test_stacks_with_references_lookups_assets_and_custom_resources(cdk: Cdk, tmp_path: Path) -> None:
    """Deployed, changed and destroyed by who may assume the CDK's roles, and nothing else."""
    cdk.run("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    plane = cdk.plane
    deployer = Cdk(plane, tmp_path, allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-*"))
    everything = ("--all", "--require-approval", "never")
    deployer.run("deploy", *everything, app="application.js")
    made = Application(plane, "Application")
    assert (made.made["Greeting"], made.made["Account"]) == ("Hello, World", ACCOUNT)
    made.assert_its_roles_work()
    put_object(plane, made.made["Store"])
    deployer.run("deploy", *everything, "--context", "role=renamed", app="application.js")
    made.assert_its_server_has_another_role("renamed")
    deployer.run("destroy", "--all", "--force", app="application.js")
    made.assert_nothing_is_left()


def test_who_may_not_assume_the_cdks_roles_is_told(cdk: Cdk, tmp_path: Path) -> None:
    cdk.run("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    code, said = Cdk(cdk.plane, tmp_path, allow("sts:GetCallerIdentity")).said("deploy", "--require-approval", "never")
    assert code != 0
    assert "is not authorized to perform: " in said, said

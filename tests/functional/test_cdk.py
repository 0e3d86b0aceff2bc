"""The AWS CDK, unchanged: its five roles are really assumed, and its stack does what its execution role may.

`make nightly` installs it (`tests/tools/cdk`); without npm there is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.plane import ACCOUNT, REGION, Key, RunningPlane, up
from support.processes import finished

INSTALLED = Path(__file__).parents[2] / ".tools/cdk/node_modules"
APP = Path(__file__).parent / "cdk/app.js"
BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(not INSTALLED.is_dir(), reason="make nightly installs the AWS CDK, where npm is"),
]


class Cdk:
    """The CDK's command line, with the keys of an administrator, on a plane over TLS."""

    def __init__(self, plane: RunningPlane, folder: Path) -> None:
        self.plane, self._folder = plane, folder
        iam = plane.client("iam")
        iam.create_user(UserName="admin")
        iam.attach_user_policy(UserName="admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        made = iam.create_access_key(UserName="admin")["AccessKey"]
        self._key = Key(made["AccessKeyId"], made["SecretAccessKey"])
        told = json.loads((plane.data / "plane.json").read_text())
        authority = str(plane.data / "tls-authority.pem")
        self._environment = plane.environment(
            **self._key.environment,
            AWS_REGION=REGION,
            AWS_ENDPOINT_URL=f"https://localhost:{told['tls_port']}",
            AWS_CA_BUNDLE=authority,
            NODE_EXTRA_CA_CERTS=authority,
            NODE_PATH=str(INSTALLED),
            CI="1",
        )

    def run(self, *arguments: str) -> str:
        """What `cdk ARGUMENTS` says, without an error."""
        line = [str(INSTALLED / ".bin/cdk"), "--app", f"node {APP}", "--no-notices", *arguments]
        done = finished(line, env=self._environment, cwd=self._folder)
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def cdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdk]:
    with up(tmp_path_factory.mktemp("plane"), "--tls", "--tls-port", "0") as plane:
        yield Cdk(plane, tmp_path_factory.mktemp("app"))


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

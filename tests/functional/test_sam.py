"""The AWS SAM CLI, unchanged: an application is built, deployed, changed and deleted by who may do what that takes.

The bucket that `--resolve-s3` makes denies plain HTTP, so that the plane is called over TLS.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from support.application import Application
from support.plane import ACCOUNT, REGION, RunningPlane, allow, fresh, needs_namespaces, refused, trusting, up
from support.stacks import template
from support.tools import Worker, found, needs

SAM: Final = "sam/bin/sam"
PROJECT: Final = Path(__file__).parent / "sam"
STACKS: Final = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/"
BUCKET: Final = "arn:aws:s3:::aws-sam-cli-managed-default-*"

pytestmark = [needs(SAM), needs_namespaces, pytest.mark.nightly, pytest.mark.timeout(600)]


class Sam:
    """A project of SAM, its deployer, and the role that makes the resources."""

    def __init__(self, plane: RunningPlane, folder: Path) -> None:
        self.plane = plane
        shutil.copytree(PROJECT, folder)
        self.role = plane.role(trusting(Service="cloudformation.amazonaws.com"), allow("*"))
        self.worker = Worker(plane, *self._statements())
        self.worker.folder = folder
        self.stack = fresh("sam")

    def _statements(self) -> Iterator[dict[str, Any]]:
        """What SAM's commands below need, in the words of the Service Authorization Reference."""
        stack = ["CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DescribeStacks", "DescribeStackEvents"]
        deleted = ["GetTemplate", "GetTemplateSummary", "DeleteStack", "ListStackResources"]
        yield allow([f"cloudformation:{it}" for it in (*stack, *deleted)], f"{STACKS}*")
        transform = f"arn:aws:cloudformation:{REGION}:aws:transform/Serverless-2016-10-31"
        yield allow("cloudformation:CreateChangeSet", transform)
        made = [
            "BucketPolicy",
            "BucketPublicAccessBlock",
            "BucketTagging",
            "BucketVersioning",
            "EncryptionConfiguration",
        ]
        yield allow(["s3:CreateBucket", "s3:GetBucketPolicy", *(f"s3:Put{it}" for it in made)], BUCKET)
        yield allow(["s3:PutObject", "s3:GetObject", "s3:DeleteObject"], f"{BUCKET}/*")
        yield allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{self.role}")

    def run(self, *arguments: str) -> str:
        """What `sam ARGUMENTS` says, without an error."""
        return self.worker.works(SAM, *arguments, **self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """Its settings: over TLS, and nothing is told to AWS."""
        return {**self.plane.over_tls(), "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "1"}

    @property
    def _deployment(self) -> list[str]:
        role = ["--role-arn", f"arn:aws:iam::{ACCOUNT}:role/{self.role}"]
        usual = ["--resolve-s3", "--no-confirm-changeset", "--capabilities", "CAPABILITY_NAMED_IAM"]
        return ["deploy", "--stack-name", self.stack, *usual, *role]

    def deploy(self, *more: str) -> str:
        """Deploy what is built."""
        return self.run(*self._deployment, *more)

    def fails_to_deploy(self) -> str:
        """What is said of a deployment that fails."""
        done = self.worker.run(SAM, *self._deployment, **self.environment)
        assert done.returncode != 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sam]:
    home = tmp_path_factory.mktemp("sam")
    with up(home, "--tls", "--tls-port", "0") as plane:
        yield Sam(plane, home / "project")


def test_sam_builds_deploys_changes_and_deletes_an_application(sam: Sam) -> None:
    sam.run("build")
    sam.deploy()
    made = Application(sam.plane, sam.stack)
    made.assert_its_roles_work()
    assert "No changes to deploy" in sam.deploy("--no-fail-on-empty-changeset")
    sam.deploy("--parameter-overrides", "ServerRoleName=renamed")
    made.assert_its_server_has_another_role("renamed")
    assert made.made["Function"] in sam.run("list", "resources", "--stack-name", sam.stack)
    sam.run("delete", "--stack-name", sam.stack, "--no-prompts")
    made.assert_nothing_is_left()
    sam.worker.assert_all_of_it_is_used()


@pytest.mark.parametrize("action", ["iam:PassRole", "cloudformation:CreateChangeSet"])
def test_sam_tells_what_its_deployer_may_not_do(sam: Sam, action: str) -> None:
    sam.run("build")
    sam.worker.may_no_longer(action)
    said = sam.fails_to_deploy()
    sam.worker.may_again()
    assert f"is not authorized to perform: {action} on resource: " in said, said


def test_sam_tells_what_the_role_of_its_stack_may_not_do(sam: Sam) -> None:
    """The stack is rolled back, and SAM shows the service's own words."""
    sam.run("build")
    sam.plane.permit(sam.role, allow("*"), {"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*"})
    said = "".join(sam.fails_to_deploy().split())  # it is a table, whose cells are wrapped
    sam.plane.permit(sam.role, allow("*"))
    assert f"assumed-role/{sam.role}/AWSCloudFormation" in said, said
    assert "isnotauthorizedtoperform:iam:CreateRoleonresource:" in said
    sam.run("delete", "--stack-name", sam.stack, "--no-prompts")


def test_inside_an_instance_sam_calls_awss_own_hosts_and_deletes_what_is_nested(sam: Sam, tmp_path: Path) -> None:
    """It finds the objects of nested applications by URLs that begin with `https://s3`, as they do there alone."""
    child = {"Topic": {"Type": "AWS::SNS::Topic"}}
    nested = {"Child": {"Type": "AWS::Serverless::Application", "Properties": {"Location": "child.json"}}}
    (tmp_path / "child.json").write_text(template(child))
    (tmp_path / "parent.json").write_text(template(nested, Transform="AWS::Serverless-2016-10-31"))
    profile, name, client = sam.plane.profile(allow("*")), fresh("nested"), sam.plane.client("cloudformation")
    environment = {**sam.plane.environment(), "SAM_CLI_TELEMETRY": "0"}
    environment.pop("PYTHONPATH", None)  # a tool has packages of its own

    def inside(*arguments: str) -> None:
        line = ["--aws-hosts", "--profile", profile, "--", str(found(SAM)), *arguments, "--stack-name", name]
        done = sam.plane.locum("run", *line, env=environment, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr

    usual = ["--resolve-s3", "--no-confirm-changeset", "--capabilities", "CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"]
    inside("deploy", "--template-file", "parent.json", *usual)
    (child_stack,) = client.describe_stack_resources(StackName=name)["StackResources"]
    assert child_stack["ResourceType"] == "AWS::CloudFormation::Stack"
    inside("delete", "--no-prompts")
    assert refused(client.describe_stacks, StackName=name).code == "ValidationError"

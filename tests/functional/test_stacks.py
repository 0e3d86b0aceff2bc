"""Stacks by real clients, and through `kill -9`: whatever happens, each stack is complete or gone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.application import Application, invoked, outputs
from support.http_backend import behind_a_backend
from support.plane import COMMAND_LINES, REGION, RunningPlane, command_lines, fresh, trusting, up
from support.processes import finished
from support.stacks import CAPABILITIES, template

TRUSTS_LAMBDA = json.loads(trusting(Service="lambda.amazonaws.com"))
TRUSTS_EC2 = json.loads(trusting(Service="ec2.amazonaws.com"))
ROLE: dict[str, Any] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUSTS_LAMBDA}}
IMAGE = "ami-12c6146b"
SOON = {"Delay": 1, "MaxAttempts": 110}

APPLICATION = f"""
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Level: {{Type: String, Default: info}}
  ServerRoleName: {{Type: String, Default: ''}}
Conditions:
  Named: !Not [!Equals [!Ref ServerRoleName, '']]
Resources:
  Store:
    Type: AWS::S3::Bucket
  StorePolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Store
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Deny
            Principal: '*'
            Action: s3:DeleteBucket
            Resource: !Sub '${{Store.Arn}}'
            Condition: {{StringLike: {{'aws:PrincipalArn': !Sub 'arn:aws:iam::${{AWS::AccountId}}:role/nobody'}}}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{{AttributeName: id, AttributeType: S}}]
      KeySchema: [{{AttributeName: id, KeyType: HASH}}]
  ServerRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !If [Named, !Ref ServerRoleName, !Ref AWS::NoValue]
      AssumeRolePolicyDocument: {json.dumps(TRUSTS_EC2)}
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: 2012-10-17
            Statement: [{{Effect: Allow, Action: s3:ListBucket, Resource: !GetAtt Store.Arn}}]
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties: {{Roles: [!Ref ServerRole]}}
  Server:
    Type: AWS::EC2::Instance
    Properties: {{ImageId: {IMAGE}, IamInstanceProfile: !Ref Profile}}
  FunctionRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {json.dumps(TRUSTS_LAMBDA)}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt FunctionRole.Arn
      Runtime: python3.11
      Handler: index.handler
      Environment: {{Variables: {{LEVEL: !Ref Level}}}}
      Code:
        ZipFile: |
          import os
          import boto3
          def handler(event, context):
              arn = boto3.client("sts").get_caller_identity()["Arn"]
              return {{"level": os.environ["LEVEL"], "arn": arn}}
Outputs:
  Store: {{Value: !Ref Store}}
  Function: {{Value: !Ref Function}}
  Server: {{Value: !Ref Server}}
  FunctionRole: {{Value: !Ref FunctionRole}}
  ServerRole: {{Value: !Ref ServerRole}}
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("stacks")) as running:
        yield running


def cli(plane: RunningPlane, version: str, *arguments: str) -> None:
    settings = {"AWS_ENDPOINT_URL": plane.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_PAGER": ""}
    environment = plane.environment(**plane.root.environment, **settings)
    line = [str(COMMAND_LINES[version]), "--endpoint-url", plane.endpoint, "cloudformation", *arguments]
    done = finished(line, env=environment)
    assert done.returncode == 0, done.stderr


def deploy(plane: RunningPlane, version: str, name: str, file: Path, *more: str) -> None:
    capabilities = ["--capabilities", "CAPABILITY_NAMED_IAM"]
    cli(plane, version, "deploy", "--stack-name", name, "--template-file", str(file), *capabilities, *more)


@command_lines
def test_the_aws_cli_deploys_an_application_whose_roles_work(plane: RunningPlane, version: str, tmp_path: Path) -> None:
    name, file = fresh("app"), tmp_path / "template.yaml"
    file.write_text(APPLICATION)
    deploy(plane, version, name, file)
    application, renamed = Application(plane, name), fresh("renamed")
    application.assert_its_roles_work()
    deploy(plane, version, name, file, "--parameter-overrides", "Level=debug", f"ServerRoleName={renamed}")
    assert invoked(plane, application.made["Function"])["level"] == "debug"
    application.assert_its_server_has_another_role(renamed)
    deploy(plane, version, name, file, "--no-fail-on-empty-changeset")
    cli(plane, version, "delete-stack", "--stack-name", name)
    plane.client("cloudformation").get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=SOON)
    application.assert_nothing_is_left()


def test_an_instance_of_a_stack_wears_its_profile_and_a_function_its_role(plane: RunningPlane) -> None:
    name, client = fresh("worn"), plane.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=APPLICATION, Capabilities=CAPABILITIES)
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=SOON)
    application = Application(plane, name)
    application.assert_its_roles_work()
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=SOON)
    application.assert_nothing_is_left()


def test_what_the_aws_cli_packages_is_at_the_planes_own_address(plane: RunningPlane, tmp_path: Path) -> None:
    """A nested template and a function's code are uploaded, and named by URLs that CloudFormation takes."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "index.py").write_text("def handler(event, context):\n    return {'arn': 'packaged'}\n")
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Role": {"Fn::GetAtt": "Role.Arn"},
            "Runtime": "python3.11",
            "Handler": "index.handler",
            "Code": "code",
        },
    }
    named = {"Name": {"Value": {"Ref": "Function"}}}
    (tmp_path / "nested.json").write_text(template({"Role": ROLE, "Function": function}, Outputs=named))
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "nested.json"}}
    value = {"Value": {"Fn::GetAtt": "Nested.Outputs.Name"}}
    (tmp_path / "main.json").write_text(template({"Nested": nested}, Outputs={"Name": value}))
    packaged, bucket, name = tmp_path / "packaged.json", plane.bucket(), fresh("packaged")
    source = ["--template-file", str(tmp_path / "main.json"), "--s3-bucket", bucket, "--use-json"]
    cli(plane, "v1", "package", *source, "--output-template-file", str(packaged))
    text = packaged.read_text()
    assert json.loads(text)["Resources"]["Nested"]["Properties"]["TemplateURL"].startswith(
        f"{plane.endpoint}/{bucket}/"
    )
    client = plane.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=text, Capabilities=CAPABILITIES)
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=SOON)
    assert invoked(plane, outputs(plane, name)["Name"]) == {"arn": "packaged"}
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=SOON)


QUEUE = {"Type": "AWS::SQS::Queue"}
SIX = template(
    {
        "Role": ROLE,
        "Queue": QUEUE,
        "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "Queue"},
        "Second": {**QUEUE, "DependsOn": "Topic"},
        "Third": {**ROLE, "DependsOn": "Second"},
        "Group": {"Type": "AWS::IAM::Group", "DependsOn": "Third"},
    }
)

REPLACED = template(
    {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {**ROLE["Properties"], "Path": "/replaced/"}},
        "Queue": {**QUEUE, "Properties": {"DelaySeconds": 5}},
        "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "Queue"},
        "Second": {**QUEUE, "DependsOn": "Topic"},
        "Group": {"Type": "AWS::IAM::Group", "DependsOn": "Second", "Properties": {"Path": "/replaced/"}},
    }
)


class Interrupted:
    """A plane that is killed while many stacks are under way, and the one that is its backend and lives on."""

    COUNT = 50

    def __init__(self, front: RunningPlane, behind: RunningPlane) -> None:
        self.front, self.behind = front, behind
        self.names = [f"interrupted-{number}" for number in range(self.COUNT)]

    @property
    def client(self) -> Any:
        return self.front.client("cloudformation")

    def statuses(self) -> Counter[str]:
        pages = self.client.get_paginator("list_stacks").paginate()
        found = [it for page in pages for it in page["StackSummaries"] if it["StackName"].startswith("interrupted-")]
        return Counter(it["StackStatus"] for it in found)

    def kill_after(self, done: str, count: int) -> None:
        """`kill -9` once so many stacks are done; then it starts again."""
        while self.statuses()[done] < count:
            pass
        self.front.kill()
        self.front.start()

    def until(self, *expected: str) -> Counter[str]:
        """The statuses once all are among those."""
        while not (found := self.statuses()).keys() <= {*expected}:
            pass
        return found

    def left(self) -> dict[str, int]:
        """How much there is in the services that the stacks make something in."""
        iam, sqs, sns = self.front.client("iam"), self.behind.client("sqs"), self.behind.client("sns")
        roles = [it for page in iam.get_paginator("list_roles").paginate() for it in page["Roles"]]
        return {
            "roles": sum(1 for it in roles if it["RoleName"].startswith("interrupted-")),
            "groups": len(iam.list_groups()["Groups"]),
            "queues": sum(len(page.get("QueueUrls", [])) for page in sqs.get_paginator("list_queues").paginate()),
            "topics": sum(len(page["Topics"]) for page in sns.get_paginator("list_topics").paginate()),
        }


@pytest.fixture
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interrupted]:
    with behind_a_backend(tmp_path_factory, "sqs", "sns") as planes:
        yield Interrupted(planes.front, planes.behind)


@pytest.mark.timeout(300)
def test_stacks_that_a_kill_interrupts_end_complete_or_gone_and_nothing_is_orphaned(interrupted: Interrupted) -> None:
    it = interrupted
    for name in it.names:
        it.client.create_stack(StackName=name, TemplateBody=SIX, Capabilities=CAPABILITIES)
    it.kill_after("CREATE_COMPLETE", 1)
    it.kill_after("CREATE_COMPLETE", it.COUNT // 2)
    assert it.until("CREATE_COMPLETE") == {"CREATE_COMPLETE": it.COUNT}
    count = it.COUNT
    assert it.left() == {"roles": 2 * count, "groups": count, "queues": 2 * count, "topics": count}
    for name in it.names:
        it.client.update_stack(StackName=name, TemplateBody=REPLACED, Capabilities=CAPABILITIES)
    it.kill_after("UPDATE_COMPLETE", 1)
    assert it.until("UPDATE_COMPLETE") == {"UPDATE_COMPLETE": it.COUNT}
    assert it.left() == {"roles": count, "groups": count, "queues": 2 * count, "topics": count}
    for name in it.names:
        it.client.delete_stack(StackName=name)
    it.kill_after("DELETE_COMPLETE", it.COUNT // 2)
    assert it.until("DELETE_COMPLETE") == {"DELETE_COMPLETE": it.COUNT}
    assert it.left() == {"roles": 0, "groups": 0, "queues": 0, "topics": 0}

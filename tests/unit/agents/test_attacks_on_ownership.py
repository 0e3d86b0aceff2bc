"""Attacks on what belongs to whom: a stack, a set or a role that takes what is not its own for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess, Key
from support.organized_sets import Organized, placed
from support.plane import ACCOUNT, TRUSTS_EC2, allow, document, fresh, trusting
from support.stack_sets import StackSets, administration_role, execution_role
from support.stacks import CAPABILITIES, KEY_POLICY, Stacks, template

VICTIM = "333300007777"
HERE = "us-east-1"
TOPIC = template({"Topic": {"Type": "AWS::SNS::Topic"}})


@pytest.fixture(scope="module")
def victim(plane: InProcess) -> Key:
    """The key of an account whose execution role trusts the administration role of the plane's own account."""
    key = plane.account(VICTIM)
    execution_role(plane, key, administration_role(plane))
    return key


# -- stack sets ---------------------------------------------------------------------------------------------


def test_who_may_not_delete_a_role_has_no_stack_set_delete_it(plane: InProcess, victim: Key) -> None:
    sets, root = StackSets(plane), plane.client("iam", victim)
    sets.make("deputy", TOPIC)
    assert sets.place("deputy", [VICTIM]) == "SUCCEEDED"
    name = sets.instances("deputy")[VICTIM, HERE]["StackId"].split("/")[1]
    root.create_role(RoleName="precious", AssumeRolePolicyDocument=trusting(Service="ec2.amazonaws.com"))
    key = plane.user("of-stacks-only", allow(["cloudformation:*", "iam:Get*", "iam:List*"]), of=victim)
    attacker = Stacks(plane, key)
    assert attacker.delete(name) == "DELETE_FAILED"  # the stack of the set, of which nothing can be deleted
    arn = attacker.told(name)["StackId"]
    attacker.client.delete_stack(StackName=arn, RetainResources=["Topic"])
    assert attacker.settled(arn) == "DELETE_COMPLETE"
    properties = {"RoleName": "precious", "AssumeRolePolicyDocument": json.loads(trusting(Service="ec2.amazonaws.com"))}
    planted = template({"Role": {"Type": "AWS::IAM::Role", "DeletionPolicy": "Delete", "Properties": properties}})
    bringing = {
        "ResourceType": "AWS::IAM::Role",
        "LogicalResourceId": "Role",
        "ResourceIdentifier": {"RoleName": "precious"},
    }
    made = attacker.client.create_change_set(
        StackName=name,
        ChangeSetName="bring",
        ChangeSetType="IMPORT",
        TemplateBody=planted,
        Capabilities=CAPABILITIES,
        ResourcesToImport=[bringing],
    )
    attacker.client.execute_change_set(ChangeSetName=made["Id"])
    assert attacker.settled(name) == "IMPORT_COMPLETE"
    assert sets.change("deputy", UsePreviousTemplate=True) == "FAILED"
    assert "already exists" in sets.results("deputy")[VICTIM, HERE][1]
    assert sets.take("deputy", [VICTIM]) == "SUCCEEDED"
    assert attacker.told(name)["StackStatus"] == "IMPORT_COMPLETE"
    assert root.get_role(RoleName="precious")


def test_a_failed_import_into_a_foreign_set_keeps_no_stack_from_its_own(plane: InProcess, victim: Key) -> None:
    own = Stacks(plane, victim)
    assert own.create("wanted", TOPIC) == "CREATE_COMPLETE"
    arn = own.told("wanted")["StackId"]
    squatter, sets = StackSets(plane, plane.account("666600007777")), StackSets(plane)
    for some in (squatter, sets):
        some.make("collects", TOPIC)
    done = squatter.client.import_stacks_to_stack_set(StackSetName="collects", StackIds=[arn])["OperationId"]
    assert squatter.settled("collects", done) == "FAILED"
    done = sets.client.import_stacks_to_stack_set(StackSetName="collects", StackIds=[arn])["OperationId"]
    assert sets.settled("collects", done) == "SUCCEEDED"
    assert squatter.take("collects", [VICTIM]) == "SUCCEEDED"
    assert sets.take("collects", [VICTIM], RetainStacks=True) == "SUCCEEDED"
    assert own.told(arn)["StackStatus"] == "CREATE_COMPLETE"


def test_a_role_that_is_put_in_the_place_of_that_of_stack_sets_gets_no_permissions(plane: InProcess) -> None:
    house, sets = Organized(plane), StackSets(plane)
    plane.client("cloudformation").activate_organizations_access()
    unit = house.unit("Planted")
    account = house.member("planted", unit)
    key = house.key(account)
    sets.make("organized", TOPIC, PermissionModel="SERVICE_MANAGED", AutoDeployment={"Enabled": False})
    assert placed(sets, "organized", unit) == "SUCCEEDED"
    iam = plane.client("iam", key)
    (entry,) = [it["RoleName"] for it in iam.list_roles()["Roles"] if it["RoleName"].startswith("stacksets-exec-")]
    iam.detach_role_policy(RoleName=entry, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.delete_role(RoleName=entry)
    planter = plane.client("iam", plane.user("planter", allow("iam:CreateRole"), of=key))
    planter.create_role(RoleName=entry, AssumeRolePolicyDocument=trusting(AWS=f"arn:aws:iam::{account}:user/planter"))
    changed = sets.client.update_stack_set(
        StackSetName="organized", TemplateBody=TOPIC.replace("Topic", "Other", 1), Capabilities=CAPABILITIES
    )
    assert sets.settled("organized", changed["OperationId"]) == "FAILED"
    assert iam.list_attached_role_policies(RoleName=entry)["AttachedPolicies"] == []


# -- imports ------------------------------------------------------------------------------------------------

OTHER_NAMES: list[tuple[str, dict[str, Any], str, tuple[str, ...]]] = [
    ("AWS::SecretsManager::Secret", {"Name": "of-a-stack", "SecretString": "s"}, "Id", ("of-a-stack", "{id:.-7}")),
    (
        "AWS::SQS::Queue",
        {"QueueName": "of-a-stack"},
        "QueueUrl",
        ("of-a-stack", "{id}/", "{id}?x", f"/{ACCOUNT}/of-a-stack", f"https://x/{ACCOUNT}/./of-a-stack"),
    ),
    ("AWS::KMS::Key", {"KeyPolicy": KEY_POLICY}, "KeyId", (f"arn:aws:kms:{HERE}:{ACCOUNT}:key/{{id}}",)),
    (
        "AWS::EFS::FileSystem",
        {},
        "FileSystemId",
        (f"arn:aws:elasticfilesystem:{HERE}:{ACCOUNT}:file-system/{{id}}",),
    ),
    (
        "AWS::ECS::TaskDefinition",
        {"Family": "of-a-stack", "ContainerDefinitions": [{"Name": "a", "Image": "b", "Memory": 64}]},
        "TaskDefinitionArn",
        ("of-a-stack", "of-a-stack:1", "{id:.-2}"),
    ),
    ("AWS::Route53::HostedZone", {"Name": "of-a-stack.example"}, "Id", ("/hostedzone/{id}",)),
    ("AWS::EC2::SecurityGroup", {"GroupName": "of-a-stack", "GroupDescription": "d"}, "Id", ("{GroupId}",)),
]


@pytest.mark.parametrize(("kind", "properties", "name", "others"), OTHER_NAMES, ids=[it[0] for it in OTHER_NAMES])
def test_a_resource_of_a_stack_is_not_imported_under_another_name(
    plane: InProcess, kind: str, properties: dict[str, Any], name: str, others: tuple[str, ...]
) -> None:
    stacks, own = Stacks(plane), fresh("owner")
    body = template({"It": {"Type": kind, "Properties": properties, "DeletionPolicy": "Delete"}})
    assert stacks.create(own, body) == "CREATE_COMPLETE"
    physical = stacks.physical(own)["It"]
    groups = plane.client("ec2").describe_security_groups()["SecurityGroups"]
    group = next((it["GroupId"] for it in groups if it["GroupName"] == "of-a-stack"), "")
    for other in ("{id}", *others):
        cut = physical[: int(other[5:-1])] if other.startswith("{id:.") else physical
        value = cut if other.startswith("{id:.") else other.format(id=physical, GroupId=group)
        thief = fresh("thief")
        made = stacks.client.create_change_set(
            StackName=thief,
            ChangeSetName="bring",
            ChangeSetType="IMPORT",
            TemplateBody=body,
            Capabilities=CAPABILITIES,
            ResourcesToImport=[{"ResourceType": kind, "LogicalResourceId": "It", "ResourceIdentifier": {name: value}}],
        )
        assert (value, stacks.client.describe_change_set(ChangeSetName=made["Id"])["Status"]) == (value, "FAILED")
    assert stacks.delete(own) == "DELETE_COMPLETE"


# -- names --------------------------------------------------------------------------------------------------

BUCKET_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::of-somebody-else/*",
        }
    ],
}
ALARM = {
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "MetricName": "m",
    "Namespace": "n",
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 1,
}
ALLOWED = json.loads(document(allow("s3:ListAllMyBuckets")))
PUT: dict[str, dict[str, Any]] = {
    "AWS::CloudWatch::Alarm": {"AlarmName": "of-somebody-else", **ALARM},
    "AWS::CloudWatch::Dashboard": {"DashboardName": "of-somebody-else", "DashboardBody": '{"widgets": []}'},
    "AWS::Events::Rule": {"Name": "of-somebody-else", "ScheduleExpression": "rate(1 day)"},
    "AWS::S3::BucketPolicy": {"Bucket": "of-somebody-else", "PolicyDocument": BUCKET_POLICY},
    "AWS::Scheduler::ScheduleGroup": {"Name": "of-somebody-else"},
    "AWS::IAM::RolePolicy": {"RoleName": "of-somebody-else", "PolicyName": "theirs", "PolicyDocument": ALLOWED},
    "AWS::IAM::UserPolicy": {"UserName": "of-somebody-else", "PolicyName": "theirs", "PolicyDocument": ALLOWED},
}


@pytest.fixture(scope="module")
def others(plane: InProcess) -> None:
    """What somebody has made without a stack."""
    plane.client("cloudwatch").put_metric_alarm(AlarmName="of-somebody-else", **ALARM)
    plane.client("cloudwatch").put_dashboard(DashboardName="of-somebody-else", DashboardBody='{"widgets": []}')
    plane.client("events").put_rule(Name="of-somebody-else", ScheduleExpression="rate(1 day)")
    plane.client("s3").create_bucket(Bucket="of-somebody-else")
    plane.client("s3").put_bucket_policy(Bucket="of-somebody-else", Policy=json.dumps(BUCKET_POLICY))
    plane.client("scheduler").create_schedule_group(Name="of-somebody-else")
    iam, theirs = plane.client("iam"), {"PolicyName": "theirs", "PolicyDocument": json.dumps(ALLOWED)}
    iam.create_role(RoleName="of-somebody-else", AssumeRolePolicyDocument=TRUSTS_EC2)
    iam.put_role_policy(RoleName="of-somebody-else", **theirs)
    iam.create_user(UserName="of-somebody-else")
    iam.put_user_policy(UserName="of-somebody-else", **theirs)


@pytest.mark.parametrize("kind", PUT)
def test_a_stack_neither_changes_nor_deletes_what_somebody_else_has_made_under_its_name(
    plane: InProcess, others: None, kind: str
) -> None:
    stacks, name = Stacks(plane), fresh("takes")
    body = template({"It": {"Type": kind, "Properties": PUT[kind]}})
    for _ in range(2):  # it is there after the first one
        assert stacks.create(name, body) == "ROLLBACK_COMPLETE"
        assert "already exists" in stacks.reason(name, "It", "CREATE_FAILED")
        assert stacks.delete(name) == "DELETE_COMPLETE"

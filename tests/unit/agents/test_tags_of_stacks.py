"""Tags of stacks, `aws:cloudformation:`: CloudFormation gives them to resources; nobody else sets or removes any."""

from __future__ import annotations

from typing import Any

import pytest

from support.inprocess import InProcess, Key
from support.plane import ACCOUNT, allow, refused, trusting
from support.stacks import Stacks, template

NAME = "aws:cloudformation:stack-name"
SPOOFED = [{"Key": NAME, "Value": "another"}]
TEAM = [{"Key": "team", "Value": "blue"}]


@pytest.fixture(scope="module")
def image(plane: InProcess) -> str:
    return str(plane.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"])


@pytest.fixture(scope="module")
def made(stacks: Stacks, image: str) -> dict[str, str]:
    """The physical ids of the resources of the stack `tagged`."""
    body = template(
        {
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Tags": TEAM}},
            "Instance": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": image, "Tags": TEAM}},
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16", "Tags": TEAM}},
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": trusting(Service="ec2.amazonaws.com"), "Tags": TEAM},
            },
        }
    )
    assert stacks.create("tagged", body) == "CREATE_COMPLETE"
    return stacks.physical("tagged")


def bucket_tags(plane: InProcess, bucket: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in plane.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]}


def tags(plane: InProcess, resource: str) -> dict[str, str]:
    found = plane.client("ec2").describe_tags(Filters=[{"Name": "resource-id", "Values": [resource]}])["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


def test_resources_have_the_tags_of_their_stack_where_aws_gives_them(plane: InProcess, made: dict[str, str]) -> None:
    for found in (bucket_tags(plane, made["Bucket"]), tags(plane, made["Instance"]), tags(plane, made["Vpc"])):
        assert (found[NAME], found["aws:cloudformation:logical-id"] in made, found["team"]) == ("tagged", True, "blue")
    (own,) = plane.client("iam").list_role_tags(RoleName=made["Role"])["Tags"]
    assert own == TEAM[0]


@pytest.mark.parametrize("logical", ["Instance", "Vpc"])
def test_a_user_neither_sets_nor_removes_a_tag_of_a_stack(plane: InProcess, made: dict[str, str], logical: str) -> None:
    ec2, resource = plane.client("ec2"), made[logical]
    for tag in (SPOOFED, [{"Key": "AWS:CloudFormation:stack-name", "Value": "another"}]):
        assert refused(ec2.create_tags, Resources=[resource], Tags=tag).code == "InvalidParameterValue"
    assert refused(ec2.delete_tags, Resources=[resource], Tags=[{"Key": NAME}]).code == "InvalidParameterValue"
    assert tags(plane, resource)[NAME] == "tagged"


@pytest.mark.parametrize("logical", ["Instance", "Vpc"])
def test_a_user_who_deletes_all_tags_leaves_those_of_the_stack(
    plane: InProcess, made: dict[str, str], logical: str
) -> None:
    plane.client("ec2").delete_tags(Resources=[made[logical]])
    assert set(tags(plane, made[logical])) >= {NAME, f"{NAME[:19]}stack-id", f"{NAME[:19]}logical-id"}


def test_a_user_makes_nothing_that_seems_to_be_of_a_stack(plane: InProcess, image: str) -> None:
    ec2 = plane.client("ec2")
    of_instance = [{"ResourceType": "instance", "Tags": SPOOFED}]
    launch = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "TagSpecifications": of_instance}
    assert refused(ec2.run_instances, **launch).code == "InvalidParameterValue"
    data = {"ImageId": image, "TagSpecifications": of_instance}
    fault = refused(ec2.create_launch_template, LaunchTemplateName="spoofing", LaunchTemplateData=data)
    assert fault.code == "InvalidParameterValue"
    fault = refused(plane.client("sqs").create_queue, QueueName="spoofing", tags={NAME: "another"})
    assert fault.code == "ValidationException"
    trust = trusting(Service="ec2.amazonaws.com")
    fault = refused(plane.client("iam").create_role, RoleName="s", AssumeRolePolicyDocument=trust, Tags=SPOOFED)
    assert fault.code == "InvalidInput"


def test_a_user_sets_no_tag_of_a_stack_by_the_tagging_api(plane: InProcess, made: dict[str, str]) -> None:
    tagging, arn = plane.client("resourcegroupstaggingapi"), f"arn:aws:s3:::{made['Bucket']}"
    before = bucket_tags(plane, made["Bucket"])
    fault = refused(tagging.tag_resources, ResourceARNList=[arn], Tags={NAME: "another"})
    assert fault.message == "aws: prefixed tag key names are not allowed for external use."
    refused(tagging.untag_resources, ResourceARNList=[arn], TagKeys=[NAME])
    assert bucket_tags(plane, made["Bucket"]) == before


def test_a_user_untags_no_queue_of_a_stack(plane: InProcess, made: dict[str, str]) -> None:
    fault = refused(plane.client("sqs").untag_queue, QueueUrl=made["Queue"], TagKeys=[NAME])
    assert fault.message == "aws: prefixed tag key names are not allowed for external use."


def test_tags_of_a_bucket_are_replaced_but_for_those_of_its_stack(plane: InProcess, made: dict[str, str]) -> None:
    s3, bucket = plane.client("s3"), made["Bucket"]
    before = bucket_tags(plane, bucket)
    system = [{"Key": key, "Value": value} for key, value in before.items() if key.startswith("aws:")]

    def put(*given: dict[str, str]) -> Any:
        return refused(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": list(given)})

    assert put(*TEAM).message == "System tags cannot be removed by requester"
    assert put(*SPOOFED).message == "System tags cannot be added/updated by requester"
    assert put(*system, {"Key": "aws:cloudformation:x", "Value": "y"}).code == "InvalidTag"
    assert refused(s3.delete_bucket_tagging, Bucket=bucket).message == "System tags cannot be removed by requester"
    assert bucket_tags(plane, bucket) == before
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [*system, {"Key": "team", "Value": "green"}]})
    assert bucket_tags(plane, bucket) == {**before, "team": "green"}
    s3.create_bucket(Bucket="nobodys-stack")
    fault = refused(s3.put_bucket_tagging, Bucket="nobodys-stack", Tagging={"TagSet": SPOOFED})
    assert fault.code == "InvalidTag"


@pytest.mark.parametrize("kind", ["AWS::SQS::Queue", "AWS::EC2::LaunchTemplate"])
def test_a_template_gives_no_resource_the_tags_of_another_stack(stacks: Stacks, kind: str) -> None:
    data = {"TagSpecifications": [{"ResourceType": "instance", "Tags": SPOOFED}]}
    properties: dict[str, Any] = {"Tags": SPOOFED} if kind.endswith("Queue") else {"LaunchTemplateData": data}
    name = kind.rpartition("::")[2]
    assert stacks.create(name, template({"It": {"Type": kind, "Properties": properties}})) == "ROLLBACK_COMPLETE"
    reason = stacks.reason(name, "It", "CREATE_FAILED")
    assert "aws: prefixed tag key names are not allowed for external use." in reason


def test_who_assumes_the_role_of_a_stack_sets_none_of_its_tags(plane: InProcess, made: dict[str, str]) -> None:
    iam, sts = plane.client("iam"), plane.client("sts", plane.user("assumes", allow("sts:AssumeRole")))
    trust = trusting(Service="cloudformation.amazonaws.com", AWS=ACCOUNT)
    iam.create_role(RoleName="of-stacks", AssumeRolePolicyDocument=trust)
    allows = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    iam.put_role_policy(RoleName="of-stacks", PolicyName="all", PolicyDocument=allows)
    arn = f"arn:aws:iam::{ACCOUNT}:role/of-stacks"
    got = sts.assume_role(RoleArn=arn, RoleSessionName="AWSCloudFormation")["Credentials"]
    key = Key(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    ec2 = plane.client("ec2", key)
    fault = refused(ec2.create_tags, Resources=[made["Vpc"]], Tags=SPOOFED)
    assert fault.code == "InvalidParameterValue"


def test_instances_of_a_group_have_the_tags_of_its_stack(plane: InProcess, stacks: Stacks, image: str) -> None:
    subnet = plane.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    template_of_group = {"LaunchTemplateName": "tagged-group", "LaunchTemplateData": {"ImageId": image}}
    group = {
        "MinSize": "1",
        "MaxSize": "1",
        "VPCZoneIdentifier": [subnet],
        "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}, "Version": "1"},
    }
    body = template(
        {
            "Template": {"Type": "AWS::EC2::LaunchTemplate", "Properties": template_of_group},
            "Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": group},
        }
    )
    assert stacks.create("tagged-group", body) == "CREATE_COMPLETE"
    name = stacks.physical("tagged-group")["Group"]
    (found,) = plane.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    assert {tag["Key"]: tag["Value"] for tag in found["Tags"]}[NAME] == "tagged-group"
    plane.run(plane.node.duties.scaling.reconcile())
    filters = [{"Name": f"tag:{NAME}", "Values": ["tagged-group"]}]
    instances = plane.client("ec2").describe_instances(Filters=filters)["Reservations"]
    assert len(instances) == 1
    spoofed = {**SPOOFED[0], "ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True}
    assert refused(plane.client("autoscaling").create_or_update_tags, Tags=[spoofed]).code == "ValidationError"
    assert stacks.delete("tagged-group") == "DELETE_COMPLETE"


def test_a_user_makes_nothing_by_tags_within_other_members(plane: InProcess) -> None:
    told = {"CreateBucketConfiguration": {"Tags": SPOOFED}}
    assert refused(plane.client("s3").create_bucket, Bucket="nested-tags", **told).code == "InvalidTag"
    rule = {"RuleName": "r", "TargetBackupVaultName": "v", "RecoveryPointTags": {NAME: "another"}}
    plan = {"BackupPlanName": "p", "Rules": [rule]}
    fault = refused(plane.client("backup").create_backup_plan, BackupPlan=plan)
    assert fault.message == "aws: prefixed tag key names are not allowed for external use."
    set_of = {"StackSetName": "tagged", "TemplateBody": template({"T": {"Type": "AWS::SNS::Topic"}})}
    fault = refused(plane.client("cloudformation").create_stack_set, Tags=SPOOFED, **set_of)
    assert fault.code == "ValidationError"

"""A launch follows its launch template, and everything in the template takes the caller's permission."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import InProcess, Key

ACCOUNT = "000000000000"
IMAGE, OTHER_IMAGE = "ami-12c6146b", "ami-03cf127a"
"""Images that the embedded backend begins with."""
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
EC2 = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}


@pytest.fixture(scope="module")
def template(plane: InProcess) -> str:
    """A template that passes the role `worn`, of two versions: the first one is the default."""
    iam, ec2 = plane.client("iam"), plane.client("ec2")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="worn", AssumeRolePolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName="worn")
    iam.add_role_to_instance_profile(InstanceProfileName="worn", RoleName="worn")
    data = {
        "ImageId": IMAGE,
        "InstanceType": "t3.micro",
        "IamInstanceProfile": {"Name": "worn"},
        "UserData": base64.b64encode(b"#!/bin/sh\n").decode(),
        "MetadataOptions": {"HttpPutResponseHopLimit": 7},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "from", "Value": "template"}]}],
    }
    made = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)["LaunchTemplate"]
    second = {**data, "InstanceType": "t3.large"}
    ec2.create_launch_template_version(LaunchTemplateId=made["LaunchTemplateId"], LaunchTemplateData=second)
    return str(made["LaunchTemplateId"])


def launch(plane: InProcess, key: Key | None = None, **params: Any) -> dict[str, Any]:
    given = {"MinCount": 1, "MaxCount": 1, "LaunchTemplate": {"LaunchTemplateName": "web"}, **params}
    launched: dict[str, Any] = plane.client("ec2", key).run_instances(**given)["Instances"][0]
    return launched


def refused(plane: InProcess, key: Key, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        launch(plane, key, **params)
    return str(caught.value.response["Error"]["Code"])


def tags_of(instance: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in instance["Tags"]}


def test_a_launch_has_the_parameters_of_its_template(plane: InProcess, template: str) -> None:
    launched = launch(plane)
    assert (launched["ImageId"], launched["InstanceType"]) == (IMAGE, "t3.micro")
    assert launched["IamInstanceProfile"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/worn"
    assert launched["MetadataOptions"]["HttpPutResponseHopLimit"] == 7
    assert tags_of(launched) == {
        "from": "template",
        "aws:ec2launchtemplate:id": template,
        "aws:ec2launchtemplate:version": "1",
    }
    told = plane.client("ec2").describe_instance_attribute(InstanceId=launched["InstanceId"], Attribute="userData")
    assert base64.b64decode(told["UserData"]["Value"]) == b"#!/bin/sh\n"


@pytest.mark.parametrize(
    ("version", "type_"), [("$Latest", "t3.large"), ("$Default", "t3.micro"), ("2", "t3.large"), ("1", "t3.micro")]
)
def test_a_version_is_chosen(plane: InProcess, template: str, version: str, type_: str) -> None:
    launched = launch(plane, LaunchTemplate={"LaunchTemplateId": template, "Version": version})
    assert launched["InstanceType"] == type_


def test_a_version_inherits_what_its_source_version_has_and_it_does_not_say(plane: InProcess, template: str) -> None:
    ec2 = plane.client("ec2")
    based = ec2.create_launch_template_version(
        LaunchTemplateName="web", SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.small"}
    )["LaunchTemplateVersion"]
    assert based["LaunchTemplateData"]["ImageId"] == IMAGE
    launched = launch(plane, LaunchTemplate={"LaunchTemplateName": "web", "Version": str(based["VersionNumber"])})
    assert (launched["ImageId"], launched["InstanceType"]) == (IMAGE, "t3.small")
    assert launched["IamInstanceProfile"]["Arn"].endswith("/worn")
    assert tags_of(launched)["from"] == "template"
    first = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["1"])["LaunchTemplateVersions"]
    assert first[0]["LaunchTemplateData"]["InstanceType"] == "t3.micro"
    with pytest.raises(ClientError) as caught:
        ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="99", LaunchTemplateData={})
    assert caught.value.response["Error"]["Code"] == "InvalidLaunchTemplateId.VersionNotFound"


def test_what_the_request_says_overrides_the_template(plane: InProcess, template: str) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "from", "Value": "request"}]}]
    launched = launch(plane, InstanceType="t3.nano", ImageId=OTHER_IMAGE, TagSpecifications=tags)
    assert (launched["ImageId"], launched["InstanceType"]) == (OTHER_IMAGE, "t3.nano")
    assert tags_of(launched)["from"] == "request"


def test_a_template_does_not_pass_a_role_that_its_user_may_not_pass(plane: InProcess, template: str) -> None:
    assert refused(plane, plane.user("no-pass", EC2)) == "UnauthorizedOperation"
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/worn"}
    assert launch(plane, plane.user("may-pass", EC2, passing))["IamInstanceProfile"]


@pytest.mark.parametrize(
    "resource", [f"arn:aws:ec2:us-east-1::image/{IMAGE}", f"arn:aws:ec2:us-east-1:{ACCOUNT}:launch-template/*"]
)
def test_a_deny_holds_on_what_only_the_template_names(plane: InProcess, template: str, resource: str) -> None:
    denied = {"Effect": "Deny", "Action": "ec2:RunInstances", "Resource": resource}
    key = plane.user(f"denied-{resource[-5:].strip('/*')}", EVERYTHING, denied)
    assert refused(plane, key) == "UnauthorizedOperation"


def test_who_may_use_the_template_alone_may_override_nothing(plane: InProcess, template: str) -> None:
    own = {
        "Effect": "Allow",
        "Action": "ec2:RunInstances",
        "Resource": "*",
        "Condition": {"Bool": {"ec2:IsLaunchTemplateResource": "true"}},
    }
    rest = {"Effect": "Allow", "Action": ["iam:PassRole", "ec2:CreateTags"], "Resource": "*"}
    key = plane.user("template-alone", own, rest)
    assert launch(plane, key)["InstanceType"] == "t3.micro"
    assert refused(plane, key, ImageId=OTHER_IMAGE) == "UnauthorizedOperation"


def test_a_template_that_is_not_there_is_told_to_those_who_may_launch(plane: InProcess) -> None:
    missing = {"LaunchTemplateName": "no-such"}
    with pytest.raises(ClientError, match="InvalidLaunchTemplateName"):
        launch(plane, LaunchTemplate=missing)
    assert refused(plane, plane.user("stranger"), LaunchTemplate=missing) == "UnauthorizedOperation"


def test_the_record_has_the_request_as_it_was_sent(plane: InProcess, template: str) -> None:
    launch(plane)
    (record,) = plane.records(1)
    assert record.operation == "RunInstances"
    assert set(record.parameters) == {"launchTemplate", "maxCount", "minCount", "clientToken"}
    assert record.parameters["launchTemplate"].keys() == {"launchTemplateName"}


def test_the_tags_that_tell_the_template_are_nobodys_to_delete(plane: InProcess, template: str) -> None:
    ec2, launched = plane.client("ec2"), launch(plane)
    ec2.delete_tags(Resources=[launched["InstanceId"]])
    ec2.delete_tags(Resources=[launched["InstanceId"]], Tags=[{"Key": "aws:ec2launchtemplate:id"}])
    (found,) = ec2.describe_instances(InstanceIds=[launched["InstanceId"]])["Reservations"]
    assert set(tags_of(found["Instances"][0])) == {"aws:ec2launchtemplate:id", "aws:ec2launchtemplate:version"}


def test_the_tags_of_a_template_are_its_own_and_told_as_they_are(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    own = {"ResourceType": "launch-template", "Tags": [{"Key": "Stage", "Value": "first"}]}
    launched = {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "one"}]}
    data = {"ImageId": IMAGE, "TagSpecifications": [launched]}
    ec2.create_launch_template(LaunchTemplateName="tagged", LaunchTemplateData=data, TagSpecifications=[own])
    ec2.create_launch_template(
        LaunchTemplateName="plain", LaunchTemplateData={"ImageId": IMAGE}, TagSpecifications=[own]
    )
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateName="tagged")["LaunchTemplateVersions"]
    assert version["LaunchTemplateData"]["TagSpecifications"] == [launched]
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateName="plain")["LaunchTemplateVersions"]
    assert "TagSpecifications" not in version["LaunchTemplateData"]
    ec2.create_tags(Resources=[version["LaunchTemplateId"]], Tags=[{"Key": "Stage", "Value": "second"}])
    (found,) = ec2.describe_launch_templates(LaunchTemplateNames=["plain"])["LaunchTemplates"]
    assert found["Tags"] == [{"Key": "Stage", "Value": "second"}]

"""The condition keys of services: from the request, its defaults, or the resource as the backend knows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from locum import authz
from locum.authz.catalogue import service
from locum.authz.context import Conditions
from locum.authz.paths import UNKNOWN_VALUE
from locum.authz.rules import KeyRule, parse_rules
from locum.authz.services import RULES
from locum.core.resources import ResourceFacts
from support.authority import HOME, REGION, World, allow, as_user, deny, user

ANN = user("ann")
EC2 = f"arn:aws:ec2:{REGION}:{HOME}"


def keys_of(
    operation: str, params: dict[str, Any], kind: str = "", attributes: dict[str, str] | None = None
) -> Conditions:
    """The keys of the first check of a call, or of the first one on a resource of the type `kind`."""
    world = World().having(ANN)
    call = world.call(as_user(ANN), operation, params)
    check = next(check for check in authz.plan(world.state, call).checks if check.kind == kind or not kind)
    return Conditions(world.state, call, check, ResourceFacts(attributes=attributes or {}), HOME)


IN_VPC = {"vpc": f"{EC2}:vpc/vpc-1"}
VOLUME = {"encrypted": "true", "volume_type": "gp3", "volume_iops": "3000"}
RESOURCES: list[tuple[str, dict[str, Any], str, dict[str, str], dict[str, str | None]]] = [
    ("ec2:DeleteSubnet", {"SubnetId": "subnet-1"}, "subnet", IN_VPC,
     {"ec2:subnetid": "subnet-1", "ec2:vpc": f"{EC2}:vpc/vpc-1"}),
    ("ec2:DeleteSecurityGroup", {"GroupId": "sg-1"}, "security-group", IN_VPC,
     {"ec2:securitygroupid": "sg-1", "ec2:vpc": f"{EC2}:vpc/vpc-1", "ec2:vpcid": None}),
    ("ec2:DeleteVpc", {"VpcId": "vpc-1"}, "vpc", {"tenancy": "dedicated"},
     {"ec2:vpcid": "vpc-1", "ec2:tenancy": "dedicated"}),
    ("ec2:DeleteVolume", {"VolumeId": "vol-1"}, "volume", VOLUME,
     {"ec2:volumeid": "vol-1", "ec2:encrypted": "true", "ec2:volumetype": "gp3", "ec2:volumeiops": "3000"}),
    ("ec2:ModifyVolume", {"VolumeId": "vol-1", "VolumeType": "io2"}, "volume", VOLUME,
     {"ec2:volumetype": "gp3", "ec2:attribute/volumetype": "io2"}),
    ("ec2:TerminateInstances", {"InstanceIds": ["i-9"]}, "instance", {}, {"ec2:instanceid": "i-9"}),
    ("ec2:RunInstances", {"ImageId": "ami-1"}, "image", {"owner": "amazon", "public": "true", "image_type": "machine"},
     {"ec2:owner": "amazon", "ec2:public": "true", "ec2:imagetype": "machine", "ec2:imageid": "ami-1"}),
    ("ec2:ReleaseAddress", {"AllocationId": "eipalloc-1"}, "elastic-ip", {"domain": "vpc"},
     {"ec2:allocationid": "eipalloc-1", "ec2:domain": "vpc"}),
    ("secretsmanager:GetSecretValue", {"SecretId": "s", "VersionStage": "AWSCURRENT"}, "", {"rotation_lambda": "arn:f"},
     {"secretsmanager:versionstage": "AWSCURRENT", "secretsmanager:resource/allowrotationlambdaarn": "arn:f"}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "params", "kind", "attributes", "wanted"), RESOURCES)
def test_keys_of_a_resource_are_what_the_backend_knows_of_it(
    operation: str, params: dict[str, Any], kind: str, attributes: dict[str, str], wanted: dict[str, str | None]
) -> None:
    found = keys_of(operation, params, kind, attributes)
    assert {key: found.get(key) for key in wanted} == wanted


PATTERN = '{"source": ["aws.ec2", {"prefix": "x"}], "detail-type": ["a"], "detail": {"service": ["EC2"]}}'
REQUESTS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("ec2:CreateVolume", {"AvailabilityZone": "z"}, "volume",
     {"ec2:encrypted": "false", "ec2:volumetype": "gp2", "ec2:availabilityzone": "z", "ec2:volumeid": None}),
    ("ec2:CreateVolume", {"Encrypted": True, "VolumeType": "io1", "Size": 8, "Iops": 100}, "volume",
     {"ec2:encrypted": "true", "ec2:volumetype": "io1", "ec2:volumesize": "8", "ec2:volumeiops": "100"}),
    ("ec2:CreateSecurityGroup", {"GroupName": "g", "VpcId": "vpc-1"}, "security-group",
     {"ec2:vpc": f"{EC2}:vpc/vpc-1", "ec2:securitygroupid": None}),
    ("ec2:CreateVpcPeeringConnection", {"VpcId": "vpc-1", "PeerVpcId": "vpc-2", "PeerOwnerId": "444455556666"},
     "vpc-peering-connection",
     {"ec2:requestervpc": f"{EC2}:vpc/vpc-1", "ec2:acceptervpc": f"arn:aws:ec2:{REGION}:444455556666:vpc/vpc-2"}),
    ("ec2:CreateKeyPair", {"KeyName": "k"}, "key-pair", {"ec2:keypairtype": "rsa", "ec2:keypairname": "k"}),
    ("ec2:ModifySnapshotAttribute",
     {"SnapshotId": "snap-1", "CreateVolumePermission": {"Add": [{"Group": "all"}, {"UserId": "1"}]}}, "snapshot",
     {"ec2:add/group": ("all",), "ec2:add/userid": ("1",), "ec2:remove/group": None}),
    ("ec2:RunInstances", {"LaunchTemplate": {"LaunchTemplateId": "lt-1"}, "InstanceType": "t3.nano"}, "instance",
     {"ec2:launchtemplate": f"{EC2}:launch-template/lt-1", "ec2:islaunchtemplateresource": "false"}),
    ("ec2:RunInstances", {"LaunchTemplate": {"LaunchTemplateId": "lt-1"}, "InstanceType": "t3.nano"}, "image",
     {"ec2:islaunchtemplateresource": "true"}),
    ("s3:GetObject", {"Bucket": f"arn:aws:s3:{REGION}:444455556666:accesspoint/a", "Key": "k/l"}, "",
     {"s3:dataaccesspointarn": f"arn:aws:s3:{REGION}:444455556666:accesspoint/a",
      "s3:dataaccesspointaccount": "444455556666"}),
    ("s3:ListObjectAnnotations", {"Bucket": "b", "Key": "k", "AnnotationPrefix": "p"}, "",
     {"s3:annotation-prefix": "p", "s3:max-annotation-results": None, "s3:dataaccesspointarn": None}),
    ("dynamodb:TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "t"}}]}, "table",
     {"dynamodb:enclosingoperation": "TransactWriteItems"}),
    ("dynamodb:PutItem", {"TableName": "t"}, "table", {"dynamodb:enclosingoperation": None}),
    ("events:PutEvents", {"Entries": [{"Source": "s"}]}, "", {"events:eventbusinvocation": "false"}),
    ("events:PutRule", {"Name": "r"}, "rule", {"events:creatoraccount": HOME}),
    ("ecs:StartTask", {"taskDefinition": "t", "cluster": "c", "containerInstances": ["i"]}, "",
     {"ecs:container-instances": (f"arn:aws:ecs:{REGION}:{HOME}:container-instance/c/i",)}),
    ("cloudwatch:PutInsightRule", {"RuleName": "r", "RuleDefinition": '{"LogGroupNames": ["/g"]}'}, "",
     {"cloudwatch:requestinsightruleloggroups": ("/g",)}),
    ("cloudwatch:PutInsightRule", {"RuleName": "r", "RuleDefinition": "{"}, "",
     {"cloudwatch:requestinsightruleloggroups": (UNKNOWN_VALUE,)}),
    ("ec2:RunInstances", {"ImageId": "ami-1", "CpuOptions": {"AmdSevSnp": "enabled"}}, "instance",
     {"ec2:cpuoptionsamdsevsnp": "enabled", "ec2:instanceautorecovery": None}),
    ("s3:PutObject", {"Bucket": "b", "Key": "k"}, "", {"s3:objectcreationoperation": "true"}),
    ("s3:UploadPart", {"Bucket": "b", "Key": "k"}, "", {"s3:objectcreationoperation": "false"}),
    ("s3:PutObjectRetention",
     {"Bucket": "b", "Key": "k", "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": 1790000000.0 + 86400 * 7}}, "",
     {"s3:object-lock-retain-until-date": "2026-09-28T14:13:20Z", "s3:object-lock-remaining-retention-days": "7"}),
    ("lambda:CreateFunction", {"FunctionName": "f", "Layers": ["l:1", "m:1"], "VpcConfig": {"SubnetIds": ["s"]}}, "",
     {"lambda:layer": ("l:1", "m:1"), "lambda:subnetids": ("s",), "lambda:securitygroupids": None}),
    ("lambda:CreateEventSourceMapping", {"FunctionName": "f"}, "",
     {"lambda:functionarn": f"arn:aws:lambda:{REGION}:{HOME}:function:f"}),
    ("ssm:PutParameter", {"Name": "p"}, "", {"ssm:overwrite": "false", "ssm:recursive": None}),
    ("ssm:PutParameter", {"Name": "p", "Overwrite": True}, "", {"ssm:overwrite": "true"}),
    ("ssm:GetParametersByPath", {"Path": "/p"}, "", {"ssm:recursive": "false"}),
    ("secretsmanager:DeleteSecret", {"SecretId": "s"}, "",
     {"secretsmanager:recoverywindowindays": "30", "secretsmanager:forcedeletewithoutrecovery": "false"}),
    ("secretsmanager:DeleteSecret", {"SecretId": "s", "ForceDeleteWithoutRecovery": True}, "",
     {"secretsmanager:recoverywindowindays": None, "secretsmanager:forcedeletewithoutrecovery": "true"}),
    ("secretsmanager:PutResourcePolicy", {"SecretId": "s"}, "", {"secretsmanager:blockpublicpolicy": "false"}),
    ("events:PutRule", {"Name": "r", "EventPattern": PATTERN}, "",
     {"events:source": ("aws.ec2", UNKNOWN_VALUE), "events:detail-type": ("a",), "events:detail.service": ("EC2",),
      "events:detail.eventtypecode": None}),
    ("events:PutRule", {"Name": "r", "EventPattern": "{"}, "", {"events:source": (UNKNOWN_VALUE,)}),
    ("events:PutRule", {"Name": "r", "EventPattern": '{"$or": [{"source": ["x"]}]}'}, "",
     {"events:source": (UNKNOWN_VALUE,)}),
    ("ecs:RunTask", {"taskDefinition": "t", "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}, "",
     {"ecs:capacity-provider": (f"arn:aws:ecs:{REGION}:{HOME}:capacity-provider/FARGATE",),
      "ecs:enable-execute-command": "false", "ecs:enable-ebs-volumes": "false"}),
    ("ecs:RegisterTaskDefinition",
     {"family": "f", "cpu": "1 vCPU", "memory": "2 GB", "containerDefinitions": [{}, {"privileged": True}]}, "",
     {"ecs:task-cpu": "1024", "ecs:task-memory": "2048", "ecs:privileged": "true"}),
    ("autoscaling:CreateAutoScalingGroup",
     {"AutoScalingGroupName": "g", "VPCZoneIdentifier": "a, b", "LaunchTemplate": {"LaunchTemplateId": "lt-1"}}, "",
     {"autoscaling:vpczoneidentifiers": ("a", "b"), "autoscaling:launchtemplateversionspecified": "false"}),
    ("autoscaling:CreateAutoScalingGroup",
     {"AutoScalingGroupName": "g", "MixedInstancesPolicy": {"LaunchTemplate": {
         "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1", "Version": "3"},
         "Overrides": [{"InstanceType": "t3.nano"}, {"InstanceRequirements": {}}]}}}, "",
     {"autoscaling:launchtemplateversionspecified": "true",
      "autoscaling:instancetypes": ("t3.nano", UNKNOWN_VALUE)}),
    ("elbv2:CreateLoadBalancer", {"Name": "n", "SubnetMappings": [{"SubnetId": "s"}]}, "",
     {"elasticloadbalancing:scheme": "internet-facing", "elasticloadbalancing:subnet": ("s",)}),
    ("rds:CreateDBInstance", {"DBInstanceIdentifier": "d", "Engine": "mysql", "DBInstanceClass": "db.t3.micro",
                              "Tags": [{"Key": "Team", "Value": "blue"}]}, "",
     {"rds:databaseengine": "mysql", "rds:databaseclass": "db.t3.micro", "rds:multiaz": "false", "rds:piops": "0",
      "rds:storageencrypted": "false", "rds:vpc": "true", "rds:req-tag/team": "blue"}),
    ("rds:ModifyDBInstance", {"DBInstanceIdentifier": "d"}, "", {"rds:multiaz": None, "rds:piops": None}),
    ("eks:CreateCluster", {"name": "c", "resourcesVpcConfig": {"endpointPublicAccess": False}}, "",
     {"eks:endpointpublicaccess": "false", "eks:endpointprivateaccess": "false", "eks:supporttype": "EXTENDED"}),
    ("s3control:CreateAccessPoint", {"AccountId": HOME, "Name": "p", "Bucket": "b"}, "",
     {"s3:accesspointnetworkorigin": "Internet"}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "params", "kind", "wanted"), REQUESTS)
def test_keys_of_a_request_have_its_values_and_its_defaults(
    operation: str, params: dict[str, Any], kind: str, wanted: dict[str, Any]
) -> None:
    found = keys_of(operation, params, kind)
    assert {key: found.get(key) for key in wanted} == wanted


def test_one_unencrypted_volume_among_encrypted_ones_is_not_launched() -> None:
    encrypted = {"Bool": {"ec2:Encrypted": "true"}}
    ann = user(
        "ann",
        allow("ec2:RunInstances", f"{EC2}:volume/*", Condition=encrypted),
        {"Effect": "Allow", "Action": "ec2:RunInstances", "NotResource": f"{EC2}:volume/*"},
    )
    world = World().having(ann)
    devices = [{"DeviceName": "a", "Ebs": {"Encrypted": True}}, {"DeviceName": "b", "Ebs": {"VolumeSize": 8}}]
    given = {"ImageId": "ami-1", "SubnetId": "subnet-1", "SecurityGroupIds": ["sg-1"]}
    assert world.allows(as_user(ann), "ec2:RunInstances", **given, BlockDeviceMappings=devices[:1])
    assert not world.allows(as_user(ann), "ec2:RunInstances", **given, BlockDeviceMappings=devices)


def test_each_entry_of_put_events_is_decided_by_its_own_source() -> None:
    ann = user(
        "ann", allow("events:PutEvents"), deny("events:PutEvents", Condition={"StringEquals": {"events:source": "b"}})
    )
    world = World().having(ann)
    assert world.allows(as_user(ann), "events:PutEvents", Entries=[{"Source": "a"}])
    assert not world.allows(as_user(ann), "events:PutEvents", Entries=[{"Source": "a"}, {"Source": "b"}])


def test_a_value_that_is_not_known_is_never_one_of_all_values() -> None:
    small = {"ForAllValues:StringEquals": {"autoscaling:InstanceTypes": ["t3.nano"]}}
    ann = user("ann", allow("autoscaling:*", Condition=small))
    world = World().having(ann)

    def group(*overrides: dict[str, Any]) -> dict[str, Any]:
        template = {"LaunchTemplate": {"Overrides": list(overrides)}}
        return {"AutoScalingGroupName": "g", "MinSize": 1, "MaxSize": 1, "MixedInstancesPolicy": template}

    assert world.allows(as_user(ann), "autoscaling:CreateAutoScalingGroup", **group({"InstanceType": "t3.nano"}))
    mixed = group({"InstanceType": "t3.nano"}, {"InstanceRequirements": {}})
    assert not world.allows(as_user(ann), "autoscaling:CreateAutoScalingGroup", **mixed)


def _declared() -> Iterator[tuple[str, KeyRule]]:
    for file in sorted(RULES.glob("*.rules")):
        for rules in parse_rules(file.read_text()).keys.values():
            for rule in rules:
                yield file.stem, rule


def _has(shape: Any, path: str) -> bool:
    """Whether an input has the members of `path`."""
    for step in path.split("."):
        name = step.rstrip("[]{}=")
        if shape is None or shape.type_name != "structure" or name not in shape.members:
            return False
        shape = shape.members[name]
        while shape.type_name in ("list", "map"):
            shape = shape.member if shape.type_name == "list" else shape.value
    return True


def test_what_a_key_is_read_from_are_members_of_operations_that_there_are() -> None:
    session = botocore.session.get_session()
    for name, rule in _declared():
        model = session.get_service_model(name)
        operations = rule.operations or frozenset(model.operation_names)
        assert operations <= frozenset(model.operation_names), (name, rule)
        for path in rule.path.split("|"):
            if path[0] in "{@'":
                continue
            assert any(_has(model.operation_model(each).input_shape, path) for each in operations), (
                name,
                rule.name,
                path,
            )


def test_the_resource_types_of_keys_are_those_of_the_service() -> None:
    for name, rule in _declared():
        known = service(name).rules.types.keys() | {"source"}
        assert rule.kinds <= known, (name, rule.name, rule.kinds - known)

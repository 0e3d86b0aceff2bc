"""A call that names two things, where one is meant, is decided on both: neither name hides the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from locum import authz
from locum.authz.paths import compile_path
from locum.authz.planning import compile_operation
from locum.authz.rules import parse_rules
from locum.core.partial_arn import PartialArn
from support.authority import HOME, REGION, World, allow, as_user, deny, user

HERE = f"{REGION}:{HOME}"
QUEUES = f"https://sqs.{REGION}.amazonaws.com/{HOME}"
KEY = "11111111-1111-1111-1111-11111111111"
TASK = f"arn:aws:ecs:{HERE}:task/theirs/1"

TWO_NAMES: list[tuple[str, Mapping[str, Any], list[str]]] = [
    (
        "kinesis:GetRecords",
        {"ShardIterator": "bWluZTpzOjE=", "StreamARN": f"arn:aws:kinesis:{HERE}:stream/theirs"},
        [f"arn:aws:kinesis:{HERE}:stream/mine", f"arn:aws:kinesis:{HERE}:stream/theirs"],
    ),
    (
        "kinesis:DeleteStream",
        {"StreamName": "mine", "StreamARN": f"arn:aws:kinesis:{HERE}:stream/theirs", "StreamId": "third"},
        [f"arn:aws:kinesis:{HERE}:stream/{name}" for name in ("mine", "theirs", "third")],
    ),
    (
        "logs:FilterLogEvents",
        {"logGroupName": "mine", "logGroupIdentifier": "theirs"},
        [f"arn:aws:logs:{HERE}:log-group:{name}:log-stream:" for name in ("mine", "theirs")],
    ),
    (
        "sns:Publish",
        {"TopicArn": f"arn:aws:sns:{HERE}:mine", "TargetArn": f"arn:aws:sns:{HERE}:theirs"},
        [f"arn:aws:sns:{HERE}:mine", f"arn:aws:sns:{HERE}:theirs"],
    ),
    (
        "sns:DeleteTopic",
        {"TopicArn": f"arn:aws:sns:{HERE}:mine", "ResourceArn": f"arn:aws:sns:{HERE}:theirs"},
        [f"arn:aws:sns:{HERE}:mine", f"arn:aws:sns:{HERE}:theirs"],
    ),
    (
        "sqs:PurgeQueue",
        {"QueueUrl": f"{QUEUES}/mine", "QueueName": "theirs"},
        [f"arn:aws:sqs:{HERE}:mine", f"arn:aws:sqs:{HERE}:theirs"],
    ),
    (
        "kms:Decrypt",
        {"CiphertextBlob": f"{KEY}1", "KeyId": f"{KEY}2"},
        [f"arn:aws:kms:{HERE}:key/{KEY}{number}" for number in (1, 2)],
    ),
    (
        "kms:Encrypt",
        {"KeyId": f"{KEY}1", "TargetKeyId": f"{KEY}2"},
        [f"arn:aws:kms:{HERE}:key/{KEY}{number}" for number in (1, 2)],
    ),
    (
        "ec2:TerminateInstances",
        {"InstanceId": "i-1", "InstanceIds": ["i-2", "i-3"]},
        [f"arn:aws:ec2:{HERE}:instance/i-{number}" for number in (1, 2, 3)],
    ),
    (
        "ec2:AssociateAddress",
        {"AllocationId": "eipalloc-1", "InstanceId": "i-1", "NetworkInterfaceId": "eni-1"},
        [f"arn:aws:ec2:{HERE}:{name}" for name in ("elastic-ip/eipalloc-1", "instance/i-1", "network-interface/eni-1")],
    ),
    (
        "events:PutTargets",
        {"Name": "mine", "Rule": "theirs", "Targets": []},
        [f"arn:aws:events:{HERE}:rule/mine", f"arn:aws:events:{HERE}:rule/theirs"],
    ),
    (
        "scheduler:GetSchedule",
        {"Name": "s", "groupName": "mine", "GroupName": "theirs"},
        [f"arn:aws:scheduler:{HERE}:schedule/{name}/s" for name in ("mine", "theirs")],
    ),
    (
        "dynamodbstreams:GetRecords",
        {
            "StreamArn": f"arn:aws:dynamodb:{HERE}:table/mine/stream/1",
            "ShardIterator": f"arn:aws:dynamodb:{HERE}:table/theirs/stream/2|1|x",
        },
        [f"arn:aws:dynamodb:{HERE}:table/mine/stream/1", f"arn:aws:dynamodb:{HERE}:table/theirs/stream/2"],
    ),
    (
        "ecs:StopTask",
        {"cluster": "mine", "task": TASK},
        [TASK, f"arn:aws:ecs:{HERE}:task/mine/1"],
    ),
    (
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        {"AutoScalingGroupName": "mine", "InstanceId": "i-1", "InstanceIds": ["i-2"]},
        [f"arn:aws:autoscaling:{HERE}:autoScalingGroup:u:autoScalingGroupName/{name}" for name in ("mine", "theirs")],
    ),
    (
        "rds:DeregisterDBProxyTargets",
        {"DBProxyName": "p", "DBInstanceIdentifiers": ["mine"], "DBClusterIdentifiers": ["theirs"]},
        [f"arn:aws:rds:{HERE}:db:mine", f"arn:aws:rds:{HERE}:cluster:theirs"],
    ),
]


@pytest.mark.parametrize(("operation", "params", "resources"), TWO_NAMES, ids=[row[0] for row in TWO_NAMES])
def test_a_deny_on_either_of_two_things_that_a_call_names_holds(
    operation: str, params: Mapping[str, Any], resources: list[str]
) -> None:
    for denied in resources:
        ann = user("ann", allow("*"), deny("*", denied))
        assert not World().having(ann).allows(as_user(ann), operation, **params), denied


@pytest.mark.parametrize(("operation", "params", "resources"), TWO_NAMES, ids=[row[0] for row in TWO_NAMES])
def test_an_allow_on_one_of_two_things_that_a_call_names_is_not_enough(
    operation: str, params: Mapping[str, Any], resources: list[str]
) -> None:
    for allowed in resources:
        ann = user("ann", allow("*", allowed))
        assert not World().having(ann).allows(as_user(ann), operation, **params), allowed


def test_two_names_of_one_thing_are_one_resource() -> None:
    ann = user("ann")
    both = {"StreamName": "mine", "StreamARN": f"arn:aws:kinesis:{HERE}:stream/mine"}
    stream = ("kinesis:DeleteStream", f"arn:aws:kinesis:{HERE}:stream/mine")
    assert World().having(ann).plan(as_user(ann), "kinesis:DeleteStream", **both) == [stream]


@pytest.mark.parametrize(
    "params", [{"PublicIp": "1.2.3.4", "AssociationId": "eipassoc-1"}, {"PublicIp": "1.2.3.4"}, {"AssociationId": "e"}]
)
def test_the_public_address_beside_an_association_is_looked_up_too(params: dict[str, str]) -> None:
    ann = user("ann")
    world = World().having(ann)
    plan = authz.plan(world.state, world.call(as_user(ann), "ec2:DisassociateAddress", params))
    named = [check.resource.name for check in plan.checks if isinstance(check.resource, PartialArn)]
    assert {name.kind: name.value for name in named if name is not None} == params


@pytest.mark.parametrize("operation", ["PutObject", "CopyObject", "CreateMultipartUpload"])
def test_an_empty_acl_does_not_hide_the_grants_beside_it(operation: str) -> None:
    ann = user("ann", allow("s3:*"), deny("s3:PutObjectAcl"))
    own = {"Bucket": "b", "Key": "k", "CopySource": "b/k"}
    world = World().having(ann)
    assert world.allows(as_user(ann), f"s3:{operation}", **own)
    assert not world.allows(as_user(ann), f"s3:{operation}", **own, ACL="", GrantRead='uri="x"')


def test_subnets_beside_subnet_mappings_are_values_of_the_condition_key() -> None:
    condition = {"ForAnyValue:StringEquals": {"elasticloadbalancing:Subnet": "subnet-theirs"}}
    ann = user("ann", allow("*"), deny("*", Condition=condition))
    params = {"Name": "n", "Subnets": ["subnet-mine"], "SubnetMappings": [{"SubnetId": "subnet-theirs"}]}
    assert not World().having(ann).allows(as_user(ann), "elbv2:CreateLoadBalancer", **params)


def test_all_alternatives_of_a_path_count_and_a_literal_only_without_them() -> None:
    read = compile_path("A|B[]|'none'", every=True)
    assert read({"A": "a", "B": ["b", "c"]}, None) == ["a", "b", "c"]
    assert read({"B": ["b"]}, None) == ["b"]
    assert read({}, None) == ["none"]


def test_a_check_of_a_resource_with_two_variables_of_alternatives_is_of_each_combination() -> None:
    rules = parse_rules("prefix x\ntype thing arn:aws:x:::{A|B}/{C|D}\nOp\n  = thing\n")
    (planner,) = compile_operation(rules, "Op", rules.operations["Op"]).planners
    call = World().call(as_user(user("ann")), "x:Op", {"A": "1", "B": "2", "C": "3", "D": "4"})
    found = [check.resource.rpartition(":")[2] for check in planner(World().state, call)]
    assert found == ["1/3", "1/4", "2/3", "2/4"]

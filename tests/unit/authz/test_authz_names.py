"""Every way in which a call names a resource leads to the one ARN that policies speak of."""

from __future__ import annotations

import base64
from typing import Any, Final

import pytest

from support.authority import AWAY, HOME, REGION, World, allow, as_user, deny, user

ANN: Final = user("ann", allow("*"))


def arn(service: str, resource: str, account: str = HOME) -> str:
    return f"arn:aws:{service}:{REGION}:{account}:{resource}"


GROUP: Final = arn("logs", "log-group:/aws/lambda/f")
STREAM: Final = arn("kinesis", "stream/s")
CLUSTER: Final = arn("ecs", "cluster/c")
MACHINE: Final = arn("states", "stateMachine:m")
STACK: Final = arn("cloudformation", "stack/web/1b2c")
ITERATOR: Final = base64.b64encode(b"s:shardId-000000000000:0").decode()

# operation, parameters, the resources of the operation's own checks; a part that is not known is `*`.
NAMES: Final[list[tuple[str, dict[str, Any], list[str]]]] = [
    ("logs:PutRetentionPolicy", {"logGroupName": "/aws/lambda/f"}, [f"{GROUP}:log-stream:"]),
    ("logs:FilterLogEvents", {"logGroupIdentifier": GROUP}, [f"{GROUP}:log-stream:"]),
    ("logs:FilterLogEvents", {"logGroupIdentifier": f"{GROUP}:*"}, [f"{GROUP}:log-stream:"]),
    ("logs:DescribeLogStreams", {"logGroupIdentifier": "/aws/lambda/f"}, [f"{GROUP}:log-stream:"]),
    ("logs:GetLogEvents", {"logGroupIdentifier": GROUP, "logStreamName": "1"}, [f"{GROUP}:log-stream:1"]),
    ("logs:StartQuery", {"logGroupNames": ["/aws/lambda/f"]}, [f"{GROUP}:log-stream:"]),
    ("logs:ListTagsForResource", {"resourceArn": f"{GROUP}:*"}, [GROUP]),
    ("logs:DescribeLogGroups", {}, [arn("logs", "log-group::log-stream:")]),
    ("kinesis:PutRecord", {"StreamName": "s"}, [STREAM]),
    ("kinesis:PutRecord", {"StreamARN": STREAM}, [STREAM]),
    ("kinesis:GetRecords", {"ShardIterator": ITERATOR}, [STREAM]),
    ("kinesis:GetRecords", {"ShardIterator": "???"}, [arn("kinesis", "stream/*")]),
    ("kinesis:SubscribeToShard", {"ConsumerARN": f"{STREAM}/consumer/c:1"}, [f"{STREAM}/consumer/c:1"]),
    ("kinesis:DescribeStreamConsumer", {"StreamARN": STREAM, "ConsumerName": "c"}, [f"{STREAM}/consumer/c:*"]),
    ("ecs:DescribeServices", {"cluster": "c", "services": ["s"]}, [arn("ecs", "service/c/s")]),
    ("ecs:DescribeServices", {"cluster": CLUSTER, "services": ["s"]}, [arn("ecs", "service/c/s")]),
    ("ecs:DescribeServices", {"cluster": "c", "services": [arn("ecs", "service/c/s")]}, [arn("ecs", "service/c/s")]),
    (
        "ecs:DescribeServices",
        {"services": [arn("ecs", "service/c/s")]},
        [arn("ecs", "service/c/s"), arn("ecs", "service/default/s")],
    ),
    ("ecs:DescribeServices", {"cluster": "c", "services": [arn("ecs", "service/s")]}, [arn("ecs", "service/c/s")]),
    ("ecs:StopTask", {"task": "t"}, [arn("ecs", "task/default/t")]),
    ("ecs:DeleteCluster", {"cluster": CLUSTER}, [CLUSTER]),
    ("ecs:ListTasks", {"cluster": "c"}, ["*"]),
    ("ecr:PutImage", {"registryId": AWAY, "repositoryName": "r"}, [arn("ecr", "repository/r", AWAY)]),
    ("eks:CreateCluster", {"name": "c"}, [arn("eks", "cluster/c")]),
    (
        "eks:DescribeAccessEntry",
        {"clusterName": "c", "principalArn": f"arn:aws:iam::{HOME}:role/a/b"},
        [arn("eks", f"access-entry/c/role/{HOME}/b/*")],
    ),
    ("stepfunctions:StartExecution", {"stateMachineArn": f"{MACHINE}:PROD"}, [MACHINE]),
    ("stepfunctions:DescribeStateMachineAlias", {"stateMachineAliasArn": f"{MACHINE}:PROD"}, [MACHINE]),
    ("stepfunctions:ListStateMachines", {}, [arn("states", "stateMachine:*")]),
    ("ssm:DescribeParameters", {}, [arn("ssm", "*")]),
    ("ssm:GetParametersByPath", {"Path": "/a/b/"}, [arn("ssm", "parameter/a/b")]),
    ("ssm:GetParametersByPath", {"Path": "/"}, [arn("ssm", "parameter/")]),
    ("ssm:GetDocument", {"Name": "AWS-RunShellScript"}, [arn("ssm", "document/AWS-RunShellScript", "")]),
    ("ssm:StartSession", {"Target": "i-1"}, [arn("ec2", "instance/i-1")]),
    ("ssm:StartSession", {"Target": "mi-1"}, [arn("ssm", "managed-instance/mi-1")]),
    ("ssm:UpdateMaintenanceWindow", {"WindowId": "mw-1", "Name": "n"}, [arn("ssm", "maintenancewindow/mw-1")]),
    ("ssm:AddTagsToResource", {"ResourceType": "Parameter", "ResourceId": "/p"}, [arn("ssm", "parameter/p")]),
    ("scheduler:GetSchedule", {"Name": "n"}, [arn("scheduler", "schedule/default/n")]),
    ("route53:GetHostedZone", {"Id": "/hostedzone/Z1"}, ["arn:aws:route53:::hostedzone/Z1"]),
    ("glue:GetTable", {"DatabaseName": "d", "Name": "t", "CatalogId": AWAY},
     [arn("glue", name, AWAY) for name in ("database/d", "catalog", "table/d/t")]),
    ("cloudformation:DescribeStacks", {"StackName": "web"}, [arn("cloudformation", "stack/web/*")]),
    ("cloudformation:DeleteStack", {"StackName": STACK}, [STACK]),
    ("cloudformation:ListStacks", {}, [arn("cloudformation", "stack/*/*")]),
    (
        "cloudformation:ExecuteChangeSet",
        {"StackName": "mine", "ChangeSetName": arn("cloudformation", "changeSet/c/1")},
        [arn("cloudformation", "stack/mine/*"), arn("cloudformation", "stack/*/*")],
    ),
    ("elbv2:CreateLoadBalancer", {"Name": "l"}, [arn("elasticloadbalancing", "loadbalancer/app/l/*")]),
    (
        "elbv2:CreateLoadBalancer",
        {"Name": "l", "Type": "network"},
        [arn("elasticloadbalancing", "loadbalancer/net/l/*")],
    ),
    ("events:ListRules", {}, [arn("events", "rule/*")]),
    ("sns:ListTopics", {}, [arn("sns", "*")]),
    ("apigatewayv2:GetApis", {}, [f"arn:aws:apigateway:{REGION}::/apis"]),
    (
        "apigateway:GetTags",
        {"resourceArn": f"arn:aws:apigateway:{REGION}::/restapis/1"},
        [f"arn:aws:apigateway:{REGION}::/tags/arn%3Aaws%3Aapigateway%3A{REGION}%3A%3A%2Frestapis%2F1"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "params", "wanted"), NAMES, ids=[f"{n[0]}-{i}" for i, n in enumerate(NAMES)])
def test_a_call_is_decided_on_the_arn_of_what_it_names(
    operation: str, params: dict[str, Any], wanted: list[str]
) -> None:
    planned = World().having(ANN).plan(as_user(ANN), operation, **params)
    assert [str(resource) for _, resource in planned] == wanted


ALIASES: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("kinesis:DeleteStream", STREAM, {"StreamName": "other", "StreamARN": STREAM}),
    ("kinesis:DeleteStream", STREAM, {"StreamName": "s", "StreamARN": arn("kinesis", "stream/other")}),
    ("logs:FilterLogEvents", f"{GROUP}:*", {"logGroupName": "other", "logGroupIdentifier": GROUP}),
    ("logs:StartQuery", f"{GROUP}:*", {"logGroupName": "other", "logGroupIdentifiers": [GROUP]}),
    ("ecs:UpdateService", arn("ecs", "service/c/s"), {"cluster": CLUSTER, "service": "s"}),
]


@pytest.mark.parametrize(("operation", "denied", "params"), ALIASES)
def test_a_deny_is_not_got_round_by_another_name_beside_it(operation: str, denied: str, params: dict[str, Any]) -> None:
    bob = user("bob", allow("*"), deny("*", denied))
    world = World().having(ANN, bob)
    assert world.allows(as_user(ANN), operation, **params)
    assert not world.allows(as_user(bob), operation, **params)

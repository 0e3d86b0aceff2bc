"""A Deny and an Allow on an ARN hold where only the backend knows the ARN, over several services."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import REGION, InProcess, Key

ACCOUNT = "000000000000"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/made"
REFUSED = {"AccessDenied", "AccessDeniedException"}
ABSENT = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/a/b"
TEMPLATE = '{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}'


class Things:
    """Resources named `mine` and `theirs`, and the ARNs that only the backend knows."""

    def __init__(self, plane: InProcess) -> None:
        self.plane = plane
        service = {"Service": ["eks.amazonaws.com", "ec2.amazonaws.com", "rds.amazonaws.com", "logs.amazonaws.com"]}
        trusted = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
        plane.client("iam").create_role(RoleName="made", AssumeRolePolicyDocument=trust)
        self.arns: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        for name in ("mine", "theirs"):
            self._athena(name)
            self._autoscaling(name)
            self._stack(name)
            self._eks(name)
            self._proxy(name)

    def _athena(self, name: str) -> None:
        athena = self.plane.client("athena")
        athena.create_work_group(Name=name, Configuration={"ResultConfiguration": {"OutputLocation": "s3://results/"}})
        self.ids[f"query {name}"] = athena.start_query_execution(QueryString="SELECT 1", WorkGroup=name)[
            "QueryExecutionId"
        ]
        self.ids[f"named {name}"] = athena.create_named_query(
            Name=name, Database="d", QueryString="SELECT 1", WorkGroup=name
        )["NamedQueryId"]
        self.arns[f"workgroup {name}"] = f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{name}"

    def _autoscaling(self, name: str) -> None:
        scaling = self.plane.client("autoscaling")
        scaling.create_launch_configuration(
            LaunchConfigurationName=name, ImageId="ami-12c6146b", InstanceType="t2.micro"
        )
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName=name,
            MinSize=1,
            MaxSize=2,
            AvailabilityZones=[f"{REGION}a"],
        )
        scaling.put_scaling_policy(
            AutoScalingGroupName=name, PolicyName=f"of-{name}", AdjustmentType="ExactCapacity", ScalingAdjustment=1
        )
        self.plane.run(self.plane.node.duties.scaling.reconcile())
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        self.arns[f"group {name}"] = group["AutoScalingGroupARN"]
        self.ids[f"instance {name}"] = group["Instances"][0]["InstanceId"]

    def _stack(self, name: str) -> None:
        made = self.plane.client("cloudformation").create_change_set(
            StackName=name, ChangeSetName=f"of-{name}", ChangeSetType="CREATE", TemplateBody=TEMPLATE
        )
        self.arns[f"stack {name}"], self.ids[f"changes {name}"] = made["StackId"], made["Id"]

    def _eks(self, name: str) -> None:
        eks = self.plane.client("eks")
        eks.create_cluster(name=name, roleArn=ROLE, resourcesVpcConfig={"subnetIds": ["subnet-1"]})
        group = eks.create_nodegroup(clusterName=name, nodegroupName="g", subnets=["subnet-1"], nodeRole=ROLE)
        self.arns[f"nodegroup {name}"] = group["nodegroup"]["nodegroupArn"]

    def _proxy(self, name: str) -> None:
        ec2 = self.plane.client("ec2")
        default = [{"Name": "default-for-az", "Values": ["true"]}]
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=default)["Subnets"]][:2]
        auth = {"AuthScheme": "SECRETS", "SecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:s"}
        proxy = self.plane.client("rds").create_db_proxy(
            DBProxyName=name, EngineFamily="MYSQL", Auth=[auth], RoleArn=ROLE, VpcSubnetIds=subnets
        )
        self.arns[f"proxy {name}"] = proxy["DBProxy"]["DBProxyArn"]


@pytest.fixture(scope="module")
def things(plane: InProcess) -> Things:
    return Things(plane)


CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("workgroup", "athena", "get_query_execution", {"QueryExecutionId": "{query}"}),
    ("workgroup", "athena", "stop_query_execution", {"QueryExecutionId": "{query}"}),
    ("workgroup", "athena", "get_query_results", {"QueryExecutionId": "{query}"}),
    ("workgroup", "athena", "get_named_query", {"NamedQueryId": "{named}"}),
    ("group", "autoscaling", "set_desired_capacity", {"AutoScalingGroupName": "{name}", "DesiredCapacity": 1}),
    ("group", "autoscaling", "execute_policy", {"PolicyName": "of-{name}"}),
    ("group", "autoscaling", "execute_policy", {"PolicyName": "of-{name}", "AutoScalingGroupName": "{name}"}),
    ("group", "autoscaling", "set_instance_health", {"InstanceId": "{instance}", "HealthStatus": "Healthy"}),
    ("stack", "cloudformation", "describe_change_set", {"ChangeSetName": "{changes}"}),
    ("stack", "cloudformation", "describe_change_set", {"ChangeSetName": "of-{name}", "StackName": "{stack_arn}"}),
    ("stack", "cloudformation", "execute_change_set", {"ChangeSetName": "{changes}"}),
    ("nodegroup", "eks", "describe_nodegroup", {"clusterName": "{name}", "nodegroupName": "g"}),
    ("proxy", "rds", "describe_db_proxies", {"DBProxyName": "{name}"}),
    ("proxy", "rds", "describe_db_proxy_targets", {"DBProxyName": "{name}"}),
]  # fmt: skip


def _given(things: Things, params: dict[str, Any], name: str) -> dict[str, Any]:
    ids = {kind.removesuffix(f" {name}"): value for kind, value in things.ids.items() if kind.endswith(f" {name}")}
    stack = things.arns[f"stack {name}"]
    return {
        key: value.format(name=name, stack_arn=stack, **ids) if isinstance(value, str) else value
        for key, value in params.items()
    }


def _code(plane: InProcess, key: Key, service: str, operation: str, **params: Any) -> str:
    try:
        getattr(plane.client(service, key), operation)(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize(("kind", "service", "operation", "params"), CALLS)
def test_a_deny_on_an_arn_that_only_the_backend_knows_holds(
    plane: InProcess, things: Things, kind: str, service: str, operation: str, params: dict[str, Any]
) -> None:
    denied = {"Effect": "Deny", "Action": "*", "Resource": things.arns[f"{kind} theirs"]}
    key = plane.user(f"deny-{CALLS.index((kind, service, operation, params))}", EVERYTHING, denied)
    assert _code(plane, key, service, operation, **_given(things, params, "theirs")) in REFUSED
    assert _code(plane, key, service, operation, **_given(things, params, "mine")) not in REFUSED


@pytest.mark.parametrize(("kind", "service", "operation", "params"), CALLS)
def test_an_allow_on_an_arn_that_only_the_backend_knows_holds(
    plane: InProcess, things: Things, kind: str, service: str, operation: str, params: dict[str, Any]
) -> None:
    allowed = {"Effect": "Allow", "Action": "*", "Resource": things.arns[f"{kind} mine"]}
    key = plane.user(f"allow-{CALLS.index((kind, service, operation, params))}", allowed)
    assert _code(plane, key, service, operation, **_given(things, params, "mine")) not in REFUSED
    assert _code(plane, key, service, operation, **_given(things, params, "theirs")) in REFUSED


TWO_NAMES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("group", "autoscaling", "execute_policy", {"PolicyName": "of-theirs", "AutoScalingGroupName": "mine"}),
    ("group", "autoscaling", "delete_policy", {"PolicyName": "of-theirs", "AutoScalingGroupName": "mine"}),
    ("stack", "cloudformation", "execute_change_set", {"ChangeSetName": "of-theirs", "StackName": "mine"}),
    ("stack", "cloudformation", "delete_change_set", {"ChangeSetName": "{changes}", "StackName": "mine"}),
]


@pytest.mark.parametrize(("kind", "service", "operation", "params"), TWO_NAMES)
def test_what_belongs_to_another_resource_than_the_named_one_is_decided_on_as_its_own(
    plane: InProcess, things: Things, kind: str, service: str, operation: str, params: dict[str, Any]
) -> None:
    given = _given(things, params, "theirs")
    number = TWO_NAMES.index((kind, service, operation, params))
    denied = {"Effect": "Deny", "Action": "*", "Resource": things.arns[f"{kind} theirs"]}
    only = {"Effect": "Allow", "Action": "*", "Resource": things.arns[f"{kind} mine"]}
    for key in (plane.user(f"deny-two-{number}", EVERYTHING, denied), plane.user(f"allow-two-{number}", only)):
        # The stack that is named has no such change set, which the backend says where the decision does not.
        assert _code(plane, key, service, operation, **given) in {*REFUSED, "ChangeSetNotFound"}


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("athena", "get_query_execution", {"QueryExecutionId": "00000000-0000-0000-0000-000000000000"}),
        ("athena", "get_named_query", {"NamedQueryId": "00000000-0000-0000-0000-000000000000"}),
        ("autoscaling", "execute_policy", {"PolicyName": "absent"}),
        ("cloudformation", "describe_change_set", {"ChangeSetName": ABSENT}),
        ("eks", "describe_nodegroup", {"clusterName": "absent", "nodegroupName": "g"}),
    ],
)  # fmt: skip
def test_what_the_backend_does_not_have_stands_for_any_resource(
    plane: InProcess, things: Things, service: str, operation: str, params: dict[str, Any]
) -> None:
    only = {"Effect": "Allow", "Action": "*", "Resource": [arn for kind, arn in things.arns.items() if "mine" in kind]}
    key = plane.user(f"absent-{service}-{operation}", only)
    assert _code(plane, key, service, operation, **params) in REFUSED


def test_logs_may_be_sent_to_another_service(plane: InProcess) -> None:
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:sent:*"
    role = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": ROLE}
    key = plane.user("sender", {"Effect": "Allow", "Action": "logs:*", "Resource": group}, role)
    plane.client("logs").create_log_group(logGroupName="sent")
    to: dict[str, str] = {"logGroupName": "sent", "filterName": "f", "filterPattern": "", "roleArn": ROLE}
    stream = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/absent"
    code = _code(plane, key, "logs", "put_subscription_filter", destinationArn=stream, **to)
    assert code not in REFUSED | {"ValidationException"}
    destination = f"arn:aws:logs:{REGION}:{ACCOUNT}:destination:theirs"
    assert _code(plane, key, "logs", "put_subscription_filter", destinationArn=destination, **to) in REFUSED

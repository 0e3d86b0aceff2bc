"""Templates of the kinds that AWS's samples have: each is created, updated and deleted, and nothing of it is left.

Nobody touches what they make but the stacks themselves: no drift is detected.

`tests/templates` has them: NAME.yaml or NAME.template.json. NAME.json says how they are tried: `parameters` of the
creation, and those that an `update` changes; a body of the update's own is NAME.update.yaml. `before` are templates
whose exports it imports, `uploads` files that are in buckets (`BUCKET/KEY`; the key of an archive ends with `.zip`).
With `organization`, the account manages one: the parameter RootId is its root.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.paginate import jmespath

from support.inprocess import InProcess
from support.stacks import Stacks

FOLDER: Final = Path(__file__).parent.parent / "templates"
BODIES: Final = {
    path.name.removesuffix(".yaml").removesuffix(".template.json"): path
    for path in sorted(FOLDER.iterdir())
    if path.name.endswith((".yaml", ".template.json")) and not path.name.endswith(".update.yaml")
}

LEFT: Final = {
    "fargate-service": {"describe_alarms"},
    "indexed-table": {"describe_alarms"},
    "three-tier-web": {"describe_network_interfaces"},
}
"""What lists something that the embedded backend does not delete with its owner: the alarms of a policy of Application
Auto Scaling that was changed, the network interface of a NAT gateway."""


LISTED: Final = (
    ("apigateway", "get_rest_apis", "items[].id"),
    ("apigatewayv2", "get_apis", "Items[].ApiId"),
    ("athena", "list_work_groups", "WorkGroups[].Name"),
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups[].AutoScalingGroupName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
    ("dynamodb", "list_tables", "TableNames[]"),
    ("ec2", "describe_addresses", "Addresses[].AllocationId"),
    ("ec2", "describe_instances", "Reservations[].Instances[?State.Name!='terminated'][].InstanceId"),
    ("ec2", "describe_internet_gateways", "InternetGateways[].InternetGatewayId"),
    ("ec2", "describe_launch_templates", "LaunchTemplates[].LaunchTemplateId"),
    ("ec2", "describe_nat_gateways", "NatGateways[?State!='deleted'].NatGatewayId"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces[].NetworkInterfaceId"),
    ("ec2", "describe_route_tables", "RouteTables[].RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups[].GroupId"),
    ("ec2", "describe_subnets", "Subnets[].SubnetId"),
    ("ec2", "describe_volumes", "Volumes[].VolumeId"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints[?State!='deleted'].VpcEndpointId"),
    ("ec2", "describe_vpcs", "Vpcs[].VpcId"),
    ("ecr", "describe_repositories", "repositories[].repositoryArn"),
    ("ecs", "list_task_definitions", "taskDefinitionArns[]"),
    ("eks", "list_clusters", "clusters[]"),
    ("elbv2", "describe_load_balancers", "LoadBalancers[].LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups[].TargetGroupArn"),
    ("events", "list_rules", "Rules[].Arn"),
    ("glue", "get_crawlers", "Crawlers[].Name"),
    ("glue", "get_databases", "DatabaseList[].Name"),
    ("iam", "list_groups", "Groups[].Arn"),
    ("iam", "list_instance_profiles", "InstanceProfiles[].Arn"),
    ("iam", "list_roles", "Roles[?!starts_with(Path, '/aws-service-role/')].Arn"),
    ("iam", "list_users", "Users[].Arn"),
    ("kinesis", "list_streams", "StreamNames[]"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings[].UUID"),
    ("lambda", "list_functions", "Functions[].FunctionArn"),
    ("lambda", "list_layers", "Layers[].LayerArn"),
    ("logs", "describe_log_groups", "logGroups[].logGroupName"),
    ("rds", "describe_db_instances", "DBInstances[].DBInstanceArn"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups[].DBSubnetGroupArn"),
    ("s3", "list_buckets", "Buckets[].Name"),
    ("scheduler", "list_schedules", "Schedules[].Arn"),
    ("secretsmanager", "list_secrets", "SecretList[].ARN"),
    ("sns", "list_topics", "Topics[].TopicArn"),
    ("sqs", "list_queues", "QueueUrls[]"),
    ("stepfunctions", "list_state_machines", "stateMachines[].stateMachineArn"),
)
"""What a template makes: the calls that list it, and where its names are in the answers."""


def told(name: str) -> dict[str, Any]:
    """How a template is tried."""
    path = FOLDER / f"{name}.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def given(parameters: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


def uploaded(key: str, file: str) -> bytes:
    """What is uploaded to `key`: a file, or an archive of it alone."""
    content = (FOLDER / file).read_bytes()
    if not key.endswith(".zip"):
        return content
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(Path(file).name, content)
    return archive.getvalue()


def resolved(outputs: dict[str, str]) -> bool:
    """Whether there are outputs, and each has a value without anything to be put in."""
    return bool(outputs) and all(value and "{{" not in value and "${" not in value for value in outputs.values())


class Bench:
    """A plane with what the templates take from buckets."""

    def __init__(self, plane: InProcess) -> None:
        self._plane = plane
        self.stacks = Stacks(plane)
        uploads = {place: file for name in BODIES for place, file in told(name).get("uploads", {}).items()}
        s3 = plane.client("s3")
        for bucket in {place.partition("/")[0] for place in uploads}:
            s3.create_bucket(Bucket=bucket)
        for place, file in uploads.items():
            bucket, _, key = place.partition("/")
            s3.put_object(Bucket=bucket, Key=key, Body=uploaded(key, file))
        self._clients = {service: plane.client(service) for service, _, _ in LISTED}
        self._there: set[str] = set()

    def listed(self) -> set[str]:
        """All that templates make and that is there."""
        return {
            f"{operation} {name}"
            for service, operation, path in LISTED
            for name in self._pages(service, operation, path)
        }

    def begin(self) -> None:
        """Take what is there as what was there before."""
        self._there = self.listed()

    def left(self) -> set[str]:
        """What of `listed` is not as before."""
        return self.listed() ^ self._there

    def _pages(self, service: str, operation: str, path: str) -> Iterator[str]:
        client = self._clients[service]
        if client.can_paginate(operation):
            yield from client.get_paginator(operation).paginate().search(path)
        else:
            yield from jmespath.search(path, getattr(client, operation)())

    def create(self, name: str, parameters: dict[str, str] | None = None) -> str:
        more = {**told(name).get("parameters", {}), **(parameters or {})}
        return self.stacks.create(name, BODIES[name].read_text(), Parameters=given(more))

    def update(self, name: str, parameters: dict[str, str]) -> str:
        how = told(name)
        more = {**how.get("parameters", {}), **how.get("update", {}), **parameters}
        other = FOLDER / f"{name}.update.yaml"
        body = other if other.exists() else BODIES[name]
        return self.stacks.update(name, body.read_text(), Parameters=given(more))

    def failures(self, name: str) -> str:
        """Why resources of a stack failed."""
        events = self.stacks.client.describe_stack_events(StackName=name)["StackEvents"]
        found = [it for it in events if it["ResourceStatus"].endswith("_FAILED")]
        return "\n".join(f"{it['LogicalResourceId']}: {it.get('ResourceStatusReason')}" for it in found)

    def drift(self, name: str) -> dict[str, Any]:
        """What differs from the template of a stack, or could not be read, by logical ids."""
        client = self.stacks.client
        client.detect_stack_drift(StackName=name)
        self._plane.settle_drifts()
        pages = [client.describe_stack_resource_drifts(StackName=name)]
        found = [it for page in pages for it in page["StackResourceDrifts"]]
        told = ("ResourceType", "StackResourceDriftStatus", "DriftStatusReason", "PropertyDifferences")
        return {
            it["LogicalResourceId"]: {member: it[member] for member in told if member in it}
            for it in found
            if it["StackResourceDriftStatus"] != "IN_SYNC"
        }

    def organization(self) -> str:
        """The root of a new organization."""
        organizations = self._plane.client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        (root,) = organizations.list_roots()["Roots"]
        for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "TAG_POLICY"):
            organizations.enable_policy_type(RootId=root["Id"], PolicyType=kind)
        return str(root["Id"])

    def no_organization(self) -> None:
        self._plane.client("organizations").delete_organization()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    plane = InProcess(tmp_path_factory.mktemp("plane"))
    yield Bench(plane)
    plane.close()


@pytest.fixture
def parameters(bench: Bench, name: str) -> Iterator[dict[str, str]]:
    """The parameters that only the plane knows, with what the template needs to be there."""
    how = told(name)
    for other in how.get("before", ()):
        assert bench.create(other) == "CREATE_COMPLETE", bench.failures(other)
    found = {"RootId": bench.organization()} if how.get("organization") else {}
    bench.begin()
    yield found
    if found:
        bench.no_organization()
    for other in reversed(how.get("before", ())):
        bench.stacks.delete(other)


SLOW: Final = {"cache-cluster", "scaling-policies", "three-tier-web"}
"""Templates that wait: for a lifecycle hook, thirty seconds at least, or for what takes long to be ready."""

BY_DAY: Final = set([*BODIES][::3]) - SLOW
"""A third of the templates; the others are for the night."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in BY_DAY else pytest.mark.nightly) for name in BODIES]
)
def test_a_template_is_created_updated_and_deleted_and_leaves_nothing(
    bench: Bench, name: str, parameters: dict[str, str]
) -> None:
    assert bench.create(name, parameters) == "CREATE_COMPLETE", bench.failures(name)
    assert resolved(bench.stacks.outputs(name))
    assert bench.drift(name) == {}
    assert bench.update(name, parameters) == "UPDATE_COMPLETE", bench.failures(name)
    assert resolved(bench.stacks.outputs(name))
    assert bench.drift(name) == {}
    arn = bench.stacks.told(name)["StackId"]
    assert bench.stacks.delete(name) == "DELETE_COMPLETE", bench.failures(arn)
    left = bench.left()
    assert {it.partition(" ")[0] for it in left} == LEFT.get(name, set()), left


def test_at_least_sixty_three_templates_work() -> None:
    assert len(BODIES) >= 63

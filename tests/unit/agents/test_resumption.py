"""What was under way in the embedded backend goes on after a restart of the plane, without a call that asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.backends.lazy import LazyBackend
from locum.cli.backends import RESUMED
from support.functions import package
from support.inprocess import InProcess
from support.kept import keeper, keeping, killed, restarted
from support.plane import trusting

MINUTE = "rate(1 minute)"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    found = keeping(tmp_path / "data")
    yield found
    found.close()


def resumed(plane: InProcess, service: str) -> Any:
    """The host that has resumed what was under way for a service."""
    plane.run(plane.node.resumption.settled())
    host = plane.node.runtime.backends.of(service, RESUMED[service])
    assert isinstance(host, LazyBackend)
    return host._backend


def function(plane: InProcess, name: str) -> str:
    role = f"{name}-role"
    trust = trusting(Service="lambda.amazonaws.com")
    arn = plane.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    plane.client("iam").put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=json.dumps(may))
    given = {"Runtime": "python3.12", "Handler": "main.handler", "Role": arn}
    code = {"ZipFile": package(main="def handler(event, context): return event")}
    return str(plane.client("lambda").create_function(FunctionName=name, Code=code, **given)["FunctionArn"])


def test_nothing_is_loaded_where_nothing_was_under_way(plane: InProcess) -> None:
    plane.client("sqs").create_queue(QueueName="q")
    plane.client("lambda").list_functions()
    restarted(plane)
    plane.run(plane.node.resumption.settled())
    assert plane.node.runtime.backends.default._backend is None  # type: ignore[attr-defined]


def test_a_rule_with_a_schedule_is_due_again(plane: InProcess) -> None:
    events = plane.client("events")
    events.put_rule(Name="tick", ScheduleExpression=MINUTE)
    events.put_rule(Name="off", ScheduleExpression=MINUTE, State="DISABLED")
    events.create_event_bus(Name="other")
    events.put_rule(Name="matches", EventPattern='{"source": ["aws.s3"]}', EventBusName="other")
    restarted(plane)
    rules = resumed(plane, "events")._rules
    now = plane.node.runtime.clock()
    known = {name: (rule.enabled, 0 < rule.due - now <= 60) for (_, _, name), rule in rules.items()}
    assert known == {"tick": (True, True), "off": (False, True)}


def test_a_rule_for_events_of_cloudtrail_gets_them_again(plane: InProcess) -> None:
    pattern = json.dumps({"detail-type": ["AWS API Call via CloudTrail"]})
    plane.client("events").put_rule(Name="calls", EventPattern=pattern)
    restarted(plane)
    behind = resumed(plane, "events")._behind
    assert behind._rules == {(plane.node.account, "us-east-1"): {"calls": False}}


def test_an_event_source_mapping_is_read_again_from_where_it_was(plane: InProcess) -> None:
    url = plane.client("sqs").create_queue(QueueName="work")["QueueUrl"]
    plane.client("lambda").list_functions()
    arn = function(plane, "worker")
    source = f"arn:aws:sqs:us-east-1:{plane.node.account}:work"
    made = plane.client("lambda").create_event_source_mapping(EventSourceArn=source, FunctionName=arn)
    restarted(plane)
    host = resumed(plane, "lambda")
    (kept,) = host._mappings.under_way()
    assert (kept.uuid, str(kept.source), url.rpartition("/")[2]) == (made["UUID"], source, "work")
    assert list(host._sources._keepers) == [kept.key]
    host._mappings.progress(kept, {"shard": "7"})
    restarted(plane)
    mappings = resumed(plane, "lambda")._mappings
    assert mappings.read_before(kept) == {"shard": "7"}


def test_a_secret_is_rotated_when_it_is_due(plane: InProcess) -> None:
    secrets, arn = plane.client("secretsmanager"), function(plane, "rotates")
    given = {"Action": "lambda:InvokeFunction", "Principal": "secretsmanager.amazonaws.com"}
    plane.client("lambda").add_permission(FunctionName="rotates", StatementId="s", **given)
    secret = secrets.create_secret(Name="kept", SecretString="open")["ARN"]
    rules = {"AutomaticallyAfterDays": 7}
    secrets.rotate_secret(SecretId=secret, RotationLambdaARN=arn, RotationRules=rules, RotateImmediately=False)
    due = secrets.describe_secret(SecretId=secret)["NextRotationDate"].timestamp()
    restarted(plane)
    rotated = resumed(plane, "secretsmanager")._rotated
    assert {key: it.due for key, it in rotated.items()} == {(plane.node.account, "us-east-1", secret): due}


def test_a_deployment_that_was_under_way_has_failed(plane: InProcess) -> None:
    deploy = plane.client("codedeploy")
    deploy.create_application(applicationName="app", computePlatform="Lambda")
    trust = trusting(Service="codedeploy.amazonaws.com")
    role = plane.client("iam").create_role(RoleName="deploys", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    group = {"applicationName": "app", "deploymentGroupName": "group"}
    deploy.create_deployment_group(**group, serviceRoleArn=role)
    spec = json.dumps({"version": 0.0, "Resources": []})
    revision: Any = {"revisionType": "AppSpecContent", "appSpecContent": {"content": spec}}
    made = deploy.create_deployment(**group, revision=revision)["deploymentId"]
    found = plane.node.runtime.backends.of("codedeploy", RESUMED["codedeploy"])._backend._deployments  # type: ignore[attr-defined]
    found.tell(found.find(plane.node.account, "us-east-1", made), "InProgress")
    restarted(plane)
    host = resumed(plane, "codedeploy")
    for task in list(host._under_way):
        plane.run(_ended(task))
    told = plane.client("codedeploy").get_deployment(deploymentId=made)["deploymentInfo"]
    assert (told["status"], told["errorInformation"]["code"]) == ("Failed", "INTERNAL_ERROR")
    assert "the plane ended" in told["errorInformation"]["message"].lower()


async def _ended(task: Any) -> None:
    await task


def test_an_instance_is_in_its_subnet_where_that_was_kept_and_told_where_not(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24")["Subnet"]["SubnetId"] for n in (1, 2)]
    keeper(plane).save()
    subnets.append(ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.3.0/24")["Subnet"]["SubnetId"])
    launched = [
        ec2.run_instances(ImageId="ami-10c0000000000000a", MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]
        for subnet in subnets
    ]
    killed(plane)
    found = plane.client("ec2").describe_instances()["Reservations"]
    instances = {it["InstanceId"]: it for one in found for it in one["Instances"]}
    first, second, third = (instances[one["InstanceId"]] for one in launched)
    assert (first.get("SubnetId"), second.get("SubnetId")) == (subnets[0], subnets[1])
    assert first["PrivateIpAddress"] == launched[0]["PrivateIpAddress"]
    assert third["SubnetId"] not in subnets
    assert subnets[2] in third["StateReason"]["Message"]


def test_instances_and_what_was_attached_to_them_are_there(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    image = {"ImageId": "ami-10c0000000000000a", "MinCount": 1, "MaxCount": 1}
    kept, gone = (ec2.run_instances(**image)["Instances"][0]["InstanceId"] for _ in range(2))
    zone = ec2.describe_instances(InstanceIds=[kept])["Reservations"][0]["Instances"][0]["Placement"][
        "AvailabilityZone"
    ]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=3)["VolumeId"]
    ec2.attach_volume(InstanceId=kept, VolumeId=volume, Device="/dev/sdx")
    address = ec2.allocate_address()["AllocationId"]
    ec2.associate_address(AllocationId=address, InstanceId=kept)
    keeper(plane).save()
    ec2.terminate_instances(InstanceIds=[gone])
    killed(plane)
    ec2 = plane.client("ec2")
    (attached,) = ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["Attachments"]
    assert attached["InstanceId"] == kept
    assert ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]["InstanceId"] == kept
    volumes = ec2.describe_volumes()["Volumes"]
    assert gone not in [one["InstanceId"] for it in volumes for one in it["Attachments"]]

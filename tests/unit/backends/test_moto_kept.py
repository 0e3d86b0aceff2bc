"""Tags and resource policies that moto keeps in ways of their own decide on calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from support.inprocess import REGION, InProcess, Key, refusal

HOME, AWAY = "000000000000", "444455556666"
RED, BLUE = {"team": "red"}, {"team": "blue"}


def upper(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def lower(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


class Tagged(NamedTuple):
    """A kind of resource: how one is made, with tags, and a call on it. `name` is what `make` returns."""

    service: str
    make: Callable[[Any, str, dict[str, str]], str]
    operation: str
    call: Callable[[str], dict[str, Any]]


def _database(rds: Any, name: str, tags: dict[str, str]) -> str:
    rds.create_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="mysql", Tags=upper(tags))
    return name


def _cluster(ecs: Any, name: str, tags: dict[str, str]) -> str:
    ecs.create_cluster(clusterName=name, tags=lower(tags))
    return name


def _stream(kinesis: Any, name: str, tags: dict[str, str]) -> str:
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.add_tags_to_stream(StreamName=name, Tags=tags)
    return name


def _zone(route53: Any, name: str, tags: dict[str, str]) -> str:
    made = route53.create_hosted_zone(Name=f"{name}.example.com", CallerReference=name)["HostedZone"]["Id"]
    zone = str(made.removeprefix("/hostedzone/"))
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=upper(tags))
    return zone


def _api(apigateway: Any, name: str, tags: dict[str, str]) -> str:
    return str(apigateway.create_rest_api(name=name, tags=tags)["id"])


def _parameter(ssm: Any, name: str, tags: dict[str, str]) -> str:
    ssm.put_parameter(Name=f"/{name}/p", Value="x", Type="String", Tags=upper(tags))
    return f"/{name}/p"


def _http_api(apigatewayv2: Any, name: str, tags: dict[str, str]) -> str:
    return str(apigatewayv2.create_api(Name=name, ProtocolType="HTTP", Tags=tags)["ApiId"])


def _group(autoscaling: Any, name: str, tags: dict[str, str]) -> str:
    autoscaling.create_launch_configuration(
        LaunchConfigurationName=name, ImageId="ami-12c6146b", InstanceType="t2.nano"
    )
    given = [{**tag, "PropagateAtLaunch": False} for tag in upper(tags)]
    sizes = {"MinSize": 0, "MaxSize": 0, "AvailabilityZones": [f"{REGION}a"]}
    autoscaling.create_auto_scaling_group(AutoScalingGroupName=name, LaunchConfigurationName=name, Tags=given, **sizes)
    return name


def _topic_stack(cloudformation: Any, name: str, tags: dict[str, str]) -> str:
    template = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}}})
    cloudformation.create_stack(StackName=name, TemplateBody=template, Tags=upper(tags))
    return name


TAGGED = [
    Tagged("rds", _database, "stop_db_instance", lambda name: {"DBInstanceIdentifier": name}),
    Tagged("ecs", _cluster, "list_attributes", lambda name: {"cluster": name, "targetType": "container-instance"}),
    Tagged("kinesis", _stream, "describe_stream_summary", lambda name: {"StreamName": name}),
    Tagged("route53", _zone, "get_hosted_zone", lambda name: {"Id": name}),
    Tagged("apigateway", _api, "get_rest_api", lambda name: {"restApiId": name}),
    Tagged("ssm", _parameter, "get_parameter", lambda name: {"Name": name}),
    Tagged("apigatewayv2", _http_api, "get_api", lambda name: {"ApiId": name}),
    Tagged("autoscaling", _group, "delete_auto_scaling_group", lambda name: {"AutoScalingGroupName": name}),
    Tagged("cloudformation", _topic_stack, "describe_stack_events", lambda name: {"StackName": name}),
]


@pytest.mark.parametrize("kind", TAGGED, ids=lambda kind: str(kind.service))
def test_who_may_do_all_on_resources_of_a_tag_is_refused_on_others(plane: InProcess, kind: Tagged) -> None:
    admin = plane.client(kind.service)
    red, blue = (kind.make(admin, f"kept-{tags['team']}", tags) for tags in (RED, BLUE))
    of_red = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    key = plane.user(f"kept-{kind.service}", {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": of_red})
    client = plane.client(kind.service, key)
    getattr(client, kind.operation)(**kind.call(red))
    assert refusal(getattr(client, kind.operation), **kind.call(blue))[0].startswith("AccessDenied")


def _allowing(action: str, **resource: str) -> str:
    statement = {"Sid": "one", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{AWAY}:root"}, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **resource}]})


@pytest.fixture
def away(plane: InProcess) -> Key:
    return plane.account(AWAY)


def test_another_account_pulls_what_a_repositorys_policy_without_a_resource_lets_it(
    plane: InProcess, away: Key
) -> None:
    ecr, theirs = plane.client("ecr"), plane.client("ecr", away)
    for name in ("kept-open", "kept-closed"):
        ecr.create_repository(repositoryName=name)
    ecr.set_repository_policy(repositoryName="kept-open", policyText=_allowing("ecr:ListImages"))
    assert theirs.list_images(registryId=HOME, repositoryName="kept-open")["imageIds"] == []
    for name, call in (("kept-closed", theirs.list_images), ("kept-open", theirs.delete_repository)):
        assert refusal(call, registryId=HOME, repositoryName=name)[0] == "AccessDeniedException"


def test_another_account_sends_to_a_bus_whose_policy_lets_it(plane: InProcess, away: Key) -> None:
    events, theirs = plane.client("events"), plane.client("events", away)
    buses = {name: events.create_event_bus(Name=name)["EventBusArn"] for name in ("kept-open", "kept-closed")}
    policy = _allowing("events:PutEvents", Resource=buses["kept-open"])
    events.put_permission(EventBusName="kept-open", Policy=policy)
    entry = {"Source": "a", "DetailType": "b", "Detail": "{}"}
    assert "AccessDenied" in refusal(theirs.put_events, Entries=[{**entry, "EventBusName": buses["kept-closed"]}])[0]
    theirs.put_events(Entries=[{**entry, "EventBusName": buses["kept-open"]}])


def test_another_account_describes_a_stream_whose_policy_lets_it(plane: InProcess, away: Key) -> None:
    kinesis, theirs = plane.client("kinesis"), plane.client("kinesis", away)
    arns = {}
    for name in ("kept-open", "kept-closed"):
        kinesis.create_stream(StreamName=name, ShardCount=1)
        arns[name] = f"arn:aws:kinesis:{REGION}:{HOME}:stream/{name}"
    policy = _allowing("kinesis:DescribeStreamSummary", Resource=arns["kept-open"])
    kinesis.put_resource_policy(ResourceARN=arns["kept-open"], Policy=policy)
    theirs.describe_stream_summary(StreamARN=arns["kept-open"])
    assert refusal(theirs.describe_stream_summary, StreamARN=arns["kept-closed"])[0] == "AccessDeniedException"


def test_the_policy_of_the_data_catalog_denies(plane: InProcess) -> None:
    glue = plane.client("glue")
    key = plane.user("kept-glue", {"Effect": "Allow", "Action": "glue:*", "Resource": "*"})
    theirs = plane.client("glue", key)
    glue.create_database(DatabaseInput={"Name": "kept"})
    theirs.get_database(Name="kept")
    arn = f"arn:aws:glue:{REGION}:{HOME}:database/kept"
    denied = {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{HOME}:user/kept-glue"}, "Action": "glue:*"}
    policy = {"Version": "2012-10-17", "Statement": [{**denied, "Resource": arn}]}
    glue.put_resource_policy(PolicyInJson=json.dumps(policy))
    try:
        assert refusal(theirs.get_database, Name="kept")[0] == "AccessDeniedException"
    finally:
        glue.delete_resource_policy()

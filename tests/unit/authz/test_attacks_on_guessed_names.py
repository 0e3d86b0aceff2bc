"""The ARN that a call is decided on has what the call says in its place, and never something that is like it.

A Deny on a resource does not hold where its name stands for an id, or an ARN for what it is in; nor where what is put
counts as new, or a `*` stands for all that a type has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from locum import authz
from locum.authz import catalogue
from locum.authz.rules import CheckRule
from locum.authz.service_reference import resource_types
from locum.core.partial_arn import NEW, PartialArn
from support.authority import HOME, REGION, World, allow, as_user, deny, user

ANN: Final = user("ann", allow("*"))
NAMED_BY_NAME: Final = {
    ("bcm-data-exports", "table"),
    ("gamelift", "location"),
    ("glue", "usageProfile"),
    ("iotfleetwise", "vehicle"),
    ("proton", "component"),
    ("rekognition", "streamprocessor"),
    ("secretsmanager", "Secret"),
}
"""Types of resources whose ARNs have the name where the Service Authorization Reference says id."""


def checks() -> Iterator[tuple[str, str, CheckRule]]:
    """All checks of all services, with service and operation."""
    for service in catalogue.services():
        for operation, rule in catalogue.service(service).rules.operations.items():
            yield from ((service, operation, check) for check in rule.checks)


def refused(operation: str, params: dict[str, Any], arn: str) -> bool:
    """Whether somebody who may do everything, but nothing with `arn`, is refused."""
    bob = user("bob", allow("*"), deny("*", arn))
    return not World().having(bob).allows(as_user(bob), operation, **params)


def arn(service: str, resource: str, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{HOME}:{resource}"


def test_no_name_stands_for_an_id_of_the_services_own() -> None:
    guessed = {
        (service, check.kind)
        for service, _, check in checks()
        for variable, path in check.bindings
        if variable != "ResourceId" and re.search(r"(Id|ID|Uuid|UUID)$", variable)
        if re.search(r"[nN]ames?(\[\])?$", path)
    }
    assert guessed - NAMED_BY_NAME == set()


def test_what_is_put_is_not_taken_for_new() -> None:
    put = [(service, name) for service, name, check in checks() if check.new and name.startswith("Put")]
    assert put == []


def test_a_star_stands_for_no_resource_of_a_type() -> None:
    """The Service Authorization Reference has `arn:...:endpoint:*` for each endpoint of DMS."""
    for service in ("artifact", "dms"):
        texts = {kind.text for kind in catalogue.service(service).rules.types.values() if "iam::" not in kind.text}
        assert any("*" in kind["arn"] for kind in resource_types(service).values())
        assert [text for text in texts if text.endswith("*")] == []


@pytest.mark.parametrize(
    ("operation", "params", "denied"),
    [
        ("dms:DeleteEndpoint", {"EndpointArn": arn("dms", "endpoint:E")}, arn("dms", "endpoint:E")),
        ("dms:StartReplicationTask", {"ReplicationTaskArn": arn("dms", "task:T")}, arn("dms", "task:T")),
        ("config:DeleteConfigRule", {"ConfigRuleName": "r"}, arn("config", "config-rule/config-rule-abc123")),
        (
            "config:StartConfigurationRecorder",
            {"ConfigurationRecorderName": "d"},
            arn("config", "configuration-recorder/d/1"),
        ),
        (
            "servicediscovery:DiscoverInstances",
            {"NamespaceName": "n", "ServiceName": "s"},
            arn("servicediscovery", "service/srv-1"),
        ),
        (
            "elasticbeanstalk:TerminateEnvironment",
            {"EnvironmentId": "e-1"},
            arn("elasticbeanstalk", "environment/app/prod"),
        ),
        ("redshift-serverless:DeleteWorkgroup", {"workgroupName": "w"}, arn("redshift-serverless", "workgroup/0a1b")),
        ("lightsail:DeleteInstance", {"instanceName": "i"}, arn("lightsail", "Instance/0a1b")),
        (
            "s3tables:DeleteTable",
            {"tableBucketARN": arn("s3tables", "bucket/b"), "namespace": "n", "name": "t"},
            arn("s3tables", "bucket/b/table/0a1b"),
        ),
        ("s3vectors:CreateIndex", {"vectorBucketName": "b", "indexName": "i"}, arn("s3vectors", "bucket/b/index/i")),
        ("codepipeline:CreatePipeline", {"pipeline": {"name": "payroll"}}, arn("codepipeline", "payroll")),
        (
            "codepipeline:PutWebhook",
            {"webhook": {"name": "w", "targetPipeline": "p"}},
            arn("codepipeline", "webhook:w"),
        ),
        ("ses:CreateConfigurationSet", {"ConfigurationSet": {"Name": "c"}}, arn("ses", "configuration-set/c")),
        (
            "fsx:RestoreVolumeFromSnapshot",
            {"VolumeId": "fsvol-1", "SnapshotId": "s"},
            arn("fsx", "volume/fs-1/fsvol-1"),
        ),
        ("quicksight:DeleteUser", {"Namespace": "default", "UserName": "jane"}, arn("quicksight", "user/default/jane")),
    ],
)
def test_a_deny_holds_where_the_name_was_taken_for_something_else(
    operation: str, params: dict[str, Any], denied: str
) -> None:
    assert refused(operation, params, denied)


@pytest.mark.parametrize(
    ("operation", "params", "denied"),
    [
        ("iot:AttachPolicy", {"policyName": "p", "target": arn("iot", "cert/0a1b")}, arn("iot", "cert/0a1b")),
        ("iot:DetachPolicy", {"policyName": "p", "target": arn("iot", "thinggroup/g")}, arn("iot", "thinggroup/g")),
        ("account:PutAlternateContact", {"Name": "n"}, arn("account", "account", region="")),
        ("account:EnableRegion", {"RegionName": "r"}, arn("account", "account", region="")),
    ],
)
def test_a_deny_holds_where_a_call_is_on_one_of_several_types(
    operation: str, params: dict[str, Any], denied: str
) -> None:
    assert refused(operation, params, denied)
    assert not refused(operation, params, arn("iot", "cert/other"))


@pytest.mark.parametrize(
    ("operation", "params", "denied"),
    [
        ("events:DescribeConnection", {"Name": "c"}, arn("events", "connection/c/0a1b")),
        ("events:DeleteApiDestination", {"Name": "d"}, arn("events", "api-destination/d/0a1b")),
        ("mq:DeleteBroker", {"BrokerId": "b-1"}, arn("mq", "broker:b-1")),
        ("mq:DeleteBroker", {"BrokerId": "b-1"}, arn("mq", "broker:orders:b-1")),
        ("swf:DescribeDomain", {"name": "d"}, arn("swf", "/domain/d")),
        ("swf:DescribeDomain", {"name": "d"}, arn("swf", "/domain/d", region="")),
        ("greengrass:GetGroup", {"GroupId": "g"}, arn("greengrass", "greengrass/groups/g")),
        ("greengrass:GetGroup", {"GroupId": "g"}, arn("greengrass", "/greengrass/groups/g")),
    ],
)
def test_a_deny_holds_by_the_arn_that_is_shown_and_by_the_documented_one(
    operation: str, params: dict[str, Any], denied: str
) -> None:
    assert refused(operation, params, denied)


@pytest.mark.parametrize(
    ("operation", "params", "allowed"),
    [
        ("events:DescribeConnection", {"Name": "c"}, arn("events", "connection/c")),
        ("events:DescribeConnection", {"Name": "c"}, arn("events", "connection/c/*")),
        ("mq:DeleteBroker", {"BrokerId": "b-1"}, arn("mq", "broker:b-1")),
        ("swf:DescribeDomain", {"name": "d"}, arn("swf", "/domain/d")),
        ("swf:DescribeDomain", {"name": "d"}, arn("swf", "/domain/d", region="")),
        ("greengrass:GetGroup", {"GroupId": "g"}, arn("greengrass", "greengrass/groups/g")),
        ("greengrass:GetGroup", {"GroupId": "g"}, arn("greengrass", "/greengrass/groups/g")),
    ],
)
def test_who_is_allowed_a_resource_by_one_of_its_arns_is_allowed_it(
    operation: str, params: dict[str, Any], allowed: str
) -> None:
    bob = user("bob", allow(operation, allowed))
    assert World().having(bob).allows(as_user(bob), operation, **params)
    assert not World().having(bob).allows(as_user(bob), operation, **dict.fromkeys(params, "other"))


@pytest.mark.parametrize("name", ["j%61ne", "%6Aane", "jane%2Fx"])
def test_a_name_with_an_escape_in_it_may_be_any(name: str) -> None:
    assert refused("quicksight:DeleteUser", {"Namespace": "default", "UserName": name}, arn("quicksight", "user/x/y"))
    assert refused(
        "kafka:DeleteCluster", {"ClusterArn": arn("kafka", f"cluster/{name}/1")}, arn("kafka", "cluster/x/1")
    )


def test_a_resource_that_is_made_again_is_looked_up_by_its_name() -> None:
    world = World().having(ANN)
    call = world.call(as_user(ANN), "autoscaling:CreateLaunchConfiguration", {"LaunchConfigurationName": "web"})
    [resource, *_] = [check.resource for check in authz.plan(world.state, call).checks]
    assert isinstance(resource, PartialArn)
    assert NEW in resource.parts
    assert resource.name is not None
    assert resource.name.value == "web"

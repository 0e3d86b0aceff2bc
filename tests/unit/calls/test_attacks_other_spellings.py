"""A Deny on one resource, under `Allow *`, holds for each spelling by which the embedded backend would find it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import REGION, InProcess, Key

ACCOUNT = "000000000000"


def attacker(plane: InProcess, name: str, *denied: str) -> Key:
    """A key that may do everything, but nothing with `denied`."""
    deny = {"Effect": "Deny", "Action": "*", "Resource": list(denied)}
    return plane.user(name, {"Effect": "Allow", "Action": "*", "Resource": "*"}, deny)


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def code(plane: InProcess, key: Key, service: str, operation: str, /, **params: Any) -> str:
    try:
        getattr(plane.client(service, key), operation)(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.fixture(scope="module")
def against_a_database(plane: InProcess) -> Key:
    plane.client("rds").create_db_instance(
        DBInstanceIdentifier="ledger",
        DBInstanceClass="db.t3.micro",
        Engine="mysql",
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        AllocatedStorage=20,
    )
    return attacker(plane, "against-a-database", arn("rds", "db:ledger"))


@pytest.mark.parametrize("service", ["rds", "docdb", "neptune"])
@pytest.mark.parametrize("name", ["Ledger", "LEDGER", arn("rds", "db:LEDGER")])
def test_a_database_is_not_reached_in_other_letters(
    plane: InProcess, against_a_database: Key, service: str, name: str
) -> None:
    assert (
        code(plane, against_a_database, service, "describe_db_instances", DBInstanceIdentifier=name) == "AccessDenied"
    )
    assert code(plane, against_a_database, service, "modify_db_instance", DBInstanceIdentifier=name) == "AccessDenied"


def test_the_tags_of_a_database_are_not_reached_in_other_letters(plane: InProcess, against_a_database: Key) -> None:
    name, tags = arn("rds", "db:LeDgEr"), [{"Key": "a", "Value": "b"}]
    assert code(plane, against_a_database, "rds", "list_tags_for_resource", ResourceName=name) == "AccessDenied"
    assert (
        code(plane, against_a_database, "rds", "add_tags_to_resource", ResourceName=name, Tags=tags) == "AccessDenied"
    )


@pytest.fixture(scope="module")
def against_a_cluster(plane: InProcess) -> Key:
    ecs = plane.client("ecs")
    definition = [{"name": "web", "image": "web", "memory": 128}]
    ecs.register_task_definition(family="web", containerDefinitions=definition)
    for cluster in ("shop", "default"):
        ecs.create_cluster(clusterName=cluster)
        ecs.create_service(cluster=cluster, serviceName="web", taskDefinition="web", desiredCount=0)
    denied = [arn("ecs", f"{kind}/{name}") for kind in ("cluster", "service") for name in ("shop", "shop/*")]
    return attacker(plane, "against-a-cluster", *denied, arn("ecs", "service/default/web"))


@pytest.mark.parametrize("name", ["cluster/shop", "x/shop", "/shop", arn("ecs", "cluster/x/shop")])
def test_a_cluster_is_not_reached_by_a_path_that_ends_in_its_name(
    plane: InProcess, against_a_cluster: Key, name: str
) -> None:
    for operation, params in (
        ("describe_clusters", {"clusters": [name]}),
        ("delete_cluster", {"cluster": name}),
        ("describe_services", {"cluster": name, "services": ["web"]}),
        ("update_service", {"cluster": name, "service": "web", "desiredCount": 0}),
    ):
        assert code(plane, against_a_cluster, "ecs", operation, **params) == "AccessDeniedException"


@pytest.mark.parametrize("cluster", [{"cluster": "shop"}, {}])
def test_a_service_is_not_reached_by_the_arn_of_one_in_another_cluster(
    plane: InProcess, against_a_cluster: Key, cluster: dict[str, str]
) -> None:
    other = arn("ecs", "service/other/web")
    refused = code(plane, against_a_cluster, "ecs", "update_service", **cluster, service=other, desiredCount=0)
    assert refused == "AccessDeniedException"
    refused = code(plane, against_a_cluster, "ecs", "describe_services", **cluster, services=[other])
    assert refused == "AccessDeniedException"


@pytest.mark.parametrize("bus", ["orders", "default"])
@pytest.mark.parametrize(
    "name", ["event-bus/{}", "x/{}", "arn:aws:events:{region}:{account}:event-bus/{}/", "aws.partner/{}"]
)
def test_no_event_is_put_on_a_bus_by_a_path_that_ends_in_its_name(plane: InProcess, bus: str, name: str) -> None:
    spelled = name.format(bus, region=REGION, account=ACCOUNT)
    key = attacker(plane, f"bus-{bus}-{len(name)}", arn("events", f"event-bus/{bus}"))
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": spelled}
    assert code(plane, key, "events", "put_events", Entries=[entry]) == "AccessDeniedException"


@pytest.mark.parametrize(("name", "last"), [("absent", "last-1"), ("Last", "last-2"), ("last/", "last-3")])
def test_a_log_group_that_is_not_found_is_not_the_last_one(plane: InProcess, name: str, last: str) -> None:
    plane.client("logs").create_log_group(logGroupName=last)
    for operation, params in (
        ("describe_log_streams", {}),
        ("filter_log_events", {}),
        ("get_log_events", {"logStreamName": "s"}),
    ):
        found = code(plane, plane.root, "logs", operation, logGroupIdentifier=name, **params)
        assert found == "ResourceNotFoundException"


def test_a_log_group_is_found_by_each_form_of_its_identifier(plane: InProcess) -> None:
    plane.client("logs").create_log_group(logGroupName="/found/by/name")
    name = arn("logs", "log-group:/found/by/name")
    for identifier in ("/found/by/name", name):
        assert code(plane, plane.root, "logs", "describe_log_streams", logGroupIdentifier=identifier) == ""


def test_a_table_is_not_restored_under_the_arn_of_another(plane: InProcess) -> None:
    dynamodb = plane.client("dynamodb")
    for table in ("wages", "menus"):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    key = attacker(plane, "against-a-table", arn("dynamodb", "table/wages"))
    for source in (
        {"SourceTableName": "wages", "SourceTableArn": arn("dynamodb", "table/menus")},
        {"SourceTableName": "menus", "SourceTableArn": arn("dynamodb", "table/wages")},
    ):
        refused = code(plane, key, "dynamodb", "restore_table_to_point_in_time", **source, TargetTableName="copy")
        assert refused == "AccessDeniedException"


def test_a_grant_is_not_retired_by_its_token_under_another_key(plane: InProcess) -> None:
    kms = plane.client("kms")
    key, other = kms.create_key()["KeyMetadata"], kms.create_key()["KeyMetadata"]["KeyId"]
    principal = f"arn:aws:iam::{ACCOUNT}:root"
    grant = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=principal, Operations=["Decrypt"])
    mallory = attacker(plane, "against-a-grant", key["Arn"])
    for named in ({}, {"KeyId": other}):
        refused = code(plane, mallory, "kms", "retire_grant", GrantToken=grant["GrantToken"], **named)
        assert refused == "AccessDeniedException"
    assert len(kms.list_grants(KeyId=key["KeyId"])["Grants"]) == 1


@pytest.mark.parametrize("operation", ["tag_resources", "untag_resources"])
def test_no_bucket_is_tagged_by_way_of_the_tagging_api(plane: InProcess, operation: str) -> None:
    bucket = f"tagged-{operation.replace('_', '-')}"
    s3 = plane.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "stage", "Value": "prod"}]})
    key = attacker(plane, operation, f"arn:aws:s3:::{bucket}")
    tags: dict[str, Any] = {"Tags": {"stage": "dev"}} if operation == "tag_resources" else {"TagKeys": ["stage"]}
    refused = code(
        plane, key, "resourcegroupstaggingapi", operation, ResourceARNList=[f"arn:aws:s3:::{bucket}"], **tags
    )
    assert refused == "AccessDeniedException"
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "stage", "Value": "prod"}]


def test_a_change_set_is_not_reached_by_its_name_beside_another_stack(plane: InProcess) -> None:
    stacks = plane.client("cloudformation")
    template = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    for stack in ("payroll", "canteen"):
        stacks.create_stack(StackName=stack, TemplateBody=template)
    plane.settle_stacks()
    stacks.create_change_set(StackName="payroll", ChangeSetName="raise", TemplateBody=template)
    key = attacker(plane, "against-a-stack", arn("cloudformation", "stack/payroll/*"))
    named = {"StackName": "canteen", "ChangeSetName": "raise"}
    for operation in ("describe_change_set", "execute_change_set"):
        assert code(plane, key, "cloudformation", operation, **named) == "ChangeSetNotFound"
    assert code(plane, key, "cloudformation", "delete_change_set", **named) == ""  # of which there is none
    assert plane.client("cloudformation", key).list_change_sets(StackName="canteen")["Summaries"] == []
    assert [found["ChangeSetName"] for found in stacks.list_change_sets(StackName="payroll")["Summaries"]] == ["raise"]
    assert stacks.describe_change_set(StackName="payroll", ChangeSetName="raise")["StackName"] == "payroll"
    assert (
        code(plane, plane.root, "cloudformation", "delete_change_set", StackName="payroll", ChangeSetName="raise") == ""
    )


def test_no_bucket_is_tagged_by_way_of_s3_control(plane: InProcess) -> None:
    bucket = "tagged-by-control"
    plane.client("s3").create_bucket(Bucket=bucket)
    key = attacker(plane, "against-control", f"arn:aws:s3:::{bucket}")
    named = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{bucket}"}
    tags = [{"Key": "stage", "Value": "dev"}]
    assert code(plane, key, "s3control", "tag_resource", **named, Tags=tags) == "AccessDenied"
    assert code(plane, key, "s3control", "untag_resource", **named, TagKeys=["stage"]) == "AccessDenied"
    assert code(plane, key, "s3control", "list_tags_for_resource", **named) == "AccessDenied"
    assert code(plane, plane.root, "s3control", "tag_resource", **named, Tags=tags) == ""

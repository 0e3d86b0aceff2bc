"""What moto lacks of its resources: what is set can be read back, and what is not there is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import ACCOUNT, document, fresh, refused, trusting

SMALL = {"CacheNodeType": "cache.t4g.micro"}


def test_a_work_group_is_as_it_was_updated(plane: InProcess) -> None:
    athena = plane.client("athena")
    limits = {"BytesScannedCutoffPerQuery": 10_000_000, "ResultConfiguration": {"OutputLocation": "s3://one/"}}
    athena.create_work_group(Name="queries", Configuration=limits)
    updates = {
        "RemoveBytesScannedCutoffPerQuery": True,
        "ResultConfigurationUpdates": {"OutputLocation": "s3://two/"},
        "RequesterPaysEnabled": True,
    }
    athena.update_work_group(WorkGroup="queries", State="DISABLED", ConfigurationUpdates=updates)
    found = athena.get_work_group(WorkGroup="queries")["WorkGroup"]
    told = found["Configuration"]
    assert (found["State"], told["RequesterPaysEnabled"]) == ("DISABLED", True)
    assert told["ResultConfiguration"]["OutputLocation"] == "s3://two/"
    assert "BytesScannedCutoffPerQuery" not in told
    fault = refused(athena.update_work_group, WorkGroup="nobodys")
    assert (fault.code, fault.message) == ("InvalidRequestException", "WorkGroup nobodys is not found.")


def test_a_crawler_is_as_it_was_updated(plane: InProcess) -> None:
    glue, iam = plane.client("glue"), plane.client("iam")
    trust = trusting(Service="glue.amazonaws.com")
    role = iam.create_role(RoleName="crawls", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    targets = {"S3Targets": [{"Path": "s3://one"}]}
    glue.create_crawler(Name="crawler", Role=role, DatabaseName="raw", Targets=targets, TablePrefix="kept_")
    glue.update_crawler(Name="crawler", DatabaseName="curated", Schedule="cron(0 3 * * ? *)")
    found = glue.get_crawler(Name="crawler")["Crawler"]
    assert (found["DatabaseName"], found["TablePrefix"], found["Version"]) == ("curated", "kept_", 2)
    assert found["Schedule"]["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert refused(glue.update_crawler, Name="nobodys").code == "EntityNotFoundException"


def test_a_composite_alarm_is_described_and_takes_the_name_of_no_other_kind(plane: InProcess) -> None:
    cloudwatch = plane.client("cloudwatch")
    metric: dict[str, Any] = {"Namespace": "n", "MetricName": "m", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}
    metric |= {"ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum"}
    cloudwatch.put_metric_alarm(AlarmName="part", **metric)
    whole = {"AlarmName": "whole", "AlarmRule": "ALARM(part)", "ActionsSuppressor": "part"}
    periods = {"ActionsSuppressorWaitPeriod": 60, "ActionsSuppressorExtensionPeriod": 30}
    cloudwatch.put_composite_alarm(**whole, **periods, AlarmDescription="one")
    (found,) = cloudwatch.describe_alarms(AlarmNames=["whole"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert found.items() >= {**whole, **periods, "AlarmDescription": "one"}.items()
    assert refused(cloudwatch.put_composite_alarm, AlarmName="part", AlarmRule="TRUE").code == "ValidationError"
    cloudwatch.delete_alarms(AlarmNames=["whole"])
    assert not cloudwatch.describe_alarms(AlarmNames=["whole"])["CompositeAlarms"]


def test_the_roles_of_a_pool_of_identities_are_those_that_were_set(plane: InProcess) -> None:
    identities, iam = plane.client("cognito-identity"), plane.client("iam")
    trust = trusting(Service="cognito-identity.amazonaws.com")
    role = iam.create_role(RoleName="of-identities", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    pool = identities.create_identity_pool(IdentityPoolName="pool", AllowUnauthenticatedIdentities=False)
    named = pool["IdentityPoolId"]
    assert "Roles" not in identities.get_identity_pool_roles(IdentityPoolId=named)
    identities.set_identity_pool_roles(IdentityPoolId=named, Roles={"authenticated": role})
    assert identities.get_identity_pool_roles(IdentityPoolId=named)["Roles"] == {"authenticated": role}
    absent = f"us-east-1:{'0' * 8}-0000-0000-0000-{'0' * 12}"
    assert refused(identities.get_identity_pool_roles, IdentityPoolId=absent).code == "ResourceNotFoundException"


def test_a_role_of_a_pool_of_identities_has_to_be_passed(plane: InProcess) -> None:
    pool = plane.client("cognito-identity").create_identity_pool(
        IdentityPoolName="passed", AllowUnauthenticatedIdentities=False
    )
    may = {"Effect": "Allow", "Action": "cognito-identity:*", "Resource": "*"}
    client = plane.client("cognito-identity", plane.user("sets-roles", may))
    roles = {"authenticated": f"arn:aws:iam::{ACCOUNT}:role/admin"}
    fault = refused(client.set_identity_pool_roles, IdentityPoolId=pool["IdentityPoolId"], Roles=roles)
    assert "iam:PassRole" in fault.message


def test_tiering_configurations_of_a_bucket_are_kept_and_told(plane: InProcess) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="tiered-objects")
    tiering = {"Id": "cold", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
    of_bucket = {"Bucket": "tiered-objects", "Id": "cold"}
    s3.put_bucket_intelligent_tiering_configuration(**of_bucket, IntelligentTieringConfiguration=tiering)
    told = s3.get_bucket_intelligent_tiering_configuration(**of_bucket)["IntelligentTieringConfiguration"]
    assert told == tiering
    listed = s3.list_bucket_intelligent_tiering_configurations(Bucket="tiered-objects")
    assert listed["IntelligentTieringConfigurationList"] == [tiering]
    s3.delete_bucket_intelligent_tiering_configuration(**of_bucket)
    assert refused(s3.get_bucket_intelligent_tiering_configuration, **of_bucket).code == "NoSuchConfiguration"
    absent = {"Bucket": "nobodys-tiered-objects", "Id": "cold"}
    assert refused(s3.get_bucket_intelligent_tiering_configuration, **absent).code == "NoSuchBucket"


@pytest.fixture
def node_group(plane: InProcess) -> str:
    """The ARN of a group of nodes."""
    eks, iam, ec2 = plane.client("eks"), plane.client("iam"), plane.client("ec2")
    for name, service in (("of-cluster", "eks"), ("of-nodes", "ec2")):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(Service=f"{service}.amazonaws.com"))
    subnets = [it["SubnetId"] for it in ec2.describe_subnets()["Subnets"]][:2]
    role = f"arn:aws:iam::{ACCOUNT}:role/of-"
    eks.create_cluster(name="nodes", roleArn=f"{role}cluster", resourcesVpcConfig={"subnetIds": subnets})
    made = eks.create_nodegroup(clusterName="nodes", nodegroupName="workers", nodeRole=f"{role}nodes", subnets=subnets)
    return str(made["nodegroup"]["nodegroupArn"])


def test_a_group_of_nodes_is_tagged(plane: InProcess, node_group: str) -> None:
    eks = plane.client("eks")
    eks.tag_resource(resourceArn=node_group, tags={"team": "blue", "gone": "soon"})
    eks.untag_resource(resourceArn=node_group, tagKeys=["gone"])
    assert eks.list_tags_for_resource(resourceArn=node_group)["tags"] == {"team": "blue"}
    assert eks.describe_nodegroup(clusterName="nodes", nodegroupName="workers")["nodegroup"]["tags"] == {"team": "blue"}
    assert refused(eks.tag_resource, resourceArn=f"{node_group}x", tags={"a": "b"}).code == "ResourceNotFoundException"


def test_an_integration_takes_the_credentials_of_its_callers_and_no_role_of_others(plane: InProcess) -> None:
    apigateway = plane.client("apigateway")
    uri = "arn:aws:apigateway:us-east-1:sqs:path/000000000000/queue"

    def body(credentials: str) -> bytes:
        own: dict[str, Any] = {"type": "aws", "httpMethod": "POST", "uri": uri, "credentials": credentials}
        own |= {"responses": {"default": {"statusCode": "200"}}, "requestTemplates": {}, "passthroughBehavior": "never"}
        method = {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": own}
        paths = {"/": {"get": method}}
        document = {"openapi": "3.0.1", "info": {"title": "signed", "version": "1"}, "paths": paths}
        return json.dumps(document).encode()

    api = apigateway.create_rest_api(name="signed")["id"]
    apigateway.put_rest_api(restApiId=api, mode="overwrite", body=body("arn:aws:iam::*:user/*"))
    (root,) = apigateway.get_resources(restApiId=api)["items"]
    told = apigateway.get_integration(restApiId=api, resourceId=root["id"], httpMethod="GET")
    assert told["credentials"] == "arn:aws:iam::*:user/*"
    theirs = "arn:aws:iam::444455556666:role/theirs"
    fault = refused(apigateway.put_rest_api, restApiId=api, mode="overwrite", body=body(theirs))
    assert fault.code == "AccessDeniedException"


def test_a_cache_tells_its_nodes_and_is_modified(plane: InProcess) -> None:
    caches = plane.client("elasticache")
    caches.create_cache_cluster(CacheClusterId="cache", Engine="memcached", NumCacheNodes=2, Port=11211, **SMALL)
    caches.modify_cache_cluster(CacheClusterId="cache", NumCacheNodes=3, ApplyImmediately=True)
    (found,) = caches.describe_cache_clusters(CacheClusterId="cache", ShowCacheNodeInfo=True)["CacheClusters"]
    assert (found["NumCacheNodes"], len(found["CacheNodes"])) == (3, 3)
    assert found["ConfigurationEndpoint"]["Port"] == 11211
    fault = refused(caches.modify_cache_cluster, CacheClusterId="cache", AuthToken="a" * 16)
    assert fault.message == "The embedded backend does not implement elasticache:ModifyCacheCluster with AuthToken."


def test_a_subnet_group_of_a_cache_is_not_deleted_before_it(plane: InProcess) -> None:
    caches, ec2 = plane.client("elasticache"), plane.client("ec2")
    found = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    subnets = [it["SubnetId"] for it in found][:2]
    group = {"CacheSubnetGroupName": "of-caches"}
    caches.create_cache_subnet_group(**group, CacheSubnetGroupDescription="d", SubnetIds=subnets)
    caches.create_cache_cluster(CacheClusterId="in-group", Engine="redis", **group, **SMALL)
    assert refused(caches.delete_cache_subnet_group, **group).code == "CacheSubnetGroupInUse"
    caches.delete_cache_cluster(CacheClusterId="in-group")
    caches.delete_cache_subnet_group(**group)
    assert refused(caches.delete_cache_subnet_group, **group).code == "CacheSubnetGroupNotFoundFault"


@pytest.mark.parametrize("count", [501, 20_000, 2_000_000_000])
def test_no_group_of_caches_has_more_shards_than_there_can_be(plane: InProcess, count: int) -> None:
    caches, of = plane.client("elasticache"), {"ReplicationGroupId": f"most-{count}"}
    sharded = {"NumNodeGroups": 1, "ClusterMode": "enabled", "Engine": "redis", "CacheNodeType": "cache.t3.micro"}
    caches.create_replication_group(**of, ReplicationGroupDescription="d", **sharded)
    reshard = caches.modify_replication_group_shard_configuration
    fault = refused(reshard, **of, NodeGroupCount=count, ApplyImmediately=True)
    assert fault.code == "NodeGroupsPerReplicationGroupQuotaExceeded"
    (group,) = caches.describe_replication_groups(**of)["ReplicationGroups"]
    assert len(group["NodeGroups"]) == 1


def test_a_deployment_group_is_as_it_was_updated(plane: InProcess) -> None:
    deploy, iam = plane.client("codedeploy"), plane.client("iam")
    trust = trusting(Service="codedeploy.amazonaws.com")
    role = iam.create_role(RoleName="deploys", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    deploy.create_application(applicationName="app", computePlatform="Lambda")
    for name in ("live", "taken"):
        deploy.create_deployment_group(applicationName="app", deploymentGroupName=name, serviceRoleArn=role)
    group: dict[str, Any] = {"applicationName": "app", "currentDeploymentGroupName": "live"}
    canary = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    rollback = {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}
    deploy.update_deployment_group(**group, deploymentConfigName=canary, autoRollbackConfiguration=rollback)
    deploy.update_deployment_group(**group, newDeploymentGroupName="renamed")
    told = deploy.get_deployment_group(applicationName="app", deploymentGroupName="renamed")["deploymentGroupInfo"]
    assert (told["deploymentConfigName"], told["autoRollbackConfiguration"]) == (canary, rollback)
    assert (told["deploymentGroupName"], told["serviceRoleArn"]) == ("renamed", role)
    assert sorted(deploy.list_deployment_groups(applicationName="app")["deploymentGroups"]) == ["renamed", "taken"]
    gone = refused(deploy.update_deployment_group, **group)
    assert gone.code == "DeploymentGroupDoesNotExistException"
    taken = {"currentDeploymentGroupName": "renamed", "newDeploymentGroupName": "taken"}
    assert refused(deploy.update_deployment_group, **{**group, **taken}).code == "DeploymentGroupAlreadyExistsException"


def test_public_parameters_are_read_and_are_not_among_those_of_the_account(plane: InProcess) -> None:
    ssm, public = plane.client("ssm"), "/aws/service/global-infrastructure/services"
    ssm.put_parameter(Name="/additions/own", Value="1", Type="String")
    found = ssm.get_parameter(Name=f"{public}/s3")["Parameter"]
    assert found["ARN"] == f"arn:aws:ssm:{ssm.meta.region_name}::parameter{public}/s3"
    below = {each["Name"] for each in ssm.get_parameters_by_path(Path=public)["Parameters"]}
    assert below
    assert {name.rpartition("/")[0] for name in below} == {public}
    (named,) = ssm.get_parameters(Names=[f"{public}/s3", "/additions/none"])["Parameters"]
    assert named["Value"] == found["Value"]
    pages = ssm.get_paginator("describe_parameters").paginate()
    listed = {each["Name"] for page in pages for each in page["Parameters"]}
    assert "/additions/own" in listed
    assert not {name for name in listed if name.startswith("/aws/")}


def test_attack_public_parameters_are_not_deleted_or_changed(plane: InProcess) -> None:
    ssm, name = plane.client("ssm"), "/aws/service/global-infrastructure/services/s3"
    before = ssm.get_parameter(Name=name)["Parameter"]
    refused(ssm.put_parameter, Name=name, Value="mine", Type="String", Overwrite=True)
    refused(ssm.delete_parameter, Name=name)
    assert ssm.delete_parameters(Names=[name])["DeletedParameters"] == []
    assert ssm.get_parameter(Name=name)["Parameter"] == before


def test_a_key_has_one_policy_whose_name_need_not_be_given(plane: InProcess) -> None:
    kms = plane.client("kms")
    key = kms.create_key(Policy=document({"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}))
    named = {"KeyId": key["KeyMetadata"]["KeyId"]}
    other = document(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    )
    kms.put_key_policy(**named, Policy=other)
    assert kms.get_key_policy(**named)["Policy"] == other
    assert kms.get_key_policy(**named, PolicyName="default")["Policy"] == other
    assert refused(kms.get_key_policy, **named, PolicyName="else").code == "NotFoundException"


def test_a_bucket_that_nobody_configured_encrypts_with_keys_of_s3(plane: InProcess) -> None:
    s3, name = plane.client("s3"), fresh("bucket")
    assert refused(s3.get_bucket_encryption, Bucket=name).code == "NoSuchBucket"
    s3.create_bucket(Bucket=name)

    def told() -> tuple[str, bool]:
        (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        return rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], rule["BucketKeyEnabled"]

    assert told() == ("AES256", False)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert told() == ("aws:kms", True)
    s3.delete_bucket_encryption(Bucket=name)
    assert told() == ("AES256", False)

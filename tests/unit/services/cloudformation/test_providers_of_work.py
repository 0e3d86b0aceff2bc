"""Providers of state machines, registries, clusters and streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.errors import Fault
from support.deployed import role
from support.inprocess import InProcess, refusal
from support.plane import trusting
from support.remaking import Remaking, own

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Said}", "End": True}}}


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


def test_a_state_machine_has_its_definition_with_all_substituted(plane: InProcess, making: Remaking) -> None:
    states = plane.client("stepfunctions")
    arn = role(plane, trusting(Service="states.amazonaws.com"))
    kind = "AWS::StepFunctions::StateMachine"

    def defined(machine: str) -> Any:
        return json.loads(states.describe_state_machine(stateMachineArn=machine)["definition"])

    said = {"DefinitionSubstitutions": {"Said": "hello"}}
    made = making.create(kind, RoleArn=arn, Definition=PASS, **said, Tags=[{"Key": "a", "Value": "b"}])
    assert defined(made.physical)["States"]["A"]["Result"] == "hello"
    assert made.physical.endswith(f":stateMachine:{made.attributes['Name']}")
    assert making.again(made).physical == made.physical
    text = json.dumps(PASS).replace("Pass", "Succeed").replace(', "Result": "${Said}", "End": true', "")
    made = making.update(made, RoleArn=arn, DefinitionString=text, Tags=[{"Key": "c", "Value": "d"}])
    assert defined(made.physical)["States"] == {"A": {"Type": "Succeed"}}
    tags = states.list_tags_for_resource(resourceArn=made.physical)["tags"]
    assert own({tag["key"]: tag["value"] for tag in tags}) == {"c": "d"}
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="definitions-of-machines")
    s3.put_object(Bucket="definitions-of-machines", Key="d.json", Body=json.dumps(PASS).encode())
    made = making.update(made, RoleArn=arn, DefinitionS3Location={"Bucket": "definitions-of-machines", "Key": "d.json"})
    assert defined(made.physical) == PASS
    making.delete(made)
    making.delete(made)
    assert refusal(states.describe_state_machine, stateMachineArn=made.physical)[0] == "StateMachineDoesNotExist"
    with pytest.raises(Fault, match="definition"):
        making.create(kind, RoleArn=arn)


def test_an_activity_has_its_name(plane: InProcess, making: Remaking) -> None:
    made = making.create("AWS::StepFunctions::Activity", Name="paint")
    assert (making.again(made).physical, made.attributes["Name"]) == (made.physical, "paint")
    making.delete(made)
    making.delete(made)
    assert plane.client("stepfunctions").list_activities()["activities"] == []


def test_a_repository_is_deleted_with_its_images_where_it_says_so(plane: InProcess, making: Remaking) -> None:
    ecr = plane.client("ecr")
    rule = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}}
    lifecycle = {"LifecyclePolicyText": json.dumps({"rules": [{**rule, "action": {"type": "expire"}}]})}
    kind = "AWS::ECR::Repository"
    made = making.create(kind, LifecyclePolicy=lifecycle, ImageScanningConfiguration={"ScanOnPush": "true"})
    assert made.physical.startswith("shop-thing-")
    assert made.attributes["RepositoryUri"].endswith(made.physical)
    assert making.again(made).physical == made.physical
    (seen,) = ecr.describe_repositories(repositoryNames=[made.physical])["repositories"]
    assert seen["imageScanningConfiguration"]["scanOnPush"] is True
    made = making.update(made, ImageTagMutability="IMMUTABLE", Tags=[{"Key": "a", "Value": "b"}])
    (seen,) = ecr.describe_repositories(repositoryNames=[made.physical])["repositories"]
    assert (seen["imageTagMutability"], seen["imageScanningConfiguration"]["scanOnPush"]) == ("IMMUTABLE", False)
    assert own(ecr.list_tags_for_resource(resourceArn=made.attributes["Arn"])["tags"]) == {"a": "b"}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
    ecr.put_image(repositoryName=made.physical, imageManifest=manifest, imageTag="one")
    with pytest.raises(Fault, match="images"):
        making.delete(made)
    made = making.update(made, ImageTagMutability="IMMUTABLE", EmptyOnDelete="true")
    making.delete(made)
    making.delete(made)
    assert refusal(ecr.describe_repositories, repositoryNames=[made.physical])[0] == "RepositoryNotFoundException"


def test_a_service_runs_the_tasks_of_a_definition(plane: InProcess, making: Remaking) -> None:
    ecs = plane.client("ecs")
    cluster = making.create("AWS::ECS::Cluster", Tags=[{"Key": "a", "Value": "b"}])
    assert making.again(cluster).physical == cluster.physical
    assert cluster.attributes["Arn"].endswith(f"cluster/{cluster.physical}")
    container = {"Name": "web", "Image": "nginx", "Memory": "128", "PortMappings": [{"ContainerPort": "80"}]}
    container["Environment"] = [{"Name": "A", "Value": "b"}]
    task = making.create("AWS::ECS::TaskDefinition", Family="of-a-service", ContainerDefinitions=[container])
    assert task.physical.endswith(":task-definition/of-a-service:1")
    seen = ecs.describe_task_definition(taskDefinition=task.physical)["taskDefinition"]
    assert seen["containerDefinitions"][0]["environment"] == [{"name": "A", "value": "b"}]
    of = {"Cluster": cluster.physical, "TaskDefinition": task.physical}
    service = making.create("AWS::ECS::Service", **of, DesiredCount="2", Tags=[{"Key": "a", "Value": "b"}])
    assert service.physical.endswith(f"/{service.attributes['Name']}")
    service = making.update(service, **of, DesiredCount=1)
    (seen,) = ecs.describe_services(cluster=cluster.physical, services=[service.physical])["services"]
    assert (seen["desiredCount"], own({t["key"]: t["value"] for t in seen.get("tags", ())})) == (1, {})
    for made in (service, task, cluster):
        making.delete(made)
        making.delete(made)
    (seen,) = ecs.describe_clusters(clusters=[cluster.physical])["clusters"]
    assert seen["status"] == "INACTIVE"


def test_a_stream_keeps_for_as_long_as_it_says(plane: InProcess, making: Remaking) -> None:
    kinesis = plane.client("kinesis")

    def seen(name: str) -> Any:
        return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]

    kind = "AWS::Kinesis::Stream"
    encryption = {"StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}}
    made = making.create(
        kind, ShardCount="1", RetentionPeriodHours="48", **encryption, Tags=[{"Key": "a", "Value": "b"}]
    )
    assert (seen(made.physical)["RetentionPeriodHours"], seen(made.physical)["EncryptionType"]) == (48, "KMS")
    assert made.attributes["Arn"] == seen(made.physical)["StreamARN"]
    assert making.again(made).physical == made.physical
    made = making.update(made, ShardCount=2, DesiredShardLevelMetrics=["IncomingBytes"])
    assert (seen(made.physical)["RetentionPeriodHours"], seen(made.physical)["OpenShardCount"]) == (24, 2)
    assert seen(made.physical)["EncryptionType"] == "NONE"
    assert own(kinesis.list_tags_for_stream(StreamName=made.physical)["Tags"]) == {}
    making.delete(made)
    making.delete(made)
    assert refusal(kinesis.describe_stream_summary, StreamName=made.physical)[0] == "ResourceNotFoundException"


def test_a_delivery_stream_changes_its_destination(plane: InProcess, making: Remaking) -> None:
    firehose = plane.client("firehose")
    plane.client("s3").create_bucket(Bucket="delivered-by-streams")
    to = {
        "BucketARN": "arn:aws:s3:::delivered-by-streams",
        "RoleARN": role(plane, trusting(Service="firehose.amazonaws.com")),
    }
    kind = "AWS::KinesisFirehose::DeliveryStream"
    made = making.create(kind, ExtendedS3DestinationConfiguration={**to, "Prefix": "a/"})
    assert making.again(made).physical == made.physical
    tags = [{"Key": "a", "Value": "b"}]
    made = making.update(made, ExtendedS3DestinationConfiguration={**to, "Prefix": "b/"}, Tags=tags)
    seen = firehose.describe_delivery_stream(DeliveryStreamName=made.physical)["DeliveryStreamDescription"]
    assert (seen["DeliveryStreamARN"], seen["VersionId"]) == (made.attributes["Arn"], "2")
    assert seen["Destinations"][0]["ExtendedS3DestinationDescription"]["Prefix"] == "b/"
    assert own(firehose.list_tags_for_delivery_stream(DeliveryStreamName=made.physical)["Tags"]) == {"a": "b"}
    making.delete(made)
    making.delete(made)
    assert firehose.list_delivery_streams()["DeliveryStreamNames"] == []


def test_batch_and_file_systems_get_no_tags_of_aws(plane: InProcess, making: Remaking) -> None:
    """Their tags may not begin with `aws:`."""
    needs = [{"Type": "VCPU", "Value": "1"}, {"Type": "MEMORY", "Value": "512"}]
    container = {"Image": "busybox", "ResourceRequirements": needs}
    job = making.create("AWS::Batch::JobDefinition", Type="container", ContainerProperties=container, Tags={"a": "b"})
    assert plane.client("batch").list_tags_for_resource(resourceArn=job.physical)["tags"] == {"a": "b", "team": "blue"}
    files = making.create("AWS::EFS::FileSystem", FileSystemTags=[{"Key": "a", "Value": "b"}])
    seen = plane.client("efs").describe_file_systems(FileSystemId=files.physical)["FileSystems"][0]["Tags"]
    assert {each["Key"] for each in seen} == {"a", "team"}
    for made in (job, files):
        making.delete(made)


def test_a_cache_that_is_being_deleted_is_not_waited_for(plane: InProcess, making: Remaking) -> None:
    cache = {"Engine": "redis", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1}
    making.delete(making.create("AWS::ElastiCache::CacheCluster", **cache))

"""What a decision is told of resources that live in moto: owner, policy, tags, and the ARN that counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.backends import get_backend

from locum.backends.moto import encryption
from locum.core.resources import UNKNOWN, ResourceFacts
from support.functions import package
from support.inprocess import REGION, InProcess

HOME = "000000000000"
TAGS = {"stage": "test", "team": "a"}
PAIRS = [{"Key": key, "Value": value} for key, value in TAGS.items()]


def allowing(principal: str, action: str, resource: str) -> str:
    statement = {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": action,
        "Resource": resource,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def known(plane: InProcess) -> Callable[[str], ResourceFacts]:
    """The facts of an ARN, asked by the home account in the tests' region."""

    def ask(arn: str) -> ResourceFacts:
        service = arn.split(":")[2]
        return plane.run(plane.node.runtime.backends.of(service).facts(service, arn, HOME, REGION))

    return ask


Known = Callable[[str], ResourceFacts]


def test_a_bucket(plane: InProcess, known: Known) -> None:
    client, there = plane.client("s3"), {"region": REGION}
    client.create_bucket(Bucket="facts")
    assert known("arn:aws:s3:::facts") == ResourceFacts(HOME, attributes=there)
    policy = allowing(HOME, "s3:GetObject", "arn:aws:s3:::facts/*")
    client.put_bucket_policy(Bucket="facts", Policy=policy)
    client.put_bucket_tagging(Bucket="facts", Tagging={"TagSet": PAIRS})
    client.put_object(Bucket="facts", Key="a/b", Body=b"", Tagging="colour=red")
    assert known("arn:aws:s3:::facts") == ResourceFacts(HOME, policy, TAGS, attributes=there)
    assert known("arn:aws:s3:::facts/a/b") == ResourceFacts(HOME, policy, {"colour": "red"}, attributes=there)
    assert known("arn:aws:s3:::facts/nothing") == ResourceFacts(HOME, policy, attributes=there)


def test_a_bucket_of_another_account_is_known_to_be_its(plane: InProcess, known: Known) -> None:
    plane.client("s3", plane.account("444455556666")).create_bucket(Bucket="facts-away")
    assert known("arn:aws:s3:::facts-away/key").account == "444455556666"


def test_a_queue(plane: InProcess, known: Known) -> None:
    client = plane.client("sqs")
    arn = f"arn:aws:sqs:{REGION}:{HOME}:facts"
    policy = allowing(HOME, "sqs:SendMessage", arn)
    client.create_queue(QueueName="facts", Attributes={"Policy": policy}, tags=TAGS)
    found = known(arn)
    assert (found.account, json.loads(found.policy or "null"), found.tags) == (HOME, json.loads(policy), TAGS)


def test_a_topic(plane: InProcess, known: Known) -> None:
    arn = plane.client("sns").create_topic(Name="facts", Tags=PAIRS)["TopicArn"]
    found = known(arn)
    assert (found.account, found.tags) == (HOME, TAGS)
    assert json.loads(found.policy or "null")["Statement"][0]["Resource"] == arn


def test_a_key_by_id_and_by_alias(plane: InProcess, known: Known) -> None:
    client = plane.client("kms")
    tags = [{"TagKey": key, "TagValue": value} for key, value in TAGS.items()]
    arn = client.create_key(Tags=tags)["KeyMetadata"]["Arn"]
    client.create_alias(AliasName="alias/facts", TargetKeyId=arn)
    found = known(arn)
    assert (found.account, found.arn, found.tags) == (HOME, arn, TAGS)
    assert json.loads(found.policy or "null")["Statement"][0]["Action"] == "kms:*"
    assert known(f"arn:aws:kms:{REGION}:{HOME}:alias/facts") == found
    assert known(f"arn:aws:kms:{REGION}:{HOME}:alias/none") == UNKNOWN


def test_a_function_and_what_is_qualified_of_it(plane: InProcess, known: Known) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = plane.client("iam").create_role(
        RoleName="facts", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    client = plane.client("lambda")
    client.create_function(
        FunctionName="facts",
        Runtime="python3.11",
        Handler="h.h",
        Role=role,
        Code={"ZipFile": package(h="")},
        Tags=TAGS,
    )
    arn = f"arn:aws:lambda:{REGION}:{HOME}:function:facts"
    assert known(arn).tags == TAGS
    client.add_permission(
        FunctionName="facts", StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    found = known(arn)
    assert found.account == HOME
    assert json.loads(found.policy or "null")["Statement"][0]["Principal"] == {"Service": "s3.amazonaws.com"}
    assert known(f"{arn}:$LATEST") == found
    assert known(f"arn:aws:lambda:{REGION}:{HOME}:function:none") == UNKNOWN
    assert known(f"arn:aws:lambda:{REGION}:{HOME}:layer:facts") == UNKNOWN


def test_a_secret_by_its_arn_and_by_its_name(plane: InProcess, known: Known) -> None:
    client = plane.client("secretsmanager")
    arn = client.create_secret(Name="facts", SecretString="x", Tags=PAIRS)["ARN"]
    policy = allowing(HOME, "secretsmanager:GetSecretValue", "*")
    client.put_resource_policy(SecretId=arn, ResourcePolicy=policy)
    found = known(arn)
    assert (found.account, found.arn, found.tags) == (HOME, arn, TAGS)
    assert json.loads(found.policy or "null") == json.loads(policy)
    assert known(f"arn:aws:secretsmanager:{REGION}:{HOME}:secret:facts") == found
    assert known(f"arn:aws:secretsmanager:{REGION}:{HOME}:secret:none") == UNKNOWN


def test_what_the_condition_keys_of_ec2_need(plane: InProcess, known: Known) -> None:
    client = plane.client("ec2")
    home = f"arn:aws:ec2:{REGION}:{HOME}"
    vpc = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = client.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]
    group = client.create_security_group(GroupName="facts", Description="d", VpcId=vpc)["GroupId"]
    interface = client.create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    in_vpc = {"vpc": f"{home}:vpc/{vpc}"}
    zoned = {**in_vpc, "zone": subnet["AvailabilityZone"]}
    assert known(f"{home}:subnet/{subnet['SubnetId']}").attributes == zoned
    assert known(f"{home}:security-group/{group}").attributes == in_vpc
    assert known(f"{home}:network-interface/{interface}").attributes == {
        **zoned,
        "subnet": f"{home}:subnet/{subnet['SubnetId']}",
    }
    zone = subnet["AvailabilityZone"]
    volume = client.create_volume(AvailabilityZone=zone, Size=8, VolumeType="gp3", Encrypted=True)["VolumeId"]
    about = {"encrypted": "true", "volume_type": "gp3", "volume_size": "8", "zone": zone}
    assert about.items() <= known(f"{home}:volume/{volume}").attributes.items()
    snapshot = client.create_snapshot(VolumeId=volume)["SnapshotId"]
    found = known(f"arn:aws:ec2:{REGION}::snapshot/{snapshot}").attributes
    assert (found["parent_volume"], found["owner"], found["volume_size"]) == (f"{home}:volume/{volume}", HOME, "8")
    address = client.allocate_address(Domain="vpc")
    ip = {"domain": "vpc", "public_ip": address["PublicIp"]}
    assert known(f"{home}:elastic-ip/{address['AllocationId']}").attributes == ip
    client.create_key_pair(KeyName="facts", KeyType="ed25519")
    assert known(f"{home}:key-pair/facts").attributes == {"type": "ed25519"}
    image = client.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    assert known(f"arn:aws:ec2:{REGION}::image/{image}").attributes["public"] == "true"
    assert known(f"{home}:vpc-peering-connection/pcx-1").attributes == {}


def test_streams_and_snapshots_are_known_while_they_are_there(plane: InProcess, known: Known) -> None:
    dynamodb, rds = plane.client("dynamodb"), plane.client("rds")
    made = dynamodb.create_table(
        TableName="streamed",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]
    assert known(made["LatestStreamArn"]).account == HOME
    assert known(f"{made['TableArn']}/stream/2020-01-01T00:00:00.000000") == UNKNOWN
    engine = {"MasterUsername": "admin", "MasterUserPassword": "password1"}
    rds.create_db_cluster(DBClusterIdentifier="snapped", Engine="aurora-mysql", **engine)
    rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier="Kept", DBClusterIdentifier="snapped")
    arn = f"arn:aws:rds:{REGION}:{HOME}:cluster-snapshot:kept"
    assert known(arn) == ResourceFacts(HOME)
    rds.add_tags_to_resource(ResourceName=arn, Tags=PAIRS)
    assert known(arn) == ResourceFacts(HOME, None, TAGS)
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="kept")
    assert known(arn) == known(arn.replace("cluster-snapshot", "snapshot")) == UNKNOWN


def test_a_table_its_indexes_and_its_stream(plane: InProcess, known: Known) -> None:
    client = plane.client("dynamodb")
    table = client.create_table(
        TableName="facts",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        Tags=PAIRS,
    )["TableDescription"]
    arn = table["TableArn"]
    key = {"partition_key": "k"}
    assert known(arn) == ResourceFacts(HOME, None, TAGS, attributes=key)
    policy = allowing(HOME, "dynamodb:GetItem", arn)
    client.put_resource_policy(ResourceArn=arn, Policy=policy)
    assert known(arn) == ResourceFacts(HOME, policy, TAGS, attributes=key)
    assert known(f"{arn}/index/by-name") == ResourceFacts(HOME, policy, TAGS)
    assert known(table["LatestStreamArn"]).policy is None
    assert known(arn.replace("facts", "none")) == UNKNOWN


def test_of_a_bucket_that_is_nowhere_it_is_known_that_there_is_none(known: Known) -> None:
    assert known("arn:aws:s3:::nobodys/key") == ResourceFacts(attributes={"absent": "bucket"})


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sqs:us-east-1:999988887777:q",
        "arn:aws:sqs:mars-1:000000000000:q",
        "arn:aws:sns:us-east-1:999988887777:t",
        "arn:aws:kms:us-east-1:999988887777:key/1",
        "arn:aws:kms:us-east-1:999988887777:alias/aws/s3",
        "arn:aws:lambda:us-east-1:999988887777:function:f",
        "arn:aws:secretsmanager:us-east-1:999988887777:secret:s",
        "arn:aws:dynamodb:us-east-1:999988887777:table/t",
        "arn:aws:dynamodb:us-east-1:000000000000:odd",
        "arn:aws:ecs:us-east-1:000000000000:cluster/nowhere",
        "arn:aws:ecs:us-east-1:999988887777:cluster/c",
        "arn:aws:rds:us-east-1:999988887777:db:d",
        "arn:aws:kinesis:us-east-1:999988887777:stream/s",
        "arn:aws:ecr:us-east-1:999988887777:repository/r",
        "arn:aws:events:us-east-1:999988887777:event-bus/b",
        "arn:aws:glue:us-east-1:999988887777:catalog",
    ],
)
def test_of_what_is_nowhere_nothing_is_known_and_nothing_is_made_by_asking(known: Known, arn: str) -> None:
    assert known(arn) == UNKNOWN
    own = ("sqs", "sns", "kms", "lambda", "secretsmanager", "dynamodb")
    for service in (*own, "ecs", "rds", "kinesis", "ecr", "events", "glue"):
        assert "999988887777" not in set(get_backend(service))


def test_what_is_no_arn_is_unknown(plane: InProcess) -> None:
    assert plane.run(plane.node.runtime.backends.of("s3").facts("s3", "*", HOME, REGION)) == UNKNOWN


def test_an_access_point_is_known_by_its_arn_and_by_its_alias(plane: InProcess, known: Known) -> None:
    plane.client("s3").create_bucket(Bucket="facts-behind")
    control = plane.client("s3control")
    alias = control.create_access_point(AccountId=HOME, Name="facts-point", Bucket="facts-behind")["Alias"]
    arn = f"arn:aws:s3:{REGION}:{HOME}:accesspoint/facts-point"
    attributes = {"bucket": "facts-behind", "network_origin": "Internet", "bucket_policy": ""}
    found = known(arn)
    assert (found.account, found.arn, found.policy, found.attributes) == (HOME, arn, None, attributes)
    assert known(f"arn:aws:s3:::{alias}") == found
    assert known(f"arn:aws:s3:::{alias}/k").account is None
    assert known(arn.replace(REGION, "eu-west-1")) == UNKNOWN


def test_of_an_object_with_any_number_of_versions_and_uploads_those_that_are_named_are_looked_at(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, bucket = plane.client("s3"), "of-many-versions"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made = [plane.client("kms").create_key()["KeyMetadata"]["KeyId"] for _ in range(3)]
    encrypted = {"Bucket": bucket, "Key": "k", "ServerSideEncryption": "aws:kms"}
    versions = [s3.put_object(**encrypted, SSEKMSKeyId=key)["VersionId"] for key in made]
    uploads = [s3.create_multipart_upload(**encrypted, SSEKMSKeyId=key)["UploadId"] for key in made[:2]]
    looked_at: list[str] = []
    of_version = encryption._of_version

    def look_at(version: Any) -> str:
        looked_at.append(version.version_id)
        return of_version(version)

    monkeypatch.setattr(encryption, "_of_version", look_at)

    def keys(*parts: str) -> dict[str, str]:
        backend = plane.node.runtime.backends.of("s3")
        found = plane.run(backend.facts("s3", f"arn:aws:s3:::{bucket}/k", HOME, REGION, parts))
        return {name: key for name, key in found.attributes.items() if name.startswith("kms_key")}

    assert keys() == {"kms_key": made[2]}
    assert looked_at == versions[-1:]
    assert keys(versions[1], uploads[0], "none") == {
        "kms_key": made[2],
        f"kms_key/{versions[1]}": made[1],
        f"kms_key/upload/{uploads[0]}": made[0],
    }


def test_the_bucket_policy_behind_an_access_point_has_the_acls_of_the_versions_that_are_named(plane: InProcess) -> None:
    s3, bucket = plane.client("s3"), "versions-behind"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    blocked = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    open_to_all = dict.fromkeys(blocked, False)
    given = {"AccountId": HOME, "Name": "versions-point", "Bucket": bucket}
    plane.client("s3control").create_access_point(**given, PublicAccessBlockConfiguration=open_to_all)
    public = {"Bucket": bucket, "Key": "k", "ACL": "public-read"}
    versions = [s3.put_object(**public)["VersionId"] for _ in range(3)]

    def named(*parts: str) -> list[str]:
        arn = f"arn:aws:s3:{REGION}:{HOME}:accesspoint/versions-point/object/k"
        found = plane.run(plane.node.runtime.backends.of("s3").facts("s3", arn, HOME, REGION, parts))
        return [version for version in versions if version in found.attributes["bucket_policy"]]

    assert named() == []
    assert named(versions[0], "none") == [versions[0], versions[2]]

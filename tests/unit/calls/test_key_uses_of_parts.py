"""What AWS documents of the keys of uploads, checksums, secrets that change, and of who reads without a signature."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest

from support.inprocess import InProcess, Key, arrived, refusal

HOME = "000000000000"
GENERATE, DECRYPT, ENCRYPT = "kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt"
DENIED = "AccessDenied", 403


class World:
    """A key; a bucket that seals all objects with it; a secret under it. `user` may do all but use keys."""

    def __init__(self, plane: InProcess) -> None:
        self.plane, self.users = plane, 0
        self.key = plane.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.s3, self.secrets = plane.client("s3"), plane.client("secretsmanager")
        self.s3.create_bucket(Bucket="keyed-parts")
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key}
        rule = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        self.s3.put_bucket_encryption(Bucket="keyed-parts", ServerSideEncryptionConfiguration=rule)
        self.s3.put_object(Bucket="keyed-parts", Key="k", Body=b"x")
        self.s3.create_bucket(Bucket="keyed-loose")
        self.s3.put_object(Bucket="keyed-loose", Key="k", Body=b"x")

    def user(self, *actions: str, **condition: Any) -> Key:
        self.users += 1
        services = {"Effect": "Allow", "Action": ["s3:*", "secretsmanager:*"], "Resource": "*"}
        use = {"Effect": "Allow", "Action": list(actions), "Resource": "*", "Condition": condition}
        return self.plane.user(f"part-caller-{self.users}", services, *([use] if actions else []))

    def asked(self, work: Callable[[], Any]) -> list[str]:
        """The operations of KMS that are called while `work` is done."""
        before = self.plane.records(1)[0].request_id
        work()
        made: list[str] = []
        for record in self.plane.records():
            if record.request_id == before:
                break
            made += [record.operation] if record.service == "kms" else []
        return made[::-1]


@pytest.fixture(scope="module")
def world(plane: InProcess) -> World:
    return World(plane)


@pytest.fixture
def upload(world: World) -> Iterator[dict[str, str]]:
    begun = {"Bucket": "keyed-parts", "Key": "u"}
    begun["UploadId"] = world.s3.create_multipart_upload(**begun)["UploadId"]
    yield begun
    world.s3.abort_multipart_upload(**begun)


def test_a_part_takes_the_decryption_of_the_uploads_key(world: World, upload: dict[str, str]) -> None:
    without, with_it = world.user(GENERATE), world.user(DECRYPT)
    part = {**upload, "PartNumber": 1}
    assert refusal(world.plane.client("s3", without).upload_part, Body=b"x", **part)[:2] == DENIED
    world.plane.client("s3", with_it).upload_part(Body=b"x", **part)
    copy = {**part, "CopySource": "keyed-loose/k"}
    assert refusal(world.plane.client("s3", without).upload_part_copy, **copy)[:2] == DENIED
    world.plane.client("s3", with_it).upload_part_copy(**copy)


def test_the_encryption_context_of_a_part_is_that_of_its_object(world: World, upload: dict[str, str]) -> None:
    arn = {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::keyed-parts/u"}
    own, other = world.user(DECRYPT, StringEquals=arn), world.user(DECRYPT, StringNotEquals=arn)
    part = {**upload, "PartNumber": 1, "Body": b"x"}
    world.plane.client("s3", own).upload_part(**part)
    assert refusal(world.plane.client("s3", other).upload_part, **part)[:2] == DENIED


def test_the_parts_of_an_upload_with_a_bucket_key_are_under_that_of_the_bucket(world: World) -> None:
    arn = {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::keyed-loose"}
    of_bucket = world.plane.client("s3", world.user(GENERATE, DECRYPT, StringEquals=arn))
    sse = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": world.key, "BucketKeyEnabled": True}
    begun = {"Bucket": "keyed-loose", "Key": "u"}
    begun["UploadId"] = of_bucket.create_multipart_upload(**begun, **sse)["UploadId"]
    of_bucket.upload_part(PartNumber=1, Body=b"x", **begun)
    of_bucket.abort_multipart_upload(**begun)


def test_an_upload_without_a_kms_key_takes_none_for_its_parts(world: World) -> None:
    s3, begun = world.plane.client("s3", world.user()), {"Bucket": "keyed-parts", "Key": "plain"}
    begun["UploadId"] = s3.create_multipart_upload(**begun, ServerSideEncryption="AES256")["UploadId"]
    s3.upload_part(PartNumber=1, Body=b"x", **begun)
    s3.abort_multipart_upload(**begun)


def test_completing_with_checksums_takes_the_decryption_and_without_does_not(world: World) -> None:
    begun = {"Bucket": "keyed-parts", "Key": "done"}
    begun["UploadId"] = world.s3.create_multipart_upload(**begun)["UploadId"]
    part = {"PartNumber": 1, "ETag": world.s3.upload_part(PartNumber=1, Body=b"x", **begun)["ETag"]}
    checked = {"Parts": [{**part, "ChecksumCRC32": "jNwI4w=="}]}
    s3 = world.plane.client("s3", world.user(GENERATE))
    assert refusal(s3.complete_multipart_upload, MultipartUpload=checked, **begun)[:2] == DENIED
    s3.complete_multipart_upload(MultipartUpload={"Parts": [part]}, **begun)


def test_head_takes_the_key_for_the_checksum_alone(world: World) -> None:
    s3 = world.plane.client("s3", world.user(GENERATE))
    assert s3.head_object(Bucket="keyed-parts", Key="k")["SSEKMSKeyId"] == world.key
    assert refusal(s3.head_object, Bucket="keyed-parts", Key="k", ChecksumMode="ENABLED")[1] == 403
    world.plane.client("s3", world.user(DECRYPT)).head_object(Bucket="keyed-parts", Key="k", ChecksumMode="ENABLED")


def test_nobody_reads_what_is_under_a_key_though_bucket_and_key_are_open_to_all(world: World) -> None:
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "*"}
    opened = {**everybody, "Action": "s3:*Object", "Resource": "arn:aws:s3:::keyed-parts/*"}
    kms = world.plane.client("kms")
    before = kms.get_key_policy(KeyId=world.key, PolicyName="default")["Policy"]
    of_bucket = json.dumps({"Version": "2012-10-17", "Statement": [opened]})
    of_key = json.dumps({"Version": "2012-10-17", "Statement": [{**everybody, "Action": "kms:*", "Resource": "*"}]})
    world.s3.put_bucket_policy(Bucket="keyed-parts", Policy=of_bucket)
    kms.put_key_policy(KeyId=world.key, PolicyName="default", Policy=of_key)
    try:
        nobody = world.plane.client("s3", signature_version=UNSIGNED)
        for call in (nobody.get_object, lambda **where: nobody.put_object(Body=b"y", **where)):
            code, status, message = refusal(call, Bucket="keyed-parts", Key="k")
            assert (code, status) == ("InvalidArgument", 400)
            assert message.endswith("require AWS Signature Version 4.")
        old = world.plane.client("s3", signature_version="s3")
        url = old.generate_presigned_url("get_object", Params={"Bucket": "keyed-parts", "Key": "k"})
        assert b"InvalidArgument" in world.plane.send(arrived(AWSPreparedRequest("GET", url, {}, b"", False))).body
    finally:
        kms.put_key_policy(KeyId=world.key, PolicyName="default", Policy=before)
        world.s3.delete_bucket_policy(Bucket="keyed-parts")


def test_a_parameter_without_a_slash_is_at_the_root_and_takes_its_key(world: World) -> None:
    region = "ap-southeast-3"  # where no other test has parameters
    key = world.plane.client("kms", region=region).create_key()["KeyMetadata"]["Arn"]
    ssm = world.plane.client("ssm", region=region)
    ssm.put_parameter(Name="unslashed", Type="SecureString", KeyId=key, Value="x")
    arn = {"kms:EncryptionContext:PARAMETER_ARN": f"arn:aws:ssm:{region}:{HOME}:parameter/unslashed"}
    reads = {"Effect": "Allow", "Action": "ssm:GetParametersByPath", "Resource": "*"}
    use = {"Effect": "Allow", "Action": DECRYPT, "Resource": "*", "Condition": {"StringEquals": arn}}
    for name, statements in (("reader", [reads]), ("root-reader", [reads, use])):
        call = world.plane.client("ssm", world.plane.user(name, *statements), region=region).get_parameters_by_path
        if len(statements) == 1:
            assert refusal(call, Path="/", WithDecryption=True)[0] == "AccessDeniedException"
        else:
            assert call(Path="/", WithDecryption=True)["Parameters"]
    ssm.delete_parameter(Name="unslashed")


def test_a_new_version_of_a_secret_takes_a_data_key_and_one_that_is_there_its_decryption(world: World) -> None:
    world.secrets.create_secret(Name="keyed-changing", KmsKeyId=world.key, SecretString="x")
    secrets = world.plane.client("secretsmanager", world.user(GENERATE))
    version = secrets.put_secret_value(SecretId="keyed-changing", SecretString="y")["VersionId"]
    again = {"SecretId": "keyed-changing", "SecretString": "y", "ClientRequestToken": version}
    assert refusal(secrets.put_secret_value, **again)[0] == "AccessDeniedException"
    both = world.plane.client("secretsmanager", world.user(GENERATE, DECRYPT))
    assert world.asked(lambda: both.put_secret_value(**again)) == ["GenerateDataKey", "Decrypt"]


def test_a_secret_that_gets_another_key_takes_the_use_of_that_key(world: World) -> None:
    other = world.plane.client("kms").create_key()["KeyMetadata"]["Arn"]
    world.secrets.create_secret(Name="keyed-moving", KmsKeyId=world.key, SecretString="x")
    for actions in ((GENERATE,), (DECRYPT,), (GENERATE, DECRYPT)):
        secrets = world.plane.client("secretsmanager", world.user(*actions))
        call = {"SecretId": "keyed-moving", "KmsKeyId": other}
        if len(actions) == 2:
            secrets.update_secret(**call)
        else:
            assert refusal(secrets.update_secret, **call)[0] == "AccessDeniedException"
    description = world.plane.client("secretsmanager", world.user())
    description.update_secret(SecretId="keyed-moving", Description="no value, no key")


def test_a_rotation_without_a_function_uses_no_key(world: World) -> None:
    world.secrets.create_secret(Name="keyed-turning", KmsKeyId=world.key, SecretString="x")
    made = world.asked(lambda: refusal(world.secrets.rotate_secret, SecretId="keyed-turning"))
    assert made == []


def test_a_replica_takes_the_decryption_of_the_secret_and_the_use_of_its_own_key(world: World) -> None:
    there = "eu-west-1"
    key = world.plane.client("kms", region=there).create_key()["KeyMetadata"]["Arn"]
    world.secrets.create_secret(Name="keyed-copied", KmsKeyId=world.key, SecretString="x")
    regions = [{"Region": there, "KmsKeyId": key.rpartition("/")[2]}]
    call = {"SecretId": "keyed-copied", "AddReplicaRegions": regions}
    for actions in ((GENERATE, ENCRYPT), (DECRYPT, ENCRYPT), (DECRYPT, GENERATE)):
        secrets = world.plane.client("secretsmanager", world.user(*actions))
        assert refusal(secrets.replicate_secret_to_regions, **call)[0] == "AccessDeniedException"
    able = world.plane.client("secretsmanager", world.user(DECRYPT, GENERATE, ENCRYPT))
    able.replicate_secret_to_regions(**call)

"""Versions of S3 objects: what is denied of one is not reached by its id, alone, in a list or as a source."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from locum.core.http import HttpRequest
from support.inprocess import ENDPOINT, REGION, InProcess, Key, arrived, refusal
from support.plane import ACCOUNT

BUCKET = "sealedversions"
EVERYTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@pytest.fixture(scope="module")
def s3(plane: InProcess) -> Any:
    client = plane.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


def put(s3: Any, key: str, **more: Any) -> str:
    return str(s3.put_object(Bucket=BUCKET, Key=key, Body=b"x", **more)["VersionId"])


def condition(effect: str, name: str, value: str, action: str = "s3:*") -> dict[str, Any]:
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    return {**statement, "Condition": {"StringEquals": {name: value}}}


def signed_delete(key: Key, body: bytes) -> HttpRequest:
    """DeleteObjects with a body that boto3 would not write."""
    headers = {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}
    request = AWSRequest("POST", f"{ENDPOINT}/{BUCKET}?delete", headers=headers, data=body)
    S3SigV4Auth(Credentials(*key), "s3", REGION).add_auth(request)
    return arrived(request.prepare())


def of_version(client: Any, key: str, version: str) -> list[tuple[Any, dict[str, Any]]]:
    """The calls that reach a version of an object by its id."""
    named = {"Bucket": BUCKET, "Key": key, "VersionId": version}
    return [
        (client.get_object, named),
        (client.head_object, named),
        (client.get_object_tagging, named),
        (client.get_object_attributes, {**named, "ObjectAttributes": ["ETag"]}),
        (client.put_object_tagging, {**named, "Tagging": {"TagSet": []}}),
        (client.copy_object, {"Bucket": BUCKET, "Key": f"{key}-copy", "CopySource": dict(named)}),
        (client.delete_object, named),
    ]


def test_an_old_version_is_not_reached_by_the_tags_of_the_latest(s3: Any, plane: InProcess) -> None:
    old, latest = put(s3, "tagged", Tagging="class=secret"), put(s3, "tagged", Tagging="class=public")
    tag = "s3:ExistingObjectTag/class"
    for name, statements in {
        "denied-secret": (EVERYTHING, condition("Deny", tag, "secret")),
        "allowed-public": (
            condition("Allow", tag, "public"),
            {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"},
        ),
    }.items():
        client = plane.client("s3", plane.user(name, *statements))
        for call, params in of_version(client, "tagged", old):
            assert refusal(call, **params)[1] == 403, (name, call)
        listed = client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "tagged", "VersionId": old}]})
        assert [error["Code"] for error in listed["Errors"]] == ["AccessDenied"]
        client.get_object(Bucket=BUCKET, Key="tagged")
        client.get_object(Bucket=BUCKET, Key="tagged", VersionId=latest)
    assert s3.get_object_tagging(Bucket=BUCKET, Key="tagged", VersionId=old)["TagSet"][0]["Value"] == "secret"


def test_an_old_version_is_not_copied_by_the_tags_of_the_latest_through_an_access_point(
    s3: Any, plane: InProcess
) -> None:
    old, latest = put(s3, "behind", Tagging="class=secret"), put(s3, "behind", Tagging="class=public")
    control = plane.client("s3control", inject_host_prefix=False)
    point = control.create_access_point(AccountId=ACCOUNT, Name="sealedversions-point", Bucket=BUCKET)
    deny = condition("Deny", "s3:ExistingObjectTag/class", "secret")
    through = {**deny, "Resource": f"{point['AccessPointArn']}/object/*"}
    client = plane.client("s3", plane.user("denied-through-a-point", EVERYTHING, through))
    for bucket in (point["Alias"], point["AccessPointArn"]):
        source = {"Bucket": bucket, "Key": "behind"}
        assert refusal(client.get_object, **source, VersionId=old)[1] == 403
        copied = {"Bucket": BUCKET, "Key": "behind-copy"}
        assert refusal(client.copy_object, **copied, CopySource={**source, "VersionId": old})[1] == 403
        client.copy_object(**copied, CopySource={**source, "VersionId": latest})


def test_a_version_that_is_denied_by_its_id_is_not_deleted_in_a_list(s3: Any, plane: InProcess) -> None:
    kept, deleted = put(s3, "listed"), put(s3, "listed")
    deny = condition("Deny", "s3:VersionId", kept, "s3:DeleteObjectVersion")
    client = plane.client("s3", plane.user("keeps-a-version", EVERYTHING, deny))
    assert refusal(client.delete_object, Bucket=BUCKET, Key="listed", VersionId=kept)[1] == 403
    objects = [{"Key": "listed", "VersionId": version} for version in (deleted, kept, deleted, kept)]
    answer = client.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
    assert {one["VersionId"] for one in answer["Deleted"]} == {deleted}
    assert {one["VersionId"] for one in answer["Errors"]} == {kept}
    s3.head_object(Bucket=BUCKET, Key="listed", VersionId=kept)


def test_the_key_that_is_deleted_is_that_which_was_allowed_and_not_what_xml_makes_of_it(
    s3: Any, plane: InProcess
) -> None:
    s3.put_object(Bucket=BUCKET, Key="sealed\nkey", Body=b"x")
    deny = {"Effect": "Deny", "Action": "s3:Delete*", "Resource": f"arn:aws:s3:::{BUCKET}/sealed\nkey"}
    key = plane.user("denied-a-line-feed", EVERYTHING, deny)
    for text in ("sealed&#13;key", "sealed&#13;&#10;key", "sealed\rkey", "sealed\r\nkey", "sealed&#10;key"):
        body = f"<Delete><Object><Key>{text}</Key></Object></Delete>".encode()
        assert plane.send(signed_delete(key, body)).status == 200
    s3.head_object(Bucket=BUCKET, Key="sealed\nkey")
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "sealed\nkey"}]})
    assert refusal(s3.head_object, Bucket=BUCKET, Key="sealed\nkey")[1] == 404


@pytest.mark.parametrize(
    "objects", ["", "<Object></Object>", "<Object><Key>k</Key></Object>" * 1001], ids=["none", "no key", "too many"]
)
def test_a_list_that_s3_does_not_take_deletes_nothing(s3: Any, plane: InProcess, objects: str) -> None:
    body = f"<Delete>{objects}</Delete>".encode()
    answer = plane.send(signed_delete(plane.root, body))
    assert (answer.status, b"<Code>MalformedXML</Code>" in answer.body) == (400, True)
    nobody = plane.user(f"denied-batch-{len(objects)}", {"Effect": "Deny", "Action": "*", "Resource": "*"})
    assert plane.send(signed_delete(nobody, body)).status == 403

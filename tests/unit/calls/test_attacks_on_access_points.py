"""Attempts to reach through an access point of S3, or by what looks like one, what the caller may not."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from locum.core.http import HttpRequest
from support.access_points import (
    DENIED,
    EVERYTHING,
    HERE,
    LOCAL,
    Point,
    allow,
    arn,
    bucket,
    code,
    deny,
    document,
    inside,
    read,
)
from support.inprocess import InProcess, refusal

VIRTUAL = {"addressing_style": "virtual"}


def reader(plane: InProcess, name: str, *statements: dict[str, Any], **config: Any) -> Any:
    """A client of the new user `name`, who may do everything but what `statements` deny."""
    return plane.client("s3", plane.user(name, EVERYTHING, *statements), **config)


def unsigned(plane: InProcess, path: str, host: str = "s3.amazonaws.com") -> int:
    """The status of a GET of `path` that nobody signed."""
    return plane.send(HttpRequest("GET", path, "", {"host": host})).status


# -- a Deny by each name ---------------------------------------------------------------------------------


@pytest.mark.parametrize("denied", ["bucket", "access-point"])
def test_a_deny_holds_by_each_name_of_the_access_point(plane: InProcess, denied: str) -> None:
    name = f"denied-{denied}"
    point = Point(plane, name)
    resource = bucket(name, "*") if denied == "bucket" else inside(name)
    key = plane.user(f"not-{name}", EVERYTHING, deny("s3:GetObject", resource))
    for client, called in (
        (plane.client("s3", key), point.alias),
        (plane.client("s3", key, endpoint_url=LOCAL, s3=VIRTUAL), point.alias),
        (plane.client("s3", key, endpoint_url=None), point.alias),
        (plane.client("s3", key, endpoint_url=None), point.arn),
        (plane.client("s3", key, endpoint_url=LOCAL), point.arn),
        (plane.client("s3", key), point.arn),
    ):
        assert code(client.get_object, Bucket=called, Key="k") == DENIED
        assert refusal(client.head_object, Bucket=called, Key="k")[1] == 403
        source = {"Bucket": called, "Key": "k"}
        assert code(plane.client("s3", key).copy_object, Bucket=point.bucket, Key="stolen", CopySource=source) == DENIED


def test_a_deny_in_the_policy_of_the_bucket_holds_for_who_comes_by_an_access_point(plane: InProcess) -> None:
    point = Point(plane, "denying-bucket")
    point.permit_bucket(deny("s3:GetObject", bucket("denying-bucket", "*"), Principal="*"))
    assert code(point.s3.get_object, Bucket=point.alias, Key="k") == DENIED


def test_a_deny_in_the_policy_of_the_access_point_is_none_on_the_bucket(plane: InProcess) -> None:
    point = Point(plane, "denying-point")
    point.permit(deny("s3:GetObject", inside("denying-point"), Principal="*"))
    assert code(point.s3.get_object, Bucket=point.alias, Key="k") == DENIED
    assert read(point.s3, point.bucket) == b"content"


@pytest.mark.parametrize(
    "source", ["%61rn:aws:s3:us-east-1:000000000000:accesspoint/encoded/object/k", "/{alias}/k", "%2F{alias}%2Fk"]
)
def test_the_source_of_a_copy_is_not_hidden_by_its_encoding(plane: InProcess, source: str) -> None:
    name = "encoded" if "%61" in source else f"encoded-{len(source)}"
    point = Point(plane, name)
    client, given = (
        reader(plane, f"thief-{name}", deny("s3:GetObject", bucket(name, "*"))),
        source.format(alias=point.alias),
    )

    def spell(request: Any, **_: Any) -> None:
        request.headers.replace_header("x-amz-copy-source", given)

    client.meta.events.register("before-sign.s3.CopyObject", spell)
    assert code(client.copy_object, Bucket=point.bucket, Key="x", CopySource={"Bucket": "b", "Key": "k"}) == DENIED


def test_a_copy_by_an_access_point_is_none_where_only_the_point_may_be_read(plane: InProcess) -> None:
    point = Point(plane, "copied")
    plane.client("s3").create_bucket(Bucket="copies-of-copied")
    user = plane.user("copier", allow("s3:*", "arn:aws:s3:::copies-of-copied/*", inside("copied")))
    client, source = plane.client("s3", user), {"Bucket": point.arn, "Key": "k"}
    assert code(client.copy_object, Bucket="copies-of-copied", Key="x", CopySource=source) == DENIED
    upload = client.create_multipart_upload(Bucket="copies-of-copied", Key="x")["UploadId"]
    given = {"Bucket": "copies-of-copied", "Key": "x", "UploadId": upload, "PartNumber": 1, "CopySource": source}
    assert code(client.upload_part_copy, **given) == DENIED


@pytest.mark.parametrize("where", ["bucket", "access-point"])
def test_one_of_the_objects_to_delete_may_not_be(plane: InProcess, where: str) -> None:
    name = f"deleting-{where}"
    point = Point(plane, name)
    resource = bucket(name, "kept/*") if where == "bucket" else inside(name, "kept/*")
    client = reader(plane, f"deleter-{where}", deny("s3:DeleteObject", resource))
    point.s3.put_object(Bucket=point.bucket, Key="kept/x", Body=b"")
    keys = {"Objects": [{"Key": "k"}, {"Key": "kept/x"}]}
    assert code(client.delete_objects, Bucket=point.alias, Delete=keys) == DENIED
    client.delete_objects(Bucket=point.alias, Delete={"Objects": [{"Key": "k"}]})
    assert [found["Key"] for found in point.s3.list_objects_v2(Bucket=point.bucket)["Contents"]] == ["kept/x"]


# -- strangers -------------------------------------------------------------------------------------------


def test_a_stranger_learns_nothing_of_the_bucket_behind_an_access_point(plane: InProcess) -> None:
    point = Point(plane, "hidden")
    point.permit(allow("s3:GetObject", inside("hidden"), Principal={"AWS": "444455556606"}))
    stranger = plane.client("s3", plane.account("444455556606"))
    got = refusal(stranger.get_object, Bucket=point.alias, Key="k")
    assert got == ("AccessDenied", 403, "Access Denied")
    record = plane.records(1)[0]
    told = f"{record.resources}{record.parameters}{record.error_message}"
    assert point.bucket not in told
    assert point.arn in told


def test_nobody_in_particular_reads_by_an_alias(plane: InProcess) -> None:
    point = Point(plane, "unsigned")
    assert unsigned(plane, f"/{point.alias}/k") == 403
    assert unsigned(plane, "/none-1234-s3alias/k") == 404
    host = f"unsigned-{HERE}.s3-accesspoint.us-east-1.amazonaws.com"
    assert unsigned(plane, "/k", host) == 403


def test_an_access_point_that_is_not_there_is_told_to_be_so(plane: InProcess) -> None:
    s3 = plane.client("s3")
    assert code(s3.get_object, Bucket=arn("not-there"), Key="k") == ("NoSuchAccessPoint", 404)
    assert code(s3.get_object, Bucket="not-there-1-s3alias", Key="k") == ("NoSuchBucket", 404)


def test_an_access_point_for_the_bucket_of_another_account_grants_nothing(plane: InProcess) -> None:
    point, account = Point(plane, "wanted"), "444455556607"
    root = plane.account(account)
    thief, control = plane.client("s3", root), plane.client("s3control", root)
    given = {"AccountId": account, "Name": "thief", "Bucket": point.bucket, "BucketAccountId": HERE}
    alias = control.create_access_point(**given)["Alias"]
    calls: list[tuple[Any, dict[str, Any]]] = [
        (thief.get_object, {"Key": "k"}),
        (thief.put_object, {"Key": "k", "Body": b""}),
        (thief.delete_object, {"Key": "k"}),
        (thief.list_objects_v2, {}),
        (thief.get_bucket_policy, {}),
        (thief.create_multipart_upload, {"Key": "k"}),
        (thief.list_multipart_uploads, {}),
    ]
    for call, more in calls:
        assert code(call, Bucket=alias, **more) == DENIED
    everyone = {**allow("s3:GetObject", inside("thief", account=account)), "Principal": {"AWS": account}}
    control.put_access_point_policy(AccountId=account, Name="thief", Policy=document(everyone))
    assert code(thief.get_object, Bucket=alias, Key="k") == DENIED
    assert code(point.s3.get_object, Bucket=alias, Key="k") == DENIED  # whose bucket it is, but not whose access point


# -- signatures, keys, public access ---------------------------------------------------------------------


def test_a_presigned_url_by_the_alias_is_decided_like_the_call(plane: InProcess) -> None:
    point = Point(plane, "presigned")
    key = plane.user("presigner", EVERYTHING)
    url = plane.client("s3", key, signature_version="s3v4").generate_presigned_url(
        "get_object", Params={"Bucket": point.alias, "Key": "k"}
    )
    assert _get(plane, url) == (200, b"content")
    point.permit(deny("s3:GetObject", inside("presigned"), Principal="*"))
    assert _get(plane, url)[0] == 403


def _get(plane: InProcess, url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    answer = plane.send(HttpRequest("GET", parts.path, parts.query, {"host": parts.netloc}))
    return answer.status, answer.body


def test_the_key_of_an_object_is_used_as_of_the_bucket(plane: InProcess) -> None:
    point = Point(plane, "encrypted")
    key = plane.client("kms").create_key()["KeyMetadata"]["Arn"]
    point.s3.put_object(Bucket=point.alias, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    client = reader(plane, "no-decrypter", deny("kms:Decrypt", key))
    assert code(client.get_object, Bucket=point.alias, Key="k") == DENIED
    of_object = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": bucket("encrypted", "k")}}
    client = reader(plane, "no-decrypter-of-object", deny("kms:Decrypt", key, Condition=of_object))
    assert code(client.get_object, Bucket=point.alias, Key="k") == DENIED
    source = {"Bucket": point.alias, "Key": "k"}
    assert code(client.copy_object, Bucket=point.bucket, Key="copy", CopySource=source) == DENIED
    assert read(point.s3, point.alias) == b"x"


def test_a_public_policy_is_refused_where_the_access_point_blocks_it(plane: InProcess) -> None:
    point = Point(plane, "blocking")
    public = allow("s3:GetObject", inside("blocking"), Principal="*")
    given = {"AccountId": HERE, "Name": "blocking", "Policy": document(public)}
    got, status, message = refusal(point.control.put_access_point_policy, **given)
    assert (got, status) == DENIED
    assert "BlockPublicPolicy" in message
    point.permit(allow("s3:GetObject", inside("blocking"), Principal={"AWS": HERE}))
    status_of = point.control.get_access_point_policy_status
    assert status_of(AccountId=HERE, Name="blocking")["PolicyStatus"]["IsPublic"] is False


def test_a_public_bucket_is_not_public_through_an_access_point_that_restricts_it(plane: InProcess) -> None:
    off = {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    for name, more, seen in (("restricting", {"BlockPublicPolicy": False}, 403), ("not-restricting", off, 200)):
        point = Point(plane, name, PublicAccessBlockConfiguration=more)
        point.permit_bucket(allow("s3:GetObject", bucket(name, "*"), Principal="*"))
        point.permit(allow("s3:GetObject", inside(name), Principal="*"))
        assert point.control.get_access_point_policy_status(AccountId=HERE, Name=name)["PolicyStatus"]["IsPublic"]
        status = unsigned(plane, f"/{point.alias}/k")
        assert status == seen
        assert unsigned(plane, f"/{point.bucket}/k") == 200


def test_an_access_point_ignores_and_blocks_public_acls(plane: InProcess) -> None:
    off = {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    point = Point(plane, "no-acls", PublicAccessBlockConfiguration=off)
    point.s3.put_object_acl(Bucket=point.bucket, Key="k", ACL="public-read")
    point.permit(allow("s3:GetObject", inside("no-acls"), Principal="*"))
    assert unsigned(plane, f"/{point.bucket}/k") == 200
    assert unsigned(plane, f"/{point.alias}/k") == 403
    given = {"Bucket": point.alias, "Key": "k", "ACL": "public-read"}
    assert code(point.s3.put_object_acl, **given) == DENIED
    assert code(point.s3.put_object, **given) == DENIED


# -- repair ----------------------------------------------------------------------------------------------


def test_the_root_of_the_account_repairs_the_policy_that_shuts_it_out(plane: InProcess) -> None:
    point = Point(plane, "shut")
    point.permit(deny("s3:*", point.arn, inside("shut"), Principal="*"))
    assert code(point.s3.get_object, Bucket=point.alias, Key="k") == DENIED
    given = {"AccountId": HERE, "Name": "shut"}
    user = plane.client("s3control", plane.user("shut-user", EVERYTHING))
    assert code(user.get_access_point_policy, **given) == DENIED
    assert code(user.delete_access_point_policy, **given) == DENIED
    point.control.get_access_point_policy(**given)
    point.control.delete_access_point_policy(**given)
    assert read(point.s3, point.alias) == b"content"


def test_what_is_written_beyond_an_access_point_belongs_to_its_bucket_alone(plane: InProcess) -> None:
    point = Point(plane, "two-names")
    other = Point(plane, "two-names-other")
    client = reader(plane, "two-namer", deny("s3:*", bucket("two-names-other", "*")))
    source = {"Bucket": other.alias, "Key": "k"}
    assert code(client.copy_object, Bucket=point.alias, Key="k", CopySource=source) == DENIED
    target = {"Bucket": other.alias, "Key": "k", "CopySource": {"Bucket": point.alias, "Key": "k"}}
    assert code(client.copy_object, **target) == DENIED
    host = f"two-names-{HERE}.s3-accesspoint.us-east-1.amazonaws.com"
    assert unsigned(plane, f"/{other.bucket}/k", host) == 403  # a key of the bucket of the access point


def test_tags_that_are_none_shut_nobody_out(plane: InProcess) -> None:
    point = Point(plane, "badly-tagged")
    malformed: list[list[dict[str, str]]] = [[{}], [{"Key": "a"}], [{"Value": "b"}]]
    for tags in malformed:
        params = {"AccountId": HERE, "ResourceArn": point.arn, "Tags": tags}
        plane.send(plane.request_of("s3control", "TagResource", params))
    assert read(point.s3, point.alias) == b"content"
    point.delete()
    point.create()
    assert read(point.s3, point.alias) == b"content"

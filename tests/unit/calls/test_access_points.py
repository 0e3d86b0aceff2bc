"""A call through an access point of S3 reaches the bucket where both permit it, by each of the point's names."""

from __future__ import annotations

from typing import Any

import pytest

from locum.audit import cloudtrail_event
from locum.core.http import HttpRequest
from support.access_points import (
    AWAY,
    DENIED,
    HERE,
    LOCAL,
    Point,
    allow,
    bucket,
    code,
    delegating,
    deny,
    document,
    inside,
    read,
)
from support.inprocess import InProcess, Key, refusal
from support.post_forms import encoded, form


def test_objects_are_read_written_and_listed_by_the_alias(plane: InProcess) -> None:
    point = Point(plane, "by-alias")
    assert read(point.s3, point.alias) == b"content"
    point.s3.put_object(Bucket=point.alias, Key="new", Body=b"other")
    assert read(point.s3, "by-alias-data", "new") == b"other"
    assert [found["Key"] for found in point.s3.list_objects_v2(Bucket=point.alias)["Contents"]] == ["k", "new"]


@pytest.mark.parametrize("endpoint", [LOCAL, "http://s3.localhost:4566", "http://127.0.0.1:4566", None])
def test_an_object_is_read_by_the_arn_as_boto3_sends_it(plane: InProcess, endpoint: str | None) -> None:
    point = Point(plane, f"by-arn-{(endpoint or 'none').rpartition('/')[2].replace('.', '-').replace(':', '-')}")
    assert read(plane.client("s3", endpoint_url=endpoint), point.arn) == b"content"


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_an_alias_is_taken_in_the_path_and_in_the_host(plane: InProcess, style: str) -> None:
    point = Point(plane, f"alias-in-{style}")
    assert read(plane.client("s3", endpoint_url=LOCAL, s3={"addressing_style": style}), point.alias) == b"content"


def test_an_alias_is_no_longer_than_the_name_of_a_bucket(plane: InProcess) -> None:
    point = Point(plane, "a-name-of-fifty-characters-is-the-longest")
    assert len(point.alias) <= 63
    assert point.alias.endswith("-s3alias")
    assert read(point.s3, point.alias) == b"content"


# -- the decision ----------------------------------------------------------------------------------------


def test_identity_policies_have_to_allow_the_access_point_and_the_bucket(plane: InProcess) -> None:
    point = Point(plane, "both")
    for name, resource in (("only-bucket", bucket("both", "*")), ("only-point", inside("both"))):
        user = plane.client("s3", plane.user(name, allow("s3:GetObject", resource)))
        assert code(user.get_object, Bucket=point.alias, Key="k") == DENIED
    user = plane.client("s3", plane.user("on-both", allow("s3:GetObject", bucket("both", "*"), inside("both"))))
    assert read(user, point.alias) == b"content"


def test_a_bucket_leaves_the_decision_to_the_policies_of_its_access_points(plane: InProcess) -> None:
    point = Point(plane, "delegated")
    jane = plane.client("s3", plane.user("jane-of-points"))
    who = {"Principal": {"AWS": f"arn:aws:iam::{HERE}:user/jane-of-points"}}
    point.permit(allow(["s3:GetObject", "s3:PutObject"], inside("delegated", "Jane/*"), **who))
    assert code(jane.put_object, Bucket=point.alias, Key="Jane/x", Body=b"") == DENIED
    point.permit_bucket(delegating("delegated"))
    jane.put_object(Bucket=point.alias, Key="Jane/x", Body=b"mine")
    assert read(jane, point.alias, "Jane/x") == b"mine"
    assert code(jane.get_object, Bucket=point.alias, Key="k") == DENIED
    assert code(jane.get_object, Bucket=point.bucket, Key="Jane/x") == DENIED


def test_the_policy_of_the_access_point_knows_the_tags_of_the_object(plane: InProcess) -> None:
    point = Point(plane, "tagged")
    mateo = plane.client("s3", plane.user("mateo", allow("s3:GetObject", bucket("tagged", "*"))))
    who = {"Principal": {"AWS": f"arn:aws:iam::{HERE}:user/mateo"}}
    condition = {"StringEquals": {"s3:ExistingObjectTag/data": "finance"}}
    point.permit(allow("s3:GetObject", inside("tagged"), **who, Condition=condition))
    assert code(mateo.get_object, Bucket=point.alias, Key="k") == DENIED
    point.s3.put_object_tagging(Bucket=point.alias, Key="k", Tagging={"TagSet": [{"Key": "data", "Value": "finance"}]})
    assert read(mateo, point.alias) == b"content"


def test_a_listing_is_decided_by_its_prefix_at_both(plane: InProcess) -> None:
    point = Point(plane, "prefixed")
    point.permit_bucket(delegating("prefixed"))
    lister = plane.client("s3", plane.user("lister"))
    who = {"Principal": {"AWS": f"arn:aws:iam::{HERE}:user/lister"}}
    point.permit(allow("s3:ListBucket", point.arn, **who, Condition={"StringLike": {"s3:prefix": "mine/*"}}))
    lister.list_objects_v2(Bucket=point.alias, Prefix="mine/")
    assert code(lister.list_objects_v2, Bucket=point.alias, Prefix="") == DENIED
    assert code(lister.list_objects, Bucket=point.alias, Prefix="other/") == DENIED


def test_only_who_may_list_through_the_access_point_knows_that_an_object_is_missing(plane: InProcess) -> None:
    point = Point(plane, "missing")
    getting = allow("s3:GetObject", bucket("missing", "*"), inside("missing"))
    listing = allow("s3:ListBucket", bucket("missing"))
    reader = plane.client("s3", plane.user("reads-missing", getting, listing))
    assert code(reader.get_object, Bucket=point.alias, Key="none") == DENIED
    reader = plane.client("s3", plane.user("lists-missing", getting, listing, allow("s3:ListBucket", point.arn)))
    assert code(reader.get_object, Bucket=point.alias, Key="none") == ("NoSuchKey", 404)


def test_a_bucket_is_reached_from_its_vpc_alone(plane: InProcess) -> None:
    point = Point(plane, "not-direct")
    only_vpc = {"StringNotEquals": {"s3:AccessPointNetworkOrigin": "VPC"}}
    point.permit_bucket(deny("s3:GetObject", bucket("not-direct", "*"), Principal="*", Condition=only_vpc))
    assert code(point.s3.get_object, Bucket=point.bucket, Key="k") == DENIED
    assert code(point.s3.get_object, Bucket=point.alias, Key="k") == DENIED


def test_an_access_point_of_a_vpc_takes_calls_through_an_endpoint_of_that_vpc(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    hosts = []
    for _ in range(2):
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", VpcEndpointType="Interface")
        hosts.append(f"{made['VpcEndpoint']['VpcEndpointId']}-abc.s3.us-east-1.vpce.amazonaws.com")
        own = vpc
    point = Point(plane, "of-a-vpc", VpcConfiguration={"VpcId": own})
    other, right = (plane.client("s3", endpoint_url=f"http://bucket.{host}") for host in hosts)
    assert code(point.s3.get_object, Bucket=point.alias, Key="k") == DENIED
    assert code(other.get_object, Bucket=point.alias, Key="k") == DENIED
    assert read(right, point.alias) == b"content"
    by_arn = plane.client("s3", endpoint_url=f"http://accesspoint.{hosts[1]}")
    assert read(by_arn, point.arn) == b"content"


def test_another_accounts_caller_needs_its_own_policies_and_both_of_the_resources(plane: InProcess) -> None:
    point = Point(plane, "shared")
    away = plane.account("444455556601")
    iam = plane.client("iam", away)
    iam.create_user(UserName="guest")
    key = iam.create_access_key(UserName="guest")["AccessKey"]
    guest = plane.client("s3", Key(key["AccessKeyId"], key["SecretAccessKey"]))
    point.permit(allow("s3:GetObject", inside("shared"), Principal={"AWS": "444455556601"}))
    point.permit_bucket(delegating("shared"))
    assert code(guest.get_object, Bucket=point.alias, Key="k") == DENIED
    text = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'
    iam.put_user_policy(UserName="guest", PolicyName="p", PolicyDocument=text)
    assert read(guest, point.alias) == b"content"


def test_an_access_point_of_another_account_reaches_a_bucket_that_delegates_to_it(plane: InProcess) -> None:
    bucket_owner = Point(plane, "cross-owner")
    away = plane.account(AWAY)
    control, s3 = plane.client("s3control", away), plane.client("s3", away)
    given = {"AccountId": AWAY, "Name": "cross", "Bucket": bucket_owner.bucket}
    assert code(control.create_access_point, **given) == DENIED
    alias = control.create_access_point(**given, BucketAccountId=HERE)["Alias"]
    assert control.get_access_point(AccountId=AWAY, Name="cross")["BucketAccountId"] == HERE
    assert code(s3.get_object, Bucket=alias, Key="k") == DENIED
    bucket_owner.permit_bucket(delegating("cross-owner", AWAY))
    assert read(s3, alias) == b"content"
    assert code(s3.get_object, Bucket=bucket_owner.bucket, Key="k") == DENIED


def test_the_tags_of_the_access_point_are_known(plane: InProcess) -> None:
    point = Point(plane, "own-tags", Tags=[{"Key": "team", "Value": "a"}])
    red = {"StringEquals": {"s3:AccessPointTag/team": "a"}}
    everything = allow("*", "*")
    user = plane.client("s3control", plane.user("tag-reader", everything, deny("s3:*", "*", Condition=red)))
    assert code(user.get_access_point_policy_status, AccountId=HERE, Name="own-tags") == DENIED
    point.delete()
    point.create()
    assert code(user.get_access_point_policy_status, AccountId=HERE, Name="own-tags")[1] == 404


# -- operations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("put_bucket_policy", {"Policy": "{}"}),
        ("delete_bucket", {}),
        ("delete_bucket_policy", {}),
        ("get_bucket_versioning", {}),
        ("put_bucket_acl", {"ACL": "public-read"}),
    ],
)
def test_an_access_point_takes_nothing_but_what_aws_lists(
    plane: InProcess, operation: str, more: dict[str, Any]
) -> None:
    point = Point(plane, f"refusing-{operation.replace('_', '-')}")
    assert code(getattr(point.s3, operation), Bucket=point.alias, **more) == ("MethodNotAllowed", 405)
    assert point.s3.head_bucket(Bucket=point.bucket)


def test_an_upload_through_the_access_point_is_completed_by_the_name_of_the_bucket(plane: InProcess) -> None:
    point = Point(plane, "uploads")
    begun = point.s3.create_multipart_upload(Bucket=point.alias, Key="large")
    assert begun["Bucket"] == point.bucket
    upload = begun["UploadId"]
    part = point.s3.upload_part(Bucket=point.alias, Key="large", UploadId=upload, PartNumber=1, Body=b"part")
    listed = point.s3.list_parts(Bucket=point.bucket, Key="large", UploadId=upload)["Parts"]
    assert [found["PartNumber"] for found in listed] == [1]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    point.s3.complete_multipart_upload(Bucket=point.bucket, Key="large", UploadId=upload, MultipartUpload=parts)
    assert read(point.s3, point.alias, "large") == b"part"


def test_a_copy_reads_from_one_access_point_and_writes_to_another(plane: InProcess) -> None:
    source, target = Point(plane, "copied-from"), Point(plane, "copied-to")
    for name in (source.arn, source.alias):
        target.s3.copy_object(Bucket=target.alias, Key="a b/ö", CopySource={"Bucket": name, "Key": "k"})
        assert read(target.s3, target.bucket, "a b/ö") == b"content"
        target.s3.delete_object(Bucket=target.alias, Key="a b/ö")


def test_an_answer_has_the_object_that_a_key_with_signs_names(plane: InProcess) -> None:
    point = Point(plane, "signs")
    point.s3.put_object(Bucket=point.bucket, Key="a+b %/object/c?d", Body=b"signs")
    point.s3.copy_object(Bucket=point.alias, Key="k", CopySource={"Bucket": point.arn, "Key": "a+b %/object/c?d"})
    assert read(point.s3, point.alias) == b"signs"


def test_a_form_uploads_by_the_alias(plane: InProcess) -> None:
    point = Point(plane, "by-form")
    post = plane.client("s3", signature_version="s3v4").generate_presigned_post(point.alias, "form")
    assert plane.send(form(post["url"], encoded(post["fields"], b"sent"))).status == 204
    assert read(point.s3, point.bucket, "form") == b"sent"
    point.permit(deny("s3:PutObject", inside("by-form"), Principal="*"))
    assert plane.send(form(post["url"], encoded(post["fields"], b"sent"))).status == 403


def test_a_browser_is_told_the_rules_of_the_bucket_behind_an_access_point(plane: InProcess) -> None:
    point = Point(plane, "cors")
    rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://a.example"]}]}
    point.s3.put_bucket_cors(Bucket=point.bucket, CORSConfiguration=rules)
    headers = {"host": "s3.amazonaws.com", "origin": "https://a.example", "access-control-request-method": "GET"}
    host = f"cors-{HERE}.s3-accesspoint.us-east-1.amazonaws.com"
    for path, named in ((f"/{point.alias}/k", "s3.amazonaws.com"), ("/k", host)):
        answer = plane.send(HttpRequest("OPTIONS", path, "", {**headers, "host": named}))
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "https://a.example")


# -- the record ------------------------------------------------------------------------------------------


def test_the_record_has_the_access_point_and_the_object(plane: InProcess) -> None:
    point = Point(plane, "recorded")
    read(point.s3, point.alias)
    event = cloudtrail_event(plane.records(1)[0])
    assert event["requestParameters"]["bucketName"] == point.alias
    resources = {(found["type"], found["ARN"]) for found in event["resources"]}
    assert resources == {("AWS::S3::AccessPoint", point.arn), ("AWS::S3::Object", bucket("recorded", "k"))}


def test_a_notification_tells_of_the_bucket(plane: InProcess) -> None:
    point = Point(plane, "notifying")
    sqs = plane.client("sqs")
    url = sqs.create_queue(QueueName="of-access-points")["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{HERE}:of-access-points"
    service = {"Principal": {"Service": "s3.amazonaws.com"}}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(allow("sqs:SendMessage", queue, **service))})
    configuration = {"QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]}
    point.s3.put_bucket_notification_configuration(Bucket=point.bucket, NotificationConfiguration=configuration)
    plane.carry_out()
    sqs.purge_queue(QueueUrl=url)
    point.s3.put_object(Bucket=point.alias, Key="told", Body=b"")
    plane.carry_out()
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert f'"name":"{point.bucket}"' in message["Body"]
    assert point.alias not in message["Body"]


def test_a_denial_names_the_access_point(plane: InProcess) -> None:
    point = Point(plane, "told-of")
    user = plane.client("s3", plane.user("told", allow("s3:GetObject", bucket("told-of", "*"))))
    message = refusal(user.get_object, Bucket=point.alias, Key="k")[2]
    assert f'on resource: "{inside("told-of", "k")}" because no identity-based policy allows' in message

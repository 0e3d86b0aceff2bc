"""What S3 tells of objects that are missing and of owners that are others than expected."""

from __future__ import annotations

import json

from botocore import UNSIGNED

from support.inprocess import InProcess, refusal

ALLOW_S3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def test_who_may_not_list_is_not_told_that_an_object_is_missing(plane: InProcess) -> None:
    owner = plane.client("s3")
    owner.create_bucket(Bucket="quiet")
    owner.put_object(Bucket="quiet", Key="there", Body=b"x")
    blind = plane.client(
        "s3", plane.user("blind", {"Effect": "Allow", "Action": "s3:GetObject*", "Resource": "arn:aws:s3:::quiet/*"})
    )
    assert blind.get_object(Bucket="quiet", Key="there")["ContentLength"] == 1
    assert refusal(blind.get_object, Bucket="quiet", Key="none")[:2] == ("AccessDenied", 403)
    assert refusal(blind.head_object, Bucket="quiet", Key="none")[:2] == ("403", 403)
    assert refusal(blind.get_object_tagging, Bucket="quiet", Key="none")[:2] == ("AccessDenied", 403)
    seeing = plane.client("s3", plane.user("seeing", ALLOW_S3))
    assert refusal(seeing.get_object, Bucket="quiet", Key="none")[:2] == ("NoSuchKey", 404)
    assert refusal(seeing.head_object, Bucket="quiet", Key="none")[:2] == ("404", 404)


def test_who_may_list_with_a_prefix_is_told_what_is_missing_below_it(plane: InProcess) -> None:
    owner = plane.client("s3")
    owner.create_bucket(Bucket="partly")
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::partly/*"}
    below = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::partly",
        "Condition": {"StringLike": {"s3:prefix": "seen/*"}},
    }
    client = plane.client("s3", plane.user("partly", read, below))
    assert refusal(client.get_object, Bucket="partly", Key="seen/none")[:2] == ("NoSuchKey", 404)
    code, status, text = refusal(client.get_object, Bucket="partly", Key="none")
    assert (code, status) == ("AccessDenied", 403)
    assert "is not authorized to perform: s3:ListBucket on resource:" in text


def test_a_bucket_policy_that_denies_listing_hides_what_is_missing(plane: InProcess) -> None:
    owner = plane.client("s3")
    owner.create_bucket(Bucket="hidden")
    client = plane.client("s3", plane.user("hidden-from", ALLOW_S3))
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::hidden"}
    owner.put_bucket_policy(Bucket="hidden", Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    assert refusal(client.get_object, Bucket="hidden", Key="none")[:2] == ("AccessDenied", 403)
    owner.put_bucket_policy(
        Bucket="hidden", Policy=json.dumps({"Version": "2012-10-17", "Statement": {**statement, "Effect": "Allow"}})
    )
    nobody = plane.client("s3", signature_version=UNSIGNED)
    assert refusal(nobody.get_object, Bucket="hidden", Key="none")[:2] == ("AccessDenied", 403)


def test_a_copy_does_not_tell_that_its_source_is_missing(plane: InProcess) -> None:
    owner = plane.client("s3")
    for bucket in ("missing-copied-from", "missing-copied-to"):
        owner.create_bucket(Bucket=bucket)
    client = plane.client(
        "s3",
        plane.user(
            "copier",
            {"Effect": "Allow", "Action": "s3:*Object", "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::missing-copied-to"},
        ),
    )
    source = {"CopySource": "missing-copied-from/none"}
    assert refusal(client.copy_object, Bucket="missing-copied-to", Key="k", **source)[:2] == ("AccessDenied", 403)
    assert refusal(owner.copy_object, Bucket="missing-copied-to", Key="k", **source)[:2] == ("NoSuchKey", 404)


def test_the_owner_that_a_call_expects_of_a_bucket_is_checked(plane: InProcess) -> None:
    owner = plane.client("s3")
    owner.create_bucket(Bucket="owned")
    owner.put_object(Bucket="owned", Key="k", ExpectedBucketOwner="000000000000")
    assert refusal(owner.get_object, Bucket="owned", Key="k", ExpectedBucketOwner="1" * 12)[:2] == (
        "AccessDenied",
        403,
    )
    source = {"CopySource": "owned/k", "ExpectedSourceBucketOwner": "1" * 12}
    assert refusal(owner.copy_object, Bucket="owned", Key="l", **source)[:2] == ("AccessDenied", 403)
    assert refusal(owner.get_object, Bucket="owned", Key="k", ExpectedBucketOwner="me")[:2] == (
        "InvalidBucketOwnerAWSAccountID",
        400,
    )
    assert refusal(owner.get_object, Bucket="not-there", Key="k", ExpectedBucketOwner="1" * 12)[0] == "NoSuchBucket"

"""S3's ACLs, Object Ownership and Block Public Access: who gets in, who is refused, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from locum.core.identifiers import canonical_user_id
from support.inprocess import InProcess, refusal

ELSEWHERE = "555566667777"
HOME = "000000000000"
DENIED = ("AccessDenied", 403)
BLOCK = {
    "BlockPublicAcls": False,
    "IgnorePublicAcls": False,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}
_number = count()


@pytest.fixture(scope="module")
def foreign(plane: InProcess) -> Any:
    """The root user of another account."""
    return plane.client("s3", plane.account(ELSEWHERE))


def bucket(s3: Any, **more: Any) -> str:
    name = f"access-{next(_number)}"
    s3.create_bucket(Bucket=name, **more)
    s3.put_object(Bucket=name, Key="private", Body=b"private")
    return name


def document(name: str, **more: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | more]})


# -- ACLs ----------------------------------------------------------------------------------------------------


def test_a_public_object_is_everybodys_to_read_and_no_more(s3: Any, nobody: Any, foreign: Any) -> None:
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="open", Body=b"open", ACL="public-read")
    for client in (nobody, foreign):
        assert client.get_object(Bucket=name, Key="open")["Body"].read() == b"open"
        assert refusal(client.get_object, Bucket=name, Key="private")[:2] == DENIED
        assert refusal(client.get_object_acl, Bucket=name, Key="open")[:2] == DENIED
        assert refusal(client.put_object, Bucket=name, Key="open", Body=b"x")[:2] == DENIED
        assert refusal(client.delete_object, Bucket=name, Key="open")[:2] == DENIED
        assert refusal(client.list_objects_v2, Bucket=name)[:2] == DENIED


def test_a_public_bucket_is_listed_and_its_objects_stay_private(s3: Any, nobody: Any) -> None:
    name = bucket(s3, ACL="public-read")
    assert nobody.list_objects_v2(Bucket=name)["KeyCount"] == 1
    assert refusal(nobody.get_object, Bucket=name, Key="private")[:2] == DENIED
    assert refusal(nobody.put_object, Bucket=name, Key="new", Body=b"x")[:2] == DENIED
    assert refusal(nobody.get_bucket_acl, Bucket=name)[:2] == DENIED


def test_a_bucket_that_everybody_may_write_takes_objects_of_nobody(s3: Any, nobody: Any) -> None:
    name = bucket(s3, ACL="public-read-write")
    nobody.put_object(Bucket=name, Key="new", Body=b"x")
    assert s3.get_object(Bucket=name, Key="new")["Body"].read() == b"x"
    assert refusal(nobody.get_object, Bucket=name, Key="new")[:2] == DENIED
    nobody.put_object(Bucket=name, Key="acl", Body=b"x", ACL="public-read")
    assert refusal(nobody.put_object_acl, Bucket=name, Key="acl", ACL="public-read")[:2] == DENIED


def test_authenticated_read_is_for_those_who_sign(s3: Any, nobody: Any, foreign: Any) -> None:
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="known", Body=b"x", ACL="authenticated-read")
    assert foreign.get_object(Bucket=name, Key="known")["ContentLength"] == 1
    assert refusal(nobody.get_object, Bucket=name, Key="known")[:2] == DENIED


def test_a_grant_to_an_account_is_that_accounts(s3: Any, nobody: Any, foreign: Any, plane: InProcess) -> None:
    name = bucket(s3)
    grantee = f"id={canonical_user_id(ELSEWHERE)}"
    s3.put_object(Bucket=name, Key="shared", Body=b"x", GrantRead=grantee)
    assert foreign.get_object(Bucket=name, Key="shared")["ContentLength"] == 1
    assert refusal(foreign.get_object_acl, Bucket=name, Key="shared")[:2] == DENIED
    assert refusal(nobody.get_object, Bucket=name, Key="shared")[:2] == DENIED
    s3.put_object_acl(Bucket=name, Key="shared", GrantReadACP=grantee)
    assert foreign.get_object_acl(Bucket=name, Key="shared")["Grants"][0]["Grantee"]["ID"] == canonical_user_id(
        ELSEWHERE
    )
    assert refusal(foreign.get_object, Bucket=name, Key="shared")[:2] == DENIED
    own = plane.client("s3", plane.user("grant-nobody"))
    assert refusal(own.get_object, Bucket=name, Key="shared")[:2] == DENIED


def test_an_acl_in_the_body_counts_and_an_explicit_deny_wins(s3: Any, nobody: Any) -> None:
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="open", Body=b"x")
    grant = {
        "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
        "Permission": "READ",
    }
    owner = s3.get_object_acl(Bucket=name, Key="open")["Owner"]
    assert owner["ID"] == canonical_user_id(HOME)
    s3.put_object_acl(Bucket=name, Key="open", AccessControlPolicy={"Grants": [grant], "Owner": owner})
    assert nobody.get_object(Bucket=name, Key="open")["ContentLength"] == 1
    s3.put_bucket_policy(Bucket=name, Policy=document(name, Effect="Deny"))
    assert refusal(nobody.get_object, Bucket=name, Key="open")[:2] == DENIED


def test_an_object_of_a_multipart_upload_has_the_acl_that_it_was_begun_with(s3: Any, nobody: Any) -> None:
    name = bucket(s3, ACL="public-read")
    for acl, allowed in (("public-read", True), (None, False)):
        more = {} if acl is None else {"ACL": acl}
        upload = s3.create_multipart_upload(Bucket=name, Key="parts", **more)["UploadId"]
        part = s3.upload_part(Bucket=name, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
        s3.complete_multipart_upload(
            Bucket=name,
            Key="parts",
            UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        )
        if allowed:
            assert nobody.get_object(Bucket=name, Key="parts")["ContentLength"] == 1
        else:
            assert refusal(nobody.get_object, Bucket=name, Key="parts")[:2] == DENIED


def test_an_acl_that_is_none_is_refused(s3: Any) -> None:
    name = bucket(s3)
    assert refusal(s3.put_object, Bucket=name, Key="k", ACL="open")[:2] == ("InvalidArgument", 400)


# -- Object Ownership ----------------------------------------------------------------------------------------


def test_where_the_owner_enforces_its_ownership_acls_are_refused_and_do_not_count(
    s3: Any, nobody: Any, foreign: Any
) -> None:
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="open", Body=b"x", ACL="public-read")
    s3.put_bucket_policy(Bucket=name, Policy=document(name, Principal={"AWS": ELSEWHERE}))
    foreign.put_object(Bucket=name, Key="theirs", Body=b"theirs")
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=rules)
    assert refusal(nobody.get_object, Bucket=name, Key="open")[:2] == DENIED
    assert s3.get_object(Bucket=name, Key="theirs")["Body"].read() == b"theirs"
    refused = ("AccessControlListNotSupported", 400)
    assert refusal(s3.put_object, Bucket=name, Key="k", ACL="public-read")[:2] == refused
    assert refusal(s3.put_object, Bucket=name, Key="k", GrantRead="id=1")[:2] == refused
    assert refusal(s3.put_object_acl, Bucket=name, Key="open", ACL="private")[:2] == refused
    assert refusal(s3.put_bucket_acl, Bucket=name, ACL="private")[:2] == refused
    s3.put_object(Bucket=name, Key="k", ACL="bucket-owner-full-control")


def test_ownership_is_not_enforced_over_an_acl_that_grants_to_others(s3: Any) -> None:
    code = ("InvalidBucketAclWithObjectOwnership", 400)
    call: Callable[..., Any] = s3.create_bucket
    assert refusal(call, Bucket="acl-enforced", ACL="public-read", ObjectOwnership="BucketOwnerEnforced")[:2] == code
    name = bucket(s3, ACL="public-read")
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert refusal(s3.put_bucket_ownership_controls, Bucket=name, OwnershipControls=rules)[:2] == code


def test_an_object_is_of_the_account_that_wrote_it(s3: Any, foreign: Any, nobody: Any) -> None:
    name = bucket(s3)
    everything = {"Action": "s3:*", "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}
    s3.put_bucket_policy(Bucket=name, Policy=document(name, **everything))
    foreign.put_object(Bucket=name, Key="theirs", Body=b"theirs")
    assert foreign.get_object(Bucket=name, Key="theirs")["Body"].read() == b"theirs"
    for client in (s3, nobody):
        assert refusal(client.get_object, Bucket=name, Key="theirs")[:2] == DENIED
        assert refusal(client.get_object_acl, Bucket=name, Key="theirs")[:2] == DENIED
    foreign.put_object(Bucket=name, Key="theirs", Body=b"again")
    foreign.put_object_acl(Bucket=name, Key="theirs", ACL="bucket-owner-full-control")
    assert s3.get_object(Bucket=name, Key="theirs")["Body"].read() == b"again"
    assert s3.get_object_acl(Bucket=name, Key="theirs")["Owner"]["ID"] == canonical_user_id(ELSEWHERE)
    s3.delete_object(Bucket=name, Key="theirs")


def test_the_bucket_owner_may_be_preferred(s3: Any, foreign: Any) -> None:
    name = bucket(s3, ObjectOwnership="BucketOwnerPreferred")
    policy = document(name, Action="s3:*")
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    foreign.put_object(Bucket=name, Key="given", Body=b"x", ACL="bucket-owner-full-control")
    foreign.put_object(Bucket=name, Key="kept", Body=b"x")
    assert s3.get_object_acl(Bucket=name, Key="given")["Owner"]["ID"] == canonical_user_id(HOME)
    assert refusal(s3.get_object, Bucket=name, Key="kept")[:2] == DENIED


# -- Block Public Access -------------------------------------------------------------------------------------


def account_block(plane: InProcess, **settings: bool) -> Any:
    control = plane.client("s3control")
    control.put_public_access_block(AccountId=HOME, PublicAccessBlockConfiguration=BLOCK | settings)
    return lambda: control.delete_public_access_block(AccountId=HOME)


@pytest.fixture(params=["bucket", "account"])
def block(request: pytest.FixtureRequest, plane: InProcess, s3: Any) -> Any:
    """Turns settings on for a bucket, or for its account."""
    undone: list[Callable[[], None]] = []

    def on(name: str, **settings: bool) -> None:
        if request.param == "account":
            undone.append(account_block(plane, **settings))
        else:
            s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=BLOCK | settings)

    yield on
    for undo in undone:
        undo()


def test_a_public_policy_is_blocked(s3: Any, block: Any) -> None:
    name = bucket(s3)
    block(name, BlockPublicPolicy=True)
    code, status, text = refusal(s3.put_bucket_policy, Bucket=name, Policy=document(name))
    assert (code, status) == DENIED
    assert text == (
        f"User: arn:aws:iam::{HOME}:root is not authorized to perform: s3:PutBucketPolicy on resource: "
        f'"arn:aws:s3:::{name}" because public policies are blocked by the BlockPublicPolicy block public access '
        "setting."
    )
    s3.put_bucket_policy(Bucket=name, Policy=document(name, Principal={"AWS": HOME}))


def test_public_acls_are_blocked(s3: Any, block: Any) -> None:
    name = bucket(s3)
    block(name, BlockPublicAcls=True)
    everybody = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'
    assert refusal(s3.put_bucket_acl, Bucket=name, ACL="public-read")[:2] == DENIED
    assert refusal(s3.put_object_acl, Bucket=name, Key="private", ACL="public-read")[:2] == DENIED
    assert refusal(s3.put_object, Bucket=name, Key="k", ACL="authenticated-read")[:2] == DENIED
    assert refusal(s3.put_object, Bucket=name, Key="k", GrantRead=everybody)[:2] == DENIED
    assert refusal(s3.create_multipart_upload, Bucket=name, Key="k", ACL="public-read")[:2] == DENIED
    source = {"CopySource": f"{name}/private", "ACL": "public-read"}
    assert refusal(s3.copy_object, Bucket=name, Key="k", **source)[:2] == DENIED
    s3.put_object(Bucket=name, Key="k", ACL="private")


def test_an_account_may_block_public_acls_of_new_buckets(s3: Any, plane: InProcess) -> None:
    undo = account_block(plane, BlockPublicAcls=True)
    try:
        assert refusal(s3.create_bucket, Bucket="blocked-new", ACL="public-read")[:2] == DENIED
    finally:
        undo()


def test_public_acls_are_ignored(s3: Any, nobody: Any, foreign: Any, block: Any) -> None:
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="open", Body=b"x", ACL="public-read")
    s3.put_object(Bucket=name, Key="shared", Body=b"x", GrantRead=f"id={canonical_user_id(ELSEWHERE)}")
    assert nobody.get_object(Bucket=name, Key="open")["ContentLength"] == 1
    block(name, IgnorePublicAcls=True)
    assert refusal(nobody.get_object, Bucket=name, Key="open")[:2] == DENIED
    assert foreign.get_object(Bucket=name, Key="shared")["ContentLength"] == 1


def test_a_public_bucket_is_restricted_to_its_account(s3: Any, nobody: Any, foreign: Any, block: Any) -> None:
    name = bucket(s3)
    s3.put_bucket_policy(Bucket=name, Policy=document(name))
    for client in (nobody, foreign):
        assert client.get_object(Bucket=name, Key="private")["ContentLength"] == 7
    block(name, RestrictPublicBuckets=True)
    for client in (nobody, foreign):
        assert refusal(client.get_object, Bucket=name, Key="private")[:2] == DENIED
    assert s3.get_object(Bucket=name, Key="private")["ContentLength"] == 7
    s3.put_bucket_policy(Bucket=name, Policy=document(name, Principal={"AWS": ELSEWHERE}))
    assert foreign.get_object(Bucket=name, Key="private")["ContentLength"] == 7


# -- the status of a policy ----------------------------------------------------------------------------------


def test_the_status_of_a_policy_says_whether_it_is_public(s3: Any) -> None:
    name = bucket(s3)
    assert refusal(s3.get_bucket_policy_status, Bucket=name)[:2] == ("NoSuchBucketPolicy", 404)
    for more, public in (
        ({}, True),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/32"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
        ({"Principal": {"AWS": ELSEWHERE}}, False),
    ):
        s3.put_bucket_policy(Bucket=name, Policy=document(name, **more))
        assert s3.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is public


def test_accounts_have_canonical_ids_of_their_own(s3: Any, foreign: Any) -> None:
    name = bucket(s3)
    assert s3.list_buckets()["Owner"]["ID"] == canonical_user_id(HOME)
    assert foreign.list_buckets()["Owner"]["ID"] == canonical_user_id(ELSEWHERE)
    assert s3.get_bucket_acl(Bucket=name)["Grants"][0]["Grantee"]["ID"] == canonical_user_id(HOME)


def test_a_policy_may_name_a_canonical_id(s3: Any, foreign: Any, nobody: Any, plane: InProcess) -> None:
    name = bucket(s3)
    s3.put_bucket_policy(Bucket=name, Policy=document(name, Principal={"CanonicalUser": canonical_user_id(ELSEWHERE)}))
    assert foreign.get_object(Bucket=name, Key="private")["ContentLength"] == 7
    assert refusal(nobody.get_object, Bucket=name, Key="private")[:2] == DENIED
    third = plane.client("s3", plane.account("888899990000"))
    assert refusal(third.get_object, Bucket=name, Key="private")[:2] == DENIED

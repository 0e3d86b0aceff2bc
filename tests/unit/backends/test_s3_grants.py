"""ACLs of S3 buckets, objects and versions: what is told of them, what they grant, and which are refused."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from locum.backends.moto import s3_grants
from locum.core.identifiers import canonical_user_id
from support.inprocess import InProcess, refusal

HOME, ELSEWHERE = "000000000000", "666677778888"
OWN, OTHER = canonical_user_id(HOME), canonical_user_id(ELSEWHERE)
EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
ACCOUNTS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
DENIED = ("AccessDenied", 403)
NO_ACLS = ("AccessControlListNotSupported", 400)
CANNED = {
    "private": [],
    "public-read": [("READ", EVERYBODY)],
    "public-read-write": [("READ", EVERYBODY), ("WRITE", EVERYBODY)],
    "authenticated-read": [("READ", ACCOUNTS)],
}
_number = count()


@pytest.fixture(scope="module")
def foreign(plane: InProcess) -> Any:
    """The root user of another account."""
    return plane.client("s3", plane.account(ELSEWHERE))


def bucket(s3: Any, *allowed: str, versioned: bool = False, **more: Any) -> str:
    """A new bucket, whose policy allows the other account these actions on its objects."""
    name = f"grants-{next(_number)}"
    s3.create_bucket(Bucket=name, **more)
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if allowed:
        allow(s3, name, *allowed)
    return name


def allow(s3: Any, name: str, *actions: str, **more: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ELSEWHERE},
        "Action": list(actions),
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement | more]}))


def enforce(s3: Any, name: str) -> None:
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=rules)


def grants(answer: Any) -> list[tuple[str, str]]:
    return [(grant["Permission"], grant["Grantee"].get("ID") or grant["Grantee"]["URI"]) for grant in answer["Grants"]]


def body(*pairs: tuple[str, str]) -> dict[str, Any]:
    listed = [{"Grantee": {"Type": "CanonicalUser", "ID": who}, "Permission": what} for what, who in pairs]
    return {"Grants": listed, "Owner": {"ID": OWN}}


# -- what is told --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("acl", CANNED)
def test_a_canned_acl_is_told_grant_by_grant(s3: Any, acl: str) -> None:
    expected = [("FULL_CONTROL", OWN), *CANNED[acl]]
    name = bucket(s3, ACL=acl)
    s3.put_object(Bucket=name, Key="k", Body=b"x", ACL=acl)
    assert grants(s3.get_bucket_acl(Bucket=name)) == grants(s3.get_object_acl(Bucket=name, Key="k")) == expected
    again = bucket(s3)
    s3.put_bucket_acl(Bucket=again, ACL=acl)
    s3.put_object(Bucket=again, Key="k", Body=b"x")
    s3.put_object_acl(Bucket=again, Key="k", ACL=acl)
    assert grants(s3.get_bucket_acl(Bucket=again)) == grants(s3.get_object_acl(Bucket=again, Key="k")) == expected


def test_grants_of_headers_are_told_as_they_were_made(s3: Any, foreign: Any) -> None:
    asked: dict[str, Any] = {"GrantRead": f"id={OTHER}", "GrantWriteACP": f"id={OTHER}"}
    name = bucket(s3, **asked)
    assert grants(s3.get_bucket_acl(Bucket=name)) == [("READ", OTHER), ("WRITE_ACP", OTHER)]
    foreign.put_bucket_acl(Bucket=name, ACL="private")
    assert grants(s3.get_bucket_acl(Bucket=name)) == [("FULL_CONTROL", OWN)]


def test_an_acl_may_grant_nothing_at_all(s3: Any) -> None:
    name = bucket(s3)
    s3.put_bucket_acl(Bucket=name, AccessControlPolicy=body())
    assert grants(s3.get_bucket_acl(Bucket=name)) == []


def test_where_ownership_is_enforced_acls_tell_of_the_bucket_owner_alone_until_it_is_not(s3: Any, foreign: Any) -> None:
    name = bucket(s3, "s3:PutObject", ObjectOwnership="ObjectWriter")
    foreign.put_object(Bucket=name, Key="theirs", Body=b"x")
    s3.put_object(Bucket=name, Key="shared", Body=b"x", GrantRead=f"id={OTHER}")
    enforce(s3, name)
    for key in ("theirs", "shared"):
        told = s3.get_object_acl(Bucket=name, Key=key)
        assert (told["Owner"]["ID"], grants(told)) == (OWN, [("FULL_CONTROL", OWN)])
    assert refusal(foreign.get_object, Bucket=name, Key="shared")[:2] == DENIED
    s3.delete_bucket_ownership_controls(Bucket=name)
    assert foreign.get_object_acl(Bucket=name, Key="theirs")["Owner"]["ID"] == OTHER
    assert foreign.get_object(Bucket=name, Key="shared")["ContentLength"] == 1
    assert refusal(s3.get_object, Bucket=name, Key="theirs")[:2] == DENIED


# -- versions ------------------------------------------------------------------------------------------------


def test_each_version_has_an_acl_of_its_own(s3: Any, nobody: Any) -> None:
    name = bucket(s3, versioned=True)
    first, second, third = (s3.put_object(Bucket=name, Key="k", Body=b"x")["VersionId"] for _ in range(3))
    s3.put_object_acl(Bucket=name, Key="k", VersionId=second, ACL="public-read")
    assert nobody.get_object(Bucket=name, Key="k", VersionId=second)["ContentLength"] == 1
    for version in ({"VersionId": first}, {"VersionId": third}, {}):
        assert refusal(nobody.get_object, Bucket=name, Key="k", **version)[:2] == DENIED
        assert grants(s3.get_object_acl(Bucket=name, Key="k", **version)) == [("FULL_CONTROL", OWN)]
    s3.put_object_acl(Bucket=name, Key="k", ACL="public-read")
    assert nobody.get_object(Bucket=name, Key="k")["VersionId"] == third
    assert refusal(nobody.get_object, Bucket=name, Key="k", VersionId=first)[:2] == DENIED


def test_a_public_version_stays_public_under_a_delete_marker(s3: Any, nobody: Any) -> None:
    name = bucket(s3, versioned=True)
    version = s3.put_object(Bucket=name, Key="k", Body=b"x", ACL="public-read")["VersionId"]
    marker = s3.delete_object(Bucket=name, Key="k")["VersionId"]
    assert nobody.get_object(Bucket=name, Key="k", VersionId=version)["ContentLength"] == 1
    put = s3.put_object_acl
    assert refusal(put, Bucket=name, Key="k", VersionId=marker, ACL="private")[:2] == ("MethodNotAllowed", 405)
    assert refusal(put, Bucket=name, Key="k", VersionId="none", ACL="private")[:2] == ("NoSuchVersion", 404)


# -- who gives an object its ACL, and whose it is ---------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [{"ACL": "private"}, {"ACL": "bucket-owner-full-control"}, {"GrantRead": f"id={OWN}"}],
    ids=["private", "full-control", "grant"],
)
def test_who_may_put_an_object_in_anothers_bucket_gives_it_its_acl(s3: Any, foreign: Any, asked: Any) -> None:
    name = bucket(s3, "s3:PutObject")
    foreign.put_object(Bucket=name, Key="k", Body=b"x", **asked)
    foreign.create_multipart_upload(Bucket=name, Key="m", **asked)
    assert foreign.get_object_acl(Bucket=name, Key="k")["Owner"]["ID"] == OTHER
    allow(s3, name, "s3:PutObject", Effect="Deny")
    assert refusal(foreign.put_object, Bucket=name, Key="k", Body=b"x", **asked)[:2] == DENIED


def test_a_new_objects_acl_takes_the_permission_of_ones_own_account_and_no_denial(s3: Any, plane: InProcess) -> None:
    putting = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    own = plane.client("s3", plane.user("puts-without-acl", putting))
    name = bucket(s3)
    own.put_object(Bucket=name, Key="k", Body=b"x")
    assert refusal(own.put_object, Bucket=name, Key="k", Body=b"x", ACL="private")[:2] == DENIED
    allow(s3, name, "s3:PutObjectAcl", Effect="Deny", Principal="*")
    assert refusal(s3.put_object, Bucket=name, Key="k", Body=b"x", ACL="private")[:2] == DENIED


def test_the_bucket_owner_tags_what_it_does_not_own_and_lets_others(s3: Any, foreign: Any) -> None:
    name = bucket(s3, "s3:PutObject", ObjectOwnership="ObjectWriter")
    foreign.put_object(Bucket=name, Key="theirs", Body=b"x")
    tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
    s3.put_object_tagging(Bucket=name, Key="theirs", Tagging=tags)
    assert refusal(foreign.get_object_tagging, Bucket=name, Key="theirs")[:2] == DENIED
    allow(s3, name, "s3:*")
    assert foreign.get_object_tagging(Bucket=name, Key="theirs")["TagSet"] == tags["TagSet"]
    foreign.put_object(Bucket=name, Key="theirs", Body=b"again", Tagging="k=v")
    assert refusal(s3.get_object, Bucket=name, Key="theirs")[:2] == DENIED
    s3.put_object(Bucket=name, Key="theirs", Body=b"own", ACL="private")
    assert s3.get_object(Bucket=name, Key="theirs")["Body"].read() == b"own"


@pytest.mark.parametrize(
    "asked",
    [{"ACL": "bucket-owner-full-control"}, {"GrantFullControl": f'id="{OWN}"'}],
    ids=["canned", "grant"],
)
def test_where_ownership_is_enforced_full_control_of_the_bucket_owner_is_accepted(
    s3: Any, foreign: Any, asked: Any
) -> None:
    name = bucket(s3, "s3:PutObject", ObjectOwnership="BucketOwnerEnforced")
    for client in (s3, foreign):
        client.put_object(Bucket=name, Key="k", Body=b"x", **asked)
        assert s3.get_object_acl(Bucket=name, Key="k")["Owner"]["ID"] == OWN


def test_where_ownership_is_enforced_nothing_is_granted_to_others(s3: Any, foreign: Any) -> None:
    name = bucket(s3, "s3:PutObject", ObjectOwnership="BucketOwnerEnforced")
    s3.put_object(Bucket=name, Key="k", Body=b"x", ACL="private")
    for acl in ("private", "public-read", "aws-exec-read"):
        assert refusal(foreign.put_object, Bucket=name, Key="k", Body=b"x", ACL=acl)[:2] == NO_ACLS
    assert refusal(s3.put_object, Bucket=name, Key="k", Body=b"x", GrantRead=f"id={OTHER}")[:2] == NO_ACLS


# -- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("id=_foo", ("InvalidArgument", 400)),
        ("uri=http://example.com/everybody", ("InvalidArgument", 400)),
        ("emailAddress=someone@example.com", ("MethodNotAllowed", 405)),
    ],
)
def test_a_grantee_that_s3_does_not_take_is_refused(s3: Any, header: str, code: tuple[str, int]) -> None:
    name = bucket(s3)
    assert refusal(s3.put_object, Bucket=name, Key="k", Body=b"x", GrantRead=header)[:2] == code
    assert refusal(s3.put_bucket_acl, Bucket=name, GrantRead=header)[:2] == code
    assert refusal(s3.create_bucket, Bucket="grants-refused", GrantRead=header)[:2] == code


def test_a_header_of_any_length_is_read_once() -> None:
    """And not once from each of its characters, which would take hours."""
    assert list(s3_grants.asked({"GrantRead": "a" * 1_000_000})) == []
    assert list(s3_grants.asked({"GrantRead": f'id = "{OTHER}",uri={EVERYBODY}'})) == [
        (s3_grants.Grantee("id", OTHER), "READ"),
        (s3_grants.Grantee("uri", EVERYBODY), "READ"),
    ]


def test_an_acl_is_in_the_headers_or_in_the_body(s3: Any) -> None:
    name = bucket(s3)
    call = s3.put_bucket_acl
    both = {"GrantWrite": f"id={OTHER}", "AccessControlPolicy": body(("READ", OTHER))}
    assert refusal(call, Bucket=name, **both)[:2] == ("UnexpectedContent", 400)
    nonexistent = body(("FULL_CONTROL", "_foo"))
    assert refusal(call, Bucket=name, AccessControlPolicy=nonexistent)[:2] == ("InvalidArgument", 400)


def test_a_bucket_that_is_made_again_has_its_acl_anew_and_all_else_as_it_was(s3: Any, foreign: Any) -> None:
    name = bucket(s3, ACL="public-read", ObjectOwnership="ObjectWriter")
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    s3.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerEnforced")
    assert grants(s3.get_bucket_acl(Bucket=name)) == [("FULL_CONTROL", OWN)]
    rules = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "ObjectWriter"}]
    assert s3.get_object(Bucket=name, Key="k")["ContentLength"] == 1
    assert refusal(foreign.create_bucket, Bucket=name)[:2] == ("BucketAlreadyExists", 409)

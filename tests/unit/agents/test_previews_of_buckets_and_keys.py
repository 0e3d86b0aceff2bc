"""Access previews of what lets others in beside a policy: the ACLs of buckets, and the grants of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from locum.core.identifiers import canonical_user_id
from support.inprocess import InProcess
from support.plane import document
from support.trails import ACCOUNT
from unit.agents.test_access_previews import BY_MEMBER, OTHERS, Previews
from unit.agents.test_analyzers import AWAY, bucket, statement

GROUPS: Final = "http://acs.amazonaws.com/groups"
EVERYONE: Final = f"{GROUPS}/global/AllUsers"
OPEN: Final = {"ignorePublicAcls": False, "restrictPublicBuckets": False}
NEW: Final = BY_MEMBER["s3Bucket"].arn
KEY: Final = BY_MEMBER["kmsKey"].arn


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test, after which the account blocks nothing (moto is one for all planes)."""
    running = InProcess(tmp_path)
    yield running
    running.client("s3control").delete_public_access_block(AccountId=ACCOUNT)
    running.close()


@pytest.fixture
def previews(plane: InProcess) -> Previews:
    return Previews(plane)


def granted(permission: str, **grantee: str) -> dict[str, Any]:
    """A grant of an ACL in a configuration."""
    return {"permission": permission, "grantee": grantee}


def of_bucket(previews: Previews, arn: str, **content: Any) -> list[tuple[Any, ...]]:
    """Who would be let in, to do what, publicly or not, as a change."""
    found = previews.found(arn, {"s3Bucket": content})
    return sorted((str(it["principal"]), it["action"], it["isPublic"], it["changeType"]) for it in found)


def listed(arn: str, principal: Any = "*") -> str:
    return document(statement(principal, "s3:ListBucket", arn))


LISTS: Final = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]
PUBLIC: Final = str({"AWS": "*"})


def test_the_acl_of_a_new_bucket_is_what_is_proposed(previews: Previews) -> None:
    stranger = canonical_user_id(AWAY)
    assert of_bucket(previews, NEW, bucketAclGrants=[granted("READ", uri=EVERYONE)]) == [(PUBLIC, LISTS, True, "NEW")]
    own = granted("FULL_CONTROL", id=canonical_user_id(ACCOUNT))
    assert of_bucket(previews, NEW, bucketAclGrants=[own, granted("READ_ACP", id=stranger)]) == [
        (str({"CanonicalUser": stranger}), ["s3:GetBucketAcl"], False, "NEW")
    ]
    logs = granted("WRITE", uri=f"{GROUPS}/s3/LogDelivery")
    assert of_bucket(previews, NEW, bucketAclGrants=[own, logs]) == []


def test_block_public_access_is_that_of_the_bucket_and_of_its_account(previews: Previews) -> None:
    acl = [granted("READ", uri=EVERYONE)]
    ignoring = {**OPEN, "ignorePublicAcls": True}
    restricting = {**OPEN, "restrictPublicBuckets": True}
    assert of_bucket(previews, NEW, bucketAclGrants=acl, bucketPublicAccessBlock=ignoring) == []
    assert of_bucket(previews, NEW, bucketPolicy=listed(NEW), bucketPublicAccessBlock=restricting) == []
    assert len(of_bucket(previews, NEW, bucketPolicy=listed(NEW), bucketPublicAccessBlock=ignoring)) == 1
    shared = listed(NEW, OTHERS)
    assert len(of_bucket(previews, NEW, bucketPolicy=shared, bucketPublicAccessBlock=restricting)) == 1
    settings = {"BlockPublicAcls": False, "IgnorePublicAcls": True, "BlockPublicPolicy": False}
    previews.plane.client("s3control").put_public_access_block(
        AccountId=ACCOUNT, PublicAccessBlockConfiguration={**settings, "RestrictPublicBuckets": True}
    )
    assert of_bucket(previews, NEW, bucketAclGrants=acl, bucketPublicAccessBlock=OPEN) == []
    assert of_bucket(previews, NEW, bucketPolicy=listed(NEW), bucketPublicAccessBlock=OPEN) == []


def test_what_is_left_out_is_as_the_bucket_has_it(previews: Previews) -> None:
    plane = previews.plane
    arn, s3 = bucket(plane), plane.client("s3")
    name = arn.rpartition(":")[2]
    s3.put_bucket_policy(Bucket=name, Policy=listed(arn, OTHERS))
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    plane.analyze()
    shared, public = (str({"AWS": AWAY}), ["s3:ListBucket"], False), (PUBLIC, LISTS, True)
    assert of_bucket(previews, arn) == [(*public, "UNCHANGED"), (*shared, "UNCHANGED")]
    assert of_bucket(previews, arn, bucketPolicy="") == [(*public, "UNCHANGED"), (*shared, "CHANGED")]
    assert of_bucket(previews, arn, bucketAclGrants=[]) == [(*public, "CHANGED"), (*shared, "UNCHANGED")]
    blocked = {**OPEN, "ignorePublicAcls": True}
    assert of_bucket(previews, arn, bucketPublicAccessBlock=blocked) == [
        (*public, "CHANGED"),
        (*shared, "UNCHANGED"),
    ]
    s3.put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration={"IgnorePublicAcls": True, "RestrictPublicBuckets": True}
    )
    assert of_bucket(previews, arn)[0] == (*public, "CHANGED")
    assert of_bucket(previews, arn, bucketPublicAccessBlock=OPEN)[0] == (*public, "UNCHANGED")


def test_acls_that_are_previewed_are_found_when_they_are_set(previews: Previews) -> None:
    plane = previews.plane
    arn, s3, stranger = bucket(plane), plane.client("s3"), canonical_user_id(AWAY)
    name = arn.rpartition(":")[2]
    proposed = [granted("READ", uri=EVERYONE), granted("FULL_CONTROL", id=stranger)]
    s3.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    assert of_bucket(previews, arn, bucketAclGrants=proposed) == [], "the owner enforces its ownership"
    s3.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    before = of_bucket(previews, arn, bucketAclGrants=proposed)
    assert {it[0] for it in before} == {PUBLIC, str({"CanonicalUser": stranger})}
    s3.put_bucket_acl(Bucket=name, GrantRead=f"uri={EVERYONE}", GrantFullControl=f"id={stranger}")
    plane.analyze()
    found = previews.analyzer.findings(arn)
    after = sorted((str(it["principal"]), it["action"], it["isPublic"]) for it in found)
    assert after == [it[:3] for it in before]


@pytest.mark.parametrize("grantee", [{"uri": f"{GROUPS}/global/Nobody"}, {"id": "someone"}, {"id": AWAY}])
def test_attack_a_grantee_that_is_none_is_not_overlooked(previews: Previews, grantee: dict[str, str]) -> None:
    made = previews.made(NEW, {"s3Bucket": {"bucketAclGrants": [granted("READ", **grantee)]}})
    assert made["statusReason"] == {"code": "INVALID_CONFIGURATION"}


# -- keys ------------------------------------------------------------------------------------------------


def grant(principal: str, *operations: str, **more: Any) -> dict[str, Any]:
    """A grant of a key in a configuration."""
    return {"granteePrincipal": principal, "operations": list(operations), "issuingAccount": ACCOUNT, **more}


def test_grants_of_keys_are_access(previews: Previews) -> None:
    away, own = f"arn:aws:iam::{AWAY}:role/uses", f"arn:aws:iam::{ACCOUNT}:role/uses"
    context = {"encryptionContextEquals": {"department": "it"}}
    (found,) = previews.found(KEY, {"kmsKey": {"grants": [grant(away, "Decrypt", "Encrypt", constraints=context)]}})
    assert (found["principal"], found["action"]) == ({"AWS": away}, ["kms:Decrypt", "kms:Encrypt"])
    (found,) = previews.found(KEY, {"kmsKey": {"grants": [grant(own, "Decrypt", retiringPrincipal=away)]}})
    assert (found["principal"], found["action"]) == ({"AWS": away}, ["kms:RetireGrant"])
    assert previews.found(KEY, {"kmsKey": {"grants": [grant(own, "Decrypt")]}}) == []
    assert previews.found(KEY, {"kmsKey": {"grants": [grant("rds.amazonaws.com", "Decrypt")]}}) == []
    denied = document({**statement("*", "kms:*", "*"), "Effect": "Deny"})
    content = {"grants": [grant(away, "Decrypt")], "keyPolicies": {"default": denied}}
    assert previews.found(KEY, {"kmsKey": content}) == []
    made = previews.made(KEY, {"kmsKey": {"grants": [grant("*", "Decrypt")]}})
    assert made["statusReason"] == {"code": "INVALID_CONFIGURATION"}


def test_grants_that_there_are_count_unless_others_are_proposed(previews: Previews) -> None:
    kms = previews.plane.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_grant(KeyId=arn, GranteePrincipal=f"arn:aws:iam::{AWAY}:role/uses", Operations=["Decrypt"])
    (found,) = previews.found(arn, {"kmsKey": {}})
    assert found["action"] == ["kms:Decrypt"]
    assert previews.found(arn, {"kmsKey": {"grants": []}}) == []

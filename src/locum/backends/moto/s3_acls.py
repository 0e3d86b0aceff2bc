"""The ACLs and public policies that S3 refuses, and whether a policy is public.

Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", "Controlling ownership of objects and
disabling ACLs for your bucket".
"""

from __future__ import annotations

from typing import Any, Final

from locum.backends.moto import access_points, s3_grants
from locum.backends.moto.s3_access import ENFORCED, Block, block_of
from locum.backends.moto.s3_owners import bucket_of
from locum.backends.port import BackendCall
from locum.backends.public_policies import is_public
from locum.core.arn import BUCKETS, Arn
from locum.core.errors import Fault
from locum.core.http import HttpResponse

_SETTING: Final = frozenset({"PutBucketAcl", "PutObjectAcl"})
_MAKING: Final = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})
_ENFORCED_TEXT: Final = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"


def check(call: BackendCall) -> None:
    """Raise Fault for an ACL or a policy that the bucket's ownership or Block Public Access does not allow."""
    operation, params = call.operation, call.params
    if params.get("ACL", "private") not in s3_grants.CANNED_ACLS:
        members = {"ArgumentName": "x-amz-acl", "ArgumentValue": str(params["ACL"])}
        raise Fault("InvalidArgument", "Unknown canned ACL", 400, members=members)
    if operation == "CreateBucket":
        _check_new_bucket(call)
        return
    if operation not in _SETTING | _MAKING and operation not in ("PutBucketPolicy", "PutBucketOwnershipControls"):
        return
    bucket = bucket_of(call)
    if bucket is None:
        return
    if operation == "PutBucketPolicy":
        if block_of(call.account, bucket).policy and is_public(_text(params.get("Policy", ""))):
            raise _blocked(call, "public policies", "BlockPublicPolicy")
    elif operation == "PutBucketOwnershipControls":
        rules = params.get("OwnershipControls", {}).get("Rules") or ()
        enforcing = any(rule.get("ObjectOwnership") == ENFORCED for rule in rules)
        if enforcing and s3_grants.grants_others(bucket.acl, call.account):
            raise Fault("InvalidBucketAclWithObjectOwnership", _ENFORCED_TEXT, 400)
    elif operation in _SETTING or s3_grants.is_given(params):
        _check_acl(call, bucket)


def _check_new_bucket(call: BackendCall) -> None:
    params = call.params
    given = params.get("ACL", "private") != "private" or any(params.get(name) for name in s3_grants.GRANT_HEADERS)
    if given and params.get("ObjectOwnership") == ENFORCED:
        raise Fault("InvalidBucketAclWithObjectOwnership", _ENFORCED_TEXT, 400)
    s3_grants.check_acl(params)
    if block_of(call.account).acls and s3_grants.is_public(params):
        raise _blocked(call, "public access control lists (ACLs)", "BlockPublicAcls")


def _check_acl(call: BackendCall, bucket: Any) -> None:
    params = call.params
    if bucket.ownership_rule == ENFORCED and (
        call.operation in _SETTING
        or not s3_grants.is_accepted_where_enforced(params, call.origin.account, call.account)
    ):
        raise Fault("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)
    s3_grants.check_acl(params)
    if s3_grants.is_public(params) and _block(call, bucket).acls:
        raise _blocked(call, "public access control lists (ACLs)", "BlockPublicAcls")


def _block(call: BackendCall, bucket: Any) -> Block:
    """The settings of Block Public Access for a call, which may come through an access point."""
    point = access_points.find(Arn.parse(call.access_point)) if call.access_point else None
    return block_of(call.account, bucket) if point is None else access_points.block(point)


def _blocked(call: BackendCall, what: str, setting: str) -> Fault:
    """The error of Block Public Access."""
    key = call.params.get("Key")
    arn = f"{BUCKETS}{call.params.get('Bucket', '')}{f'/{key}' if key else ''}"
    action = call.operation if call.operation in _SETTING | {"PutBucketPolicy", "CreateBucket"} else "PutObject"
    who = f"User: {call.origin.arn} is" if call.origin.arn else "Anonymous is"
    return Fault(
        "AccessDenied",
        f'{who} not authorized to perform: s3:{action} on resource: "{arn}" because {what} are blocked by the '
        f"{setting} block public access setting.",
        403,
    )


def policy_status(call: BackendCall, response: HttpResponse) -> HttpResponse:
    """The answer to GetBucketPolicyStatus: moto takes every condition for one that restricts."""
    bucket = bucket_of(call)
    if response.status >= 300 or bucket is None or bucket.policy is None:
        return response
    return call.codec.serialize({"PolicyStatus": {"IsPublic": is_public(_text(bucket.policy))}}, "")


def _text(policy: Any) -> str:
    return policy.decode("utf-8", "replace") if isinstance(policy, bytes) else str(policy)

"""Amazon S3: buckets, objects, access points, copy sources, object tags, and the bucket policy of objects."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from locum.authz.call import Call, Check, Value
from locum.authz.functions import Circumstances, Functions, Values, as_values
from locum.authz.tags import pairs
from locum.core.arn import BUCKETS
from locum.core.clock import iso8601
from locum.core.errors import Fault
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.core.principal import PrincipalKind
from locum.core.resources import ResourceFacts
from locum.policy import CompiledPolicy, PolicyKind
from locum.policy.stored import compiled
from locum.state import State

# S3 API, PutBucketPolicy: "the root principal in a bucket owner's AWS account can perform the GetBucketPolicy,
# PutBucketPolicy, and DeleteBucketPolicy API actions, even if their bucket policy explicitly denies the root
# principal's access".
# [U] So can it for the policies of access points.
_OWNER_ROOT_ACTIONS: Final = frozenset(
    f"s3:{verb}{kind}Policy" for verb in ("Delete", "Get", "Put") for kind in ("Bucket", "AccessPoint")
)

# The caller will own the bucket. Whether another account has one of that name is for S3 to answer.
_CREATING_ACTIONS: Final = frozenset({"s3:CreateBucket", "s3:CreateAccessPoint"})


def _s3_bucket(state: State, call: Call, values: Values) -> Iterable[str]:
    bucket = values[0] or UNKNOWN
    return (arn_of("" if str(bucket).startswith("arn:") else BUCKETS, bucket),)


def s3_object(state: State, call: Call, values: Values) -> Iterable[str]:
    """An object. Through an access point, its ARN has `/object/` before the key."""
    bucket, key = values
    if bucket is not None and bucket.startswith("arn:"):
        return (arn_of(f"{bucket}/object/", key or UNKNOWN),)
    return (arn_of(BUCKETS, bucket or UNKNOWN, "/", key or UNKNOWN),)


_SOURCE: Final = re.compile(r"(?P<path>[^?#;\x00-\x1f]+)(?:\?versionId=(?P<version>[^?#&;\x00-\x20]*))?")
_SOURCE_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|arn:aws:s3:[a-z0-9-]+:[0-9]{12}:accesspoint/[a-z0-9-]+")


def s3_source(text: str) -> tuple[str, str, str]:
    """Parse an x-amz-copy-source header: bucket, key and version of `/bucket/key?versionId=v`, URL-encoded.

    Raises Fault InvalidArgument for ambiguous values (a scheme, a fragment, further parameters, two leading slashes),
    which the backend might parse to another object than the one that is decided on here.
    """
    found = _SOURCE.fullmatch(text)
    path = unquote(found["path"]).removeprefix("/") if found is not None else ""
    bucket, _, key = path.partition("/object/" if path.startswith("arn:") else "/")
    if found is None or not key or not _SOURCE_BUCKET.fullmatch(bucket):
        raise Fault(
            "InvalidArgument",
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            members={"ArgumentName": "x-amz-copy-source", "ArgumentValue": text},
        )
    return bucket, key, unquote(found["version"] or "")


def _s3_renamed(state: State, call: Call, values: Values) -> Iterable[str]:
    bucket, source = values
    return s3_object(state, call, (bucket, unquote(source or "").removeprefix("/")))


def _copy_source(state: State, call: Call) -> Iterator[Check]:
    """The read permission on the source of CopyObject and UploadPartCopy, or on its version.

    "you must have read access to the source object".
    """
    bucket, key, version = s3_source(str(call.params.get("CopySource", "")))
    context: dict[str, Value] = {"s3:versionid": version} if version else {}
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    for arn in s3_object(state, call, (bucket, key)):
        yield Check(action, arn, "source", context)


def object_tags(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a request sets on an object, in the x-amz-tagging header or in a tag set in the body."""
    return pairs(params.get("Tagging") or ())


def _requested_object_tags(subject: Circumstances) -> Mapping[str, str]:
    return object_tags(subject.call.params) if subject.call.service == "s3" else {}


def _existing_object_tags(subject: Circumstances) -> Mapping[str, str]:
    """s3:ExistingObjectTag: the tags of the object, or of that version of it which the call names."""
    facts = subject.facts
    version = subject.check.context.get("s3:versionid") or subject.call.params.get("VersionId")
    if not version:
        return facts.tags or {}
    tags: Mapping[str, str] = json.loads(facts.attributes.get(f"tags/{version}", "{}"))
    return tags


def _access_point_tags(subject: Circumstances) -> Mapping[str, str]:
    """s3:AccessPointTag: the tags of the access point, also where the resource is an object behind it."""
    tags: Mapping[str, str] = json.loads(subject.facts.attributes.get("access_point_tags", "{}"))
    return tags


def _object_tag_keys(state: State, call: Call, check: Check) -> list[str]:
    return list(object_tags(call.params))


def _auth_type(state: State, call: Call, check: Check) -> list[str]:
    """s3:authType: REST-HEADER, REST-QUERY-STRING for a presigned URL, or POST for a form."""
    return [call.signing.mechanism] if call.caller.access_key_id else []


def _signature_version(state: State, call: Call, check: Check) -> list[str]:
    return [call.signing.algorithm] if call.caller.access_key_id else []


def _signature_age(state: State, call: Call, check: Check) -> list[str]:
    """s3:signatureAge, in milliseconds: of presigned URLs and forms."""
    return [] if call.signing.age is None else [str(call.signing.age)]


def _content_sha256(state: State, call: Call, check: Check) -> list[str]:
    """s3:x-amz-content-sha256: "does not support the x-amz-content-sha256 header as a query string parameter"."""
    return as_values(call.signing.payload)


_ACCESS_POINT: Final = re.compile(r"(arn:[^:]*:s3:[^:]+:([0-9]{12}):accesspoint/[^/]+)(?:/object/.*)?", re.DOTALL)


def _access_point(state: State, call: Call, check: Check) -> list[str]:
    """s3:DataAccessPointArn: the access point that the call is for, or by which it comes."""
    found = _ACCESS_POINT.fullmatch(check.resource)
    return [] if found is None else [found[1]]


def _access_point_account(state: State, call: Call, check: Check) -> list[str]:
    """s3:DataAccessPointAccount: the account that owns the access point."""
    found = _ACCESS_POINT.fullmatch(check.resource)
    return [] if found is None else [found[2]]


_DAY: Final = 86_400


def _retain_until(state: State, call: Call, check: Check) -> list[str]:
    """s3:object-lock-retain-until-date: until when the request locks the object."""
    until = _locked_until(call.params)
    return [] if until is None else [iso8601(until)]


def _remaining_retention(state: State, call: Call, check: Check) -> list[str]:
    """s3:object-lock-remaining-retention-days: for how many days from now the request locks the object."""
    until = _locked_until(call.params)
    return [] if until is None else [str(math.ceil((until - call.now) / _DAY))]


def _locked_until(params: Mapping[str, Any]) -> float | None:
    until = params.get("ObjectLockRetainUntilDate") or (params.get("Retention") or {}).get("RetainUntilDate")
    if isinstance(until, str):
        until = datetime.fromisoformat(until)
    return until.timestamp() if isinstance(until, datetime) else until


def _network_origin(state: State, call: Call, check: Check) -> list[str]:
    """s3:AccessPointNetworkOrigin of an access point that is created."""
    return ["VPC" if call.params.get("VpcConfiguration") else "Internet"]


def _encryption(subject: Circumstances) -> Value | None:
    """s3:x-amz-server-side-encryption: of the request, or of the upload that it goes on with.

    A part of an upload is encrypted as the upload is, and has no such header.
    """
    params = subject.call.params
    asked = params.get("ServerSideEncryption") or subject.facts.attributes.get(f"encryption/{params.get('UploadId')}")
    return None if asked is None else str(asked)


_MAKING: Final = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})
_OF_INITIATOR: Final = frozenset({"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"})


def _granted(call: Call, check: Check, facts: ResourceFacts) -> CompiledPolicy | None:
    """The permissions that the caller's own account decides on, where the bucket policy says nothing; else None.

    1. Who writes an object owns it, and gives it its ACL: the bucket policy has to allow s3:PutObject alone ("Granting
       cross-account permissions to upload objects while ensuring that the bucket owner has full control"). Services,
       and nobody in particular, have no account that would say anything.
    2. "By default, the bucket owner and the initiator of the multipart upload are allowed to perform the
       s3:AbortMultipartUpload action", and to list its parts.
    """
    account = call.caller.account
    initiator = facts.attributes.get(f"initiator/{call.params.get('UploadId', '')}")
    new_acl = check.action == "s3:PutObjectAcl" and call.operation in _MAKING
    if not new_acl and not (check.action in _OF_INITIATOR and account and account == initiator):
        return None
    principal = call.caller.principal
    if principal.kind is PrincipalKind.SERVICE:
        who = f'{{"Service": "{principal.arn}"}}'
    else:
        who = f'{{"AWS": "{account}"}}' if account else '"*"'
    return compiled(_OWN_DECISION % who, PolicyKind.RESOURCE, "S3")


_OWN_DECISION: Final = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": %s, "Action": "s3:*", "Resource": "*"}]}'
)


def _policy(action: str, arn: str, text: str) -> CompiledPolicy:
    """The policy of a bucket or an access point, which is also that of the objects in it."""
    bucket = arn.partition("/" if arn.startswith(BUCKETS) else "/object/")[0]
    return compiled(text, PolicyKind.RESOURCE, f"policy of {bucket}", bucket)


FUNCTIONS: Final = Functions(
    planners={"copy_source": _copy_source},
    resolvers={"s3_bucket": _s3_bucket, "s3_object": s3_object, "s3_renamed": _s3_renamed},
    keys={
        "access_point": _access_point,
        "access_point_account": _access_point_account,
        "auth_type": _auth_type,
        "network_origin": _network_origin,
        "object_tag_keys": _object_tag_keys,
        "remaining_retention": _remaining_retention,
        "retain_until": _retain_until,
        "signature_version": _signature_version,
        "signature_age": _signature_age,
        "content_sha256": _content_sha256,
    },
    readers={
        "s3:resourceaccount": lambda subject: subject.account or None,
        "s3:x-amz-server-side-encryption": _encryption,
    },
    tags={
        "s3:existingobjecttag": _existing_object_tags,
        "s3:requestobjecttag": _requested_object_tags,
        "s3:accesspointtag": _access_point_tags,
    },
    policy=_policy,
    granted=_granted,
    owner_root_actions=_OWNER_ROOT_ACTIONS,
    creating_actions=_CREATING_ACTIONS,
)

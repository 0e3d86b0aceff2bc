"""Answers of S3 that tell whether something is there, and to whom.

S3 API Reference, GetObject: "If the object you request doesn't exist, the error that Amazon S3 returns depends
on whether you also have the s3:ListBucket permission": 404 with it, 403 without. A listing of the key would have that
key as its prefix, so that a policy with a condition on s3:prefix lets those know who may list there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.authz import Authorization, Check, decide_further
from locum.authz.services.s3 import s3_source
from locum.calls.errors_in_answers import error_in
from locum.core.arn import BUCKETS
from locum.core.calls import Call
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.core.s3_errors import METHOD_NOT_ALLOWED, NO_SUCH_BUCKET, NO_SUCH_KEY
from locum.policy import Verdict
from locum.state import State

_FROM_SOURCE: Final = frozenset({"CopyObject", "UploadPartCopy"})
OF_BUCKET_OWNER: Final = frozenset({"GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"})
"""The operations of S3 that the account of the bucket alone may carry out (`check_account`)."""
_ABSENT: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
"""The errors for an object that is not there; the answer to a HEAD has its status alone."""


def listing_of(call: Call, answer: HttpResponse) -> Check | None:
    """The permission without which a caller may not know that an object is missing; None where `answer` tells no such.

    Of a copy, it is the source that is missing.
    """
    error = error_in(answer)
    if error is None or error.code not in _ABSENT:
        return None
    bucket, key, kind = call.params.get("Bucket"), call.params.get("Key"), "bucket"
    if call.operation in _FROM_SOURCE:
        kind = "source"
        bucket, key, _ = s3_source(str(call.params.get("CopySource", "")))
    if not bucket or not key:
        return None
    return Check("s3:ListBucket", f"{BUCKETS}{bucket}", kind, {"s3:prefix": key})


def absence(state: State, authorization: Authorization, facts: Mapping[str, ResourceFacts]) -> Fault | None:
    """The error in place of AccessDenied, for a call that is refused, where what it names is not there; else None.

    Nobody in particular is told that there is no such bucket. An object that is not there has no ACL to grant it: who
    may list the bucket by the ACL of that is told so.
    """
    call, failing = authorization.call, authorization.failing
    if failing is None or "Bucket" not in call.params or call.operation == "CreateBucket":
        return None
    found = facts.get(failing.check.resource, UNKNOWN)
    absent = found.attributes.get("absent")
    bucket, _, key = failing.check.resource.partition("/")
    if absent == "bucket" and not call.caller.account:
        members = {"BucketName": bucket.rpartition(":")[2]}
        return Fault(*NO_SUCH_BUCKET, members=members)
    if absent == "key" and failing.check.action == "s3:GetObject":
        listing = Check("s3:ListBucket", bucket, "bucket", {"s3:prefix": key})
        denied = failing.decision.verdict is not Verdict.IMPLICIT_DENY
        if not denied and decide_further(state, call, listing, lambda arn: found).allowed:
            return Fault(*NO_SUCH_KEY, members={"Key": key})
    return None


def check_account(call: Call, account: str) -> None:
    """Raise Fault MethodNotAllowed for one of OF_BUCKET_OWNER, though allowed, on the bucket of another account.

    S3 API Reference, PutBucketPolicy: "If you have the correct permissions, but you're not using an identity that
    belongs to the bucket owner's account, Amazon S3 returns a 405 Method Not Allowed error."
    """
    if call.caller.account != account:
        raise Fault(*METHOD_NOT_ALLOWED)

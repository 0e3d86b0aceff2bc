"""Answers that S3 itself gives only to callers with further permissions.

S3 API Reference, GetObject: "If the object you request doesn't exist, the error that Amazon S3 returns depends
on whether you also have the s3:ListBucket permission": 404 with it, 403 without.
"""

from __future__ import annotations

from typing import Final

from locum import authz
from locum.core.calls import Call
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.state import State

_ON_OBJECTS: Final = frozenset({"GetObject", "HeadObject", "GetObjectAttributes", "GetObjectTagging", "GetObjectAcl"})


def withhold_absence(state: State, call: Call, answer: HttpResponse) -> None:
    """Raise Fault AccessDenied where `answer` would tell a caller who may not list that an object is missing."""
    if answer.status != 404 or call.operation not in _ON_OBJECTS:
        return
    bucket = f"arn:aws:s3:::{call.params['Bucket']}"
    if not authz.may(state, call, "s3:ListBucket", bucket):
        raise Fault("AccessDenied", "Access Denied", 403)

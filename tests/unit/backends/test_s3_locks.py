"""Object Lock of S3: what is kept, what may not be loosened, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from support.inprocess import InProcess, refusal

SOONER, LATER = datetime(2090, 1, 1, tzinfo=UTC), datetime(2090, 1, 3, tzinfo=UTC)
PROTECTED = ("AccessDenied", 403, "Access Denied because object protected by object lock.")
_number = count()


def bucket(s3: Any, **more: Any) -> str:
    name = f"locks-{next(_number)}"
    s3.create_bucket(Bucket=name, **more)
    return name


def locked(s3: Any, mode: str) -> dict[str, Any]:
    """A new version that is locked until the later of both times."""
    name = bucket(s3, ObjectLockEnabledForBucket=True)
    version = s3.put_object(Bucket=name, Key="k", Body=b"x")["VersionId"]
    s3.put_object_retention(Bucket=name, Key="k", Retention=retention(mode, LATER))
    return {"Bucket": name, "Key": "k", "VersionId": version}


def retention(mode: str, until: datetime) -> dict[str, Any]:
    return {"Mode": mode, "RetainUntilDate": until}


def test_a_retention_is_told_as_it_was_put(s3: Any) -> None:
    version = locked(s3, "GOVERNANCE")
    assert s3.get_object_retention(**version)["Retention"] == retention("GOVERNANCE", LATER)
    s3.put_object(Bucket=version["Bucket"], Key="free", Body=b"x")
    free = {"Bucket": version["Bucket"], "Key": "free"}
    assert refusal(s3.get_object_retention, **free)[:2] == ("NoSuchObjectLockConfiguration", 404)
    assert refusal(s3.get_object_retention, **free | {"Key": "none"})[:2] == ("NoSuchKey", 404)
    assert refusal(s3.get_object_retention, **version | {"VersionId": "none"})[:2] == ("NoSuchVersion", 404)


def test_governance_is_loosened_by_those_alone_who_bypass_it(s3: Any) -> None:
    version = locked(s3, "GOVERNANCE")
    for loosened in (retention("GOVERNANCE", SOONER), retention("COMPLIANCE", LATER), {}):
        assert refusal(s3.put_object_retention, **version, Retention=loosened) == PROTECTED
    assert refusal(s3.delete_object, **version)[:2] == PROTECTED[:2]
    s3.put_object_retention(**version, Retention=retention("GOVERNANCE", SOONER), BypassGovernanceRetention=True)
    s3.put_object_retention(**version, Retention=retention("GOVERNANCE", LATER))
    s3.delete_object(**version, BypassGovernanceRetention=True)


def test_compliance_is_loosened_by_nobody(s3: Any) -> None:
    version = locked(s3, "COMPLIANCE")
    bypass = {"BypassGovernanceRetention": True}
    for loosened in (retention("COMPLIANCE", SOONER), retention("GOVERNANCE", LATER)):
        assert refusal(s3.put_object_retention, **version, Retention=loosened, **bypass) == PROTECTED
    assert refusal(s3.delete_object, **version, **bypass)[:2] == PROTECTED[:2]


def test_a_bypass_takes_its_own_permission(s3: Any, plane: InProcess) -> None:
    version = locked(s3, "GOVERNANCE")
    allowed = {"Effect": "Allow", "Action": ["s3:DeleteObjectVersion", "s3:PutObjectRetention"], "Resource": "*"}
    own = plane.client("s3", plane.user("bypasses-not", allowed))
    bypass = {"BypassGovernanceRetention": True}
    denied = refusal(own.delete_object, **version, **bypass)
    assert denied[:2] == ("AccessDenied", 403)
    assert "s3:BypassGovernanceRetention" in denied[2]
    sooner = retention("GOVERNANCE", SOONER)
    assert "s3:BypassGovernanceRetention" in refusal(own.put_object_retention, **version, Retention=sooner, **bypass)[2]


def test_a_bucket_without_object_lock_has_no_locks(s3: Any) -> None:
    name = bucket(s3)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    refused = ("InvalidRequest", 400)
    lock = retention("GOVERNANCE", LATER)
    assert refusal(s3.put_object_retention, Bucket=name, Key="k", Retention=lock)[:2] == refused
    assert refusal(s3.get_object_retention, Bucket=name, Key="k")[:2] == refused
    assert refusal(s3.put_object_legal_hold, Bucket=name, Key="k", LegalHold={"Status": "ON"})[:2] == refused
    assert refusal(s3.get_object_legal_hold, Bucket=name, Key="k")[:2] == refused


def configuration(enabled: str = "Enabled", **default: Any) -> dict[str, Any]:
    return {"ObjectLockEnabled": enabled, "Rule": {"DefaultRetention": default}}


def test_the_default_of_a_bucket_is_told_as_it_was_put(s3: Any) -> None:
    name = bucket(s3, ObjectLockEnabledForBucket=True)
    for wanted in (configuration(Mode="GOVERNANCE", Days=1), configuration(Mode="COMPLIANCE", Years=2)):
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=wanted)
        assert s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"] == wanted


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (configuration(Mode="GOVERNANCE", Days=1, Years=1), "MalformedXML"),
        (configuration(Mode="GOVERNANCE"), "MalformedXML"),
        (configuration(Mode="governance", Days=1), "MalformedXML"),
        (configuration("Disabled", Mode="GOVERNANCE", Days=1), "MalformedXML"),
        (configuration(Mode="GOVERNANCE", Days=0), "InvalidArgument"),
        (configuration(Mode="GOVERNANCE", Years=-1), "InvalidArgument"),
    ],
)
def test_a_default_that_is_none_is_refused(s3: Any, wanted: dict[str, Any], code: str) -> None:
    name = bucket(s3, ObjectLockEnabledForBucket=True)
    call = s3.put_object_lock_configuration
    assert refusal(call, Bucket=name, ObjectLockConfiguration=wanted)[:2] == (code, 400)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    hold = {"Status": "abc"}
    assert refusal(s3.put_object_legal_hold, Bucket=name, Key="k", LegalHold=hold)[:2] == ("MalformedXML", 400)
    lock = retention("abc", LATER)
    assert refusal(s3.put_object_retention, Bucket=name, Key="k", Retention=lock)[:2] == ("MalformedXML", 400)


def test_a_bucket_with_locks_has_versions(s3: Any) -> None:
    state = ("InvalidBucketState", 409)
    suspended = {"Status": "Suspended"}
    name = bucket(s3, ObjectLockEnabledForBucket=True)
    assert refusal(s3.put_bucket_versioning, Bucket=name, VersioningConfiguration=suspended)[:2] == state
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    wanted = configuration(Mode="GOVERNANCE", Days=1)
    call = s3.put_object_lock_configuration
    assert refusal(call, Bucket=bucket(s3), ObjectLockConfiguration=wanted)[:2] == state

"""Object Lock of S3: retention and legal holds, of which moto keeps what it is given and checks little.

Amazon S3 User Guide, "Locking objects with Object Lock": in governance mode the retention of a version is shortened,
and the version deleted, with s3:BypassGovernanceRetention alone; in compliance mode by nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from moto.s3.models import FakeKey

from locum.backends.moto.s3_owners import bucket_of, version_of
from locum.backends.port import BackendCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.s3_errors import MALFORMED_XML, NO_SUCH_BUCKET, NO_SUCH_KEY, NO_SUCH_VERSION

_OF_OBJECTS: Final = frozenset({"GetObjectRetention", "PutObjectRetention", "GetObjectLegalHold", "PutObjectLegalHold"})
_GOVERNANCE: Final = "GOVERNANCE"
_MODES: Final = frozenset({_GOVERNANCE, "COMPLIANCE"})


def check(call: BackendCall) -> None:
    """Raise Fault for a lock that S3 refuses: one that is malformed, has no bucket for it, or loosens another."""
    found = _CHECKS.get(call.operation)
    if found is not None:
        found(call.params)
    if call.operation in _OF_OBJECTS:
        bucket = bucket_of(call)
        if bucket is not None and not bucket.object_lock_enabled:
            raise Fault("InvalidRequest", "Bucket is missing Object Lock Configuration", 400)
    if call.operation == "PutObjectRetention":
        _check_replaced(call)
    elif call.operation in ("PutBucketVersioning", "PutObjectLockConfiguration"):
        _check_versioning(call)


def _check_configuration(params: Mapping[str, Any]) -> None:
    configuration = params.get("ObjectLockConfiguration") or {}
    rule = configuration.get("Rule")
    retention = (rule or {}).get("DefaultRetention") or {}
    periods = [name for name in ("Days", "Years") if retention.get(name) is not None]
    modes = rule is None or (retention.get("Mode") in _MODES and len(periods) == 1)
    if configuration.get("ObjectLockEnabled") != "Enabled" or not modes:
        raise Fault(*MALFORMED_XML)
    for name in periods:
        if retention[name] < 1:
            text = "Default retention period must be a positive integer value."
            raise Fault("InvalidArgument", text, 400, members={"ArgumentName": name})


def _check_retention(params: Mapping[str, Any]) -> None:
    retention = params.get("Retention") or {}
    if retention and (retention.get("Mode") not in _MODES or "RetainUntilDate" not in retention):
        raise Fault(*MALFORMED_XML)


def _check_hold(params: Mapping[str, Any]) -> None:
    if (params.get("LegalHold") or {}).get("Status") not in ("ON", "OFF"):
        raise Fault(*MALFORMED_XML)


_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any]], None]]] = {
    "PutObjectLockConfiguration": _check_configuration,
    "PutObjectRetention": _check_retention,
    "PutObjectLegalHold": _check_hold,
}


def _check_versioning(call: BackendCall) -> None:
    """Raise Fault where a bucket would have locks and no versions."""
    bucket = bucket_of(call)
    if bucket is None:
        return
    if call.operation == "PutObjectLockConfiguration":
        if not bucket.is_versioned:
            text = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
            raise Fault("InvalidBucketState", text, 409)
    elif bucket.object_lock_enabled and (call.params.get("VersioningConfiguration") or {}).get("Status") != "Enabled":
        text = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        raise Fault("InvalidBucketState", text, 409)


def _check_replaced(call: BackendCall) -> None:
    """Raise Fault where a retention that is in force would be loosened: it may be extended in its mode."""
    key = _object(call)
    until = None if key is None or not key.lock_mode else _instant(key.lock_until)
    if key is None or until is None or until <= call.origin.at:
        return
    wanted = call.params.get("Retention") or {}
    extended = wanted.get("Mode") == key.lock_mode and _instant(wanted["RetainUntilDate"]) >= until
    bypassed = key.lock_mode == _GOVERNANCE and call.params.get("BypassGovernanceRetention")
    if not extended and not bypassed:
        raise Fault("AccessDenied", "Access Denied because object protected by object lock.", 403)


def _instant(value: Any) -> float:
    """A time of the retention, as epoch seconds."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        return float(moment)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _object(call: BackendCall) -> FakeKey | None:
    key = version_of(call)
    return key if isinstance(key, FakeKey) else None


def retention(call: BackendCall) -> HttpResponse:
    """The answer to GetObjectRetention, which moto does not know."""
    key = _object(call)
    if bucket_of(call) is None:
        fault = Fault(*NO_SUCH_BUCKET)
    elif key is None and "VersionId" in call.params:
        fault = Fault(*NO_SUCH_VERSION)
    elif key is None:
        fault = Fault(*NO_SUCH_KEY)
    elif not key.lock_mode:
        text = "The specified object does not have a ObjectLock configuration"
        fault = Fault("NoSuchObjectLockConfiguration", text, 404)
    else:
        told = {"Mode": key.lock_mode, "RetainUntilDate": _instant(key.lock_until)}
        return call.codec.serialize({"Retention": told}, "")
    return call.codec.fault(fault, "")


def with_configuration(call: BackendCall, response: HttpResponse) -> HttpResponse:
    """The answer to GetObjectLockConfiguration: moto tells of days and of years, one of them none."""
    bucket = bucket_of(call)
    if response.status >= 300 or bucket is None or not bucket.default_lock_mode:
        return response
    periods = {"Days": bucket.default_lock_days, "Years": bucket.default_lock_years}
    default = {"Mode": bucket.default_lock_mode} | {name: int(value) for name, value in periods.items() if value}
    told = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": default}}
    return call.codec.serialize({"ObjectLockConfiguration": told}, "")

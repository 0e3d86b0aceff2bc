"""Imports of trails' log files into event data stores.

CloudTrail API Reference, StartImport, GetImport, ListImports, StopImport, ListImportFailures; User Guide, "Copy trail
events to CloudTrail Lake". The files are read by `agents.lake`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.actors import ServiceRole
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.core.principal import Source
from locum.services.asking import Asking, asking
from locum.services.cloudtrail.destinations import SESSION
from locum.services.cloudtrail.event_data_stores import PAGES, find, refuse_deleted
from locum.services.pagination import newest_first
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import EventDataStore, State, TrailImport, TrailImportFailure, put, remove
from locum.state.autoscaling import regional
from locum.state.event_data_stores import arn_of
from locum.state.trails import CLOUDTRAIL

MOST: Final = 100
"""Imports of an account in a region that are kept: of more, the oldest that have ended are forgotten. AWS does not
document how long they are kept."""
_LOCATION: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", re.DOTALL)
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+")
_NEW: Final = ("Destinations", "ImportSource", "StartEventTime", "EndEventTime")


def role_of(it: TrailImport) -> ServiceRole:
    """The role in which CloudTrail reads the files of an import, for its event data store."""
    return ServiceRole(CLOUDTRAIL, it.role, SESSION, Source(it.account, store_arn(it)))


def listing(it: TrailImport) -> dict[str, Any]:
    """The parameters that list the files of an import. Their keys are encoded: XML cannot have every character."""
    return {"Bucket": it.bucket, "Prefix": it.prefix, "EncodingType": "url"}


def store_arn(it: TrailImport) -> str:
    """The ARN of the event data store of an import."""
    return arn_of(it.account, it.region, it.store)


def start_import(ctx: Context, params: Params) -> Asking:
    """cloudtrail:StartImport: a new one, or one again that has failed or was stopped."""
    made = _again(ctx, params) if "ImportId" in params else _new(ctx, params)
    _check_store(ctx, store_arn(made))
    present = [it for it in ctx.state.table(TrailImport, ctx.account).values() if it.region == ctx.region]
    if any(it.under_way for it in present):
        raise Fault("AccountHasOngoingImportException", "The account has an import that is still in progress.")
    yield from _check_source(made)
    others = sorted((it for it in present if it.id != made.id), key=lambda it: it.created)
    dropped = others[: max(0, len(others) + 1 - MOST)]
    gone = [remove(it) for old in dropped for it in (old, *failures_of(ctx.state, old))]
    return Outcome(_shown(made), (*gone, put(made)))


def _new(ctx: Context, params: Params) -> TrailImport:
    if "Destinations" not in params or "ImportSource" not in params:
        raise _invalid("Destinations and ImportSource are required for a new import.")
    source = params["ImportSource"]["S3"]
    if not _LOCATION.fullmatch(source["S3LocationUri"]):
        raise Fault("InvalidImportSourceException", f"{source['S3LocationUri']} is not the URI of an S3 bucket.")
    if not _REGION.fullmatch(source["S3BucketRegion"]):
        raise Fault("InvalidImportSourceException", f"{source['S3BucketRegion']} is not a Region.")
    start, end = params.get("StartEventTime", 0.0), params.get("EndEventTime", 0.0)
    if start and end and start > end:
        raise _invalid("The start time must not be after the end time.")
    store = _check_store(ctx, params["Destinations"][0])
    return TrailImport(
        account=ctx.account,
        region=ctx.region,
        id=request_id(ctx.entropy),
        store=store.id,
        location=source["S3LocationUri"],
        bucket_region=source["S3BucketRegion"],
        role=source["S3BucketAccessRoleArn"],
        created=ctx.now,
        updated=ctx.now,
        start=start,
        end=end,
    )


def _again(ctx: Context, params: Params) -> TrailImport:
    if any(name in params for name in _NEW):
        raise _invalid("ImportId cannot be specified with other parameters.")
    before = _import_of(ctx, params)
    if before.status not in ("FAILED", "STOPPED"):
        raise _invalid(f"An import with the status {before.status} cannot be started again.")
    return replace(before, status="INITIALIZING", updated=ctx.now, retries=True)


def _check_store(ctx: Context, name: str) -> EventDataStore:
    """The event data store with an ARN, if events of trails can be imported into it. Raises Fault."""
    store = refuse_deleted(find(ctx, name))
    if store.account != ctx.account:
        message = "Only the account that owns the event data store can import trail events into it."
        raise Fault("OperationNotPermittedException", message)
    if store.activity:
        message = "Trail events can be imported into event data stores for CloudTrail events alone."
        raise Fault("InvalidEventDataStoreCategoryException", message)
    return store


def _check_source(it: TrailImport) -> Generator[Ask, Mapping[str, Any], None]:
    """Have the bucket looked at in the role of an import. Raises Fault InvalidImportSourceException."""
    params = {**listing(it), "MaxKeys": 1}
    try:
        yield Ask(ServiceCall(role_of(it), "s3", "ListObjectsV2", params, it.bucket_region))
    except Fault as fault:
        message = f"The S3 bucket {it.bucket} does not exist, or the role may not read it."
        raise Fault("InvalidImportSourceException", message) from fault


def stop_import(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:StopImport. What was imported stays."""
    found = _import_of(ctx, params)
    if not found.under_way:
        raise _invalid(f"An import with the status {found.status} cannot be stopped.")
    stopped = replace(found, status="STOPPED", updated=ctx.now)
    return Outcome(_shown(stopped) | {"ImportStatistics": _statistics(ctx.state, stopped)}, (put(stopped),))


def get_import(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:GetImport."""
    found = _import_of(ctx, params)
    return Outcome(_shown(found) | {"ImportStatistics": _statistics(ctx.state, found)})


def list_imports(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:ListImports, of the account in the region, newest first."""
    wanted = find(ctx, params["Destination"]).id if "Destination" in params else None
    found = [
        it
        for it in ctx.state.table(TrailImport, ctx.account).values()
        if it.region == ctx.region and wanted in (None, it.store) and params.get("ImportStatus", it.status) == it.status
    ]
    page = PAGES.page(params, found, lambda it: newest_first(it.created, it.id))
    members = ("ImportId", "ImportStatus", "Destinations", "CreatedTimestamp", "UpdatedTimestamp")
    return page.outcome("Imports", lambda it: {name: _shown(it)[name] for name in members})


def list_import_failures(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:ListImportFailures."""
    it = _import_of(ctx, params)
    page = PAGES.page(params, failures_of(ctx.state, it), lambda failure: failure.file)
    return page.outcome("Failures", lambda failure: _failure(it, failure))


def failures_of(state: State, it: TrailImport) -> list[TrailImportFailure]:
    """The files that an import could not read, those among them that it has read since."""
    failures = state.table(TrailImportFailure, it.account).values()
    return [failure for failure in failures if (failure.region, failure.of) == (it.region, it.id)]


def _failure(it: TrailImport, failure: TrailImportFailure) -> dict[str, Any]:
    return {
        "Location": f"s3://{it.bucket}/{failure.file}",
        "Status": failure.status,
        "ErrorType": failure.error,
        "ErrorMessage": failure.message,
        "LastUpdatedTime": failure.updated,
    }


def _import_of(ctx: Context, params: Params) -> TrailImport:
    found = ctx.state.get(TrailImport, ctx.account, regional(ctx.region, params["ImportId"]))
    if found is None:
        raise Fault("ImportNotFoundException", f"The import {params['ImportId']} was not found.")
    return found


def _shown(it: TrailImport) -> dict[str, Any]:
    source = {
        "S3LocationUri": it.location,
        "S3BucketRegion": it.bucket_region,
        "S3BucketAccessRoleArn": it.role,
    }
    times = {"StartEventTime": it.start, "EndEventTime": it.end}
    return {
        "ImportId": it.id,
        "Destinations": [store_arn(it)],
        "ImportSource": {"S3": source},
        "ImportStatus": it.status,
        "CreatedTimestamp": it.created,
        "UpdatedTimestamp": it.updated,
        **{name: at for name, at in times.items() if at},
    }


def _statistics(state: State, it: TrailImport) -> dict[str, int]:
    failed = sum(1 for failure in failures_of(state, it) if failure.status != "SUCCEEDED")
    done = it.folders if it.status in ("COMPLETED", "FAILED") else max(0, it.folders - 1)
    return {
        "PrefixesFound": it.folders,
        "PrefixesCompleted": done,
        "FilesCompleted": it.files,
        "EventsCompleted": it.events,
        "FailedEntries": failed,
    }


def _invalid(message: str) -> Fault:
    return Fault("InvalidParameterException", message)


OPERATIONS: Final[dict[str, Operation]] = {
    "GetImport": reads(get_import),
    "ListImportFailures": reads(list_import_failures),
    "ListImports": reads(list_imports),
    "StartImport": asks_and_writes(asking(start_import)),
    "StopImport": writes(stop_import),
}

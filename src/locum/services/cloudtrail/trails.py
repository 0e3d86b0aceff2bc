"""Trails: made, changed, deleted, shown, switched on and off.

CloudTrail API Reference, CreateTrail, UpdateTrail, DeleteTrail, GetTrail, DescribeTrails, ListTrails, StartLogging,
StopLogging, GetTrailStatus. What a trail delivers is `agents.trails`'s.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec.structs import replace

from locum.core.clock import iso8601
from locum.core.errors import Fault
from locum.services.asking import Asking, asking
from locum.services.cloudtrail import destinations
from locum.services.cloudtrail.faults import invalid_combination
from locum.services.cloudtrail.finding import changeable, check_name, trail_of
from locum.services.cloudtrail.organization import check_conversion, check_organization, linked_role_of, owner_of
from locum.services.cloudtrail.tags import tags_of
from locum.services.pagination import Pagination
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import Event, put, remove
from locum.state.autoscaling import regional
from locum.state.seen_trails import seen, seen_in
from locum.state.trails import Attempts, DigestChain, LogFile, Trail, TrailProgress

MOST: Final = 5
"""User Guide, "Quotas": trails by Region."""
_LONGEST_PREFIX: Final = 200
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LISTED: Final = Pagination(
    "", "NextToken", "NextToken", 100, lambda: Fault("InvalidTokenException", "The token is not valid.", 400)
)


# -- what a trail is shown as ----------------------------------------------------------------------------


def shown(trail: Trail) -> dict[str, Any]:
    """The answer of CreateTrail and UpdateTrail."""
    found: dict[str, Any] = {
        "Name": trail.name,
        "S3BucketName": trail.bucket,
        "IncludeGlobalServiceEvents": trail.global_events,
        "IsMultiRegionTrail": trail.multi_region,
        "TrailARN": trail.arn,
        "LogFileValidationEnabled": trail.validation,
        "IsOrganizationTrail": trail.organization,
    }
    if trail.topic:
        found |= {"SnsTopicName": trail.topic, "SnsTopicARN": trail.topic}
    if trail.log_group:
        found |= {"CloudWatchLogsLogGroupArn": trail.log_group, "CloudWatchLogsRoleArn": trail.log_role}
    optional = {"S3KeyPrefix": trail.prefix, "KmsKeyId": trail.key_arn}
    return found | {member: value for member, value in optional.items() if value}


def described(trail: Trail) -> dict[str, Any]:
    """A `Trail` of GetTrail and DescribeTrails."""
    return shown(trail) | {
        "HomeRegion": trail.region,
        "HasCustomEventSelectors": bool(trail.selectors or trail.advanced),
        "HasInsightSelectors": bool(trail.insights),
    }


def get_trail(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:GetTrail."""
    return Outcome({"Trail": described(trail_of(ctx, params["Name"]))})


def describe_trails(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:DescribeTrails. Of the trails that are asked for by name or ARN, those that are there are told."""
    names = params.get("trailNameList") or ()
    shadows = params.get("includeShadowTrails", True)
    if names:
        found = []
        for name in names:
            try:
                found.append(trail_of(ctx, name))
            except Fault as fault:
                if fault.code != "TrailNotFoundException":
                    raise
    else:
        found = seen_in(ctx.state, ctx.account, ctx.region)
    told = [trail for trail in found if shadows or (trail.region, trail.account) == (ctx.region, ctx.account)]
    return Outcome({"trailList": [described(trail) for trail in sorted(told, key=lambda trail: trail.arn)]})


def list_trails(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:ListTrails: of all regions."""
    page = _LISTED.page(params, seen(ctx.state, ctx.account), lambda trail: trail.arn)
    return page.outcome("Trails", lambda trail: {"TrailARN": trail.arn, "Name": trail.name, "HomeRegion": trail.region})


# -- changes ---------------------------------------------------------------------------------------------


def create_trail(ctx: Context, params: Params) -> Asking:
    """cloudtrail:CreateTrail."""
    name = params["Name"]
    check_name(name)
    organization = bool(params.get("IsOrganizationTrail"))
    owner = owner_of(ctx, organization)
    _check_new(ctx, owner, name)
    tags = tags_of(params.get("TagsList") or ())
    bare = Trail(account=owner, region=ctx.region, name=name, bucket="", created=ctx.now, tags=tags)
    trail = yield from destinations.checked(ctx, _with(ctx, bare, params))
    effects = yield from linked_role_of(ctx, organization)
    progress = TrailProgress(account=owner, region=ctx.region, name=name)
    return Outcome(shown(trail), (put(trail), put(progress)), effects)


def _check_new(ctx: Context, owner: str, name: str) -> None:
    """Check that `owner` has no trail with this name yet, and not too many. Raises Fault."""
    if ctx.state.get(Trail, owner, regional(ctx.region, name)) is not None:
        raise Fault("TrailAlreadyExistsException", f"Trail {name} already exists for customer: {owner}", 400)
    if len(seen_in(ctx.state, owner, ctx.region)) >= MOST:
        message = f"User: {owner} already has {MOST} trails in {ctx.region}."
        raise Fault("MaximumNumberOfTrailsExceededException", message, 400)


def update_trail(ctx: Context, params: Params) -> Asking:
    """cloudtrail:UpdateTrail. What is not given stays as it is; an empty text takes a setting away."""
    before = changeable(ctx, params["Name"])
    after = _with(ctx, before, params)
    check_conversion(ctx, before.account, before.organization, after.organization)
    trail = yield from destinations.checked(ctx, after)
    events: list[Event] = [put(trail)]
    if before.validation and not trail.validation:
        events += _digests_end(ctx, before)
    effects = yield from linked_role_of(ctx, trail.organization)
    return Outcome(shown(trail), tuple(events), effects)


def delete_trail(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:DeleteTrail. Its files stay in the bucket."""
    trail = changeable(ctx, params["Name"])
    progress = ctx.state.get(TrailProgress, trail.account, trail.key)
    events: list[Event] = [remove(trail), *_digests_end(ctx, trail)]
    return Outcome({}, (*events, *([] if progress is None else [remove(progress)])))


def _digests_end(ctx: Context, trail: Trail) -> list[Event]:
    """The events after which nothing is noted of digest files: "the chain of digest files is broken"."""
    files = [it for it in ctx.state.table(LogFile, trail.account).values() if it.key.startswith(f"{trail.key}/")]
    chains = [it for it in ctx.state.table(DigestChain, trail.account).values() if it.key.startswith(f"{trail.key}/")]
    return [remove(it) for it in (*files, *chains)]


def _with(ctx: Context, trail: Trail, params: Params) -> Trail:
    """The trail with the settings of `params`. Raises Fault."""
    changes: dict[str, Any] = {
        field: params[member] for member, field in _FIELDS.items() if params.get(member) is not None
    }
    if "topic" in changes:
        changes["topic"] = destinations.topic_arn(changes["topic"], ctx.region, ctx.account)
    if changes.get("validation") and not trail.validation:
        changes["digests_since"] = ctx.now
    changed = replace(trail, **changes)
    if not _BUCKET.fullmatch(changed.bucket):
        raise Fault("InvalidS3BucketNameException", f"Bucket name is not valid: {changed.bucket}", 400)
    if len(changed.prefix) > _LONGEST_PREFIX or changed.prefix.startswith("/"):
        raise Fault("InvalidS3PrefixException", f"S3 prefix is not valid: {changed.prefix}", 400)
    if changed.multi_region and not changed.global_events:
        raise invalid_combination("Multi-Region trail must include global service events.")
    if changed.organization:
        check_organization(ctx)
    return changed


_FIELDS: Final = {
    "CloudWatchLogsLogGroupArn": "log_group",
    "CloudWatchLogsRoleArn": "log_role",
    "EnableLogFileValidation": "validation",
    "IncludeGlobalServiceEvents": "global_events",
    "IsMultiRegionTrail": "multi_region",
    "IsOrganizationTrail": "organization",
    "KmsKeyId": "key_arn",
    "S3BucketName": "bucket",
    "S3KeyPrefix": "prefix",
    "SnsTopicName": "topic",
}
"""The fields of a trail by the members that set them."""


# -- logging ---------------------------------------------------------------------------------------------


def start_logging(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:StartLogging."""
    trail = changeable(ctx, params["Name"])
    if trail.logging:
        return Outcome({})
    since = ctx.now if trail.validation else trail.digests_since
    events: list[Event] = [put(replace(trail, logging=True, started=ctx.now, digests_since=since))]
    progress = ctx.state.get(TrailProgress, trail.account, trail.key)
    if progress is not None and not progress.since:
        events.append(put(replace(progress, since=ctx.now)))
    return Outcome({}, tuple(events))


def stop_logging(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:StopLogging. Events until then are still delivered."""
    trail = changeable(ctx, params["Name"])
    if not trail.logging:
        return Outcome({})
    return Outcome({}, (put(replace(trail, logging=False, stopped=ctx.now)),))


def get_trail_status(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:GetTrailStatus."""
    trail = trail_of(ctx, params["Name"])
    progress = ctx.state.get(TrailProgress, trail.account, trail.key)
    if progress is None:
        progress = TrailProgress(account=trail.account, region=trail.region, name=trail.name)
    times = {
        "StartLoggingTime": trail.started,
        "StopLoggingTime": trail.stopped,
        **_told("LatestDelivery", progress.files),
        **_told("LatestNotification", progress.notices),
        **_told("LatestCloudWatchLogsDelivery", progress.logs),
        **_told("LatestDigestDelivery", progress.digests),
    }
    texts = {
        "LatestDeliveryAttemptTime": _text(progress.files.attempted),
        "LatestNotificationAttemptTime": _text(progress.notices.attempted),
        "LatestNotificationAttemptSucceeded": _text(progress.notices.succeeded),
        "LatestDeliveryAttemptSucceeded": _text(progress.files.succeeded),
        "TimeLoggingStarted": _text(trail.started),
        "TimeLoggingStopped": _text(trail.stopped),
    }
    return Outcome({"IsLogging": trail.logging, **{name: value for name, value in times.items() if value}, **texts})


def _told(name: str, attempts: Attempts) -> dict[str, Any]:
    return {f"{name}Time": attempts.succeeded, f"{name}Error": attempts.error}


def _text(at: float) -> str:
    return iso8601(at) if at else ""


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateTrail": asks_and_writes(asking(create_trail)),
    "DeleteTrail": writes(delete_trail),
    "DescribeTrails": reads(describe_trails),
    "GetTrail": reads(get_trail),
    "GetTrailStatus": reads(get_trail_status),
    "ListTrails": reads(list_trails),
    "StartLogging": writes(start_logging),
    "StopLogging": writes(stop_logging),
    "UpdateTrail": asks_and_writes(asking(update_trail)),
}

"""Channels, by which events from outside of AWS come into event data stores.

CloudTrail User Guide, "Create an integration with an event source outside of AWS". PutAuditEvents, by which they
come, is `agents.lake`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.core.arn import PARTITION
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.core.lake_statements import STORE_ID
from locum.services.cloudtrail.event_data_stores import PAGES, find, refuse_deleted
from locum.services.cloudtrail.tags import tags_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Channel, put, remove
from locum.state.autoscaling import regional

MOST: Final = 25
"""User Guide, "Quotas": channels for integrations, by Region."""
_SOURCE_NAMES: Final = """
CloudStorageSecurityConsole Clumio CrowdStrike Custom CyberArk GitHub IBMMulticloud KongGatewayEnterprise
LaunchDarkly MontyCloud NetskopeCloudExchange OktaSystemLogEvents OneLogin Shoreline Snyk WizAuditLogs
"""
SOURCES: Final = frozenset(_SOURCE_NAMES.split())
"""User Guide, "Additional information about integration partners": the source names, and that of one's own events."""
_ID: Final = re.compile(STORE_ID)
_ARN: Final = re.compile(rf"arn:{PARTITION}:cloudtrail:([a-z0-9-]+):([0-9]{{12}}):channel/({STORE_ID})")


def create_channel(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:CreateChannel."""
    present = _present(ctx)
    if params["Source"] not in SOURCES:
        raise Fault("InvalidSourceException", f"{params['Source']} is not a valid source.")
    if any(params["Source"] == it.source for it in present):
        raise Fault("ChannelAlreadyExistsException", f"A channel for the source {params['Source']} already exists.")
    _check_name(present, params["Name"])
    if len(present) >= MOST:
        raise Fault("ChannelMaxLimitExceededException", f"A Region can have up to {MOST} channels.")
    made = Channel(
        account=ctx.account,
        region=ctx.region,
        id=request_id(ctx.entropy),
        name=params["Name"],
        source=params["Source"],
        destinations=_destinations(ctx, params["Destinations"]),
        tags=tags_of(params.get("Tags") or ()),
    )
    tags = {"Tags": params["Tags"]} if "Tags" in params else {}
    return Outcome(shown(made) | tags, (put(made),))


def update_channel(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:UpdateChannel."""
    before = channel_of(ctx, params["Channel"])
    if params.get("Name", before.name) != before.name:
        _check_name(_present(ctx), params["Name"])
    destinations = _destinations(ctx, params["Destinations"]) if "Destinations" in params else before.destinations
    after = replace(before, name=params.get("Name", before.name), destinations=destinations)
    return Outcome(shown(after), (put(after),))


def delete_channel(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:DeleteChannel. Its events stay in the event data stores."""
    return Outcome({}, (remove(channel_of(ctx, params["Channel"])),))


def get_channel(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:GetChannel."""
    channel = channel_of(ctx, params["Channel"])
    status: dict[str, Any] = {
        "LatestIngestionSuccessTime": channel.succeeded,
        "LatestIngestionSuccessEventID": channel.succeeded_id,
        "LatestIngestionErrorCode": channel.error,
        "LatestIngestionAttemptTime": channel.attempted,
        "LatestIngestionAttemptEventID": channel.attempted_id,
    }
    return Outcome(shown(channel) | {"IngestionStatus": {name: value for name, value in status.items() if value}})


def list_channels(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:ListChannels, of the account in the region."""
    page = PAGES.page(params, _present(ctx), lambda channel: channel.id)
    return page.outcome("Channels", lambda channel: {"ChannelArn": channel.arn, "Name": channel.name})


def shown(channel: Channel) -> dict[str, Any]:
    """The members of a channel that the answers of the API have."""
    return {
        "ChannelArn": channel.arn,
        "Name": channel.name,
        "Source": channel.source,
        "Destinations": [{"Type": "EVENT_DATA_STORE", "Location": it} for it in channel.destinations],
    }


def channel_of(ctx: Context, name: str) -> Channel:
    """The channel with the ARN or id `name`, in the region of the call. Whose an ARN is, the decision was about.

    Raises Fault (ChannelARNInvalidException, ChannelNotFoundException).
    """
    named = _ARN.fullmatch(name)
    if named is None and not _ID.fullmatch(name):
        raise Fault("ChannelARNInvalidException", f"The channel ARN {name} is not valid.")
    region, account, ident = (ctx.region, ctx.account, name) if named is None else named.groups()
    found = ctx.state.get(Channel, account, regional(region, ident)) if region == ctx.region else None
    if found is None:
        raise Fault("ChannelNotFoundException", f"The channel {name} was not found.")
    return found


def _present(ctx: Context) -> list[Channel]:
    return [it for it in ctx.state.table(Channel, ctx.account).values() if it.region == ctx.region]


def _check_name(present: Sequence[Channel], name: str) -> None:
    if any(it.name == name for it in present):
        raise Fault("ChannelAlreadyExistsException", f"A channel with the name {name} already exists.")


def _destinations(ctx: Context, given: Sequence[Params]) -> tuple[str, ...]:
    """The ARNs of the destinations: event data stores of the account for events from outside of AWS. Raises Fault."""
    found = {}
    for it in given:
        if it["Type"] != "EVENT_DATA_STORE":
            raise Fault("InvalidParameterException", f"The destination type {it['Type']} is not valid.")
        store = refuse_deleted(find(ctx, it["Location"]))
        if store.account != ctx.account:
            raise Fault("EventDataStoreNotFoundException", f"{it['Location']} is not in your account.")
        if not store.activity:
            message = "The event data store of a channel must be for events of the category ActivityAuditLog."
            raise Fault("InvalidEventDataStoreCategoryException", message)
        found[store.arn] = True
    return tuple(found)


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateChannel": writes(create_channel),
    "DeleteChannel": writes(delete_channel),
    "GetChannel": reads(get_channel),
    "ListChannels": reads(list_channels),
    "UpdateChannel": writes(update_channel),
}

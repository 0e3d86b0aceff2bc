"""Event data stores of CloudTrail Lake: which events they have, and for how long.

CloudTrail User Guide, "CloudTrail Lake event data stores". Their events are those of Locum's event history; queries are
answered by the host of queries, which is no verb's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from locum.core.arn import PARTITION
from locum.core.errors import Fault
from locum.core.event_selectors import ACTIVITY, OTHER_CATEGORIES, check, conditions_of, is_activity
from locum.core.identifiers import request_id
from locum.core.lake_statements import STORE_ID
from locum.services.asking import Asking, asking
from locum.services.cloudtrail.faults import invalid_selectors
from locum.services.cloudtrail.organization import check_conversion, linked_role_of, owner_of
from locum.services.cloudtrail.tags import tags_of
from locum.services.pagination import Ordered, Pagination
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import State, put, remove
from locum.state.autoscaling import regional
from locum.state.channels import Channel
from locum.state.event_data_stores import EventDataStore, Ingestion, Selectors
from locum.state.seen_stores import store_owner, stores_seen

MOST: Final = 10
"""CloudTrail User Guide, "Quotas": event data stores in a region. Those that are pending deletion do not count, as
RestoreEventDataStore can fail for the quota."""
MOST_DELETED: Final = 100
"""Stores that are pending deletion, in a region. AWS does not document a quota."""
MOST_SELECTORS: Final = 5
MOST_CHANGES: Final = 100
"""How often the settings of a store can change, as far as its retention goes back. AWS does not document a quota."""
EXTENDABLE: Final = "EXTENDABLE_RETENTION_PRICING"
FIXED: Final = "FIXED_RETENTION_PRICING"
_RETENTION: Final = {EXTENDABLE: (366, 3653), FIXED: (2557, 2557)}
"""Days by the billing mode: the default and the most."""
_MANAGEMENT: Final[dict[str, Any]] = {
    "Name": "Default management events",
    "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}],
}
_ID: Final = re.compile(STORE_ID)
_ARN: Final = re.compile(rf"arn:{PARTITION}:cloudtrail:([a-z0-9-]+):([0-9]{{12}}):eventdatastore/({STORE_ID})")
PAGES: Final = Pagination(
    "MaxResults",
    "NextToken",
    "NextToken",
    1000,
    lambda: Fault("InvalidNextTokenException", "The next token is not valid."),
)


def create_event_data_store(ctx: Context, params: Params) -> Asking:
    """CreateEventDataStore. Those whose time as PENDING_DELETION is over are removed with it."""
    _refuse_key(params)
    organization = params.get("OrganizationEnabled", False)
    owner = owner_of(ctx, organization)
    stores = list(_present(ctx, owner))
    _check_name(stores, params["Name"])
    _check_quota(stores)
    if sum(1 for store in stores if store.deleted) >= MOST_DELETED:
        raise _limit_exceeded()
    billing = params.get("BillingMode", EXTENDABLE)
    store = EventDataStore(
        account=owner,
        region=ctx.region,
        id=request_id(ctx.entropy),
        name=params["Name"],
        created=ctx.now,
        updated=ctx.now,
        selectors=_selectors(params) if "AdvancedEventSelectors" in params else (_MANAGEMENT,),
        retention=_retention(params.get("RetentionPeriod"), billing),
        billing=billing,
        multi_region=params.get("MultiRegionEnabled", True),
        organization=organization,
        protected=params.get("TerminationProtectionEnabled", True),
        since=ctx.now if params.get("StartIngestion", True) else 0.0,
        tags=tags_of(params.get("TagsList", ())),
    )
    gone = tuple(remove(it) for it in ctx.state.table(EventDataStore, owner).values() if it.gone(ctx.now))
    effects = yield from linked_role_of(ctx, organization)
    answer = shown(store) | {"Status": "CREATED"}
    if "TagsList" in params:
        answer["TagsList"] = params["TagsList"]
    return Outcome(answer, (*gone, put(store)), effects)


def update_event_data_store(ctx: Context, params: Params) -> Asking:
    """UpdateEventDataStore. What it selects from now on does not change what it has."""
    _refuse_key(params)
    store = refuse_deleted(find(ctx, params["EventDataStore"]))
    if not params.keys() - {"EventDataStore"}:
        raise _invalid("At least one optional parameter must be specified.")
    if params.get("Name", store.name) != store.name:
        _check_name(_present(ctx, store.account), params["Name"])
    billing = params.get("BillingMode", store.billing)
    if store.billing == EXTENDABLE and billing == FIXED:
        raise _invalid(f"The billing mode cannot be changed from {EXTENDABLE} to {FIXED}.")
    organization = params.get("OrganizationEnabled", store.organization)
    check_conversion(ctx, store.account, store.organization, organization)
    changed = replace(
        store,
        name=params.get("Name", store.name),
        updated=ctx.now,
        selectors=_selectors(params) if "AdvancedEventSelectors" in params else store.selectors,
        multi_region=params.get("MultiRegionEnabled", store.multi_region),
        organization=organization,
        retention=_retention(params.get("RetentionPeriod", store.retention), billing),
        billing=billing,
        protected=params.get("TerminationProtectionEnabled", store.protected),
    )
    if changed.activity != store.activity:
        raise invalid_selectors("The event category of an event data store cannot be changed.")
    if _selection(changed) != _selection(store) and store.since:
        changed = replace(changed, past=_past(ctx, store), since=ctx.now)
    effects = yield from linked_role_of(ctx, organization)
    return Outcome(shown(changed), (put(changed),), effects)


def get_event_data_store(ctx: Context, params: Params) -> Outcome:
    """GetEventDataStore."""
    return Outcome(shown(find(ctx, params["EventDataStore"])))


def list_event_data_stores(ctx: Context, params: Params) -> Outcome:
    """ListEventDataStores, which the account sees in the region; with their names and ARNs, as at AWS."""
    seen = (it for it in stores_seen(ctx.state, ctx.account) if it.region == ctx.region and not it.gone(ctx.now))
    stores = Ordered(sorted(seen, key=lambda store: store.id))
    page = PAGES.page(params, stores, lambda store: store.id)
    return page.outcome("EventDataStores", lambda store: {"EventDataStoreArn": store.arn, "Name": store.name})


def delete_event_data_store(ctx: Context, params: Params) -> Outcome:
    """DeleteEventDataStore. It is PENDING_DELETION for seven days, and takes in no events."""
    store = refuse_deleted(find(ctx, params["EventDataStore"]))
    if store.protected:
        raise Fault(
            "EventDataStoreTerminationProtectedException",
            "The event data store cannot be deleted because termination protection is enabled for it.",
        )
    if any(store.arn in channel.destinations for channel in ctx.state.table(Channel, store.account).values()):
        message = "The event data store cannot be deleted because it is the destination of a channel."
        raise Fault("ChannelExistsForEDSException", message)
    if sum(1 for other in _present(ctx, store.account) if other.deleted) >= MOST_DELETED:
        raise _limit_exceeded()
    past = _past(ctx, store) if store.since else store.past
    deleted = replace(store, deleted=ctx.now, updated=ctx.now, past=past, since=0.0, resumed=bool(store.since))
    return Outcome({}, (put(deleted),))


def restore_event_data_store(ctx: Context, params: Params) -> Outcome:
    """RestoreEventDataStore, within the seven days."""
    store = find(ctx, params["EventDataStore"])
    if not store.deleted:
        raise _wrong_status("PENDING_DELETION")
    _check_quota(list(_present(ctx, store.account)))
    since = ctx.now if store.resumed else 0.0
    restored = replace(store, deleted=0.0, updated=ctx.now, since=since, resumed=False)
    return Outcome(shown(restored), (put(restored),))


def _switchable(ctx: Context, params: Params) -> EventDataStore:
    """The store of a call, if its ingestion can be started and stopped. Raises Fault."""
    store = find(ctx, params["EventDataStore"])
    if store.activity:
        message = f"The ingestion of events of the category {ACTIVITY} cannot be started or stopped."
        raise Fault("InvalidEventDataStoreCategoryException", message)
    return store


def start_event_data_store_ingestion(ctx: Context, params: Params) -> Outcome:
    """StartEventDataStoreIngestion."""
    store = _switchable(ctx, params)
    if store.status != "STOPPED_INGESTION":
        raise _wrong_status("STOPPED_INGESTION")
    return Outcome({}, (put(replace(store, since=ctx.now, updated=ctx.now)),))


def stop_event_data_store_ingestion(ctx: Context, params: Params) -> Outcome:
    """StopEventDataStoreIngestion."""
    store = _switchable(ctx, params)
    if store.status != "ENABLED":
        raise _wrong_status("ENABLED")
    return Outcome({}, (put(replace(store, past=_past(ctx, store), since=0.0, updated=ctx.now)),))


def find(ctx: Context, name: str) -> EventDataStore:
    """The store with the ARN or id `name`, in the region of the call, and of an account: see `store_named`."""
    return store_named(ctx.state, ctx.account, ctx.region, name, ctx.now)


def store_named(state: State, account: str, region: str, name: str, now: float) -> EventDataStore:
    """The store with the ARN or id `name`, which `account` names and which may be pending deletion.

    An id is that of a store that the account sees; of which account an ARN is, the decision on it was about.
    Raises Fault (EventDataStoreARNInvalidException, EventDataStoreNotFoundException).
    """
    named = _ARN.fullmatch(name)
    if named is None and not _ID.fullmatch(name):
        raise Fault("EventDataStoreARNInvalidException", f"The event data store ARN {name} is not valid.")
    owner = store_owner(state, account, region, name) if named is None else named[2]
    key = regional(region, name.rpartition("/")[2])
    store = state.get(EventDataStore, owner, key) if named is None or named[1] == region else None
    if store is None or store.gone(now):
        raise Fault("EventDataStoreNotFoundException", f"The event data store {name} was not found.")
    return store


def shown(store: EventDataStore) -> dict[str, Any]:
    """The members of a store that the answers of the API have."""
    return {
        "EventDataStoreArn": store.arn,
        "Name": store.name,
        "Status": store.status,
        "AdvancedEventSelectors": list(store.selectors),
        "MultiRegionEnabled": store.multi_region,
        "OrganizationEnabled": store.organization,
        "RetentionPeriod": store.retention,
        "TerminationProtectionEnabled": store.protected,
        "CreatedTimestamp": store.created,
        "UpdatedTimestamp": store.updated,
        "BillingMode": store.billing,
    }


def _present(ctx: Context, account: str) -> Iterator[EventDataStore]:
    """The stores of an account in the region, those that are pending deletion among them."""
    every = ctx.state.table(EventDataStore, account).values()
    return (store for store in every if store.region == ctx.region and not store.gone(ctx.now))


def _selection(store: EventDataStore) -> tuple[Selectors, bool, bool]:
    return store.selectors, store.multi_region, store.organization


def _past(ctx: Context, store: EventDataStore) -> tuple[Ingestion, ...]:
    """The times in which `store`, which takes in events, has done so until now."""
    past = store.ingestions(ctx.now)
    if len(past) > MOST_CHANGES:
        message = f"The settings of the event data store have changed {MOST_CHANGES} times within its retention period."
        raise Fault("OperationNotPermittedException", message)
    return past


def _selectors(params: Params) -> Selectors:
    """The advanced event selectors of a request. Raises Fault InvalidEventSelectorsException."""
    selectors = params["AdvancedEventSelectors"]
    if len(selectors) > MOST_SELECTORS:
        raise invalid_selectors(f"An event data store can have up to {MOST_SELECTORS} advanced event selectors.")
    check(selectors, event_data_store=True)
    for selector in selectors:
        for _, category in conditions_of(selector)["eventCategory"]:
            if category in OTHER_CATEGORIES - {ACTIVITY}:
                raise _unsupported(f"Event data stores for the event category {category}")
    if len(set(map(is_activity, selectors))) > 1:
        raise invalid_selectors(f"Events of the category {ACTIVITY} cannot be selected beside others.")
    return tuple(selectors)


def _retention(days: int | None, billing: str) -> int:
    default, most = _RETENTION[billing]
    if days is not None and days > most:
        raise _invalid(f"The retention period for the billing mode {billing} can be up to {most} days.")
    return default if days is None else int(days)


def refuse_deleted(store: EventDataStore) -> EventDataStore:
    """`store`, which is not pending deletion. Raises Fault InactiveEventDataStoreException."""
    if store.deleted:
        raise Fault("InactiveEventDataStoreException", "The event data store is pending deletion.")
    return store


def _check_name(stores: Iterator[EventDataStore] | list[EventDataStore], name: str) -> None:
    if any(store.name == name for store in stores):
        raise Fault("EventDataStoreAlreadyExistsException", f"An event data store with the name {name} already exists.")


def _check_quota(stores: list[EventDataStore]) -> None:
    if sum(1 for store in stores if not store.deleted) >= MOST:
        raise _limit_exceeded()


def _refuse_key(params: Params) -> None:
    if "KmsKeyId" in params:
        raise _unsupported("Encryption of event data stores under a KMS key")


def _unsupported(what: str) -> Fault:
    return Fault("UnsupportedOperationException", f"{what} is not supported.")


def _invalid(message: str) -> Fault:
    return Fault("InvalidParameterException", message)


def _wrong_status(needed: str) -> Fault:
    return Fault("InvalidEventDataStoreStatusException", f"The status of the event data store must be {needed}.")


def _limit_exceeded() -> Fault:
    return Fault("EventDataStoreMaxLimitExceededException", "The maximum number of event data stores has been reached.")


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateEventDataStore": asks_and_writes(asking(create_event_data_store)),
    "UpdateEventDataStore": asks_and_writes(asking(update_event_data_store)),
    "GetEventDataStore": reads(get_event_data_store),
    "ListEventDataStores": reads(list_event_data_stores),
    "DeleteEventDataStore": writes(delete_event_data_store),
    "RestoreEventDataStore": writes(restore_event_data_store),
    "StartEventDataStoreIngestion": writes(start_event_data_store_ingestion),
    "StopEventDataStoreIngestion": writes(stop_event_data_store_ingestion),
}

"""Event data stores that an account sees: its own, and as a delegated administrator those of its organization.

CloudTrail User Guide, "Organization delegated administrator": "this member account has administrative permissions on
all organization trails and event data stores in the organization", whose owner is the management account.
"""

from __future__ import annotations

from collections.abc import Iterator

from locum.state.autoscaling import regional
from locum.state.event_data_stores import EventDataStore
from locum.state.organizations import delegator_of
from locum.state.state import State
from locum.state.trails import CLOUDTRAIL


def stores_seen(state: State, account: str) -> Iterator[EventDataStore]:
    """The event data stores that an account sees, of all regions."""
    yield from state.table(EventDataStore, account).values()
    management = delegator_of(state, account, CLOUDTRAIL)
    if management:
        yield from (store for store in state.table(EventDataStore, management).values() if store.organization)


def store_owner(state: State, account: str, region: str, name: str) -> str:
    """The account that owns the event data store with the id `name`, as `account` sees it; itself where there is none.

    What is its own comes first.
    """
    management = delegator_of(state, account, CLOUDTRAIL)
    if not management or state.get(EventDataStore, account, regional(region, name)) is not None:
        return account
    found = state.get(EventDataStore, management, regional(region, name))
    return management if found is not None and found.organization else account

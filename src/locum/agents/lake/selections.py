"""The events that event data stores have, by the state: times, accounts, regions and selectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from locum.audit.lake.selection import Selection, Span
from locum.core.clock import DAY
from locum.state import EventDataStore, State
from locum.state.organizations import managed_since

FOREVER: Final = 1e15
"""Epoch seconds: the end of a time that has not ended."""


def selection_of(state: State, store: EventDataStore, now: float) -> Selection:
    """The events of `store`, as far back as its retention goes; none of one that is pending deletion."""
    times = () if store.deleted else store.ingestions(now, FOREVER)
    own = ((store.account, 0.0),)
    whole = accounts_of(state, store.account) if any(it.organization for it in times) else own
    return Selection(
        store.id,
        tuple(
            Span(
                it.start,
                it.end,
                whole if it.organization else own,
                "" if it.multi_region else store.region,
                it.selectors,
            )
            for it in times
        ),
        FOREVER if store.deleted else now - store.retention * DAY,
        store.activity,
    )


def accounts_of(state: State, management: str) -> tuple[tuple[str, float], ...]:
    """The accounts of the organization of `management`, each with the time that it joined; without one, its own.

    What an account has done before it joined is not the organization's.
    """
    return tuple(sorted(managed_since(state, management).items()))


def kept(state: State, now: float) -> list[Selection]:
    """What is to be kept for all event data stores. Those pending deletion may be restored."""
    return [selection_of(state, _restored(store), now) for store in present(state, now)]


def present(state: State, now: float) -> Iterable[EventDataStore]:
    """The event data stores that are there, or may be restored."""
    return (store for store in state.every(EventDataStore) if not store.gone(now))


def _restored(store: EventDataStore) -> EventDataStore:
    return replace(store, deleted=0.0) if store.deleted else store


def earliest(selections: Iterable[Selection]) -> float | None:
    """The time of the first event that one of `selections` may have (epoch seconds); None where there is none."""
    return min((span.start for it in selections for span in it.spans), default=None)

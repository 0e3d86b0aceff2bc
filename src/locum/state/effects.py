"""Committed effects: calls that other calls caused, and that are still to be carried out."""

from __future__ import annotations

from locum.state.entities import Entity


class PendingEffect(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="pending-effect"):
    """An entry of the outbox, there from the commit of what caused it until it was carried out or refused for good.

    `account` is the one that it belongs to, `cause` the request id of the call that caused it. `sequence` is the
    journal entry that it was committed with and `position` its place in it: effects of
    one `lane` are begun in this order. `sealed`
    is the call (`core.calls.ServiceCall`) under the key ring, `created` and `due` (not to be tried before) are epoch
    seconds, `attempts` is how often it was tried.
    """

    id: str
    cause: str
    sequence: int
    position: int
    lane: str = ""
    created: float
    due: float
    attempts: int = 0
    sealed: bytes

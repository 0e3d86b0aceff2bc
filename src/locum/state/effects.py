"""The outbox: committed effects of calls, which are still to be carried out."""

from __future__ import annotations

from locum.state.entities import Entity


class PendingEffect(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="pending-effect"):
    """An entry of the outbox, from the commit of its cause until it was carried out or finally refused.

    `account` is the account it belongs to, `cause` the request id of the call that caused it. `sequence` is the
    journal entry that it was committed with, `position` its position in it: effects of one `lane` are begun in this
    order. `sealed` is the call (`core.calls.ServiceCall`) sealed under the key ring. `created` and `due` (the earliest
    time of the next attempt) are epoch seconds, `attempts` is the number of attempts so far. It is given up after so
    many `retries` (None: any number), and so many seconds of `patience`. `node` is the one that carries it out at once,
    as its caller waits for it, where there are several; empty: whichever delivers.
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
    retries: int | None = None
    patience: float = 86_400.0
    node: str = ""

"""What a verb is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from locum.core.clock import Entropy
from locum.core.principal import Caller
from locum.credentials import KeyRing
from locum.state import Event, State

Params = Mapping[str, Any]
"""The parsed input of an operation, as boto3 takes it: member names of the service model, timestamps as
epoch seconds, blobs as bytes. Absent members are absent."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator can set and a verb obeys.

    `credential_seconds` overrides the lifetime of credentials that IMDS delivers (6 hours where None).
    """

    region: str = "us-east-1"
    credential_seconds: int | None = None


DEFAULTS: Final = Settings()


class EventPage(Protocol):
    """One page of the event history."""

    @property
    def answer(self) -> dict[str, Any]:
        """The output of LookupEvents: `Events`, newest first, and `NextToken` where there is more."""


class EventHistory(Protocol):
    """The recorded calls (`audit.History`). It may block: a verb that looks things up runs off the event loop."""

    def lookup(
        self,
        account: str,
        attributes: Sequence[tuple[str, str]],
        start: float | None,
        end: float | None,
        max_results: int,
        token: str | None,
    ) -> EventPage:
        """The management events of `account` that have the attributes, from `start` to `end` (epoch seconds).

        `attributes` are pairs of AttributeKey and AttributeValue. Raises Fault with LookupEvents's codes for
        attributes, a range, a page size or a token that are not valid.
        """


class Context(NamedTuple):
    """One call: the view of the state, the instant, the caller. `now` is epoch seconds.

    `region` is the one the request was signed for. `history` is what LookupEvents reads; no other verb does.
    """

    state: State
    now: float
    entropy: Entropy
    keyring: KeyRing
    caller: Caller
    region: str
    settings: Settings = DEFAULTS
    history: EventHistory | None = None

    @property
    def account(self) -> str:
        """The caller's account."""
        return self.caller.principal.account


class Outcome(NamedTuple):
    """`answer` is the output by member names of the service model; `events` is what becomes of the state."""

    answer: dict[str, Any]
    events: tuple[Event, ...] = ()


Verb = Callable[[Context, Params], Outcome]


class Operation(NamedTuple):
    """A verb, and how it is run.

    `writes`: it may have events, and is run inside a transaction. `blocks`: it waits for storage (the event
    history), and is run beside the event loop.
    """

    verb: Verb
    writes: bool
    blocks: bool = False


def reads(verb: Verb) -> Operation:
    """`verb` never has events."""
    return Operation(verb, writes=False)


def writes(verb: Verb) -> Operation:
    """`verb` may have events."""
    return Operation(verb, writes=True)


def looks_up(verb: Verb) -> Operation:
    """`verb` reads the event history and never has events."""
    return Operation(verb, writes=False, blocks=True)

"""What a verb is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from locum.core.calls import Ask, Call, Effect
from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.core.principal import Caller
from locum.credentials import KeyRing
from locum.credentials.passwords import PasswordDigests
from locum.state import Event, State

Params = Mapping[str, Any]
"""The parsed input of an operation, as boto3 takes it: member names of the service model, timestamps as
epoch seconds, blobs as bytes. Absent members are absent."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator can set and a verb obeys.

    `credential_seconds` overrides the lifetime of credentials that IMDS delivers (6 hours where None). `endpoint` is
    the URL under which clients on this machine reach the plane.
    """

    region: str = "us-east-1"
    credential_seconds: int | None = None
    endpoint: str = "http://127.0.0.1:4566"

    def issuer(self, federation: str) -> str:
        """The issuer URL of the account whose outbound federation has this id."""
        return f"{self.endpoint}{ISSUERS}{federation}"


ISSUERS: Final = "/_locum/oidc/"
"""Where the gateway shows the keys of accounts that issue web identity tokens."""


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


class LastUse(Protocol):
    """What a principal last used when: `principal` is its unique id (the account, for the root user), `at` epoch
    seconds; `access_key_id` is empty for temporary credentials."""

    @property
    def principal(self) -> str: ...
    @property
    def access_key_id(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def at(self) -> float: ...


class UsageRecord(Protocol):
    """The last uses that follow from the recorded calls (`store.Journal`). It may block, like `EventHistory`."""

    def uses(self, account: str, principal: str | None = None) -> Sequence[LastUse]:
        """What was last used when in `account`, by `principal` where that is given; in no order."""


class Replies(Protocol):
    """The replies to the asks of a verb (`services.asking.Answers`)."""

    def to(self, position: int, ask: Ask) -> Mapping[str, Any] | Fault:
        """The reply to the ask at `position`; raises `services.asking.Unanswered` where there is none yet."""


class Context(NamedTuple):
    """One call: the view of the state, the instant, the caller. `now` is epoch seconds.

    `region` is the one the request was signed for. `history` is what LookupEvents reads; no other verb does.
    `usage` is what reports of last use read. `password_digests` are those of passwords that were computed for the
    call. `answers` are the replies to what the verb asked of other services (`services.asking`). `call` makes what
    was decided on before the verb: see `call_of`.
    """

    state: State
    now: float
    entropy: Entropy
    keyring: KeyRing
    caller: Caller
    region: str
    settings: Settings = DEFAULTS
    history: EventHistory | None = None
    usage: UsageRecord | None = None
    password_digests: PasswordDigests | None = None
    answers: Replies | None = None
    call: Callable[[], Call] | None = None

    def call_of(self, service: str, operation: str, params: Params) -> Call:
        """The call, for a further decision on it. Of its circumstances nothing is known where none was given."""
        if self.call is not None:
            return self.call()
        return Call(service, operation, params, self.caller, self.region, self.now, source_ip="")

    @property
    def account(self) -> str:
        """The caller's account."""
        return self.caller.account


class Outcome(NamedTuple):
    """`answer` is the output by member names of the service model; `events` is what becomes of the state.

    `effects` are the calls that it causes: committed with the events, carried out afterwards.
    """

    answer: dict[str, Any]
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()


Verb = Callable[[Context, Params], Outcome]

Proof = Callable[[Context, Params], None]
"""Verifies the second factor that a call shows. Raises Fault where it is not right."""


class Operation(NamedTuple):
    """A verb, and how it is run.

    `writes`: it may have events, and is run inside a transaction. `blocks`: it waits for storage (the recorded
    calls, data on the disk), and is run beside the event loop.

    `proof`: the call shows a second factor, on which the decision whether it is allowed may depend. It is verified
    ahead of the decision; the verb verifies it again, on the state that it changes, and uses it up. `variant`
    answers how those calls are run whose parameters make a difference; None for all the others.

    `rehearsed`: it writes, and takes long. It is run beside the event loop first, so that what took long (digests of
    passwords; with `blocks`, what was used when) is there when it is run in the transaction.

    `computes`: it takes long without waiting for anything, and is run beside the event loop. `asks`: it may ask
    (`services.asking`), and is run again with the answers.
    """

    verb: Verb
    writes: bool
    blocks: bool = False
    proof: Proof | None = None
    variant: Callable[[Params], Operation | None] | None = None
    rehearsed: bool = False
    computes: bool = False
    asks: bool = False

    @property
    def special(self) -> bool:
        """Whether it takes more than to run the verb at once."""
        return self.writes or self.blocks or self.computes or self.asks

    def of(self, params: Params) -> Operation:
        """How a call with `params` is run."""
        return self if self.variant is None else self.variant(params) or self


def reads(verb: Verb) -> Operation:
    """`verb` never has events."""
    return Operation(verb, writes=False)


def writes(verb: Verb) -> Operation:
    """`verb` may have events."""
    return Operation(verb, writes=True)


def digests_passwords(verb: Verb) -> Operation:
    """`verb` may have events, and digests passwords."""
    return Operation(verb, writes=True, rehearsed=True)


def computes(verb: Verb) -> Operation:
    """`verb` never has events, and takes long."""
    return Operation(verb, writes=False, computes=True)


def asks(verb: Verb) -> Operation:
    """`verb` may ask (`services.asking.asking`), and never has events."""
    return Operation(verb, writes=False, asks=True)


def asks_and_writes(verb: Verb) -> Operation:
    """`verb` may ask (`services.asking.asking`), and may have events."""
    return Operation(verb, writes=True, asks=True)


def looks_up_and_writes(verb: Verb) -> Operation:
    """`verb` may have events, and reads what was used when."""
    return Operation(verb, writes=True, blocks=True, rehearsed=True)


def looks_up(verb: Verb) -> Operation:
    """`verb` reads recorded calls, or other things from the disk, and never has events."""
    return Operation(verb, writes=False, blocks=True)

"""The input and output of verbs, and the registration of operations."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

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
    """Settings of the operator for verbs.

    `credential_seconds` overrides the lifetime of credentials that IMDS delivers (6 hours where None). `endpoint` is
    the URL under which clients on this machine reach the plane, `tls_port` its port for TLS (0: none), `public_url` the
    one under which all clients do, where there is one. `node` is the name of the node, where there are several.
    `instances_at_backend`: the backend of EC2 keeps what it has, and runs the instances; else it is lent them.
    `patience`: for how many seconds after its beginning an answer waits for the end of what it tells of
    (`Operation.pending`). `rate_limits`: calls that come at a higher rate than AWS takes are refused
    (`Operation.rate`).
    """

    region: str = "us-east-1"
    credential_seconds: int | None = None
    endpoint: str = "http://127.0.0.1:4566"
    instances_at_backend: bool = False
    tls_port: int = 0
    patience: float = 0.0
    rate_limits: bool = False
    public_url: str = ""
    node: str = ""

    @property
    def published(self) -> str:
        """The URL under which others reach the plane, as far as it is known."""
        return self.public_url or self.endpoint

    def ports(self, scheme: str) -> frozenset[int]:
        """The ports of the plane for URLs of a scheme."""
        found = {"http": urlsplit(self.endpoint).port, "https": self.tls_port}.get(scheme)
        return frozenset({found} if found else ())

    def issuer(self, federation: str) -> str:
        """The issuer URL of the account whose outbound federation has this id."""
        return f"{self.published}{ISSUERS}{federation}"


ISSUERS: Final = "/_locum/oidc/"
"""The path at which the gateway publishes the keys of accounts that issue web identity tokens."""

RESPONSE_URLS: Final = "/_locum/cloudformation/"
"""The path of the gateway at which answers come in for what stacks wait for."""


DEFAULTS: Final = Settings()


class EventPage(Protocol):
    """One page of the event history."""

    @property
    def answer(self) -> dict[str, Any]:
        """The output of LookupEvents: `Events`, newest first, and `NextToken` where there is more."""


class EventHistory(Protocol):
    """The recorded calls (`audit.History`). It may block: verbs that use it run outside the event loop."""

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
    """The last use of an action by a principal, at `at` (epoch seconds).

    `principal` is the unique id, or the account for the root user; `access_key_id` is empty for temporary credentials.
    """

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
    """The last uses from the recorded calls (`store.Journal`). It may block, like `EventHistory`."""

    def uses(self, account: str, principal: str | None = None) -> Sequence[LastUse]:
        """The last uses in `account`, of `principal` where that is given; in no order."""


class Replies(Protocol):
    """The replies to the asks of a verb (`services.asking.Answers`)."""

    def to(self, position: int, ask: Ask) -> Mapping[str, Any] | Fault:
        """The reply to the ask at `position`. Raises `services.asking.Unanswered` where there is none yet."""


class Context(NamedTuple):
    """The context of one call: the view of the state, the time, the caller. `now` is epoch seconds.

    `region` is that for which the request was signed. `history` is for LookupEvents only, `usage` for reports of last
    use. `password_digests` are those that were computed for the call. `answers` are the replies to the verb's asks
    (`services.asking`). `call` makes the call that was authorized before the verb: see `call_of`. `ahead`: the
    seconds by which `now`, the plane's time, is ahead of the client's clock; 0 for the calls of services.
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
    ahead: float = 0.0

    @property
    def wall(self) -> float:
        """The time by the client's clock (epoch seconds)."""
        return self.now - self.ahead

    def call_of(self, service: str, operation: str, params: Params) -> Call:
        """The call, for a further decision on it. Without `call`, its circumstances (address, agent) are not known."""
        if self.call is not None:
            return self.call()
        return Call(service, operation, params, self.caller, self.region, self.now, source_ip="")

    @property
    def account(self) -> str:
        """The caller's account."""
        return self.caller.account


class Outcome(NamedTuple):
    """The result of a verb: the output by member names of the service model, and the events that change the state.

    `effects` are the calls that it causes. They are committed with the events and carried out afterwards.
    """

    answer: dict[str, Any]
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()


Verb = Callable[[Context, Params], Outcome]

Proof = Callable[[Context, Params], None]
"""Verifies the second factor in a call. Raises Fault where it is wrong."""


Pending = Callable[[Context, Params], float | None]
"""See `Operation.pending`."""

Effective = Callable[[Context, Params], Generator[Ask, Mapping[str, Any], Params]]
"""See `Operation.effective`."""


class Operation(NamedTuple):
    """A verb, and how it is run.

    `writes`: it may have events and runs in a transaction. `blocks`: it waits for storage (the recorded calls, data on
    the disk) and runs outside the event loop.

    `proof`: the call has a second factor, on which its authorization may depend. It is verified before that; the verb
    verifies it again, on the state that it changes, and marks it as used. `miscounted` are the events that count one
    that was wrong, where several nodes have to know. `variant` returns the operation for calls
    whose parameters need another one; None for all others.

    `rehearsed`: it writes and takes long. It first runs outside the event loop, so that results which took long
    (digests of passwords; with `blocks`, last uses) are available when it runs in the transaction.

    `computes`: it takes long without waiting and runs outside the event loop. `asks`: it may make asks
    (`services.asking`) and is run again with the answers.

    `effective` makes the parameters that the call is decided on and run with of those that were sent, asking only the
    backend: what a request names stands in it (a launch template).

    `pending`: when the operation began that the call tells of (epoch seconds); None where none is under way. The verb
    only reads, and runs once that has ended or `Settings.patience` is over: clients look again after 5 or 30 seconds.
    It may raise what the verb raises.

    `rate`: how many calls a second an account may make in a Region, where `Settings.rate_limits` says so; 0 for any.
    """

    verb: Verb
    writes: bool
    blocks: bool = False
    proof: Proof | None = None
    miscounted: Callable[[Context, Params], tuple[Event, ...]] | None = None
    variant: Callable[[Params], Operation | None] | None = None
    rehearsed: bool = False
    computes: bool = False
    asks: bool = False
    effective: Effective | None = None
    pending: Pending | None = None
    rate: float = 0.0

    @property
    def special(self) -> bool:
        """Whether the verb cannot simply be run on the event loop, at once."""
        return self.writes or self.blocks or self.computes or self.asks or self.pending is not None

    def of(self, params: Params) -> Operation:
        """The operation for a call with `params`."""
        return self if self.variant is None else self.variant(params) or self


def reads(verb: Verb) -> Operation:
    """Register a verb without events."""
    return Operation(verb, writes=False)


def writes(verb: Verb) -> Operation:
    """Register a verb that may have events."""
    return Operation(verb, writes=True)


def digests_passwords(verb: Verb) -> Operation:
    """Register a verb that may have events and computes digests of passwords."""
    return Operation(verb, writes=True, rehearsed=True)


def computes(verb: Verb) -> Operation:
    """Register a verb without events that takes long."""
    return Operation(verb, writes=False, computes=True)


def asks(verb: Verb) -> Operation:
    """Register a verb without events that may make asks (`services.asking.asking`)."""
    return Operation(verb, writes=False, asks=True)


def asks_and_writes(verb: Verb) -> Operation:
    """Register a verb that may make asks (`services.asking.asking`) and have events."""
    return Operation(verb, writes=True, asks=True)


def looks_up_and_writes(verb: Verb) -> Operation:
    """Register a verb that may have events and reads last uses."""
    return Operation(verb, writes=True, blocks=True, rehearsed=True)


def looks_up(verb: Verb) -> Operation:
    """Register a verb without events that reads recorded calls or other data on the disk."""
    return Operation(verb, writes=False, blocks=True)

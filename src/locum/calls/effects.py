"""Effects as the journal keeps them: sealed, with the time of their next attempt.

What a service sends may hold a secret (an exchange token in a notification), and events never do in clear: an entry is
sealed under the key ring, for its account and id.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from locum.core.actors import ServiceRole
from locum.core.calls import USUAL_PATIENCE, Effect, ServiceCall
from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.core.principal import Caller
from locum.credentials import KeyRing
from locum.state import PendingEffect, State

FIRST_RETRY: Final = 1.0
LONGEST_RETRY: Final = 900.0
"""Seconds: each failed attempt doubles the time to the next one, from the first up to the second."""

GIVEN_UP_AFTER: Final = USUAL_PATIENCE.seconds
"""Seconds after which an effect that still fails is given up, where its service has no setting for it."""

MOST_TOLD: Final = 1024
"""Characters of an error that a dead letter tells."""

_THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes with which services say "later", often with status 400: those that AWS's own SDKs try again."""

_PURPOSE: Final = "effect"


class _Sealed(msgspec.Struct, array_like=True):
    """A `ServiceCall` as it is sealed: one of `caller` and `role` is there. `instead` is made if need be."""

    caller: Caller | None
    role: ServiceRole | None
    service: str
    operation: str
    params: dict[str, Any]
    region: str
    instead: _Sealed | None = None


_encode: Final = msgspec.msgpack.Encoder().encode  # blobs stay blobs in it
_decoder: Final = msgspec.msgpack.Decoder(_Sealed)


def pending(
    effect: Effect, cause: str, at: tuple[int, int], now: float, ring: KeyRing, entropy: Entropy, node: str = ""
) -> PendingEffect:
    """The outbox entry of `effect`, to be committed as number `at` (journal entry, place in it) by `node`."""
    account = effect.call.actor.account
    instead = None if effect.instead is None else _plain(effect.instead)
    plain = _encode(_plain(effect.call, instead))
    return PendingEffect(
        account=account,
        id=effect.id,
        cause=cause,
        sequence=at[0],
        position=at[1],
        lane=effect.lane,
        created=now,
        due=now + effect.delay,
        sealed=ring.seal(_PURPOSE, plain, entropy, _owner(account, effect.id)),
        retries=effect.patience.retries,
        patience=effect.patience.seconds,
        node=node if effect.awaited else "",
    )


def _plain(call: ServiceCall, instead: _Sealed | None = None) -> _Sealed:
    role = call.actor if isinstance(call.actor, ServiceRole) else None
    caller = None if isinstance(call.actor, ServiceRole) else call.actor
    return _Sealed(caller, role, call.service, call.operation, dict(call.params), call.region, instead)


def call_of(entry: PendingEffect, ring: KeyRing) -> ServiceCall:
    """The call that `entry` is to make. Raises credentials.BrokenSeal where it does not open."""
    return _call(_opened(entry, ring))


def instead_of(entry: PendingEffect, ring: KeyRing, fault: Fault) -> ServiceCall | None:
    """The call that is made where `entry` is given up because of `fault`; None where nothing is.

    A message with attributes gets the reason as further ones. EventBridge User Guide, "Using dead-letter queues".
    """
    sealed = _opened(entry, ring).instead
    if sealed is None:
        return None
    attributes = sealed.params.get("MessageAttributes")
    if attributes:
        told = {"ERROR_CODE": fault.code, "ERROR_MESSAGE": fault.message[:MOST_TOLD] or fault.code}
        texts = {name: {"DataType": "String", "StringValue": text} for name, text in told.items()}
        tried = {"RETRY_ATTEMPTS": {"DataType": "Number", "StringValue": str(entry.attempts)}}
        sealed.params["MessageAttributes"] = {**attributes, **texts, **tried}
    return _call(sealed)


def _opened(entry: PendingEffect, ring: KeyRing) -> _Sealed:
    plain = ring.open(_PURPOSE, entry.sealed, _owner(entry.account, entry.id))
    return _decoder.decode(plain)


def _call(sealed: _Sealed) -> ServiceCall:
    actor = sealed.role or sealed.caller
    assert actor is not None
    return ServiceCall(actor, sealed.service, sealed.operation, sealed.params, sealed.region)


def still_pending(state: State, entry: PendingEffect) -> PendingEffect | None:
    """The entry of the same effect in `state`; None where the effect is done, or given up."""
    return state.get(PendingEffect, entry.account, entry.id)


def passing(fault: Fault) -> bool:
    """Whether `fault` may be gone at the next attempt: a failure (5xx) or throttling, not a refusal."""
    return fault.status >= 500 or fault.status == 429 or fault.code in _THROTTLED


def postponed(entry: PendingEffect, now: float) -> PendingEffect | None:
    """`entry` after one more failed attempt, at `now`; None where it is given up.

    Nobody waits for it any more, so that it is for whichever node delivers.
    """
    if now - entry.created >= entry.patience or (entry.retries is not None and entry.attempts >= entry.retries):
        return None
    wait = min(FIRST_RETRY * 2.0 ** min(entry.attempts, 32), LONGEST_RETRY)
    return msgspec.structs.replace(entry, attempts=entry.attempts + 1, due=now + wait, node="")


def _owner(account: str, identifier: str) -> bytes:
    return f"{account}/{identifier}".encode()

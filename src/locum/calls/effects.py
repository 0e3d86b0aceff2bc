"""Effects as the journal keeps them: sealed, with the time of their next attempt.

What a service sends may hold a secret (an exchange token in a notification), and events never do in clear: an entry is
sealed under the key ring, for its account and id.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from locum.core.actors import ServiceRole
from locum.core.calls import Effect, ServiceCall
from locum.core.clock import DAY, Entropy
from locum.core.errors import Fault
from locum.core.principal import Caller
from locum.credentials import KeyRing
from locum.state import PendingEffect, State

FIRST_RETRY: Final = 1.0
LONGEST_RETRY: Final = 900.0
"""Seconds: each failed attempt doubles the time to the next one, from the first up to the second."""

GIVEN_UP_AFTER: Final = float(DAY)
"""Seconds after which an effect that still fails is given up. [U] AWS does not publish how long its services retry."""

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
    """A `ServiceCall` as it is sealed: one of `caller` and `role` is there."""

    caller: Caller | None
    role: ServiceRole | None
    service: str
    operation: str
    params: dict[str, Any]
    region: str


_encode: Final = msgspec.msgpack.Encoder().encode  # blobs stay blobs in it
_decoder: Final = msgspec.msgpack.Decoder(_Sealed)


def pending(
    effect: Effect, cause: str, at: tuple[int, int], now: float, ring: KeyRing, entropy: Entropy
) -> PendingEffect:
    """The outbox entry of `effect`, to be committed as number `at` (journal entry, place in it)."""
    call, account = effect.call, effect.call.actor.account
    role = call.actor if isinstance(call.actor, ServiceRole) else None
    caller = None if isinstance(call.actor, ServiceRole) else call.actor
    plain = _encode(_Sealed(caller, role, call.service, call.operation, dict(call.params), call.region))
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
    )


def call_of(entry: PendingEffect, ring: KeyRing) -> ServiceCall:
    """The call that `entry` is to make. Raises credentials.BrokenSeal where it does not open."""
    plain = ring.open(_PURPOSE, entry.sealed, _owner(entry.account, entry.id))
    sealed = _decoder.decode(plain)
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
    """`entry` after one more failed attempt, at `now`; None where it is given up."""
    if now - entry.created >= GIVEN_UP_AFTER:
        return None
    wait = min(FIRST_RETRY * 2.0 ** min(entry.attempts, 32), LONGEST_RETRY)
    return msgspec.structs.replace(entry, attempts=entry.attempts + 1, due=now + wait)


def _owner(account: str, identifier: str) -> bytes:
    return f"{account}/{identifier}".encode()

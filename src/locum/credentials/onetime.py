"""One-time codes of MFA devices: RFC 6238 (TOTP), with its defaults: HMAC-SHA-1, 30 seconds, six digits.

1. A device and its validator share a seed. The code of a time step T is HOTP(seed, T) (RFC 4226), with
   T = floor(epoch seconds / 30).
2. RFC 6238, section 5.2: "The validation system should compare OTPs not only with the receiving timestamp but also
   the past timestamps that are within the transmission delay." One step each way is accepted.
3. The same section: "Note that a prover may send the same OTP inside a given time-step window multiple times to a
   verifier. The verifier MUST NOT accept the second attempt of the OTP after the successful validation has been
      issued for the first OTP". So the step of a code must be later than the last one that was accepted.
   4. Section 6: a device's clock drifts. The drift in steps is determined from two consecutive codes, in a wider
   window,
      and is stored with the device.

   A seed is stored sealed for the serial number of its device. Steps are counters, not times.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterator
from typing import Final

from locum.core.clock import Entropy
from locum.credentials.keyring import KeyRing

STEP_SECONDS: Final = 30
"""RFC 6238, section 5.2: "We RECOMMEND a default time-step size of 30 seconds." """

SEED_BYTES: Final = 40
"""The length of a seed: 64 characters of base32, like AWS's. RFC 4226, section 4, requires at least 16 bytes."""

DELAY_STEPS: Final = 1
"""The accepted distance of a code from the present step, in either direction."""

TRIES: Final = 10
"""Wrong codes that may be shown in SPAN: a code is then found after a hundred days, not minutes."""

SPAN: Final = 300.0
"""Seconds."""

DRIFT_STEPS: Final = 120
"""The accepted distance of two consecutive codes when a device is enabled or synchronized: one hour."""

_SEALED_AS: Final = "mfa-seed"


def new_seed(keyring: KeyRing, serial: str, entropy: Entropy) -> tuple[str, bytes]:
    """Generate a seed for the device `serial`: in base32, and sealed."""
    seed = entropy(SEED_BYTES)
    return _text(seed), keyring.seal(_SEALED_AS, seed, entropy, serial.encode())


def open_seed(keyring: KeyRing, serial: str, sealed: bytes) -> str:
    """Open the seed of the device `serial`, in base32. Raises BrokenSeal where `sealed` is not that device's."""
    return _text(keyring.open(_SEALED_AS, sealed, serial.encode()))


def accepted_step(seed: str, code: str, now: float, ahead: int = 0, last: int = 0) -> int | None:
    """The time step for which `code` is accepted, or None where it is refused.

    `ahead` is the drift of the device's clock in steps; `last` is the step that was accepted last.
    """
    return _step(seed, (code,), now, _around(ahead, DELAY_STEPS), last)


def synchronized_step(seed: str, first: str, second: str, now: float, last: int = 0) -> int | None:
    """The time step of `second`, where `first` and `second` are consecutive codes of steps after `last`; else None.

    `drift` computes the drift of the device's clock from it.
    """
    return _step(seed, (first, second), now, _around(0, DRIFT_STEPS), last)


def drift(step: int, now: float) -> int:
    """The drift in steps of a clock that shows `step` at `now`; 0 within `DELAY_STEPS`."""
    found = step - present_step(now)
    return found if abs(found) > DELAY_STEPS else 0


def present_step(now: float) -> int:
    """The time step of `now` (epoch seconds)."""
    return int(now) // STEP_SECONDS


def _around(center: int, reach: int) -> Iterator[int]:
    """The integers within `reach` of `center`, nearest first, the lower before the higher."""
    yield center
    for distance in range(1, reach + 1):
        yield center - distance
        yield center + distance


def _step(seed: str, codes: tuple[str, ...], now: float, offsets: Iterator[int], last: int) -> int | None:
    """The time step of the last of consecutive `codes`, at the first offset from the present where all are right.

    All offsets are compared, in constant time, whichever matches.
    """
    code_at, given = _codes(seed), "".join(codes).encode()
    found: int | None = None
    for offset in offsets:
        step = present_step(now) + offset
        first = step - len(codes) + 1
        if first <= last:
            continue
        wanted = "".join(code_at(each) for each in range(first, step + 1)).encode()
        if hmac.compare_digest(wanted, given) and found is None:
            found = step
    return found


def _codes(seed: str) -> Callable[[int], str]:
    from pyotp import HOTP  # noqa: PLC0415 - a tenth of a second, for what most installations never do

    known: dict[int, str] = {}
    generator = HOTP(seed)

    def code_at(step: int) -> str:
        if step not in known:
            known[step] = generator.at(step)
        return known[step]

    return code_at


def _text(seed: bytes) -> str:
    return base64.b32encode(seed).decode()

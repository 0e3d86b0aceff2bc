"""One-time codes: RFC 6238, and what must never be accepted."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyotp import HOTP

from locum.credentials import BrokenSeal, KeyRing
from locum.credentials.onetime import (
    DRIFT_STEPS,
    accepted_step,
    drift,
    new_seed,
    open_seed,
    present_step,
    synchronized_step,
)

SEED = base64.b32encode(b"12345678901234567890").decode()
SERIAL = "arn:aws:iam::111122223333:mfa/phone"
NOW = 1_790_000_000.0
STEP = present_step(NOW)


def entropy(size: int) -> bytes:
    return bytes(range(size))


def code(step: int, seed: str = SEED) -> str:
    return HOTP(seed).at(step)


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_test_vectors_of_rfc_6238(instant: int, shown: str) -> None:
    assert accepted_step(SEED, shown, instant) == instant // 30


@pytest.mark.parametrize(
    ("offset", "accepted"), [(-3, False), (-2, False), (-1, True), (0, True), (1, True), (2, False), (3, False)]
)
def test_one_step_of_delay_is_allowed_each_way(offset: int, accepted: bool) -> None:
    assert accepted_step(SEED, code(STEP + offset), NOW) == (STEP + offset if accepted else None)


@pytest.mark.parametrize("ahead", [-120, -2, 2, 120])
def test_a_device_whose_clock_is_wrong_is_taken_by_its_own_clock(ahead: int) -> None:
    assert accepted_step(SEED, code(STEP + ahead), NOW) is None
    assert accepted_step(SEED, code(STEP + ahead), NOW, ahead) == STEP + ahead
    assert accepted_step(SEED, code(STEP), NOW, ahead) is None


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_code_is_not_accepted_after_it_or_a_later_one_was(offset: int) -> None:
    step = STEP + offset
    assert accepted_step(SEED, code(step), NOW, last=step - 1) == step
    assert accepted_step(SEED, code(step), NOW, last=step) is None
    assert accepted_step(SEED, code(step), NOW, last=step + 1) is None


@pytest.mark.parametrize(
    "shown",
    ["", "0", "00000", "0000000", "abcdef", " 12345", "\u0661\u0662\u0663\u0664\u0665\u0666", "12345\u0000", "-12345"],
)
def test_what_is_no_code_is_not_accepted(shown: str) -> None:
    assert accepted_step(SEED, shown, NOW) is None
    assert synchronized_step(SEED, shown, code(STEP), NOW) is None
    assert synchronized_step(SEED, code(STEP - 1), shown, NOW) is None


def test_the_code_in_other_digits_is_not_the_code() -> None:
    arabic = "".join(chr(0x660 + int(digit)) for digit in code(STEP))
    assert int(arabic) == int(code(STEP))
    assert accepted_step(SEED, arabic, NOW) is None


def test_the_code_of_another_seed_is_not_accepted() -> None:
    other = base64.b32encode(b"09876543210987654321").decode()
    assert accepted_step(SEED, code(STEP, other), NOW) is None


@pytest.mark.parametrize("offset", [-DRIFT_STEPS, -40, -1, 0, 1, 40, DRIFT_STEPS])
def test_two_consecutive_codes_tell_the_time_of_the_device(offset: int) -> None:
    second = STEP + offset
    assert synchronized_step(SEED, code(second - 1), code(second), NOW) == second


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (STEP, STEP),
        (STEP, STEP - 1),
        (STEP - 2, STEP),
        (STEP - DRIFT_STEPS - 2, STEP - DRIFT_STEPS - 1),
        (STEP + DRIFT_STEPS, STEP + DRIFT_STEPS + 1),
    ],
)
def test_codes_that_are_not_consecutive_or_too_far_off_tell_nothing(first: int, second: int) -> None:
    assert synchronized_step(SEED, code(first), code(second), NOW) is None


@pytest.mark.parametrize("last", [STEP - 1, STEP, STEP + 1])
def test_a_device_is_not_synchronized_with_codes_that_were_accepted_before(last: int) -> None:
    assert synchronized_step(SEED, code(STEP - 1), code(STEP), NOW, last) is None
    assert synchronized_step(SEED, code(STEP - 1), code(STEP), NOW, STEP - 2) == STEP


@pytest.mark.parametrize(("offset", "found"), [(-120, -120), (-2, -2), (-1, 0), (0, 0), (1, 0), (2, 2)])
def test_a_step_of_delay_is_no_drift(offset: int, found: int) -> None:
    assert drift(STEP + offset, NOW) == found


def test_a_seed_opens_for_its_own_device_only() -> None:
    ring = KeyRing.generate(entropy)
    seed, sealed = new_seed(ring, SERIAL, entropy)
    assert len(seed) == 64
    assert seed.encode() not in sealed
    assert base64.b32decode(seed) not in sealed
    assert open_seed(ring, SERIAL, sealed) == seed
    with pytest.raises(BrokenSeal):
        open_seed(ring, SERIAL.replace("phone", "tablet"), sealed)


@settings(max_examples=60)
@given(st.lists(st.integers(-2, 2), min_size=1, max_size=12), st.integers(-3, 3))
def test_no_step_is_ever_accepted_twice_and_none_before_another(offsets: list[int], ahead: int) -> None:
    last, accepted = 0, []
    for passed, offset in enumerate(offsets):
        now = NOW + 10 * passed
        step = accepted_step(SEED, code(present_step(now) + ahead + offset), now, ahead, last)
        if step is not None:
            accepted.append(step)
            last = step
    assert accepted == sorted(set(accepted))

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.credentials.passwords import matches_any, new_digest


def entropy(size: int) -> bytes:
    return bytes(range(size))


def other_entropy(size: int) -> bytes:
    return bytes(range(100, 100 + size))


FIRST = new_digest("Correct-Horse-1", entropy)
SECOND = new_digest("Battery-Staple-2", other_entropy, FIRST)


def test_a_digest_is_argon2id_at_owasps_costs_and_the_same_for_the_same_chance() -> None:
    assert FIRST.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert new_digest("Correct-Horse-1", entropy) == FIRST
    assert new_digest("Correct-Horse-1", other_entropy) != FIRST


def test_a_digest_says_nothing_of_its_password() -> None:
    assert "Correct" not in FIRST
    assert len(new_digest("x" * 128, entropy)) == len(FIRST)


@pytest.mark.parametrize(
    ("password", "digests", "known"),
    [
        ("Correct-Horse-1", [FIRST], True),
        ("correct-horse-1", [FIRST], False),
        ("Correct-Horse-1 ", [FIRST], False),
        ("", [FIRST], False),
        ("Correct-Horse-1", [SECOND, FIRST], True),
        ("Battery-Staple-2", [SECOND, FIRST], True),
        ("Third-3", [SECOND, FIRST], False),
        ("Correct-Horse-1", [], False),
        ("", [""], False),
        ("Correct-Horse-1", ["", FIRST], True),
    ],
)
def test_a_password_is_known_by_any_of_its_digests(password: str, digests: list[str], known: bool) -> None:
    assert matches_any(password, digests) is known


def test_the_passwords_of_one_person_share_a_salt() -> None:
    assert SECOND.rpartition("$")[0] == FIRST.rpartition("$")[0]


def test_a_digest_at_other_costs_is_still_verified_and_its_salt_not_carried_on() -> None:
    # argon2.low_level.hash_secret(b"old", bytes(16), 1, 8, 1, 32, Type.ID)
    from argon2 import Type  # noqa: PLC0415 - as in the module
    from argon2.low_level import hash_secret  # noqa: PLC0415

    old = hash_secret(b"old", bytes(16), 1, 8, 1, 32, Type.ID).decode()
    assert matches_any("old", [FIRST, old])
    assert not matches_any("new", [FIRST, old])
    assert new_digest("Correct-Horse-1", entropy, old) == FIRST


@settings(max_examples=10, deadline=None)
@given(st.text(min_size=1, max_size=128, alphabet=st.characters(min_codepoint=0x20, max_codepoint=0xFF)))
def test_whatever_the_password_its_digest_knows_it(password: str) -> None:
    digest = new_digest(password, entropy)
    assert matches_any(password, [digest])
    assert not matches_any(password + "!", [digest])


def test_argon2_is_not_loaded_before_a_password_is_set() -> None:
    question = "import sys, locum.services.iam; sys.exit('argon2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", question], check=False).returncode == 0

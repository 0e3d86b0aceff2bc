"""IMDSv2 tokens are good for one instance, for their time to live, under one key ring."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from locum.credentials import KeyRing
from locum.imds.tokens import MAX_TTL, MIN_TTL, TokenMint
from support.one_account import Entropy

NOW = 1_790_000_000.25
MINT = TokenMint(KeyRing.generate(Entropy()))
TOKEN = MINT.mint("i-1", 60, NOW, Entropy())

ttls = st.integers(MIN_TTL, MAX_TTL)


@given(ttls, st.floats(0, MAX_TTL))
def test_a_token_lasts_for_its_time_to_live_and_no_longer(ttl: int, later: float) -> None:
    token = MINT.mint("i-1", ttl, NOW, Entropy())
    assert MINT.valid("i-1", token, NOW + later) == (NOW + later < int(NOW) + ttl)


@given(st.data())
def test_no_octet_of_a_token_can_be_altered(data: st.DataObject) -> None:
    raw = bytearray(base64.b64decode(TOKEN))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    assert not MINT.valid("i-1", base64.b64encode(raw).decode(), NOW)


@given(st.data())
def test_no_character_of_a_token_can_be_altered(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(TOKEN) - 1))
    other = data.draw(st.characters().filter(lambda character: character != TOKEN[place]))
    assert not MINT.valid("i-1", TOKEN[:place] + other + TOKEN[place + 1 :], NOW)


@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    assert not MINT.valid("i-1", text, NOW)


@given(st.text().filter(lambda name: name != "i-1"))
def test_a_token_means_nothing_on_another_instance(instance: str) -> None:
    assert not MINT.valid(instance, TOKEN, NOW)


def test_a_token_means_nothing_under_another_key_ring() -> None:
    other = Entropy(calls=1000)
    assert not TokenMint(KeyRing.generate(other)).valid("i-1", TOKEN, NOW)


def test_a_token_outlives_a_restart() -> None:
    ring = KeyRing.generate(Entropy())
    assert TokenMint(KeyRing.load(ring.dump())).valid("i-1", TokenMint(ring).mint("i-1", 9, NOW, Entropy()), NOW)


def test_a_token_has_the_length_of_ec2s_and_is_another_each_time() -> None:
    entropy = Entropy()
    tokens = {MINT.mint("i-1", 60, NOW, entropy) for _ in range(10)}
    assert len(tokens) == 10
    assert {len(token) for token in tokens} == {56}


def test_neither_the_mint_nor_its_keys_are_told_of_by_a_token() -> None:
    assert b"i-1" not in base64.b64decode(TOKEN)

"""A prepared key gives the very codes that the standard library gives."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from locum.core.mac import HmacKey


@given(st.binary(max_size=200), st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_every_code_is_that_of_hmac_sha256_however_often_the_key_is_used(key: bytes, texts: list[bytes]) -> None:
    prepared = HmacKey(key)
    assert [prepared.digest(text) for text in texts] == [hmac.digest(key, text, "sha256") for text in texts]


def test_a_prepared_key_shows_nothing_of_itself() -> None:
    assert repr(HmacKey(b"hidden")) == "HmacKey()"

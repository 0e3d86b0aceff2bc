"""A marker carries what it was made of; nothing else is a marker."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.core.markers import key_in, marker_of


@given(st.text())
def test_a_marker_carries_its_key(key: str) -> None:
    assert key_in(marker_of(key)) == key


@pytest.mark.parametrize(
    "marker",
    ["", "ann", "AQ", "AQ== ", "é", base64.b64encode(b"ann").decode(), base64.b64encode(b"\x01\xff").decode()],
)
def test_what_was_not_given_out_is_no_marker(marker: str) -> None:
    assert key_in(marker) is None

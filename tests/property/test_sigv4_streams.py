"""Chunked bodies and checksums, on generated data."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.sigv4 import checksums
from locum.sigv4.checksums import Crc
from locum.sigv4.chunked import SIGNED
from support.signers import changed, check, chunks, refusal, upload

sizes = st.lists(st.integers(8192, 9000), max_size=3)


@given(sizes, st.binary(max_size=50))
def test_any_division_into_chunks_gives_the_data_back(lengths: list[int], last: bytes) -> None:
    parts = [bytes([number]) * length for number, length in enumerate(lengths)] + ([last] if last else [])
    data = b"".join(parts)
    request = upload(SIGNED, len(data))
    assert check(changed(request, body=b"".join(chunks(request, parts)))) == data


REQUEST = upload(SIGNED, 8202)
BODY = b"".join(chunks(REQUEST, [b"a" * 8192, b"b" * 10]))


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_any_byte_of_a_signed_body_changed_is_refused(position: int, difference: int) -> None:
    altered = bytearray(BODY)
    altered[position] ^= difference
    # The size may be spelled with capital letters; nothing else is free.
    if bytes(altered).lower() == BODY and altered[position : position + 1].isalpha() and position < 4:
        return
    assert refusal(changed(REQUEST, body=bytes(altered))).status in {400, 403}


@given(st.binary(max_size=3000), st.sampled_from([checksums.crc32c, checksums.crc64nvme, Crc(32, 0xEDB88320)]))
def test_the_folded_crc_is_that_of_the_plain_loop(data: bytes, crc: Crc) -> None:
    register = crc._ones
    for byte in data:
        register = crc._table[(register ^ byte) & 0xFF] ^ (register >> 8)
    assert crc(data) == (register ^ crc._ones).to_bytes(crc.width // 8, "big")


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 128, 129, 4096, 100_003])
def test_the_folded_crc_of_zlibs_polynomial_is_zlibs(length: int) -> None:
    data = bytes(number * number & 0xFF for number in range(length))
    assert Crc(32, 0xEDB88320)(data) == zlib.crc32(data).to_bytes(4, "big")

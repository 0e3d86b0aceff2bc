"""Checksums, dates, and our own signing."""

from __future__ import annotations

import base64

import pytest

from locum.core.http import HttpRequest
from locum.sigv4 import checksums, signed_headers
from locum.sigv4.times import basic, basic_of_http_date, epoch_of
from support.signers import KEY_ID, SECRET, check, claimed


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The "check" values of the catalogue of parametrised CRC algorithms, and of FIPS 180.
        ("crc32", "cbf43926"),
        ("crc32c", "e3069283"),
        ("crc64nvme", "ae8b14860a799888"),
        ("md5", "25f9e794323b453885f5181f1b624d0b"),
        ("sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_published_check_values(name: str, expected: str) -> None:
    value = base64.b64encode(bytes.fromhex(expected)).decode()
    header = f"x-amz-checksum-{name}"
    assert checksums.supported(header)
    assert checksums.well_formed(header, value)
    assert checksums.matches(header, value, b"123456789")
    assert not checksums.matches(header, value, b"123456780")
    assert not checksums.well_formed(header, value[4:])


def test_the_crc32c_examples_of_rfc_3720() -> None:
    for data, expected in (
        (bytes(32), "8a9136aa"),
        (b"\xff" * 32, "62a8ab43"),
        (bytes(range(32)), "46dd794e"),
        (bytes(range(31, -1, -1)), "113fdb5c"),
    ):
        assert checksums.crc32c(data).hex() == expected


def test_unknown_checksums_are_not_supported_and_xxhash_is_taken_as_it_is() -> None:
    assert not checksums.supported("x-amz-checksum-crc16")
    assert not checksums.supported("crc32")
    assert checksums.supported("x-amz-checksum-xxhash3")
    assert checksums.well_formed("x-amz-checksum-xxhash3", "?")
    assert checksums.matches("x-amz-checksum-xxhash3", "?", b"")


def test_dates_go_back_and_forth() -> None:
    assert epoch_of("20260131T120000Z") == 1_769_860_800
    assert basic(1_769_860_800.9) == "20260131T120000Z"
    assert basic_of_http_date("Sat, 31 Jan 2026 12:00:00 GMT") == "20260131T120000Z"
    assert basic_of_http_date("20260131T120000Z") == "20260131T120000Z"


@pytest.mark.parametrize(
    "text", ["", "20260231T120000Z", "20260131T250000Z", "20260131T120000", "\u0662" * 8 + "T120000Z"]
)
def test_what_is_no_date_has_no_instant(text: str) -> None:
    assert epoch_of(text) is None
    assert basic_of_http_date(text) is None


@pytest.mark.parametrize(
    "text", ["Sat, 31 Foo 2026 12:00:00 GMT", "Sat, 31 Feb 2026 12:00:00 GMT", "31 Jan 2026 12:00:00"]
)
def test_what_is_no_http_date_has_no_basic_form(text: str) -> None:
    assert basic_of_http_date(text) is None


@pytest.mark.parametrize(("service", "path"), [("s3", "/bucket/a%20b//c"), ("lambda", "/functions/arn%3Aaws")])
@pytest.mark.parametrize("token", [None, "token"])
def test_what_we_sign_ourselves_verifies(service: str, path: str, token: str | None) -> None:
    headers = {"host": "backend:9000", "content-type": "text/plain", "x-amz-meta-a": "b", "user-agent": "x"}
    request = HttpRequest("PUT", path, "versionId=1&a", headers, b"data")
    added = signed_headers(
        request,
        access_key_id=KEY_ID,
        secret=SECRET,
        region="us-east-1",
        service=service,
        now=1_769_860_800.0,
        session_token=token,
    )
    request = HttpRequest("PUT", path, "versionId=1&a", headers | added, b"data")
    assert check(request) == b"data"
    assert claimed(request).session_token == token

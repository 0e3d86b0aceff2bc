"""Long-lived access keys in texts, also packed ones; and what only looks like them."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
import zlib

import pytest

from locum.analysis.audit.secrets import keys_in

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PLAIN = f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n".encode()


def zipped(content: bytes) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app/settings", content)
    return octets.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        json.dumps({"id": KEY_ID, "secret": SECRET}).encode(),
        f"export A={KEY_ID};export B={SECRET}".encode(),
        f'"{SECRET}" # of {KEY_ID}'.encode(),
        base64.b64encode(PLAIN),
        base64.urlsafe_b64encode(PLAIN),
        base64.encodebytes(PLAIN * 3),
        b"data: " + base64.b64encode(PLAIN).rstrip(b"="),
        gzip.compress(PLAIN),
        zlib.compress(b"blob 80\0" + PLAIN),
        base64.b64encode(gzip.compress(PLAIN)),
        zipped(PLAIN),
        PLAIN.decode().encode("utf-16"),
        PLAIN.decode().encode("utf-16-le"),
    ],
)
def test_attack_a_key_with_its_secret_is_found_however_it_is_packed(content: bytes) -> None:
    assert keys_in(content) == {KEY_ID}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        KEY_ID.encode(),
        SECRET.encode(),
        f"{KEY_ID} {'0' * 40}".encode(),
        f"{KEY_ID} da39a3ee5e6b4b0d3255bfef95601890afd80709".encode(),
        f"X{KEY_ID}X {SECRET}".encode(),
        f"ASIA{KEY_ID[4:]} {SECRET}".encode(),
        b"\x1f\x8b" + PLAIN[:10],
        b"PK\x03\x04" + b"\0" * 50,
        gzip.compress(PLAIN)[:20],
    ],
)
def test_what_is_no_key_with_its_secret_is_left_alone(content: bytes) -> None:
    assert keys_in(content) == set()


def test_attack_what_unpacks_to_more_than_is_looked_at_ends() -> None:
    assert keys_in(gzip.compress(b"\0" * (64 << 20) + PLAIN)) == set()

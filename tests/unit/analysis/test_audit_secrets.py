"""Long-lived access keys in texts, also packed ones; and what only looks like them."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
import zlib

import pytest

from locum.analysis.audit.secrets import LARGEST, MOST, Look, look

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PLAIN = f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n".encode()


def zipped(content: bytes) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("app/settings"), content, zipfile.ZIP_DEFLATED)
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
        b"id: " + base64.b64encode(KEY_ID.encode()) + b"\nsecret: " + base64.b64encode(SECRET.encode()),
        b"data: " + base64.b64encode(PLAIN).rstrip(b"="),
        gzip.compress(PLAIN, mtime=0),
        zlib.compress(b"blob 80\0" + PLAIN),
        base64.b64encode(gzip.compress(PLAIN, mtime=0)),
        gzip.compress(b"first", mtime=0) + gzip.compress(PLAIN, mtime=0),
        zipped(PLAIN),
        PLAIN.decode().encode("utf-16"),
        PLAIN.decode().encode("utf-16-le"),
    ],
)
def test_attack_a_key_with_its_secret_is_found_however_it_is_packed(content: bytes) -> None:
    assert look(content) == Look(frozenset({KEY_ID}), whole=True)


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
        gzip.compress(PLAIN, mtime=0)[:20],
    ],
)
def test_what_is_no_key_with_its_secret_is_left_alone(content: bytes) -> None:
    assert look(content) == Look(frozenset(), whole=True)


def test_attack_a_secret_is_not_in_what_is_told_of_it() -> None:
    assert SECRET not in repr(look(PLAIN))


@pytest.mark.nightly
def test_attack_what_unpacks_to_more_than_is_looked_at_ends_and_is_told() -> None:
    assert look(gzip.compress(b"\0" * (64 << 20) + PLAIN)) == Look(frozenset(), whole=False)
    bomb = gzip.compress(b"\0" * LARGEST, mtime=0)
    times = (number.to_bytes(4, "little") for number in range(200))  # so that no two are alike
    bombs = b" ".join(base64.b64encode(bomb[:4] + time + bomb[8:]) for time in times)
    assert not look(bombs).whole
    assert not look(b" " * (LARGEST + 1)).whole
    assert MOST > LARGEST

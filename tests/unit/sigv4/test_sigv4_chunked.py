"""aws-chunked bodies: chunks altered, dropped, moved, cut; trailers altered."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable

import pytest

from locum.core.http import HttpRequest
from locum.sigv4 import without_chunk_framing
from locum.sigv4.chunked import SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER
from support.signers import Declared, changed, check, chunks, claimed, plain_chunks, refusal, signed, upload

PARTS = [b"a" * 8192, b"b" * 8192, b"c" * 10]
DATA = b"".join(PARTS)
CRC = {"x-amz-checksum-crc32": base64.b64encode(zlib.crc32(DATA).to_bytes(4, "big")).decode()}


def signed_upload() -> tuple[HttpRequest, list[bytes]]:
    request = upload(SIGNED, len(DATA))
    return request, chunks(request, PARTS)


def trailed_upload() -> tuple[HttpRequest, list[bytes]]:
    request = upload(SIGNED_TRAILER, len(DATA), trailer="x-amz-checksum-crc32")
    return request, chunks(request, PARTS, CRC)


def plain_upload() -> tuple[HttpRequest, list[bytes]]:
    return upload(UNSIGNED_TRAILER, len(DATA), trailer="x-amz-checksum-crc32"), plain_chunks(PARTS, CRC)


each = pytest.mark.parametrize("make", [signed_upload, trailed_upload, plain_upload])
Make = Callable[[], tuple[HttpRequest, list[bytes]]]


def framed(make: Make, frames: list[bytes] | None = None) -> HttpRequest:
    request, own = make()
    return changed(request, body=b"".join(own if frames is None else frames))


@each
def test_what_is_in_the_chunks_comes_out(make: Make) -> None:
    assert check(framed(make)) == DATA


@pytest.mark.parametrize("mode", [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER])
def test_an_empty_object_is_one_chunk_of_size_zero(mode: str) -> None:
    request = upload(mode, 0)
    frames = plain_chunks([], {}) if mode == UNSIGNED_TRAILER else chunks(request, [], None if mode == SIGNED else {})
    assert check(changed(request, body=b"".join(frames))) == b""


@pytest.mark.parametrize("make", [signed_upload, trailed_upload])
def test_a_chunk_altered_is_refused(make: Make) -> None:
    request, frames = make()
    for position in range(3):
        altered = list(frames)
        altered[position] = frames[position][:-3] + b"!\r\n"
        assert refusal(changed(request, body=b"".join(altered))).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("make", [signed_upload, trailed_upload])
@pytest.mark.parametrize(
    "order", [[1, 0, 2, 3, 4], [0, 2, 3, 4], [0, 0, 1, 2, 3, 4], [0, 1, 3, 4], [3, 4], [0, 1, 2, 1, 3, 4]]
)
def test_chunks_moved_dropped_or_repeated_are_refused(make: Make, order: list[int]) -> None:
    request, frames = make()
    altered = changed(request, body=b"".join(frames[position] for position in order))
    assert refusal(altered).code in {"SignatureDoesNotMatch", "InvalidChunkSizeError"}


@each
def test_a_body_cut_anywhere_is_refused(make: Make) -> None:
    request, frames = make()
    whole = b"".join(frames)
    cuts = [*range(0, len(whole), 997), *range(len(whole) - 300, len(whole))]
    for cut in cuts:
        # Without the very last line end nothing is missing from a trailer.
        if make is not signed_upload and cut == len(whole) - 2:
            continue
        assert refusal(changed(request, body=whole[:cut])).status in {400, 403}


@each
def test_bytes_after_the_end_are_refused(make: Make) -> None:
    request, frames = make()
    assert refusal(changed(request, body=b"".join(frames) + b"more")).status == 400


def test_chunks_of_another_upload_are_refused() -> None:
    request, _ = signed_upload()
    other = upload(SIGNED, len(DATA), token="another session")
    assert refusal(changed(request, body=b"".join(chunks(other, PARTS)))).code == "SignatureDoesNotMatch"


def test_chunks_without_signatures_are_refused_where_they_must_be_signed() -> None:
    request, _ = signed_upload()
    frames = [*plain_chunks(PARTS, {})[:-1], b"\r\n"]
    assert refusal(changed(request, body=b"".join(frames))).code == "IncompleteBody"


@pytest.mark.parametrize(
    ("trailer", "code"),
    [
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        ({"x-amz-checksum-crc32": "AAAA"}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "\u00e9AAAAA="}, "BadDigest"),
        ({"x-amz-checksum-sha1": CRC["x-amz-checksum-crc32"]}, "MalformedTrailerError"),
        ({}, "MalformedTrailerError"),
        (CRC | {"x-amz-meta-a": "b"}, "MalformedTrailerError"),
    ],
)
def test_a_trailer_that_does_not_fit_is_refused(trailer: dict[str, str], code: str) -> None:
    request, _ = plain_upload()
    assert refusal(changed(request, body=b"".join(plain_chunks(PARTS, trailer)))).code == code
    if all(value.isascii() for value in trailer.values()):
        request, _ = trailed_upload()
        assert refusal(changed(request, body=b"".join(chunks(request, PARTS, trailer)))).code == code


def test_a_trailer_altered_after_signing_is_refused() -> None:
    request, frames = trailed_upload()
    for altered in (
        frames[-1].replace(b"checksum-crc32:", b"checksum-crc32:x"),
        frames[-1].replace(b"trailer-signature:", b"trailer-signature:0"),
        frames[-1].split(b"x-amz-trailer-signature")[0] + b"\r\n",
        b"\r\n",
    ):
        assert refusal(changed(request, body=b"".join([*frames[:-1], altered]))).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("line", [b"no colon\r\n", b":nothing\r\n", b"x:" + b"y" * 9000 + b"\r\n"])
def test_a_trailer_that_is_no_list_of_headers_is_refused(line: bytes) -> None:
    request, frames = plain_upload()
    body = b"".join([*frames[:-1], line, frames[-1]])
    assert refusal(changed(request, body=body)).code == "MalformedTrailerError"


def test_a_trailer_named_twice_is_refused() -> None:
    request, frames = plain_upload()
    twice = frames[-1].removesuffix(b"\r\n") + frames[-1]
    assert refusal(changed(request, body=b"".join([*frames[:-1], twice]))).code == "MalformedTrailerError"


def test_a_trailer_that_is_no_checksum_is_refused() -> None:
    request = upload(UNSIGNED_TRAILER, 1, trailer="x-amz-meta-a")
    body = b"".join(plain_chunks([b"x"], {"x-amz-meta-a": "b"}))
    assert refusal(changed(request, body=body)).code == "InvalidRequest"


@each
@pytest.mark.parametrize("end", ["\n", " \t\r\n"])
def test_line_ends_in_a_trailer_may_differ(make: Make, end: str) -> None:
    if make is signed_upload:
        return
    request, frames = make()
    altered = frames[-1].replace(b"\r\n", end.encode())
    assert check(changed(request, body=b"".join([*frames[:-1], b"\r\n", altered]))) == DATA


@pytest.mark.parametrize("length", ["", "-1", "1.5", "\u0663"])
def test_the_length_must_be_given(length: str) -> None:
    request = upload(SIGNED, len(DATA))
    altered = changed(request, headers={"x-amz-decoded-content-length": length})
    assert refusal(altered).code in {"SignatureDoesNotMatch", "MissingContentLength"}
    missing = changed(upload(UNSIGNED_TRAILER, 0), headers={"x-amz-decoded-content-length": None})
    assert refusal(missing).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("length", [len(DATA) - 1, len(DATA) + 1, 0])
def test_a_length_that_is_not_that_of_the_data_is_refused(length: int) -> None:
    request = upload(SIGNED, length)
    fault = refusal(changed(request, body=b"".join(chunks(request, PARTS))))
    assert (fault.code, fault.status) == ("IncompleteBody", 400)


def test_a_small_chunk_must_be_the_last() -> None:
    parts = [b"x" * 8191, b"y"]
    request = upload(SIGNED, 8192)
    fault = refusal(changed(request, body=b"".join(chunks(request, parts))))
    assert fault.code == "InvalidChunkSizeError"
    assert fault.members == {"Chunk": "2", "BadChunkSize": "8191"}


@pytest.mark.parametrize("size", [b"g", b"", b"-1", b"0x10", b"f" * 17, b"ffffffffffffffff", b"1_0", b" 1"])
def test_a_size_that_is_none_is_refused(size: bytes) -> None:
    request, frames = plain_upload()
    body = size + b"\r\n" + b"".join(frames)
    assert refusal(changed(request, body=body)).code == "IncompleteBody"


def test_an_unframed_request_is_as_if_it_had_come_in_one_piece() -> None:
    request = changed(framed(plain_upload), headers={"content-encoding": "gzip, aws-chunked"})
    plain = without_chunk_framing(request, claimed(request), DATA)
    assert plain.body == DATA
    assert plain.headers["content-encoding"] == "gzip"
    assert plain.headers["content-length"] == str(len(DATA))
    assert plain.headers["x-amz-checksum-crc32"] == CRC["x-amz-checksum-crc32"]
    assert not {"x-amz-trailer", "x-amz-decoded-content-length"} & plain.headers.keys()
    request = framed(trailed_upload)
    plain = without_chunk_framing(request, claimed(request), DATA)
    assert "content-encoding" not in plain.headers
    assert "x-amz-trailer-signature" not in plain.headers


def test_a_request_in_one_piece_is_left_as_it_is() -> None:
    headers = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    request = signed(Declared, "s3", "PUT", "http://localhost/b/k", b"data", headers)
    assert without_chunk_framing(request, claimed(request), b"data") is request

"""The DNS of an instance: AWS's names have an address, no other name has, and no message is too strange for it."""

from __future__ import annotations

import random
import socket
import struct

import pytest

from locum.compute.dns import Zone, answer

ZONE = Zone(("amazonaws.com", "on.aws"), "127.0.0.1")
A, AAAA, ANY, PTR = 1, 28, 255, 12
NO_ERROR, FORMAT_ERROR, NO_SUCH_NAME, NOT_IMPLEMENTED = 0, 1, 3, 4
EDNS = b"\x00" + struct.pack("!HHIH", 41, 4096, 0, 0)


def wire(name: bytes) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in name.split(b".")) + b"\x00"


def query(
    name: bytes, kind: int = A, *, flags: int = 0x0100, count: int = 1, group: int = 1, more: bytes = b""
) -> bytes:
    header = struct.pack("!HHHHHH", 0x1234, flags, count, 0, 0, bool(more))
    return header + name + struct.pack("!HH", kind, group) + more


def told(message: bytes) -> tuple[int, list[str]]:
    """The code of the response, and the addresses in it."""
    response = answer(message, ZONE)
    assert response is not None
    identifier, flags, questions, answers, _, _ = struct.unpack_from("!HHHHHH", response)
    assert (identifier, flags & 0x8000) == (struct.unpack_from("!H", message)[0], 0x8000)
    end = 12
    if questions:
        end = response.index(b"\x00", 12) + 5
        assert response[12:end] == message[12:end]
    addresses = []
    for number in range(answers):
        record = response[end + 16 * number :][:16]
        assert record[:2] == b"\xc0\x0c"
        addresses.append(socket.inet_ntoa(record[12:]))
    return flags & 0xF, addresses


@pytest.mark.parametrize("name", [b"sts.amazonaws.com", b"A.b_c.S3.AmazonAWS.com", b"x.lambda-url.us-east-1.on.aws"])
@pytest.mark.parametrize("kind", [A, ANY])
def test_the_host_names_of_aws_have_an_address(name: bytes, kind: int) -> None:
    assert told(query(wire(name), kind)) == (NO_ERROR, ["127.0.0.1"])


def test_they_have_none_of_ipv6_and_still_exist() -> None:
    assert told(query(wire(b"sts.amazonaws.com"), AAAA)) == (NO_ERROR, [])


@pytest.mark.parametrize(
    "name",
    [b"example.com", b"amazonaws.com.example.com", b"xamazonaws.com", b"localhost", b"254.169.254.169.in-addr.arpa",
     b"\xe2\x80\xae.amazonaws.com", b"a\x00b.amazonaws.com", b"-.amazonaws.com", b"a b.amazonaws.com"],
)  # fmt: skip
def test_no_other_name_exists(name: bytes) -> None:
    assert told(query(wire(name))) == (NO_SUCH_NAME, [])


def test_a_dot_within_a_label_is_no_way_below_a_suffix() -> None:
    assert told(query(b"\x12x.s3.amazonaws.com\x00")) == (NO_SUCH_NAME, [])


def test_the_suffix_itself_exists_without_an_address() -> None:
    assert told(query(wire(b"amazonaws.com"))) == (NO_ERROR, [])


def test_a_client_with_extensions_is_answered_with_extensions() -> None:
    response = answer(query(wire(b"sts.amazonaws.com"), more=EDNS), ZONE)
    assert response is not None
    assert response.endswith(b"\x00" + struct.pack("!HHIH", 41, 1232, 0, 0))


@pytest.mark.parametrize(
    "message",
    [
        query(b"\xc0\x0c"),  # a name that is itself
        query(b"\x03sts\xc0\x0c"),
        query(b"\x03sts\xff\xff"),
        query(b"\x40" + b"a" * 64 + b"\x00"),
        query(wire(b".".join([b"a" * 60] * 5))),
        query(b"\x05sts"),
        query(wire(b"sts.amazonaws.com"))[:-1],
        query(wire(b"sts.amazonaws.com"), count=0),
        query(wire(b"sts.amazonaws.com"), count=2),
        query(wire(b"sts.amazonaws.com"), count=65_535),
        query(b"\x01a" * 30_000 + b"\x00"),
    ],
)
def test_a_malformed_question_is_refused(message: bytes) -> None:
    assert told(message) == (FORMAT_ERROR, [])


def test_the_longest_name_is_still_one() -> None:
    name = b".".join([b"a" * 63] * 3 + [b"b" * (253 - 3 * 64 - 14), b"amazonaws.com"])
    assert len(wire(name)) == 255
    assert told(query(wire(name))) == (NO_ERROR, ["127.0.0.1"])
    assert told(query(wire(b"b" + name)))[0] != NO_ERROR


def test_an_update_is_not_carried_out() -> None:
    assert told(query(wire(b"sts.amazonaws.com"), flags=5 << 11)) == (NOT_IMPLEMENTED, [])


@pytest.mark.parametrize("message", [b"", b"x" * 11, query(wire(b"sts.amazonaws.com"), flags=0x8180)])
def test_what_is_no_query_gets_no_answer(message: bytes) -> None:
    assert answer(message, ZONE) is None


def test_whatever_comes_it_answers_briefly_or_not_at_all() -> None:
    chance = random.Random(8)
    for _ in range(20_000):
        message = bytearray(query(wire(b"sts.us-east-1.amazonaws.com"), more=EDNS))
        for _ in range(chance.randrange(8)):
            message[chance.randrange(len(message))] = chance.randrange(256)
        response = answer(bytes(message[: chance.randrange(len(message) + 1)]), ZONE)
        assert response is None or 12 <= len(response) <= len(message) + 16

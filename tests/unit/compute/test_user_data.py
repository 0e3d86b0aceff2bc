"""User data: what of it is run, and what is said of the rest."""

from __future__ import annotations

import gzip

import pytest

from locum.compute.user_data import UserData, user_data


def test_a_script_is_run_as_it_is_given() -> None:
    for script in (b"#!/bin/sh\nexit 0\n", b"#!/usr/bin/env python3\r\n\xff"):
        assert user_data(script) == UserData(script)


def test_a_compressed_script_is_unpacked() -> None:
    assert user_data(gzip.compress(b"#!/bin/sh\n")) == UserData(b"#!/bin/sh\n")


def test_there_is_nothing_to_say_of_no_user_data() -> None:
    assert user_data(b"") == UserData(None)


@pytest.mark.parametrize(
    "given", [b"#cloud-config\n", b"Content-Type: multipart/mixed", b"\nMIME-Version: 1.0\n", b"#include\nhttp://x"]
)
def test_what_is_for_cloud_init_is_not_run(given: bytes) -> None:
    for each in (given, gzip.compress(given)):
        assert user_data(each) == UserData(
            None, "user data is not run: it is for cloud-init, which is not in this instance"
        )


@pytest.mark.parametrize("given", [b"echo hello", b" #!/bin/sh", b"{}", b"\x00\x01"])
def test_what_is_no_script_is_not_run(given: bytes) -> None:
    assert user_data(given) == UserData(None, "user data is not run: it does not begin with #!")


def test_an_archive_that_unpacks_to_more_than_there_may_be_is_not_unpacked() -> None:
    script, reason = user_data(gzip.compress(b"#!/bin/sh\n" + bytes(64 << 20)))
    assert script is None
    assert "unpacked it has more than" in reason


CUT = gzip.compress(b"#!/bin/sh\n", mtime=0)[:-12]


@pytest.mark.parametrize("given", [b"\x1f\x8b", b"\x1f\x8b\x08" + bytes(20), CUT])
def test_a_damaged_archive_is_not_run(given: bytes) -> None:
    script, reason = user_data(given)
    assert script is None
    assert reason.startswith("user data is not run:")

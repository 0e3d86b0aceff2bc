"""The access log tells of each request, and no request waits for who reads it."""

from __future__ import annotations

import json
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from locum.core.http import HttpRequest
from locum.gateway import access_log
from locum.gateway.access_log import parts
from support.inprocess import InProcess, Key
from support.plane import refused


@contextmanager
def logged(data: Path, **options: Any) -> Iterator[tuple[InProcess, Callable[[], list[list[str]]]]]:
    """A plane, and what ends it and returns the fields of its lines."""
    reading, writing = os.pipe()
    plane = InProcess(data, access_log=writing, **options)
    read: list[bytes] = []

    def gather() -> None:
        while part := os.read(reading, 65_536):
            read.append(part)

    reader = threading.Thread(target=gather)
    reader.start()
    closed = False

    def lines() -> list[list[str]]:
        nonlocal closed
        if not closed:
            closed = True
            plane.close()
            os.close(writing)
            reader.join()
        return [line.split("  ") for line in b"".join(read).decode().splitlines()]

    try:
        yield plane, lines
    finally:
        lines()
        os.close(reading)


def stranger(plane: InProcess) -> Key:
    """The key of a user without policies."""
    iam = plane.client("iam")
    iam.create_user(UserName="ann")
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    return Key(made["AccessKeyId"], made["SecretAccessKey"])


def test_each_request_has_a_line_with_what_a_person_wants_to_know(tmp_path: Path) -> None:
    with logged(tmp_path) as (plane, lines):
        identity = plane.client("sts").get_caller_identity()
        ann = stranger(plane)
        denied = refused(plane.client("s3", ann).list_buckets)
        told = lines()
    assert [line[1:4] for line in told] == [
        ["200", "sts:GetCallerIdentity", identity["Arn"]],
        ["200", "iam:CreateUser", identity["Arn"]],
        ["200", "iam:CreateAccessKey", identity["Arn"]],
        ["403", "s3:ListBuckets", f"arn:aws:iam::{identity['Account']}:user/ann"],
    ]
    assert denied.code == told[3][-1] == "AccessDenied"
    assert told[0][6] == identity["ResponseMetadata"]["RequestId"]
    assert told[0][5].endswith(" ms")


def test_what_is_only_observed_is_told(tmp_path: Path) -> None:
    with logged(tmp_path, mode="observe") as (plane, lines):
        ann = stranger(plane)
        plane.client("s3", ann).list_buckets()
        last = lines()[-1]
    assert (last[1], last[2], last[-1]) == ("200", "s3:ListBuckets", "denied by the policies, observed")


def test_attack_a_request_that_cannot_be_read_forges_no_line(tmp_path: Path) -> None:
    with logged(tmp_path) as (plane, lines):
        headers = {"host": "localhost\n2026  200  iam:CreateUser", "user-agent": "x\r\ny"}
        plane.send(HttpRequest("GET", "/\r\nforged  200", "", headers, b""))
        (line,) = lines()
    assert (line[1], line[3]) == ("404", "-")


def test_no_secret_is_in_a_line(tmp_path: Path) -> None:
    with logged(tmp_path) as (plane, lines):
        ann = stranger(plane)
        plane.client("sts", ann).get_session_token()
        text = str(lines())
    assert ann.secret_access_key not in text


def test_attack_a_reader_that_stands_still_holds_no_call_and_is_told_what_it_missed(
    tmp_path: Path, monkeypatch: Any
) -> None:
    """A pipe that nobody reads is full after 64 KiB."""
    monkeypatch.setattr(access_log, "_WAITING", 50)
    reading, writing = os.pipe()
    os.write(writing, b"x\n" * 32_768)
    plane = InProcess(tmp_path, access_log=writing)
    client = plane.client("sts")
    for _ in range(120):
        assert client.get_caller_identity()["Account"]
    assert len(os.read(reading, 65_536)) == 65_536
    plane.close()
    os.close(writing)
    with os.fdopen(reading) as rest:
        lines = rest.read().splitlines()
    left_out = sum(int(line.split()[1]) for line in lines if line.startswith("..."))
    assert left_out >= 70
    assert sum("sts:GetCallerIdentity" in line for line in lines) + left_out == 120


def test_nobody_who_reads_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    plane = InProcess(tmp_path, access_log=writing)
    for _ in range(3):
        assert plane.client("sts").get_caller_identity()["Account"]
    plane.close()
    os.close(writing)


def test_attack_a_disk_that_was_full_ends_no_log(tmp_path: Path) -> None:
    writing, file = os.open("/dev/full", os.O_WRONLY), tmp_path / "log"
    plane = InProcess(tmp_path / "data", access_log=writing)
    client, log = plane.client("sts"), plane.node.access_log
    assert log is not None
    client.get_caller_identity()
    log._give()
    while log._written < log._handed_over:
        os.sched_yield()
    place = os.open(file, os.O_WRONLY | os.O_CREAT)
    os.dup2(place, writing)
    client.get_caller_identity()
    plane.close()
    os.close(place)
    os.close(writing)
    line, told = file.read_text().splitlines()
    assert "sts:GetCallerIdentity" in line
    assert told.startswith("... 1 lines are left out")


def test_a_line_of_json_has_the_same(tmp_path: Path) -> None:
    with logged(tmp_path, log_format="json") as (plane, lines):
        identity = plane.client("sts").get_caller_identity()
        refused(plane.client("iam", stranger(plane)).list_users)
        plane.send(HttpRequest("GET", "/", "", {"host": "h"}))
        told = [json.loads("  ".join(fields)) for fields in lines()]
    first, last = told[0], told[-1]
    assert first | {"time": "", "duration_ms": 0, "request_id": ""} == {
        "time": "",
        "message": "call",
        "status": 200,
        "service": "sts",
        "operation": "GetCallerIdentity",
        "caller": identity["Arn"],
        "source_ip": "127.0.0.1",
        "duration_ms": 0,
        "request_id": "",
    }
    assert first["request_id"] == identity["ResponseMetadata"]["RequestId"]
    assert told[-2]["error"] == "AccessDenied"
    assert (last["operation"], last["caller"]) == ("ListBuckets", None)


def test_lines_of_several_processes_in_one_pipe_stay_whole() -> None:
    lines = [f"{number} {'x' * (number * 37 % 5000)}" for number in range(300)]
    found = list(parts(lines))
    assert b"".join(found) == "".join(f"{line}\n" for line in lines).encode()
    assert all(part.endswith(b"\n") for part in found)
    assert all(len(part) <= select.PIPE_BUF or part.count(b"\n") == 1 for part in found)
    assert len(found) < len(lines)

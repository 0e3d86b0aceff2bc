"""`kill -9` between calls and the effects they cause: none is lost, and in Locum's own state none happens twice."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from locum.cli.home import read_root_key
from locum.state import PendingEffect, User
from locum.store import AuditQuery, Field, SqliteJournal
from locum.store.checkpoint import load
from support.plane import Key, boto3_client
from support.processes import line_of, program

HERE = Path(__file__).parent


class Plane(NamedTuple):
    """A running `effects_plane.py`."""

    process: subprocess.Popen[str]
    endpoint: str
    key: Key

    def cause(self, name: str) -> None:
        """The call that causes a user and a message called `name`; it is answered when it returns."""
        self.client("sts").get_access_key_info(AccessKeyId=name)

    def client(self, service: str) -> Any:
        return boto3_client(service, self.endpoint, self.key)


@contextmanager
def running(name: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program of that name in this folder, and the first line that it prints."""
    with program(HERE / name, *arguments) as process:
        yield process, line_of(process)


@contextmanager
def plane(data: Path, backend: str) -> Iterator[Plane]:
    with running("effects_plane.py", str(data), backend) as (process, port):
        key = read_root_key(data)
        yield Plane(process, f"http://127.0.0.1:{port}", Key(key.access_key_id, key.secret_access_key))


def settle(data: Path, backend: str, told: Path) -> None:
    """Have a last plane carry out all that is still pending: a user and a message for every call that was recorded."""
    with plane(data, backend) as last:
        caused = calls(last)
        while last.client("iam").get_account_summary()["SummaryMap"]["Users"] < caused:
            """Asked again until it is so."""
        while len({line.split()[1] for line in told.read_text().splitlines()}) < caused:
            last.client("sts").get_caller_identity()
        last.process.terminate()
        assert last.process.wait(60) == 0


def pending(data: Path) -> bool:
    """Whether there is an effect that is not marked as done."""
    journal = SqliteJournal.open(data)
    found = any(load(journal).every(PendingEffect))
    journal.close()
    return found


def calls(last: Plane) -> int:
    """How many calls that cause something were recorded."""
    asked = {"AttributeKey": "EventName", "AttributeValue": "GetAccessKeyInfo"}
    pages = last.client("cloudtrail").get_paginator("lookup_events").paginate(LookupAttributes=[asked])
    return sum(len(page["Events"]) for page in pages)


def kills(tmp_path: Path, times: int) -> None:
    data, told = tmp_path / "data", tmp_path / "told"
    answered: set[str] = set()
    with running("effects_backend.py", str(told)) as (_, port):
        backend = f"http://127.0.0.1:{port}"
        for life in range(times):
            with plane(data, backend) as one:
                for number in range(3 + life % 5):
                    name = f"user{life:04}number{number:04}"
                    one.cause(name)
                    answered.add(name)
                one.process.kill()  # what the last call caused is on its way
        while pending(data):
            settle(data, backend, told)
    check(data, told, answered, times)


def check(data: Path, told: Path, answered: set[str], times: int) -> None:
    journal = SqliteJournal.open(data)
    state = load(journal)
    users = {user.name for user in state.every(User)}
    assert answered <= users
    for name in users:  # made once: by one call that succeeded, and none that failed
        made = journal.find(AuditQuery(field=Field.RESOURCE_NAME, value=name))
        assert len(made) == 1, name
    journal.close()
    lines = [line.split() for line in told.read_text().splitlines()]
    assert {name for _, name in lines} == users
    assert len({identifier for identifier, _ in lines}) == len(users)  # every attempt under the same id
    again = sum(count - 1 for count in Counter(name for _, name in lines).values())
    assert again <= times  # a lane has one effect under way: a kill repeats no more than that one


def test_effects_happen_though_the_plane_is_killed(tmp_path: Path) -> None:
    kills(tmp_path, times=3)


@pytest.mark.nightly
def test_effects_happen_once_though_the_plane_is_killed_twenty_times(tmp_path: Path) -> None:
    kills(tmp_path, times=20)

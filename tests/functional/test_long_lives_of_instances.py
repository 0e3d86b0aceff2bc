"""Long runs: a thousand instances through a week of moved time, and two hundred processes at once."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from locum.core.identifiers import OWN_IMAGE
from locum.imds.service import TOKEN, TOKEN_TTL
from support.inprocess import InProcess, Key
from support.inside import led
from support.plane import LOCUM, RunningPlane, up
from support.processes import line_of, tell

pytestmark = pytest.mark.nightly

INSTANCES: Final = 1000
HOUR: Final = 3600
STEP: Final = HOUR / 2
WEEK: Final = 7 * 24 * HOUR
BEFORE_THE_END: Final = 300
"""Seconds. EC2 User Guide: "new credentials available at least five minutes before the expiration of the old"."""
DAY: Final = 24 * HOUR
FILLED: Final = 3
"""Days after which caches are full."""
GROWTH: Final = 32.0
"""MiB by which the process may be larger at the end of the week than it was then; 19 to 26 were measured.

It is memory outside of Python's objects, of which none stays of a set that was renewed."""

PROGRAM: Final = Path(__file__).parent / "signing_program.py"
PROCESSES: Final = 200
CALLS: Final = 20
ALIVE_AT_START: Final = 10
"""Programs that start at the same time: on two processors, more would take as long."""


class Delivered(NamedTuple):
    """A set of credentials, and its end by the plane's clock (epoch seconds)."""

    key: Key
    end: float


class Fleet:
    """A thousand instances that have no compute, in a plane of this process."""

    def __init__(self, data: Path) -> None:
        self.plane = InProcess(data)
        self.plane.profile("app")
        launch = {"ImageId": OWN_IMAGE, "MinCount": 100, "MaxCount": 100, "IamInstanceProfile": {"Name": "app"}}
        launches = [self.plane.client("ec2").run_instances(**launch) for _ in range(INSTANCES // 100)]
        self.ids = [it["InstanceId"] for launched in launches for it in launched["Instances"]]

    def deliver(self) -> list[Delivered]:
        """What each instance is delivered now."""
        return self.plane.run(self._deliver())

    async def _deliver(self) -> list[Delivered]:
        node, found = self.plane.node, []
        ahead = node.runtime.clock.ahead
        for instance in self.ids:
            account = node.account
            token = await node.metadata.answer(account, instance, "PUT", "/latest/api/token", {TOKEN_TTL: b"60"})
            path = "/latest/meta-data/iam/security-credentials/app"
            answer = await node.metadata.answer(account, instance, "GET", path, {TOKEN: token.body})
            told = json.loads(answer.body)
            key = Key(told["AccessKeyId"], told["SecretAccessKey"], told["Token"])
            found.append(Delivered(key, datetime.fromisoformat(told["Expiration"]).timestamp() + ahead))
        return found

    def move(self, seconds: float) -> None:
        clock = self.plane.node.runtime.clock
        clock.move(clock.ahead + seconds)

    def assumed(self) -> int:
        """How often EC2 assumed the role, by the record."""
        runtime = self.plane.node.runtime
        records = self.plane.run(runtime.ledger.read(lambda: runtime.history.latest(200_000)))
        return sum(record.operation == "AssumeRole" and not record.error_code for record in records)


def memory() -> float:
    """The memory of this process in MiB (VmRSS)."""
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path / "data")
    yield made
    made.plane.close()


@pytest.mark.timeout(3600)
def test_a_thousand_instances_renew_on_time_for_a_week(fleet: Fleet) -> None:
    before, issued, days, began = fleet.deliver(), INSTANCES, list[float](), time.monotonic()
    for step in range(1, int(WEEK / STEP) + 1):
        fleet.move(STEP)
        now, delivered = fleet.plane.node.runtime.clock(), fleet.deliver()
        for old, new in zip(before, delivered, strict=True):
            assert new.end - now >= BEFORE_THE_END
            if new.key != old.key:
                issued += 1
                assert old.end - now >= BEFORE_THE_END
        for one in delivered[step % 100 :: 100]:
            assert fleet.plane.client("sts", one.key).get_caller_identity()["Arn"].startswith("arn:aws:sts::")
        before = delivered
        if step * STEP % DAY == 0:
            days.append(memory())
    assert fleet.assumed() == issued
    assert days[-1] - days[FILLED - 1] < GROWTH
    taken = time.monotonic() - began
    sys.stdout.write(f"{issued} renewals in {taken:.0f} s; MiB after each day: {[round(day) for day in days]}\n")


@pytest.fixture
def short(tmp_path: Path) -> Iterator[RunningPlane]:
    """A plane whose instances get credentials for two minutes."""
    with up(tmp_path, "--credential-seconds", "120") as running:
        yield running


@pytest.mark.timeout(3600)
def test_two_hundred_processes_at_once_call_with_valid_credentials(short: RunningPlane) -> None:
    profile = short.profile()
    command = [LOCUM, "run", "--data", str(short.data), "--profile", profile, "--", sys.executable, str(PROGRAM)]
    said: Counter[Any] = Counter()
    with ExitStack() as alive:
        programs: list[Any] = []
        while len(programs) < PROCESSES:
            more = [alive.enter_context(led(command, short.environment())) for _ in range(ALIVE_AT_START)]
            assert [line_of(program) for program in more] == ["ready"] * len(more)
            programs += more
        for program in programs:
            tell(program, str(CALLS))
        answers = [json.loads(line_of(program)) for program in programs]
        began = time.monotonic()
        for move in ("+61s", "+61s"):
            done = short.locum("clock", move)
            assert done.returncode == 0, done.stderr
            for program in programs:
                tell(program, str(CALLS))
            answers += [json.loads(line_of(program)) for program in programs]
        taken, used = time.monotonic() - began, short.memory
    for answer in answers:
        said.update(answer["said"])
    assert said == {f"200 {profile}": 3 * CALLS * PROCESSES}
    assert len({key for answer in answers for key in answer["keys"]}) == 3 * PROCESSES
    sys.stdout.write(
        f"{2 * CALLS * PROCESSES} calls of {PROCESSES} processes in {taken:.0f} s; the plane has {used:.0f} MiB\n"
    )

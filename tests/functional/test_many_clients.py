"""Sixty-four clients at once: each call has the verdict that it must have, and the plane's memory does not grow."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any, Final

import pytest

from support import processes
from support.many_clients import KINDS, Names
from support.plane import ACCOUNT, Key, RunningPlane, allow, document, trusting, up

PROGRAM: Final = Path(__file__).parent / "many_clients_program.py"
PROCESSES: Final = 2
SERVICES: Final = ("s3", "dynamodb", "sqs", "iam", "sts")
SECONDS: Final = float(os.environ.get("LOCUM_CLIENTS_SECONDS", "600"))

WARM_UP: Final = 0.25
"""The part of the calls after which memory is to be flat."""
GROWTH: Final = 16.0
"""MiB by which the median of the last tenth may be more than that of the first tenth after the warm-up: there are up to
24 MiB of objects at a time, and caches of sessions that fill slowly."""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningPlane]:
    """A plane that nobody else calls."""
    with up(tmp_path) as running:
        yield running


def names_on(plane: RunningPlane) -> tuple[Names, Key]:
    """What the clients find there, and the key of the user with the switch."""
    bucket, table = plane.bucket(**{"shared/open": b"open", "shared/secret": b"secret"}), plane.table()
    role = plane.role(trusting(AWS=ACCOUNT), allow("s3:*", f"arn:aws:s3:::{bucket}/*"))
    user, key = plane.user()
    return Names(bucket, table, role, user), key


class Making:
    """Makes clients, as the program takes them: of those that only use things, every second is a session of a role."""

    def __init__(self, plane: RunningPlane) -> None:
        self._plane = plane
        self._iam, self._sqs = plane.client("iam"), plane.client("sqs")
        self.names, self._switched = names_on(plane)

    def all(self) -> list[dict[str, Any]]:
        """Sixty-four of them."""
        return [self._client(kind, number) for kind in KINDS for number in range(KINDS[kind].count)]

    def _client(self, kind: str, number: int) -> dict[str, Any]:
        name = f"{kind}-{number}"
        queue = self._sqs.create_queue(QueueName=name)["QueueUrl"] if kind == "consumer" else ""
        return {"kind": kind, "name": name, "key": self._key(kind, name, number), "queue": queue}

    def _key(self, kind: str, name: str, number: int) -> Key:
        policy = {"PolicyName": "may", "PolicyDocument": document(*KINDS[kind].statements(name, self.names))}
        if kind == "switched":
            return self._switched
        if kind in ("reader", "tenant", "consumer") and number % 2:
            self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(AWS=ACCOUNT))
            self._iam.put_role_policy(RoleName=name, **policy)
            return self._plane.assume(name)
        self._iam.create_user(UserName=name)
        self._iam.put_user_policy(UserName=name, **policy)
        return Key.of(self._iam.create_access_key(UserName=name)["AccessKey"])


class Crowd:
    """All clients, in a few processes, and the memory of the plane after each line that these say."""

    def __init__(self, plane: RunningPlane, *, seconds: float, calls: int) -> None:
        self._plane = plane
        self._told: list[dict[str, Any]] = []
        self.memory: list[float] = []
        making = Making(plane)
        made = making.all()
        related = [one for one in made if one["kind"] in ("switched", "admin")]
        others = [one for one in made if one not in related]
        asked = {"endpoint": plane.endpoint, "seconds": seconds, "calls": calls, "names": asdict(making.names)}
        share = len(made) // PROCESSES
        parts = [related + others[: share - len(related)], others[share - len(related) :]]
        self._asked = [{**asked, "clients": part} for part in parts]

    def call(self) -> None:
        """Have them make their calls."""
        with ThreadPoolExecutor(len(self._asked)) as threads:
            for finished in [threads.submit(self._part, asked) for asked in self._asked]:
                finished.result()

    def _part(self, asked: dict[str, Any]) -> None:
        with processes.program(PROGRAM) as process:
            processes.tell(process, json.dumps(asked))
            while line := processes.line_of(process):
                self._told.append(json.loads(line))
                self.memory.append(self._plane.memory)
            assert process.wait(processes.SECONDS) == 0

    @property
    def wrong(self) -> list[str]:
        return [one for told in self._told for one in told.get("wrong", ())]

    @property
    def outcomes(self) -> Counter[str]:
        """How many calls came out how."""
        return sum((Counter(told.get("outcomes")) for told in self._told), Counter())


def assert_all_is_tried(outcomes: Counter[str]) -> None:
    """Check that every kind of call was made, and those that are switched with both verdicts."""
    verdicts = {name: {told.split()[-1] for told in outcomes if told.startswith(f"{name}:")} for name in SERVICES}
    assert all({"allowed", "denied"} <= verdicts[name] for name in SERVICES), outcomes


def test_sixty_four_clients_get_the_verdicts_that_their_policies_say(own: RunningPlane) -> None:
    crowd = Crowd(own, seconds=0, calls=16)
    crowd.call()
    assert crowd.wrong == []
    assert_all_is_tried(crowd.outcomes)
    assert crowd.outcomes.total() == 64 * 16


@pytest.mark.nightly
@pytest.mark.timeout(SECONDS + 300)
def test_sixty_four_clients_for_long_get_the_right_verdicts_and_memory_stays_flat(own: RunningPlane) -> None:
    crowd = Crowd(own, seconds=SECONDS, calls=16)
    crowd.call()
    assert crowd.wrong == []
    assert_all_is_tried(crowd.outcomes)
    flat = crowd.memory[int(len(crowd.memory) * WARM_UP) :]
    tenth = len(flat) // 10 or 1
    series = [round(one) for one in crowd.memory[:: len(crowd.memory) // 40 or 1]]
    print(f"{crowd.outcomes.total()} calls, {crowd.outcomes}; MiB: {series}")  # noqa: T201 - shown where it fails
    assert median(flat[-tenth:]) <= median(flat[:tenth]) + GROWTH, flat

"""The rows of worker processes, beside a plane of one process: what the processes do with a core of their own.

All of them share the servers' core. What is compared is the calls of a second of processor time that they have used
together, each called at the same moderate rate, so that none waits for the core.
"""

from __future__ import annotations

import os
import time
import urllib.request
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from bench import servers, stories
from bench.load import Shot, rate
from bench.report import Row
from bench.servers import Server

NUMBERS: Final = (1, 2)
_WORK: Final = {"GetCallerIdentity": stories.get_caller_identity, "AssumeRole": stories.assume_role}
_S3: Final = "S3 GetObject 1 KiB"
_LEAST: Final = {"GetCallerIdentity": 0.8, "AssumeRole": 0.8, _S3: 0.4}
"""The ratios to be reached. A worker asks the plane for an object, and for what is known of it."""

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAUSE: Final = 8
"""Milliseconds between an answer and the next request, of one process."""


def rows(rounds: int, seconds: float) -> list[Row]:
    """Medians of several rounds, in each of which the planes take turns."""
    found: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    with ExitStack() as stack:
        flags = "--no-console", "--quiet", "--workers"
        planes = {number: stack.enter_context(servers.locum(*flags, str(number))) for number in NUMBERS}
        keys = {number: stories.prepare(plane) for number, plane in planes.items()}
        for number, plane in planes.items():
            _await_workers(plane, number - 1)
        for _ in range(rounds):
            for number, plane in planes.items():
                for work, story in {**_WORK, _S3: stories.get_object}.items():
                    found[number, work].append(_for_a_second(plane, number, story(plane, keys[number]), seconds))
    speed = {key: median(values) for key, values in found.items()}
    return [
        Row(f"{work}, --workers 2", "--workers 1", "/s", speed[2, work], speed[1, work], least)
        for work, least in _LEAST.items()
    ]


def _for_a_second(plane: Server, number: int, shot: Shot, seconds: float) -> float:
    """The calls that are made in a second of processor time."""
    rate(shot, 1)
    before = _processor_seconds(plane)
    calls = rate(shot, seconds, _PAUSE // number) * seconds
    return calls / (_processor_seconds(plane) - before)


def _processor_seconds(plane: Server) -> float:
    """What all processes of a plane have used."""
    rows = [(pid, _fields(pid)) for pid in map(int, filter(str.isdecimal, os.listdir("/proc")))]  # noqa: PTH208
    own = [fields for pid, fields in rows if fields and (pid == plane.pid or fields[1] == str(plane.pid))]
    return sum((int(fields[11]) + int(fields[12])) / _TICKS for fields in own)


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _await_workers(plane: Server, number: int) -> None:
    """Wait until so many workers serve."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{plane.url}/_locum/metrics") as answer:
            if not number or f"locum_workers {number}\n" in answer.read().decode():
                return
    raise RuntimeError("the workers did not come within a minute")

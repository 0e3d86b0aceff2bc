"""The metrics of a node beside those of its requests: its version, journal, metadata service and agents."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from math import isinf
from pathlib import Path
from typing import Final

from locum import __version__
from locum.agents.under_way import UnderWay
from locum.core.metrics import Family, Sample, counter, gauge, seconds
from locum.imds import MetadataService
from locum.state import PendingEffect
from locum.store import Ledger

_FILES: Final = ("locum.db", "locum.db-wal")
"""Those of the journal in its directory."""


def node_families(
    ledger: Ledger,
    directory: Path,
    metadata: MetadataService,
    agents: Mapping[str, UnderWay],
    on_duty: bool = True,
) -> Iterator[Family]:
    """What is counted in a node. `directory` is the journal's, `agents` are those that see things through.

    `on_duty` is whether they do, where there are several nodes.
    """
    yield Family("locum_build", "info", "The version of Locum.", [Sample("_info", {"version": __version__}, 1)])
    yield from process_families(ledger)
    yield from _of_journal(ledger, directory)
    yield counter(
        "locum_imds_requests",
        "Requests to the metadata service from inside instances, by the status of the response.",
        [({"status": str(status)}, number) for status, number in sorted(metadata.answered.items())],
    )
    about = "1 where this node does what an installation does once, else 0."
    yield gauge("locum_on_duty", about, [({}, int(on_duty))])
    yield from _of_agents(ledger.state.every(PendingEffect), agents)


def process_families(ledger: Ledger) -> Iterator[Family]:
    """What each process of a plane has for itself, and which adds up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield counter("process_cpu_seconds", "The processor time of the plane.", [({}, used.ru_utime + used.ru_stime)])
    yield gauge("locum_journal_waiting", "Rows and calls that wait to be written.", [({}, ledger.waiting)])
    about = "The time from when a batch is closed until it is durable."
    yield seconds("locum_journal_commit_duration_seconds", about, [({}, ledger.commits)])


def _of_journal(ledger: Ledger, directory: Path) -> Iterator[Family]:
    size, failed = sum(_size(directory / name) for name in _FILES), int(bool(ledger.failure))
    yield gauge("locum_journal_sequence", "The number of the last entry.", [({}, ledger.state.sequence)])
    yield gauge("locum_journal_size_bytes", "What the journal takes on the disk.", [({}, size)], "bytes")
    yield gauge("locum_journal_failed", "1 while storage does not work and calls are refused, else 0.", [({}, failed)])
    if not isinf(ledger.age):
        about = "How long ago the state was certainly current."
        yield gauge("locum_state_age_seconds", about, [({}, ledger.age)], "seconds")


def _of_agents(pending: Iterable[PendingEffect], agents: Mapping[str, UnderWay]) -> Iterator[Family]:
    waiting = sum(1 for _ in pending)
    yield gauge("locum_effects_pending", "Committed effects that are still to be carried out.", [({}, waiting)])
    at_work = [({"agent": name}, len(agent.runs)) for name, agent in agents.items()]
    yield gauge("locum_agents_under_way", "What agents are at work on: stacks, say, or imports.", at_work)


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0

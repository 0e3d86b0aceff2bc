"""What the processes of a plane have in common: its directory, its port, its log, its metrics."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from locum.backends.remote.channel import ChannelLost
from locum.cli.alone import be_alone
from locum.cli.compose import Node
from locum.cli.options import Options
from locum.cli.plane_log import LOG_FILE, FollowingLog, PlaneLog
from locum.cli.ports import first_shared_socket, listening_socket, node_address
from locum.cli.workers import parent
from locum.cli.workers.given import Given, given_in, tell_families, told, told_families
from locum.cli.workers.sums import added
from locum.core.errors import ConfigurationError, StorageError
from locum.core.metrics import Family, Histogram, Sample, counter, gauge, seconds, text
from locum.store import DataDirectory


def test_there_is_one_plane_in_a_directory_by_whichever_name(tmp_path: Path) -> None:
    held = be_alone(tmp_path)
    other = tmp_path / "other"
    other.symlink_to(tmp_path)
    for directory in (tmp_path, other):
        with pytest.raises(StorageError, match=rf"in use by another Locum \(process {os.getpid()}\)"):
            be_alone(directory)
    os.close(held)
    os.close(be_alone(tmp_path))


def test_the_lock_names_the_plane_whoever_else_holds_the_directory(tmp_path: Path) -> None:
    first = DataDirectory.claim(tmp_path / "data", shared=True)
    held = be_alone(first.path)
    claim = "import sys; from pathlib import Path; from locum.store import DataDirectory; "
    worker = f"{claim}DataDirectory.claim(Path(sys.argv[1]), shared=True)"
    subprocess.run([sys.executable, "-c", worker, str(first.path)], check=True, env=child_environment())
    assert (first.path / "lock").read_text() == f"{os.getpid()}\n"
    with pytest.raises(StorageError, match=rf"\(process {os.getpid()}\); stop it"):
        DataDirectory.claim(first.path)
    os.close(held)
    first.release()


def child_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "plane.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        be_alone(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_only_who_says_so_shares_a_port_and_nobody_was_there_before() -> None:
    with first_shared_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with listening_socket("127.0.0.1", port, shared=True):
            pass
        for listen in (listening_socket, first_shared_socket):
            with pytest.raises(ConfigurationError, match="is in use"):
                listen("127.0.0.1", port)


def test_a_port_that_others_share_already_is_not_taken() -> None:
    theirs = socket.create_server(("127.0.0.1", 0), reuse_port=True)
    with theirs, pytest.raises(ConfigurationError, match="is in use"):
        first_shared_socket("127.0.0.1", theirs.getsockname()[1])


def test_workers_and_nodes_take_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(ConfigurationError, match="--workers takes Linux"):
        Options(data=tmp_path, workers=2)
    assert Options(data=tmp_path).workers == 1
    with pytest.raises(ConfigurationError, match="--journal takes Linux"):
        Options(data=tmp_path, journal="postgresql:///locum")


def test_a_worker_is_told_all_options(tmp_path: Path) -> None:
    options = Options(data=tmp_path, backend_keys=("id", "secret"), backends={"s3": "http://127.0.0.1:1"}, workers=3)
    given = Given(options, 4566, 4443, "000000000000")
    assert given_in(told(given)) == given


def test_attack_a_worker_that_does_not_serve_in_time_is_ended_and_another_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would never be waited for again, and what it says late be taken for the answer to something else."""
    started, third = list[subprocess.Popen[bytes]](), asyncio.Event()

    def silent(*_: int) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "600"]))
        if len(started) == 3:
            third.set()
        return started[-1]

    monkeypatch.setattr(parent, "_started", silent)
    for name in ("BEGINNING", "LONGEST_PAUSE", "_FIRST_PAUSE"):
        monkeypatch.setattr(parent, name, 0.001)
    given, worker = Given(Options(data=tmp_path), 1, 0, "000000000000"), parent.Worker(1, set(), 0)

    async def story() -> None:
        with pytest.raises(ChannelLost):
            await worker.begin(given, lambda: None)
        keeping = asyncio.create_task(worker.keep(given, lambda: None))
        started[0].kill()
        async with asyncio.timeout(30):
            await third.wait()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await worker.end()

    asyncio.run(story())
    assert [process.returncode for process in started[:2]] == [-9, -9]
    assert all(process.poll() is not None for process in started)


def test_numbers_of_several_processes_are_added_by_their_labels() -> None:
    fast, slow = Histogram(), Histogram()
    fast.add(0.001)
    slow.add(2.0)
    one = [counter("calls", "Calls.", [({"s": "a"}, 1), ({"s": "b"}, 2)]), seconds("took_seconds", "T.", [({}, fast)])]
    two = [counter("calls", "Calls.", [({"s": "b"}, 3), ({"s": "c"}, 4)]), seconds("took_seconds", "T.", [({}, slow)])]
    found = added([*one, gauge("alone", "One's.", [({}, 5)]), *told_families(tell_families(two))])
    calls, took, alone = found
    assert {it.labels["s"]: it.value for it in calls.samples} == {"a": 1, "b": 5, "c": 4}
    fast.merge(slow)
    assert text([took]) == text([seconds("took_seconds", "T.", [({}, fast)])])
    assert alone == Family("alone", "gauge", "One's.", [Sample("", {}, 5)])


def test_a_worker_writes_to_the_log_that_its_plane_puts_aside(tmp_path: Path) -> None:
    def record(message: str) -> logging.LogRecord:
        return logging.LogRecord("locum", logging.WARNING, __file__, 1, message, (), None)

    own, following = PlaneLog(tmp_path), FollowingLog(tmp_path)
    following.emit(record("before"))
    own.doRollover()
    following.emit(record("after"))
    following.emit(record("again"))
    own.close()
    following.close()
    assert "before" in (tmp_path / f"{LOG_FILE}.1").read_text()
    kept = (tmp_path / LOG_FILE).read_text()
    assert "before" not in kept
    assert "after" in kept
    assert "again" in kept
    assert not (tmp_path / f"{LOG_FILE}.2").exists()


@pytest.mark.parametrize("address", ["nowhere", ":4570", "host:", "host:0", "host:65536", "user@host:1", "host:\u0661"])
def test_an_address_that_names_no_node_is_refused_before_anything_is_made(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match="names no node"):
        Options(data=tmp_path / "d", serve_backend=address)
    with pytest.raises(ConfigurationError, match="names no node"):
        Node(Options(data=tmp_path / "d", port=0, backends={"*": f"locum://{address}"}))
    assert not (tmp_path / "d").exists()


def test_a_node_does_not_offer_a_backend_that_another_one_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--serve-backend"):
        Options(data=tmp_path, serve_backend="127.0.0.1:1", backends={"*": "locum://127.0.0.1:2"})


def test_an_address_of_ipv6_is_one() -> None:
    assert node_address("[2001:db8::1]:4570", "it") == ("2001:db8::1", 4570)

"""The files of an instance: one launcher holds them, the console has an end, and nothing is left of them."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from locum.compute.instance_files import CONSOLE_OCTETS, InstanceFiles, known

INSTANCE = "i-0123456789abcdef0"


def test_one_launcher_at_a_time_holds_an_instance(tmp_path: Path) -> None:
    files = InstanceFiles(tmp_path, INSTANCE)
    assert not files.is_locked()
    lock = files.lock()
    assert lock is not None
    assert files.is_locked()
    assert InstanceFiles(tmp_path, INSTANCE).lock() is None
    os.close(lock)
    assert not files.is_locked()


def test_an_instance_that_has_begun_has_begun(tmp_path: Path) -> None:
    files = InstanceFiles(tmp_path, INSTANCE)
    lock = files.lock()
    assert lock is not None
    assert not files.begun
    for _ in range(2):
        files.begin()
        assert InstanceFiles(tmp_path, INSTANCE).begun
    os.close(lock)


def test_nothing_is_left_of_what_is_removed(tmp_path: Path) -> None:
    one, other = InstanceFiles(tmp_path, INSTANCE), InstanceFiles(tmp_path, "i-2")
    for files in (one, other):
        lock = files.lock()
        assert lock is not None
        os.close(lock)
    assert known(tmp_path) == {INSTANCE, "i-2"}
    one.remove()
    assert known(tmp_path) == {"i-2"}
    other.remove()
    other.remove()
    assert list(tmp_path.iterdir()) == []
    assert known(tmp_path) == set()


def copied(files: InstanceFiles, *pieces: bytes) -> None:
    source, sink = os.pipe()
    thread = threading.Thread(target=files.copy_output, args=(source,))
    thread.start()
    with open(sink, "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor
        file.writelines(pieces)
    thread.join()
    os.close(source)


def test_output_is_added_to_what_is_there_and_read_by_nobody_else(tmp_path: Path) -> None:
    files = InstanceFiles(tmp_path, INSTANCE)
    assert files.output() is None
    files.folder.mkdir(parents=True)
    copied(files, b"first\n", b"second\n")
    copied(files, b"third\n")
    text, when = files.output() or (b"", 0.0)
    assert (text, when > 0) == (b"first\nsecond\nthird\n", True)
    assert stat.S_IMODE((files.folder / "console").stat().st_mode) == 0o600


def test_of_output_without_end_the_end_is_kept(tmp_path: Path) -> None:
    files = InstanceFiles(tmp_path, INSTANCE)
    files.folder.mkdir(parents=True)
    copied(files, *(b"%07d\n" % number for number in range(100_000)))
    text, _ = files.output() or (b"", 0.0)
    assert text == b"".join(b"%07d\n" % number for number in range(100_000))[-CONSOLE_OCTETS:]
    assert (files.folder / "console").stat().st_size <= 2 * CONSOLE_OCTETS


def test_who_reads_while_the_end_is_kept_finds_no_less_than_it(tmp_path: Path) -> None:
    files = InstanceFiles(tmp_path, INSTANCE)
    files.folder.mkdir(parents=True)
    copied(files, b"x" * CONSOLE_OCTETS)
    pieces = [b"y" * (CONSOLE_OCTETS // 2)] * 200
    writer = threading.Thread(target=copied, args=(files, *pieces))
    writer.start()
    lengths = set()
    while writer.is_alive():
        lengths.add(len((files.output() or (b"", 0.0))[0]))
    writer.join()
    assert lengths <= {CONSOLE_OCTETS}


def test_a_console_that_is_a_link_to_somebody_else_s_file_is_not_written_to(tmp_path: Path) -> None:
    files = InstanceFiles(tmp_path, INSTANCE)
    files.folder.mkdir(parents=True)
    target = tmp_path / "target"
    target.write_text("as it was")
    (files.folder / "lock").symlink_to(target)
    try:
        files.lock()
    except OSError:
        pass
    else:
        raise AssertionError("it was followed")
    assert target.read_text() == "as it was"

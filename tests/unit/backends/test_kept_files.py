"""Snapshots in files: ours and whole, or not read and not lost."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.backends.kept_files import Header, KeptFiles, Refused, Sealing
from locum.core.clock import system_entropy
from locum.core.errors import LocumError
from locum.credentials import KeyRing

MOTO = "moto 5.2.5"


def sealing(ring: KeyRing) -> Sealing:
    return Sealing(
        lambda plain, owner: ring.seal("backend", plain, system_entropy, owner),
        lambda sealed, owner: ring.open("backend", sealed, owner),
    )


RING = KeyRing.generate(system_entropy)


def files(folder: Path, ring: KeyRing = RING, software: str = MOTO) -> KeptFiles:
    found = KeptFiles(folder / "backend", sealing(ring), lambda: software)
    found.open()
    return found


def header(unit: str = "s3", **more: Any) -> Header:
    usual: dict[str, Any] = {"unit": unit, "software": MOTO, "protocol": 5, "at": 1_800_000_000.0, "services": (unit,)}
    return Header(**{**usual, **more})


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The file of a snapshot."""
    files(tmp_path).write(header(), b"what was held")
    return tmp_path / "backend" / "s3.snapshot"


def names(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "backend").iterdir())


def test_what_was_written_is_read_by_the_next_process(tmp_path: Path, written: Path) -> None:
    found = files(tmp_path)
    assert found.headers == {"s3": header()}
    assert found.has("s3")
    assert not found.has("sqs")
    assert found.read("s3") == b"what was held"


def test_nothing_is_in_clear_and_nobody_else_can_read_it(tmp_path: Path, written: Path) -> None:
    assert b"what was held" not in written.read_bytes()
    assert written.stat().st_mode & 0o777 == 0o600
    assert written.parent.stat().st_mode & 0o777 == 0o700


def test_a_plane_that_keeps_nothing_makes_no_folder(tmp_path: Path) -> None:
    files(tmp_path)
    assert not (tmp_path / "backend").exists()


def refused(tmp_path: Path, ring: KeyRing = RING) -> KeptFiles:
    """The files, with a snapshot that does not open: which is known at once, or when it is read."""
    found = files(tmp_path, ring)
    if "s3" in found.headers:
        with pytest.raises(Refused) as caught:
            found.read("s3")
        found.put_aside("s3", caught.value)
    assert not found.has("s3")
    return found


@pytest.mark.parametrize("left", [0, 1, 20, 200, -1])
def test_a_truncated_snapshot_is_kept_aside_and_not_read(tmp_path: Path, written: Path, left: int) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole[:left])
    refused(tmp_path)
    assert names(tmp_path) == ["s3.snapshot.refused-1"]
    assert (tmp_path / "backend" / "s3.snapshot.refused-1").read_bytes() == whole[:left]


def test_what_is_written_later_leaves_what_was_refused(tmp_path: Path, written: Path) -> None:
    written.write_bytes(b"first")
    refused(tmp_path).write(header(), b"more")
    written.write_bytes(b"second")
    refused(tmp_path)
    assert names(tmp_path) == ["s3.snapshot.refused-1", "s3.snapshot.refused-2"]


def test_a_snapshot_of_another_installation_is_refused(tmp_path: Path, written: Path) -> None:
    refused(tmp_path, KeyRing.generate(system_entropy))


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("exploded",)


def test_a_pickle_put_in_place_is_never_run(tmp_path: Path, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = written.read_bytes().split(b"\n")[0]
    written.write_bytes(first + b"\n" + pickle.dumps(Bomb()))
    refused(tmp_path)
    assert not (tmp_path / "exploded").exists()


def test_what_a_snapshot_says_of_itself_cannot_be_changed(tmp_path: Path, written: Path) -> None:
    written.write_bytes(written.read_bytes().replace(b'"at":1800000000.0', b'"at":1900000000.0'))
    refused(tmp_path)


def test_the_snapshot_of_one_unit_is_not_read_as_that_of_another(tmp_path: Path, written: Path) -> None:
    written.rename(written.with_name("sqs.snapshot"))
    assert files(tmp_path).headers == {}
    assert names(tmp_path) == ["sqs.snapshot.refused-1"]


def test_a_snapshot_that_is_exchanged_while_the_plane_runs_is_refused(tmp_path: Path, written: Path) -> None:
    found = files(tmp_path)
    files(tmp_path).write(header(at=1.0), b"older")
    with pytest.raises(Refused):
        found.read("s3")


def test_a_link_in_place_of_a_snapshot_is_not_followed(tmp_path: Path, written: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    written.rename(elsewhere)
    written.symlink_to(elsewhere)
    refused(tmp_path)
    assert elsewhere.exists()


def test_a_pipe_in_place_of_a_snapshot_is_not_waited_for(tmp_path: Path, written: Path) -> None:
    written.unlink()
    os.mkfifo(written)
    refused(tmp_path)


def test_a_link_in_place_of_the_folder_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "backend").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocumError, match="is not a folder"):
        files(tmp_path)


def test_a_link_in_the_place_of_what_is_written_is_not_written_through(tmp_path: Path, written: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / "backend" / ".s3.snapshot.new").symlink_to(precious)
    found = KeptFiles(tmp_path / "backend", sealing(RING), lambda: MOTO)
    with pytest.raises(OSError, match="symbolic"):
        found.write(header(), b"more")
    assert precious.read_text() == "precious"
    assert files(tmp_path).read("s3") == b"what was held"


def test_a_snapshot_of_another_moto_is_kept_for_it(tmp_path: Path, written: Path) -> None:
    files(tmp_path, software="moto 5.3.0").write(header(software="moto 5.3.0"), b"newer")
    assert names(tmp_path) == ["s3.snapshot", "s3.snapshot.moto-5.2.5-1"]


def test_a_snapshot_of_a_later_format_is_not_read(tmp_path: Path) -> None:
    files(tmp_path).write(header(format=2), b"")
    assert files(tmp_path).headers == {}
    assert names(tmp_path) == ["s3.snapshot.other-1"]


def test_a_snapshot_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, written: Path) -> None:
    found = files(tmp_path)
    with pytest.raises(OSError, match="full"):
        found._put(written, _full())
    assert names(tmp_path) == ["s3.snapshot"]
    assert files(tmp_path).read("s3") == b"what was held"


def _full() -> Iterator[bytes]:
    yield b"a part"
    raise OSError(28, "the disk is full")


def test_what_a_process_left_that_was_killed_while_it_wrote_goes(tmp_path: Path, written: Path) -> None:
    (tmp_path / "backend" / ".s3.snapshot.new").write_bytes(b"half")
    assert files(tmp_path).read("s3") == b"what was held"
    assert names(tmp_path) == ["s3.snapshot"]


# -- changes ---------------------------------------------------------------------------------------------


def test_changes_that_are_in_no_snapshot_are_told_once(
    tmp_path: Path, written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files(tmp_path).mark("s3", "")
    assert set(files(tmp_path).changed) == {"s3"}
    assert "what was last changed in s3 is missing: it is there as it was at 2027-01-15T08:00:00Z" in caplog.text
    assert not files(tmp_path).changed


def test_the_reason_why_nothing_was_kept_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files(tmp_path).mark("batch", "batch cannot be kept: a thread")
    files(tmp_path)
    assert "batch is missing (batch cannot be kept: a thread): nothing of it was kept" in caplog.text


def test_nothing_is_told_of_what_was_kept(tmp_path: Path, written: Path) -> None:
    found = files(tmp_path)
    found.mark("s3", "")
    found.unmark("s3")
    assert not files(tmp_path).changed


def test_a_link_in_the_place_of_a_mark_is_not_written_through(tmp_path: Path, written: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / "backend" / "s3.changed").symlink_to(precious)
    found = KeptFiles(tmp_path / "backend", sealing(RING), lambda: MOTO)
    found.mark("s3", "changed")
    assert precious.read_text() == "precious"


# -- large values ----------------------------------------------------------------------------------------

ONE, OTHER = "1" * 32, "2" * 32
PIECES = (b"first", b"second", b"third")


@pytest.mark.parametrize("pieces", [PIECES, PIECES[:1], ()])
def test_a_large_value_is_read_as_it_was_written(tmp_path: Path, pieces: tuple[bytes, ...]) -> None:
    found = files(tmp_path)
    found.write_object(ONE, iter(pieces))
    assert b"".join(found.read_object(ONE)) == b"".join(pieces)


@pytest.mark.parametrize("how", ["cut", "swapped", "other", "gone", "link"])
def test_a_large_value_that_was_changed_is_refused(tmp_path: Path, how: str) -> None:
    found = files(tmp_path)
    found.write_object(ONE, PIECES)
    found.write_object(OTHER, PIECES)
    path, other = (tmp_path / "backend" / "objects" / name for name in (ONE, OTHER))
    octets = path.read_bytes()
    length = 8 + (int.from_bytes(octets[:8], "big") & 0xFFFFFFFF)
    changed = {"cut": octets[:length], "swapped": octets[length:] + octets[:length], "other": other.read_bytes()}
    path.unlink()
    if how == "link":
        path.symlink_to(other)
    elif how != "gone":
        path.write_bytes(changed[how])
    with pytest.raises(Refused):
        list(found.read_object(ONE))


def test_large_values_that_no_snapshot_has_are_removed(tmp_path: Path) -> None:
    found = files(tmp_path)
    found.write_object(ONE, PIECES)
    found.write_object(OTHER, PIECES)
    found.write(header(objects=(ONE,)), b"")
    draft = tmp_path / "backend" / "objects" / f".{'c' * 32}.new"  # of a process that was killed while it wrote
    draft.touch()
    found.sweep()
    assert not draft.exists()
    assert [path.name for path in (tmp_path / "backend" / "objects").iterdir()] == [ONE]


def test_large_values_are_left_where_a_refused_snapshot_may_have_them(tmp_path: Path, written: Path) -> None:
    files(tmp_path).write_object(ONE, PIECES)
    written.write_bytes(b"")
    found = files(tmp_path)
    found.sweep()
    assert b"".join(found.read_object(ONE)) == b"".join(PIECES)

"""Deployment packages: what is unpacked, and what of an archive made by an attacker is not."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from locum.compute.functions import packages
from locum.compute.functions.packages import PackageError, unpack

LINK = (stat.S_IFLNK | 0o777) << 16


def archive(**entries: bytes) -> bytes:
    return archived([(zipfile.ZipInfo(name), data) for name, data in entries.items()])


def archived(entries: list[tuple[zipfile.ZipInfo, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for entry, data in entries:
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, data)
    return packed.getvalue()


def entry(name: str, attributes: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = attributes
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "around" / "root"
    made.mkdir(parents=True)
    return made


def test_files_and_directories_are_as_they_were_packed(root: Path) -> None:
    unpack(archive(**{"main.py": b"x = 1", "library/deep/data": bytes(200_000), "empty/": b""}), root)
    assert (root / "main.py").read_bytes() == b"x = 1"
    assert (root / "library" / "deep" / "data").read_bytes() == bytes(200_000)
    assert list((root / "empty").iterdir()) == []


def test_what_is_executable_is_so_for_its_owner_and_nobody_may_write_but_the_owner(root: Path) -> None:
    unpack(archived([(entry("run", 0o4777 << 16), b"#!/bin/sh"), (entry("data", 0o666 << 16), b"")]), root)
    assert stat.S_IMODE((root / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "data").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["../outside", "library/../../outside", "/outside", "..", "a/.."])
def test_a_name_that_leads_out_is_refused(root: Path, name: str) -> None:
    with pytest.raises(PackageError, match="leads out"):
        unpack(archive(**{name: b"x"}), root)
    assert [path.name for path in root.parent.rglob("*")] == ["root"]


def test_a_symbolic_link_is_refused_and_nothing_is_written_through_it(root: Path) -> None:
    with pytest.raises(PackageError, match="symbolic link"):
        unpack(archived([(entry("out", LINK), b".."), (entry("out/outside"), b"x")]), root)
    assert [path.name for path in root.parent.rglob("*")] == ["root"]


def test_a_bomb_is_stopped_when_it_has_reached_the_quota(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_UNZIPPED", 1 << 20)
    bomb = archive(**{f"part{number}": bytes(400_000) for number in range(10)})
    with pytest.raises(PackageError, match="more than 1048576 bytes"):
        unpack(bomb, root)
    assert sum(path.stat().st_size for path in root.iterdir()) <= 1 << 20


def test_what_an_archive_says_of_its_size_is_not_believed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_UNZIPPED", 1 << 20)
    size, lie = (2 << 20).to_bytes(4, "little"), (7).to_bytes(4, "little")
    bomb = archive(bomb=bytes(2 << 20))
    assert bomb.count(size) == 2
    with pytest.raises(PackageError):
        unpack(bomb.replace(size, lie), root)
    assert sum(path.stat().st_size for path in root.iterdir()) <= 1 << 20


def test_a_package_over_the_quota_is_not_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_ZIPPED", 100)
    with pytest.raises(PackageError, match="at most 100"):
        unpack(bytes(101), root)


@pytest.mark.parametrize(
    "package",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"#!/bin/sh", id="no archive"),
        pytest.param(archive(main=b"x" * 1000)[:-40], id="cut off"),
        pytest.param(archive(main=b"abc").replace(b"\x00\x00\x08\x00", b"\x01\x00\x08\x00"), id="encrypted"),
        pytest.param(archive(**{"a": b"x", "a/b": b"x"}), id="a file in a file"),
        pytest.param(archive(**{"x" * 300: b"x"}), id="a name too long"),
    ],
)
def test_what_cannot_be_unpacked_is_told(root: Path, package: bytes) -> None:
    with pytest.raises(PackageError, match="cannot be unpacked"):
        unpack(package, root)

"""Disks that can be full: small file systems of their own. Mounting one takes root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from cluster.daemons import give_away

SIZE: Final = 400 << 20
_CHUNK: Final = 1 << 20


def mounts() -> bool:
    """Whether file systems can be mounted here."""
    return os.geteuid() == 0 and Path("/dev/loop-control").exists()


needs_mounts = pytest.mark.skipif(not mounts(), reason="only root can mount a small disk, and not in every container")


@contextmanager
def small_disk(folder: Path, name: str) -> Iterator[Path]:
    """A file system of SIZE octets that belongs to the database's user, for as long as the block runs."""
    image, mounted = folder / f"{name}.img", folder / f"{name}.disk"
    with image.open("wb") as file:
        file.truncate(SIZE)
    mounted.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True)
    try:
        give_away(mounted)
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def fill(disk: Path) -> None:
    """Leave no octet free."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(_CHUNK))
    with suppress(OSError), (disk / "filler").open("ab", buffering=0) as file:
        while True:
            file.write(b"\0")


def clear(disk: Path) -> None:
    """Take away what `fill` has put there."""
    (disk / "filler").unlink(missing_ok=True)

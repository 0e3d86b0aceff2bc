"""The rows of the installation: what the core takes from a package index, and how long it takes, beside moto."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

from bench.report import Row
from bench.servers import PEER_PACKAGES, ROOT

_MOST: Final = 60.0
"""MiB that the core may take."""


def rows(rounds: int) -> list[Row]:
    """The rows, of medians. Packages are downloaded once, so that the seconds are not those of a network."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "locum", Path(folder) / "moto"
        _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(ours), str(ROOT))
        (wheel,) = ours.iterdir()
        (moto,) = (package for package in PEER_PACKAGES if package.startswith("moto"))
        moto = moto.replace("[server]", "[all]")
        size, peer_size = _downloaded(str(wheel), ours), _downloaded(moto, theirs)
        seconds = [(_seconds(str(wheel), ours), _seconds(moto, theirs)) for _ in range(rounds)]
    mine, others = (median(of) for of in zip(*seconds, strict=True))
    return [
        Row("core: downloaded", "what it may be", "MiB", size, _MOST, 1, cost=True),
        Row("core: downloaded", "moto[all]", "MiB", size, peer_size, 1, cost=True),
        Row("core: installed in", "moto[all]", "s", mine, others, 1, cost=True),
    ]


def _downloaded(wanted: str, folder: Path) -> float:
    """Download `wanted` and all that it depends on; MiB."""
    _run(sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:", "--dest", str(folder), wanted)
    return sum(path.stat().st_size for path in folder.iterdir()) / (1 << 20)


def _seconds(wanted: str, folder: Path) -> float:
    """The time that an installation into a fresh environment takes, without the making of that."""
    with tempfile.TemporaryDirectory() as fresh:
        _run(sys.executable, "-m", "venv", fresh)
        begin = time.perf_counter()
        _run(f"{fresh}/bin/pip", "install", "-q", "--no-index", "--find-links", str(folder), wanted)
        return time.perf_counter() - begin


def _run(*line: str) -> None:
    subprocess.run([*line], check=True)

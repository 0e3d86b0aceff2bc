"""An installation of Node.js in which npm has installed packages globally."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def installation(folder: Path, packages: Iterable[Path]) -> Path:
    """The directory of an executable `node`, below `folder`, whose global packages are those.

    Everything is the very same files where that can be, as they are large.
    """
    node = shutil.which("node")
    assert node is not None
    (folder / "bin").mkdir(parents=True)
    _linked(os.path.realpath(node), str(folder / "bin" / "node"))
    for package in packages:
        shutil.copytree(package, folder / "lib" / "node_modules" / package.name, copy_function=_linked)
    return folder / "bin"


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)

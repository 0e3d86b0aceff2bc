"""The file system of a closed environment, made in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from support.plane import needs_namespaces

LISTING = """
import json, os, sys
from pathlib import Path
from locum.compute import namespace
from locum.compute.functions import closed_root
own, shown, hidden, root, *looked_at = json.loads(sys.argv[1])
namespace.enter_own()
if os.fork() == 0:
    closed_root.enter(closed_root.View(own, shown, hidden, 1), Path(root))
    print(json.dumps([sorted(os.listdir(place)) if os.path.isdir(place) else None for place in looked_at]), flush=True)
    os._exit(0)
os.wait()
"""


@needs_namespaces
def test_what_is_shown_below_an_own_directory_is_beside_what_is_in_that(tmp_path: Path) -> None:
    opt, layers, hidden, root = (
        tmp_path / "opt",
        tmp_path / "layers",
        tmp_path / "opt" / "python" / "data",
        tmp_path / "root",
    )
    for directory in (hidden, opt / "private", layers / "bin", root):
        directory.mkdir(parents=True)
    (layers / "python").mkdir()
    (layers / "file").touch()
    (hidden / "secret").touch()
    looked_at = [opt, opt / "python", hidden, layers, "/"]
    told = [{str(opt): str(layers)}, [str(opt / "python")], [str(hidden)], str(root), *map(str, looked_at)]
    command = [sys.executable, "-c", LISTING, json.dumps(told)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    *seen, top = json.loads(said)
    assert seen == [["bin", "file", "python"], ["data"], [], None]
    assert set(top) <= {
        *("bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "nix", "proc", "sbin", "tmp", "usr"),
        tmp_path.parts[1],
    }

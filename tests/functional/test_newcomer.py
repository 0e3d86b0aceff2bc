"""A newcomer on a bare Debian: the two commands of the README, as they stand there, and what the banner says next.

The system is made by debootstrap. In a chroot nobody makes user namespaces, so that this is a machine without them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes import finished

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = "python3,python3-venv,git,make,ca-certificates,awscli,python3-cffi-backend"
"""What the README asks for on Debian; and Debian's AWS CLI, an old one, with what debootstrap does not see."""
MIRROR = os.environ.get("LOCUM_DEBIAN_MIRROR", "http://deb.debian.org/debian")
PROGRAMS = ("debootstrap", "unshare", "ip")
OF_PIP = (Path("/etc/pip.conf"), Path("/etc/xdg/pip"))
"""How this machine's pip is told where packages are; so is that of the newcomer."""
SECONDS = 1500

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(2 * SECONDS),
    pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap takes root"),
    pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason=f"needs {', '.join(PROGRAMS)}"),
]


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Debian with a user, ann, who has just cloned Locum."""
    place = tmp_path_factory.mktemp("debian") / "root"
    line = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(place), MIRROR]
    done = finished(line, seconds=SECONDS, env={"PATH": os.environ["PATH"], "HOME": "/root"})
    if done.returncode:
        pytest.skip(f"no Debian to be had: {(done.stdout + done.stderr)[-300:]}")
    subprocess.run(["chroot", str(place), "useradd", "--create-home", "ann"], check=True)
    clone = place / "home/ann/locum"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name, follow_symlinks=False)
    subprocess.run(["chroot", str(place), "chown", "-R", "ann:", "/home/ann"], check=True)
    _tell_pip(place)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def _tell_pip(place: Path) -> None:
    for path in OF_PIP:
        if path.is_dir():
            shutil.copytree(path, place / path.relative_to("/"), dirs_exist_ok=True)
        elif path.is_file():
            shutil.copy2(path, place / path.relative_to("/"))
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.is_file():
        shutil.copy2(bundle, place / bundle.relative_to("/"))


def local_indexes() -> list[str]:
    """Directories of this machine in which pip looks for packages."""
    files = [file for path in OF_PIP for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    texts = [file.read_text() for file in files]
    texts += [value for name, value in os.environ.items() if name.startswith("PIP_")]
    found = {match for text in texts for match in re.findall(r"(?:file://)?(/[\w/.-]+)", text)}
    return sorted(name for name in found if Path(name).is_dir())


def as_ann(debian: Path, script: str, *, network: bool) -> subprocess.CompletedProcess[str]:
    """Run `script` as ann, in her clone, in namespaces that end with it; without a `network`, in one of its own."""
    bound = "".join(
        f"mkdir -p {debian}{name} && mount --bind {name} {debian}{name}\n" for name in map(shlex.quote, local_indexes())
    )
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in kept.items())
    inside = f"cd ~/locum && export {exports or 'HOME'} && {script}"
    outside = f"""
        set -e
        {"" if network else "ip link set lo up"}
        mount -t proc proc {debian}/proc
        mount -t tmpfs tmpfs {debian}/dev/shm 2> /dev/null || true
        {bound}
        exec chroot {debian} su - ann -c {shlex.quote(inside)}
    """
    flags = ["--mount", "--pid", "--fork", "--kill-child", *([] if network else ["--net"])]
    return finished(["unshare", *flags, "bash", "-c", outside], seconds=SECONDS)


def commands() -> list[str]:
    """The first two blocks of the README."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [block.partition("#")[0].strip() for block in blocks[:2]]


def test_the_two_commands_of_the_readme_are_enough(debian: Path) -> None:
    start, environment = commands()
    assert (start, environment) == ("make up", 'eval "$(.venv/bin/locum env)"')
    prepared = as_ann(debian, f"timeout 1400 {start} UP=--help", network=True)  # what is downloaded
    assert prepared.returncode == 0, prepared.stdout[-2000:] + prepared.stderr[-2000:]
    done = as_ann(
        debian,
        f"""({start} > up.out 2>&1 & echo $! > up.pid)
        until grep -q "Ctrl-C stops it" up.out || ! kill -0 $(cat up.pid); do sleep 0.2; done
        cat up.out
        {environment}
        test "$AWS_ENDPOINT_URL" = http://127.0.0.1:4566 || exit 3
        sed -n 's/^  \\(.* aws -- .*\\)$/\\1/p' up.out > next.sh
        cd / && sh -e ~/locum/next.sh
        ~/locum/.venv/bin/locum doctor
        kill -INT "$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/' ~/.local/share/locum/plane.json)"
        for _ in $(seq 300); do grep -q "has stopped" ~/locum/up.out && break; sleep 0.2; done
        tail -1 ~/locum/up.out""",
        network=False,
    )
    assert '"Arn": "arn:aws:iam::000000000000:root"' in done.stdout, done.stdout + done.stderr
    assert "this user cannot make them" in done.stdout  # namespaces, in a chroot
    assert "version 2.9, ignores AWS_ENDPOINT_URL" in done.stdout
    assert "Locum has stopped" in done.stdout, done.stdout[-2000:] + done.stderr[-500:]

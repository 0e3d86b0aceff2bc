"""Debian's cloud-init in an instance: it crawls the metadata as its Ec2 datasource, and runs the user data.

It takes root, debootstrap, bwrap and the Debian mirror that this machine's apt is configured with. The system is made
once, and kept in a cache directory. Root is the only user that can be in it (ids are mapped one to one), so that
cloud-init is told to make no other.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from support.plane import RunningPlane, needs_namespaces
from support.processes import finished

CACHE = Path.home() / ".cache" / "locum" / "debian"
TOOLS = ("apt-get", "debootstrap", "bwrap")
PACKAGES = "cloud-init,iproute2,python3-cffi-backend"
CONFIGURATION = """
datasource_list: [Ec2]
datasource: {Ec2: {max_wait: 60, timeout: 10, strict_id: true}}
output: {all: '>> /var/log/cloud-init-output.log'}
users: []
locale: false
disable_root: false
"""
STAGES = """
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
cd /
cloud-init init --local && cloud-init init && cloud-init modules --mode=config && cloud-init modules --mode=final
echo code $?
cloud-init query --all
"""
USER_DATA = "#!/bin/sh\necho $(id -un) $(hostname) > /srv/ran\n"

pytestmark = [
    needs_namespaces,
    pytest.mark.nightly,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap takes root"),
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"one of {', '.join(TOOLS)} is not there"),
    pytest.mark.xdist_group("cloud-init"),
]


@pytest.fixture(scope="module")
def debian() -> Path:
    """A minimal Debian with cloud-init, which has not run in it yet."""
    if not (CACHE / "usr" / "bin" / "cloud-init").exists():
        suite, mirror = _mirror()
        making = CACHE.with_name("debian.new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        line = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(making), mirror]
        done = finished(["timeout", "2400", *line], env=dict(os.environ), seconds=2500)
        assert done.returncode == 0, done.stdout[-2000:]
        making.rename(CACHE)
    for left in ("var/lib/cloud", "var/log/cloud-init.log", "var/log/cloud-init-output.log", "srv/ran"):
        finished(["rm", "-rf", str(CACHE / left)])
    (CACHE / "etc" / "cloud" / "cloud.cfg.d" / "99-locum.cfg").write_text(CONFIGURATION)
    (CACHE / "etc" / "hostname").write_text("debian\n")
    return CACHE


def _mirror() -> tuple[str, str]:
    """The suite and the mirror of this machine's apt."""
    line = ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages", "Component: main"]
    told = finished(line, env=dict(os.environ)).stdout.splitlines()
    suite, mirror = next(line.split() for line in told if "-" not in line.split()[0])
    return suite, mirror


def test_cloud_init_finds_the_instance_and_runs_its_user_data(plane: RunningPlane, debian: Path) -> None:
    script = plane.home / "user-data"
    script.write_text(USER_DATA)
    profile = plane.profile()
    flags = ["--root", str(debian), "--user-data", str(script), "--profile", profile]
    done = plane.locum("run", *flags, "--", "sh", "-c", STAGES)
    log = (debian / "var" / "log" / "cloud-init.log").read_text()
    said, _, queried = done.stdout.partition("code 0\n")
    assert queried, said + done.stderr + log[-3000:]
    known = json.loads(queried)
    assert known["v1"]["cloud_name"] == "aws"
    assert known["v1"]["platform"] == "ec2"
    told = known["ds"]["meta-data"]
    assert (
        known["v1"]["instance_id"]
        == told["instance-id"]
        == known["ds"]["dynamic"]["instance-identity"]["document"]["instanceId"]
    )
    assert (debian / "var/lib/cloud/data/instance-id").read_text().strip() == known["v1"]["instance_id"]
    host = told["local-hostname"].partition(".")[0]
    assert (debian / "etc" / "hostname").read_text().strip() == host
    assert (debian / "srv" / "ran").read_text() == f"root {host}\n"
    assert "/latest/api/token" in log
